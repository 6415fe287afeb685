import { describe, expect, test } from 'vitest';
import { didYouMean, nearest } from '#model/nearest.ts';

describe('the name that was probably meant', () => {
  test.each<[what: string, given: string, candidate: string]>([
    ['a letter too many', 'schedulee', 'schedule'],
    ['a letter too few', 'schedle', 'schedule'],
    ['a letter too few at the beginning', 'chedule', 'schedule'],
    ['a letter too few at the beginning of a short name', 'hed', 'shed'],
    ['another letter', 'schedufe', 'schedule'],
    ['two neighbours swapped', 'no', 'on'],
    ['the last two swapped', 'weeb', 'webe'],
    ['other case', 'SCHEDULE', 'schedule'],
    ['another case in the candidate', 'office', 'OFFICE'],
    ['one slip in a short name', 'ab', 'a'],
    ['a third of its letters', 'abcdef', 'abcdxy'],
    ['two swaps', 'baxydc', 'abxycd'],
    ['three of nine letters missing at the beginning', 'abcdefghi', 'defghi'],
  ])('has %s: %s', (_what, given, candidate) => {
    expect(nearest(given, ['something else', candidate])).toBe(candidate);
  });

  test.each<[what: string, given: string, candidate: string]>([
    ['more than a third of its letters changed', 'abcdef', 'abcxyz'],
    ['two slips in a short name', 'abcde', 'abcxy'],
    ['two letters that are not neighbours swapped', 'abcde', 'cbade'],
    ['two letters more', 'ab', 'abcd'],
    ['two other letters', 'xabx', 'yaby'],
    ['nothing in common', 'xy', 'ab'],
    ['a different letter swapped in', 'abz', 'bcz'],
    ['a letter that only looks swapped', 'xyab', 'xyca'],
    ['three swaps in a name of six', 'badcfe', 'abcdef'],
    ['the candidate twice in it', 'webxxweb', 'web'],
    ['four letters more at the beginning', 'abcdefghi', 'efghi'],
    ['three letters fewer at the beginning', 'defghi', 'abcdefghi'],
    ['three letters more at the beginning of six', 'abcdef', 'xyzabcdef'],
    ['four letters more at the end', 'abcdefghi', 'abcde'],
  ])('has not %s: %s', (_what, given, candidate) => {
    expect(nearest(given, [candidate])).toBeUndefined();
  });

  test('is the nearest of all, and the first of equals', () => {
    expect(nearest('abcdef', ['abcdxy', 'abcdex', 'abcdyx'])).toBe('abcdex');
    expect(nearest('web', ['wea', 'wec'])).toBe('wea');
  });

  test('is none where there are no candidates', () => {
    expect(nearest('web', [])).toBeUndefined();
  });
});

describe('a hint', () => {
  test('names what was probably meant, or everything there is, or says that there is nothing', () => {
    expect(didYouMean('offcie', ['nights', 'office'])).toBe('did you mean "office"?');
    expect(didYouMean('x', ['nights', 'office'])).toBe('there are nights, office');
    expect(didYouMean('x', [])).toBe('there are none');
  });
});
