import picocolors from 'picocolors';
import { expect, test } from 'vitest';
import { terminalPicture } from '#demo/terminal-picture.ts';

const colors = picocolors.createColors(true);

test('a picture has the text of the terminal, its colours, and each run at its column', () => {
  const picture = terminalPicture(`22:00  ${colors.blue('stop')} ${colors.bold('web')}\n`, 80, 'A day');
  expect(picture).toContain('>22:00</tspan>');
  expect(picture).toMatch(/<tspan x="72\.8" fill="#8db4ff"[^>]*>stop<\/tspan>/);
  expect(picture).toMatch(/<tspan x="114\.8" font-weight="700"[^>]*>web<\/tspan>/);
  expect(picture).toContain('<title>A day</title>');
});

test('spaces in a run are kept: the word after them is put at its own column', () => {
  const picture = terminalPicture('develop     sync', 80, 'x');
  expect(picture).toMatch(/<tspan x="14\.0"[^>]*>develop<\/tspan><tspan x="114\.8"[^>]*>sync<\/tspan>/);
});

test('a colour that spans lines goes on, and what is text of others stays text', () => {
  const picture = terminalPicture(colors.red('a <b>\nc & d'), 80, 'x');
  expect(picture.match(/fill="#ff8a80"/g)).toHaveLength(2);
  expect(picture).toContain('a &lt;b&gt;');
  expect(picture).toContain('c &amp; d');
});

test('the width follows from the columns, the height from the lines', () => {
  const picture = terminalPicture('one\ntwo\n\n', 80, 'x');
  expect(picture).toContain('width="700" height="64"');
});
