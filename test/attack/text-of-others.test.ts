import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runCommand } from '#cli/program.ts';
import { forTerminal, paintOf } from '#cli/text.ts';
import { customNotification } from '#functions/adapters/aws/notifications.ts';
import { createOverrides } from '#functions/adapters/dynamodb/night.ts';
import { createDecisionRecorder } from '#functions/shared/decision-recorder.ts';
import type { Decision } from '#model/decision.ts';
import { notificationOf } from '#model/notification.ts';
import { isPlainText, printable } from '#model/plain-text.ts';

/** Clears the screen, sets the title, hides text, turns it around, begins a line, joins halves. */
const HARMFUL = [
  '\u001b[2J',
  '\u001b]0;x\u0007',
  '\u009b2J',
  '\u001b[8m',
  '\u202e',
  '\u2066',
  '\u2028',
  '\u2029',
  '\r',
  '\ud800',
  '\ufeff',
  '\u{e0041}',
];

describe('a terminal', () => {
  test.for(HARMFUL)('shows %j and does not obey it', (harmful) => {
    for (const color of [true, false]) {
      const shown = forTerminal(`all is ${harmful}well`, color);
      expect(isPlainText(shown)).toBe(true);
      expect(shown).toMatch(/^all is \\u/);
    }
  });

  test('gets our own colours, and only where it has colours', () => {
    const red = paintOf(true).red('down');
    expect(forTerminal(red, true)).toBe(red);
    expect(isPlainText(forTerminal(red, false))).toBe(true);
  });

  test('gets no character that is no text but the ends of lines, whatever comes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        for (const line of forTerminal(text, false).split('\n')) expect(isPlainText(line)).toBe(true);
      }),
    );
  });

  test('what --json prints stays the same JSON', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(JSON.parse(forTerminal(JSON.stringify({ text }), false))).toEqual({ text });
      }),
    );
  });

  test('is reached by every command through that one place', async () => {
    const printed: string[] = [];
    const print = (text: string) => void printed.push(text);
    await runCommand(['status', '\u001b[2Jdevelop'], {
      out: print,
      err: print,
      now: () => new Date(),
      color: true,
      user: 'ana',
      cloud: () => Promise.reject(new Error('offline')),
    });
    expect(printed.join('')).toContain('\\u001b[2Jdevelop');
    expect(printed.join('')).not.toContain('\u001b[2J');
  });

  test('leaves the joiners of emoji and of Persian as they are', () => {
    for (const text of ['👩‍💻', 'می‌خواهم', 'Überprüfung', '東京']) expect(printable(text)).toBe(text);
  });
});

const aFailure = (target: string, reason: string): Decision => ({
  time: '2026-11-24T12:30:00Z',
  environment: 'develop',
  capability: 'branch-deploy',
  action: 'fail',
  trigger: 'tick',
  target,
  reason,
});

describe('a chat', () => {
  const shownOf = (target: string, reason: string) =>
    JSON.stringify(customNotification(notificationOf(aFailure(target, reason), 'UTC')!));

  test.for([
    ['a link with another text', '<https://evil.example|the runbook>', /<https|https:\/\//],
    ['a link of Markdown', '[the runbook](https://evil.example)', /\]\(/],
    ['a bare link', 'see https://evil.example', /:\/\//],
    ['a mention of everybody', '<!channel> <!here> @here', /<!|@here/],
    ['a mention of a person', '<@U123>', /<@/],
    ['bold, struck and code', '*all* ~is~ `well` _so_', /[*~`]|_so/],
    ['text that is shown backwards', 'all is \u202ewell', /\u202e/],
  ] as const)('makes nothing of %s', ([, text, harmful]) => {
    expect(shownOf('api', text)).not.toMatch(harmful);
    expect(shownOf(text, 'because')).not.toMatch(harmful);
  });

  test('quotes a name in the command that people copy', () => {
    const { nextSteps } = notificationOf(aFailure("a'; rm -rf ~ #", 'x'), 'UTC')!;
    expect(nextSteps[1]).toBe(
      `What led to it: npx nightshift explain 'a'\\''; rm -rf ~ #' --environment develop`,
    );
    expect(notificationOf(aFailure('--config=x', 'x'), 'UTC')!.nextSteps[1]).toContain("' --config=x'");
  });
});

test('names and messages of any length are cut before they reach log, table and people', async () => {
  const recorded: Decision[] = [];
  const recorder = createDecisionRecorder({
    environment: 'develop',
    capability: 'branch-deploy',
    trigger: 't'.repeat(100_000),
    now: () => new Date(0),
    trail: { record: async (decisions) => void recorded.push(...decisions) },
  });
  const long = 'x'.repeat(1_000_000);
  recorder.record({ target: long, action: 'fail', reason: long, facts: { build: long } });
  await recorder.close();
  expect(JSON.stringify(recorded).length).toBeLessThan(6_000);
});

test('an override with characters that are no text is never written', async () => {
  const table = { save: () => Promise.reject(new Error('written')) } as never;
  for (const reason of HARMFUL)
    await expect(
      createOverrides(table).add({
        id: 'a',
        state: 'awake',
        from: '2026-11-24T12:00:00Z',
        until: '2026-11-24T13:00:00Z',
        author: 'ana',
        reason,
      }),
    ).rejects.toThrow('no record');
});
