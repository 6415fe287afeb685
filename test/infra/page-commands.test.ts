/** How `npm run conformance -- deploy` finds the commands of docs/deploy.md. */
import { expect, test } from 'vitest';
import { commandsOf } from '../conformance/deploy/page.ts';

test('the commands of a page are the lines of its blocks of shell, without comments, and with their continuation', () => {
  const page = [
    '# Page',
    'text',
    '```sh',
    'first --option   # a comment',
    '```',
    '## Part',
    '```ts',
    'no command',
    '```',
    '1. step',
    '   ```sh',
    '   second \\',
    "     --more ':n # x'",
    '   ```',
  ].join('\n');
  expect(commandsOf(page)).toEqual([
    { heading: 'Page', command: 'first --option' },
    { heading: 'Part', command: "second  --more ':n # x'" },
  ]);
});
