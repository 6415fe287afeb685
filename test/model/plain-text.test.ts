import { expect, test } from 'vitest';
import { nodePrice } from '#model/node-price.ts';
import { ownValue } from '#model/own-value.ts';
import { isPlainText, isVisible, printable } from '#model/plain-text.ts';

test.each(['Ana', 'é 日本', 'a\u200db', '👩‍💻'])('%j is plain text', (text) => {
  expect(isPlainText(text)).toBe(true);
  expect(printable(text)).toBe(text);
});

test.each([
  ['a\u001b[31m', 'a\\u001b[31m'],
  ['one\ntwo', 'one\\u000atwo'],
  ['a\u202eb\u2028', 'a\\u202eb\\u2028'],
  ['\ud800', '\\ud800'],
  ['\u{e0001}', '\\udb40\\udc01'],
])('%j is none, and is shown as JSON writes it', (text, shown) => {
  expect(isPlainText(text)).toBe(false);
  expect(printable(text)).toBe(shown);
});

test('a joiner, a filler or a blank alone is not visible', () => {
  expect(['\u200d', '\u3164', '\u2800', ' ', ''].map(isVisible)).toEqual([false, false, false, false, false]);
  expect(isVisible(' a')).toBe(true);
});

test('what every object inherits is no value under that name', () => {
  const record: Record<string, number> = { web: 1 };
  expect(ownValue(record, 'web')).toBe(1);
  expect(ownValue(record, 'constructor')).toBeUndefined();
  expect(ownValue(undefined, 'web')).toBeUndefined();
});

test('a node has the price of its group, or the one for all others', () => {
  const prices = { currency: 'USD', perNodeHour: { '*': 0.05, web: 0 } };
  expect([nodePrice(prices, 'web'), nodePrice(prices, 'constructor')]).toEqual([0, 0.05]);
  expect(nodePrice({ currency: 'USD', perNodeHour: { web: 1 } }, 'batch')).toBeUndefined();
  expect(nodePrice(undefined, 'web')).toBeUndefined();
});
