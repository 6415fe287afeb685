import { describe, expect, it } from 'vitest';
import { describeWindows, parseWindows } from '#model/window.ts';
import { windows } from './builders.ts';

const examples =
  '"Mon-Fri 08:00-22:00", "Mon,Wed 09:00-17:00", "Mon-Fri 20:00-02:00", "Fri 20:00 - Mon 06:00" or "daily 07:00-19:00"';
const days = 'write Mon, Tue, Wed, Thu, Fri, Sat, Sun, a range like Mon-Fri, or daily';
const neither = `write days and times like ${examples}`;

describe('a window that cannot be read says what to write', () => {
  it.each([
    ['', neither],
    ['x Fri 20:00 - Mon 06:00', neither],
    ['Fri 20:00 - Mon 06:00x', neither],
    ['Mon 08:00-22:00x', neither],
    ['Fry 20:00 - Mon 06:00', `"Fry" is no day: ${days}`],
    ['Fri 20:00 - Moon 06:00', `"Moon" is no day: ${days}`],
    ['Fry-Mon 08:00-22:00', `"Fry" is no day: ${days}`],
    ['Mon-Fry 08:00-22:00', `"Fry" is no day: ${days}`],
    ['Sat, Mon-Wed-Fri 08:00-22:00', `"Mon-Wed-Fri" is no day: ${days}`],
    ['xdaily 08:00-22:00', `"xdaily" is no day: ${days}`],
    ['dailyx 08:00-22:00', `"dailyx" is no day: ${days}`],
    ['Mon 24:00-02:00', '"24:00" is no time of day: write 00:00 to 23:59'],
    ['Mon 08:00-24:01', '"24:01" is no time of day: write 00:00 to 24:00'],
    ['Mon 08:60-10:00', '"08:60" is no time of day: write 00:00 to 23:59'],
    ['Fri 24:00 - Mon 06:00', '"24:00" is no time of day: write 00:00 to 23:59'],
    ['Fri 20:00 - Mon 06:99', '"06:99" is no time of day: write 00:00 to 24:00'],
    ['Mon 08:00-08:00', 'it ends when it begins: for a whole day write 00:00-24:00'],
  ])('%j: %s', (text, problem) => {
    expect(parseWindows(text)).toEqual({ problem });
  });
});

describe('a window is the same', () => {
  it.each([
    ['Fri  20:00  -  Mon  06:00', 'Fri 20:00 - Mon 06:00'],
    ['Fri 20:00-Mon 06:00', 'Fri 20:00 - Mon 06:00'],
    ['friday 20:00 – monday 06:00', 'Fri 20:00 - Mon 06:00'],
    ['Mon , Wed 09:00-17:00', 'Mon,Wed 09:00-17:00'],
    ['every day 07:00-19:00', 'daily 07:00-19:00'],
    ['Mon-Sun 07:00-19:00', 'daily 07:00-19:00'],
  ])('%j as %j', (text, plain) => {
    expect(windows(text)).toEqual(windows(plain));
  });
});

describe('a window is described', () => {
  it.each([
    ['Sat-Mon 09:00-17:00', 'Mon,Sat,Sun 09:00-17:00'],
    ['Mon,Tue 09:00-17:00', 'Mon,Tue 09:00-17:00'],
    ['Mon-Wed,Fri 09:00-17:00', 'Mon-Wed,Fri 09:00-17:00'],
    ['Mon 08:00 - Mon 08:00', 'Mon 08:00 - Mon 08:00'],
    ['Mon 08:00 - Tue 08:00', 'Mon 08:00 - Tue 08:00'],
    ['Mon 08:00 - Tue 07:59', 'Mon 08:00-07:59'],
    ['Tue 08:00 - Mon 09:00', 'Tue 08:00 - Mon 09:00'],
  ])('%s as %s, every time it is asked', (text, described) => {
    const given = windows(text);
    expect(describeWindows(given)).toBe(described);
    expect(describeWindows(given)).toBe(described);
  });
});
