import { expect, test } from 'vitest';
import { wrap } from '#demo/sample/wrap.ts';

test('a line that fits, or without a width, stays as it is', () => {
  expect(wrap('  one two', 9)).toBe('  one two');
  expect(wrap('  one two three', undefined)).toBe('  one two three');
});

test('a longer line is broken at spaces and continues two columns deeper', () => {
  expect(wrap('  one two three four', 12)).toBe('  one two\n    three\n    four');
});

test('the indentation of the continuation can be given, and takes at most half of the width', () => {
  expect(wrap('12:00  one two three', 14, 7)).toBe('12:00  one two\n       three');
  expect(wrap('one two three', 8, 20)).toBe('one two\n    three');
});

test('a word longer than the width stays whole', () => {
  expect(wrap('one ip-10-0-0-5.compute.internal two', 10)).toBe('one\n  ip-10-0-0-5.compute.internal\n  two');
});

test('a command stays whole, so that it can be copied', () => {
  expect(wrap('to keep it up: npx nightshift keep-up web --for 2h, or cancel', 30)).toBe(
    'to keep it up:\n  npx nightshift keep-up web --for 2h,\n  or cancel',
  );
});

test('escape sequences have no width', () => {
  const bold = (text: string) => `\u001b[1m${text}\u001b[22m`;
  expect(wrap(`${bold('one')} two`, 7)).toBe(`${bold('one')} two`);
});
