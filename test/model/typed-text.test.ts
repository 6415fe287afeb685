import { describe, expect, test } from 'vitest';
import {
  missingInDuration,
  missingInTime,
  onTheDayClock,
  plainTyping,
  typedDuration,
  typedTime,
} from '#model/typed-text.ts';

test.each([
  ['１１：００', '11:00'],
  ['  mon   8:00 ', 'mon 8:00'],
  ['8:00–22:00', '8:00-22:00'],
  ['8:00—22:00', '8:00-22:00'],
])('%j is read as %j', (text, plain) => {
  expect(plainTyping(text)).toBe(plain);
});

test.each([
  ['1am', '01:00'],
  ['12am', '00:00'],
  ['12pm', '12:00'],
  ['1 PM', '13:00'],
  ['11:30 p.m.', '23:30'],
  ['9.15am', '09:15'],
  ['noon', '12:00'],
  ['today midnight', 'today 24:00'],
  ['0am', '0am'],
  ['13pm', '13pm'],
])('%j is %j on the day clock', (text, clock) => {
  expect(onTheDayClock(text)).toBe(clock);
});

test.each([
  ['until 11pm', '23:00'],
  ['at 22h30', '22:30'],
  ['13h', '13:00'],
  ['13 h', '13:00'],
  ['12h', '12h'],
  ['23.30', '23:30'],
  ['2330', '23:30'],
  ['0930', '09:30'],
  ['1945', '19:45'],
  ['2430', '2430'],
  ['12330', '12330'],
  ['23301', '23301'],
  ['1.23.30', '1.23.30'],
  ['23.30.10', '23.30.10'],
  ['in 13h', 'in 13h'],
  ['13h later', '13h later'],
  ['monday at 9am', 'monday 09:00'],
  ['tonight 23:00', 'today 23:00'],
  ['23:00 tonight', 'today 23:00'],
  ['mon or tonight 23:00', 'mon or tonight 23:00'],
  ['mon 23:00 tonight', 'mon 23:00 tonight'],
  ['23:00 tonight please', '23:00 tonight please'],
  ['23:00 tomorrow', 'tomorrow 23:00'],
  ['9am Mon', 'Mon 09:00'],
  ['23:00 someday', '23:00 someday'],
  ['23:00 tomorrow then', '23:00 tomorrow then'],
  ['at23:00 tomorrow', 'at23:00 tomorrow'],
  ['23:00x tomorrow', '23:00x tomorrow'],
  ['23:00 monday8', '23:00 monday8'],
  ['23:00 xmon', '23:00 xmon'],
])('the time %j is %j', (text, time) => {
  expect(typedTime(text)).toBe(time);
});

describe('a duration', () => {
  test.each([
    ['2 hours', '2h'],
    ['1.5h', '1h30m'],
    ['1,5 hrs', '1h30m'],
    ['an hour and a half', '1h30m'],
    ['a day and a half', '1d12h'],
    ['one day and a half', '1d12h'],
    ['half an hour', '30m'],
    ['half a hour', '30m'],
    ['a week', '7d'],
    ['an hour', '1h'],
    ['for two days, 3 hours and five minutes', '2d3h5m'],
    ['in 90 min.', '1h30m'],
    ['1 d', '1d'],
    ['1440m', '1d'],
    ['60m', '1h'],
  ])('%j is %j', (text, short) => {
    expect(typedDuration(text)).toBe(short);
  });

  test.each(['', '0m', '2', '23:00', '2 hourss', 'five', '2h later', 'stay for 2h'])('%j is none', (text) => {
    expect(typedDuration(text)).toBeUndefined();
  });

  test.each([
    ['5', 'add the unit: write 5h or 5m'],
    ['120', 'add the unit: write 120h or 120m'],
    ['1:30', 'write 1h30m for a duration, or --until 1:30 for a time of day'],
    ['12:05', 'write 12h5m for a duration, or --until 12:05 for a time of day'],
    ['0:00', 'write 1m for a duration, or --until 0:00 for a time of day'],
    ['1:30:00', 'write 1h30m for a duration, or --until 1:30:00 for a time of day'],
    ['mon 9am', 'this is a time: write --until "mon 09:00"'],
    ['11pm', 'this is a time: write --until 23:00'],
    ['30s', 'write whole minutes, like 5m'],
    ['30 secs', 'write whole minutes, like 5m'],
    ['1 sec', 'write whole minutes, like 5m'],
    ['1 second', 'write whole minutes, like 5m'],
    ['30 seconds', 'write whole minutes, like 5m'],
    ['0', undefined],
    ['1:60', undefined],
    ['5m30s', undefined],
    ['30s long', undefined],
    ['12:30 x', undefined],
    ['soon', undefined],
  ])('%j lacks what is written: %j', (text, message) => {
    expect(missingInDuration(text)).toBe(message);
  });
});

test.each([
  ['2h', 'this is a duration: write --for 2h'],
  ['for two hours', 'this is a duration: write --for 2h'],
  ['tonight', 'add the time of day: write "today 23:00"'],
  ['Tomorrow', 'add the time of day: write "tomorrow 09:00"'],
  ['until monday', 'add the time of day: write "monday 08:00"'],
  ['2026-12-01', 'add the time of day: write "2026-12-01 23:00"'],
  ['12026-12-01', undefined],
  ['next tuesday', '"next" can mean two weeks: write "tuesday 08:00" for the one that comes, or a date'],
  ['this fri 8:00', '"this" can mean two weeks: write "fri 08:00" for the one that comes, or a date'],
  ['the next tuesday', undefined],
  ['next month', undefined],
  ['9', 'morning or evening: write 09:00 or 21:00'],
  ["12 o'clock", 'morning or evening: write 00:00 or 12:00'],
  ["9o'clock", 'morning or evening: write 09:00 or 21:00'],
  ['9 oclock', 'morning or evening: write 09:00 or 21:00'],
  ['13', 'write 13:00'],
  ['24', 'write 24:00'],
  ['25', undefined],
  ['soon', undefined],
  [
    '23:00 JST',
    "JST is not the same everywhere: write 23:00 on the schedule's clock, or an instant like 2026-12-01T23:00+09:00",
  ],
  [
    'mon 9:00PST',
    'PST is not the same everywhere: write "mon 9:00" on the schedule\'s clock, or an instant like 2026-12-01T23:00+09:00',
  ],
  ['23:00 JSTX1', undefined],
])('the time %j lacks what is written: %j', (text, message) => {
  expect(missingInTime(text)).toBe(message);
});
