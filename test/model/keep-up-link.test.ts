import { describe, expect, test } from 'vitest';
import {
  endChoices,
  type KeepUpLink,
  latestEnd,
  linkBody,
  linkGenerationSchema,
  parseLink,
  refuseLink,
  signedTextOf,
} from '#model/keep-up-link.ts';
import { isValid } from '#model/record-schema.ts';

const base64Url = (text: string) => Buffer.from(text).toString('base64url');
const textOf = (body: string) => Buffer.from(body, 'base64url').toString();
const MAC = `${'a'.repeat(42)}A`;
/** 22:00 in Tokyo. */
const STOP = '2026-11-25T13:00:00.000Z';
const at = (time: string) => new Date(`2026-11-25T${time}:00.000Z`);

function aLink(overrides: Partial<KeepUpLink> = {}): KeepUpLink {
  return {
    id: 'k3v9x2ab',
    environment: 'develop',
    action: 'keep-up',
    stop: STOP,
    night: STOP,
    expires: '2026-11-25T23:00:00.000Z',
    minutes: 90,
    maxHours: 4,
    generation: 0,
    ...overrides,
  };
}
const bodyOf = (overrides: Partial<KeepUpLink> = {}) => linkBody(aLink(overrides), base64Url);
const parsed = (given: string | undefined) => parseLink(given, textOf);

describe('a signed link', () => {
  test('is read as it was written, with the text that its code is computed of', () => {
    const body = bodyOf();
    expect(parsed(`${body}.${MAC}`)).toEqual({
      ok: true,
      link: aLink(),
      signedText: signedTextOf(body),
      mac: MAC,
    });
    expect(signedTextOf(body)).toBe(`nightshift-link-1.${body}`);
  });

  test('is none without a text, without its code, and with anything before or after', () => {
    const body = bodyOf();
    for (const given of [
      undefined,
      '',
      body,
      `${body}.`,
      `.${MAC}`,
      `${body}.${MAC}x`,
      `${body}.${MAC} `,
      ` ${body}.${MAC}`,
      `${body}.${MAC}.${MAC}`,
      `${body}${MAC}`,
      `${body}+.${MAC}`,
    ])
      expect(parsed(given)).toEqual({ ok: false });
  });

  test('has one code only: the bits of the last character that mean nothing are zero', () => {
    const body = bodyOf();
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const valid = [...letters].filter((last) => parsed(`${body}.${MAC.slice(0, -1)}${last}`).ok);
    expect(valid.join('')).toBe('AEIMQUYcgkosw048');
  });

  test('is not read where it is longer than 600 characters', () => {
    const ofLength = (length: number) => {
      for (let size = 1; size < length; size++) {
        const text = `${bodyOf({ id: 'x'.repeat(size) })}.${MAC}`;
        if (text.length >= length) return text;
      }
      throw new Error('there is none');
    };
    const longest = [600, 599, 598].map(ofLength).find(({ length }) => length === 600);
    expect(longest === undefined || parsed(longest).ok).toBe(true);
    expect(parsed(ofLength(560))).toMatchObject({ ok: true });
    expect(parsed(ofLength(601))).toEqual({ ok: false });
  });

  test.each([
    ['no JSON', 'nothing'],
    ['no list', '{}'],
    ['null', 'null'],
    ['a list that is too short', '["k3v9x2ab"]'],
    ['one part more', JSON.stringify([...JSON.parse(textOf(bodyOf())), 1])],
    ['one part less', JSON.stringify(JSON.parse(textOf(bodyOf())).slice(0, 8))],
  ])('is none with %s', (_, json) => {
    expect(parsed(`${base64Url(json)}.${MAC}`)).toEqual({ ok: false });
  });

  test.each<[string, unknown]>([
    ['id', ''],
    ['id', 1],
    ['environment', ''],
    ['action', 'stop'],
    ['stop', 'tomorrow'],
    ['expires', 1],
    ['minutes', -1],
    ['minutes', '90'],
    ['maxHours', 1.5],
    ['generation', -1],
    ['night', ''],
  ])('is none with the %s %j', (key, value) => {
    expect(parsed(`${bodyOf({ [key]: value } as Partial<KeepUpLink>)}.${MAC}`)).toEqual({ ok: false });
  });

  test('is refused in another environment, and from the instant on at which it expires', () => {
    expect(refuseLink(aLink(), 'develop', at('22:59'))).toBeUndefined();
    expect(refuseLink(aLink(), 'develop', at('23:00'))).toBe('expired');
    expect(refuseLink(aLink(), 'staging', at('22:59'))).toBe('foreign');
    expect(refuseLink(aLink(), 'staging', at('23:30'))).toBe('foreign');
  });
});

