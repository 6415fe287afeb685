import { describe, expect, test } from 'vitest';
import type { Json } from '#lab/assembly/intrinsics.ts';
import { compilePattern } from '#lab/assembly/pattern.ts';

const matches = (pattern: Json, event: unknown) => compilePattern(pattern)(event);
const value = (tests: Json, given: unknown) => matches({ x: tests }, { x: given });

describe('an event pattern', () => {
  const spot = {
    source: 'aws.ec2',
    'detail-type': 'EC2 Spot Instance Interruption Warning',
    detail: { 'instance-id': 'i-1', 'instance-action': 'terminate' },
  };

  test('matches an event that has all of its keys, whatever else the event has', () => {
    expect(matches({ source: ['aws.ec2'], detail: { 'instance-action': ['stop', 'terminate'] } }, spot)).toBe(
      true,
    );
    expect(matches({ source: ['aws.ec2'], detail: { 'instance-action': ['stop'] } }, spot)).toBe(false);
    expect(matches({ source: ['aws.health'] }, spot)).toBe(false);
    expect(matches({ region: ['eu-west-1'] }, spot)).toBe(false);
  });

  test.each<[string, Json, unknown, boolean]>([
    ['a string', ['a', 'b'], 'b', true],
    ['a string of another case', ['a'], 'A', false],
    ['a number', [300], 300, true],
    ['a number and a string', [300], '300', false],
    ['null', [null], null, true],
    ['null and a key that is absent', [null], undefined, false],
    ['a boolean', [true], true, true],
    ['one of the elements of a list', ['b'], ['a', 'b'], true],
    ['none of the elements of a list', ['c'], ['a', 'b'], false],
    ['a prefix', [{ prefix: 'aws.' }], 'aws.ec2', true],
    ['a prefix that is not there', [{ prefix: 'aws.' }], 'my.aws.', false],
    ['a prefix without regard to case', [{ prefix: { 'equals-ignore-case': 'AWS.' } }], 'aws.ec2', true],
    ['a suffix', [{ suffix: '.png' }], 'a.png', true],
    ['a suffix of a number', [{ suffix: '1' }], 1, false],
    ['equality without regard to case', [{ 'equals-ignore-case': 'Alice' }], 'aLICE', true],
    ['a wildcard', [{ wildcard: 'dir/*/file.*' }], 'dir/a/b/file.png', true],
    ['a wildcard that is not there', [{ wildcard: 'dir/*.png' }], 'dir/a.jpg', false],
    ['an escaped wildcard', [{ wildcard: 'a\\*b' }], 'a*b', true],
    ['an escaped wildcard that is not there', [{ wildcard: 'a\\*b' }], 'axb', false],
    ['a numeric range', [{ numeric: ['>', 0, '<=', 5] }], 5, true],
    ['a numeric range left', [{ numeric: ['>', 0, '<=', 5] }], 0, false],
    ['a numeric equality', [{ numeric: ['=', 1] }], 1, true],
    ['a numeric test of a string', [{ numeric: ['=', 1] }], '1', false],
    ['anything but', [{ 'anything-but': 'a' }], 'b', true],
    ['anything but what it is', [{ 'anything-but': ['a', 'b'] }], 'b', false],
    ['anything but, of an absent key', [{ 'anything-but': 'a' }], undefined, false],
    ['anything but a prefix', [{ 'anything-but': { prefix: 'init' } }], 'initializing', false],
    ['anything but one of several suffixes', [{ 'anything-but': { suffix: ['.a', '.b'] } }], 'x.b', false],
    ['anything but a wildcard', [{ 'anything-but': { wildcard: '*/lib/*' } }], 'src/main', true],
    ['anything but numbers', [{ 'anything-but': [1, 2] }], 3, true],
    ['a key that exists', [{ exists: true }], 'a', true],
    ['a key that does not exist', [{ exists: true }], undefined, false],
    ['an absent key', [{ exists: false }], undefined, true],
    ['an absent key that is there', [{ exists: false }], 'a', false],
    ['one of several forms', [{ prefix: 'x' }, 'a'], 'a', true],
  ])('tells %s', (_, tests, given, expected) => {
    const event = given === undefined ? {} : { x: given };
    expect(matches({ x: tests }, event)).toBe(expected);
  });

  test('matches one of the alternatives of $or and all other keys', () => {
    const pattern = {
      source: ['aws.ec2'],
      $or: [{ detail: { state: ['stopping'] } }, { region: ['eu-west-1'] }],
    };
    expect(matches(pattern, { source: 'aws.ec2', detail: { state: 'stopping' } })).toBe(true);
    expect(matches(pattern, { source: 'aws.ec2', region: 'eu-west-1' })).toBe(true);
    expect(matches(pattern, { source: 'aws.ec2', region: 'us-east-1' })).toBe(false);
    expect(matches(pattern, { source: 'aws.s3', region: 'eu-west-1' })).toBe(false);
  });

  test('finds an absent key below an object that is absent too', () => {
    expect(matches({ detail: { error: [{ exists: false }] } }, {})).toBe(true);
    expect(matches({ detail: { error: [{ exists: false }] } }, { detail: { error: 'x' } })).toBe(false);
  });

  test('matches all of its keys in the same object of a list', () => {
    const pattern = { items: { a: [1], b: [2] } };
    expect(matches(pattern, { items: [{ a: 1, b: 2 }] })).toBe(true);
    expect(
      matches(pattern, {
        items: [
          { a: 1, b: 1 },
          { a: 2, b: 2 },
        ],
      }),
    ).toBe(false);
  });

  test.each<[string, Json]>([
    ['an operator that is not known', { x: [{ contains: 'a' }] }],
    ['an operator that the lab does not support yet', { x: [{ cidr: '10.0.0.0/8' }] }],
    ['two operators in one', { x: [{ prefix: 'a', suffix: 'b' }] }],
    ['a bare value', { x: 'a' }],
    ['an empty list', { x: [] }],
    ['an empty pattern', {}],
    ['an empty pattern inside', { x: {} }],
    ['a list in a list', { x: [['a']] }],
    ['a numeric test without a number', { x: [{ numeric: ['>', 'a'] }] }],
    ['a comparison that is not known', { x: [{ numeric: ['~', 1] }] }],
    ['an exists that is no boolean', { x: [{ exists: 'yes' }] }],
    ['a mixed exclusion', { x: [{ 'anything-but': ['a', 1] }] }],
    ['an exclusion of numbers', { x: [{ 'anything-but': { numeric: ['>', 1] } }] }],
    ['an $or of one', { $or: [{ x: ['a'] }] }],
    ['two stars in a row', { x: [{ wildcard: 'a**' }] }],
  ])('is refused when it holds %s', (_, pattern) => {
    expect(() => compilePattern(pattern)).toThrow(/event pattern|\$or/);
  });

  test('treats the special characters of a regular expression as plain text in a wildcard', () => {
    expect(value([{ wildcard: 'a.b+(c)*' }], 'a.b+(c)d')).toBe(true);
    expect(value([{ wildcard: 'a.b+(c)*' }], 'axbb(c)d')).toBe(false);
  });
});
