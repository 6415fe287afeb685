import { describe, expect, test } from 'vitest';
import {
  hostsOf,
  isApplicationUrl,
  isHostName,
  nightAt,
  parseListenerArn,
  parsePriorities,
  regionOfTargetGroup,
} from '#model/doorbell.ts';
import { endOfNight, latestEndOfNight, nightOf, stopOfNight } from '#model/keep-up-night.ts';
import type { Schedule } from '#model/schedule.ts';

const account = '111111111111';
const base = `arn:aws:elasticloadbalancing:ap-northeast-1:${account}`;
const LISTENER = `${base}:listener/app/apps/0123456789abcdef/fedcba9876543210`;
const TARGETS = `${base}:targetgroup/nightshift-develop/0123456789abcdef`;

describe('the ARN of a listener', () => {
  test('names its load balancer, and how the ARNs of its rules begin', () => {
    expect(parseListenerArn(LISTENER)).toEqual({
      region: 'ap-northeast-1',
      account,
      loadBalancer: `${base}:loadbalancer/app/apps/0123456789abcdef`,
      rulePrefix: `${base}:listener-rule/app/apps/0123456789abcdef/fedcba9876543210/`,
    });
  });

  test.each([
    '',
    TARGETS,
    `x${LISTENER}`,
    `${LISTENER}/0123`,
    LISTENER.replace('/app/', '/net/'),
    LISTENER.replace(account, '11111111111'),
    LISTENER.replace('apps', 'a'.repeat(33)),
    LISTENER.replace('apps', ''),
    LISTENER.replace('ap-northeast-1', ''),
  ])('%j is none', (arn) => {
    expect(parseListenerArn(arn)).toBeUndefined();
  });
});

test('the region of a target group is in its ARN', () => {
  expect(regionOfTargetGroup(TARGETS)).toBe('ap-northeast-1');
  expect(regionOfTargetGroup(TARGETS.replace('arn:aws:', 'arn:aws-us-gov:'))).toBe('ap-northeast-1');
  for (const other of [LISTENER, `x${TARGETS}`, `${TARGETS}/x`, TARGETS.replace(account, '1'), ''])
    expect(regionOfTargetGroup(other)).toBeUndefined();
});

describe('a range of priorities', () => {
  test.each([
    ['1-1', 1, 1],
    ['1-100', 1, 100],
    ['49901-50000', 49_901, 50_000],
  ])('%s', (text, from, to) => {
    expect(parsePriorities(text)).toEqual({ from, to });
  });

  test.each(['', '1', '2-1', '0-1', '1-101', '49999-50001', '1-2-3', 'x1-2', '1-2x', '01-2'])(
    '%j is none',
    (text) => {
      expect(parsePriorities(text)).toBeUndefined();
    },
  );
});

describe('the address of an application', () => {
  test.each([
    'https://shop.example.com',
    'https://shop.example.com/',
    'https://shop.example.com:8443/a/b-c',
    'https://a-1.b2.example/',
  ])('%s', (url) => {
    expect(isApplicationUrl(url)).toBe(true);
  });

  test.each([
    '',
    'shop.example.com',
    'http://shop.example.com/',
    'https://shop/',
    'https://Shop.example.com/',
    'https://shop.example.com/?a=b',
    'https://shop.example.com/#top',
    'https://shop.example.com/a b',
    'https://me@shop.example.com/',
    'https://shop.example.com:99999/',
    'https://-shop.example.com/',
    'https://shop-.example.com/',
    'x https://shop.example.com/',
    'xhttps://shop.example.com/',
    'https://shop.example.com x',
  ])('%j is none', (url) => {
    expect(isApplicationUrl(url)).toBe(false);
  });

  test('has a host of at most 128 characters, for more no rule takes', () => {
    const long = `${'a'.repeat(63)}.${'b'.repeat(58)}`;
    expect(isHostName(`${long}.abcde`)).toBe(true);
    expect(isHostName(`${long}.abcdef`)).toBe(false);
    expect(isHostName(`${'a'.repeat(64)}.example`)).toBe(false);
  });

  test('counts once for each host', () => {
    expect(
      hostsOf(['https://a.example.com/x', 'https://a.example.com:8443/', 'https://b.example.com/']),
    ).toEqual(['a.example.com', 'b.example.com']);
  });
});

const office: Schedule = {
  name: 'office',
  timeZone: 'Asia/Tokyo',
  up: ([1, 2, 3, 4, 5] as const).map((day) => ({ start: { day, minute: 480 }, end: { day, minute: 1320 } })),
};
const at = (text: string) => new Date(`2026-11-${text}+09:00`);

describe('the night of a request', () => {
  test.each([
    ['at noon it is the coming one', '25T12:00', '25T22:00', '26T08:00'],
    ['a minute before the stop it is the coming one', '25T21:59', '25T22:00', '26T08:00'],
    ['at the stop it is this one', '25T22:00', '25T22:00', '26T08:00'],
    ['in the morning it is this one', '26T07:59', '25T22:00', '26T08:00'],
    ['at the start it is the coming one', '26T08:00', '26T22:00', '27T08:00'],
    ['on Sunday evening it began on Friday', '29T20:00', '27T22:00', '30T08:00'],
  ])('%s', (_, now, stop, end) => {
    expect(nightAt(office, at(now))).toEqual({ stop: at(stop), end: at(end) });
  });

  test('does not exist where nothing is ever up', () => {
    expect(stopOfNight({ ...office, up: [] }, at('25T12:00'))).toBeUndefined();
    expect(nightAt({ ...office, up: [] }, at('25T12:00'))).toBeUndefined();
  });

  test('of a postponed stop is the one by the schedule', () => {
    expect(nightOf(office, at('26T01:00'))).toEqual(at('25T22:00'));
    expect(nightOf(office, at('25T22:00'))).toEqual(at('25T22:00'));
    expect(nightOf({ ...office, up: [] }, at('25T22:00'))).toEqual(at('25T22:00'));
  });

  test('ends with the next start, and before a weekend 14 hours after the stop', () => {
    expect(endOfNight(office, at('25T22:00'))).toEqual(at('26T08:00'));
    expect(endOfNight(office, at('27T22:00'))).toEqual(at('28T12:00'));
  });

  test('lets a request last so many hours after the stop, or after now, and not past the next start', () => {
    expect(latestEndOfNight(office, at('25T22:00'), 4, at('25T20:00'))).toEqual(at('26T02:00'));
    expect(latestEndOfNight(office, at('25T22:00'), 4, at('26T01:00'))).toEqual(at('26T05:00'));
    expect(latestEndOfNight(office, at('25T22:00'), 4, at('26T06:00'))).toEqual(at('26T08:00'));
  });
});