describe('the latest end that a link allows', () => {
  test.each<[string, Partial<KeepUpLink>, number, string, string]>([
    ['is so many hours after the stop', {}, 12, '12:00', '17:00'],
    ['is so many hours after now, past the stop', {}, 12, '15:30', '19:30'],
    ['is less where the config allows less by now', {}, 2, '12:00', '15:00'],
    ['is not past the end of the link', {}, 12, '20:00', '23:00'],
    ['is the less of its own hours', { maxHours: 1 }, 4, '12:00', '14:00'],
  ])('%s', (_, overrides, maxHours, now, end) => {
    expect(latestEnd(aLink(overrides), maxHours, at(now))).toEqual(at(end));
  });
});

describe('the ends to choose from', () => {
  const choices = (now: string, overrides: Partial<KeepUpLink> = {}, keptUntil?: string, maxHours = 12) =>
    endChoices(aLink(overrides), maxHours, at(now), keptUntil ? at(keptUntil) : undefined).map(
      ({ at: end, isSuggested }) => `${end.toISOString().slice(11, 16)}${isSuggested ? ' suggested' : ''}`,
    );

  test('are half hours, then hours after the stop, up to the latest, with the one of the link suggested', () => {
    expect(choices('12:50')).toEqual(['13:30', '14:00', '14:30 suggested', '15:00', '16:00', '17:00']);
  });

  test('have the one of the link in its place, also where it is no half hour', () => {
    expect(choices('12:50', { minutes: 75 })).toEqual([
      '13:30',
      '14:00',
      '14:15 suggested',
      '14:30',
      '15:00',
      '16:00',
      '17:00',
    ]);
  });

  test('count from the next five minutes past the stop', () => {
    expect(choices('15:01', { maxHours: 2 })).toEqual(['15:35', '16:05', '16:35 suggested']);
    expect(choices('15:05', { maxHours: 2 })).toEqual(['15:35', '16:05', '16:35 suggested', '17:05']);
  });

  test('begin after what somebody asked for already', () => {
    expect(choices('12:50', {}, '14:30')).toEqual(['15:00 suggested', '16:00', '17:00']);
    expect(choices('12:50', {}, '14:29')).toEqual(['14:30 suggested', '15:00', '16:00', '17:00']);
    expect(choices('12:50', {}, '17:00')).toEqual([]);
  });

  test('are the latest alone where no step is left, and none from the end of the link on', () => {
    expect(choices('22:50')).toEqual(['23:00 suggested']);
    expect(choices('23:00')).toEqual([]);
    expect(choices('12:50', {}, '16:40')).toEqual(['17:00 suggested']);
  });

  test('have none at the stop itself for a link of no minutes', () => {
    expect(choices('12:50', { minutes: 0 })).toEqual([
      '13:30 suggested',
      '14:00',
      '14:30',
      '15:00',
      '16:00',
      '17:00',
    ]);
  });
});

test('a revocation without its generation, its time or its author is damaged: no generation is read of it', () => {
  const whole = { generation: 1, since: STOP, author: 'ana' };
  expect(isValid(linkGenerationSchema, whole)).toBe(true);
  for (const key of ['generation', 'since', 'author'])
    expect(isValid(linkGenerationSchema, { ...whole, [key]: undefined })).toBe(false);
});
