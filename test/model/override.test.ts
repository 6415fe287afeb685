import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EnvironmentConfig } from '#model/config.ts';
import { effectiveOverride, refuseEnvironment, refuseOverride } from '#model/override.ts';
import { type Override, overrideSchema } from '#model/schedule.ts';
import { anOverride } from './builders.ts';

const now = new Date('2026-11-24T12:00:00Z');
const place = { account: '111111111111', region: 'ap-northeast-1' };
const environments: Record<string, EnvironmentConfig> = {
  develop: { ...place, cluster: 'develop', schedule: 'office' },
  tools: { ...place, cluster: 'tools' },
  production: { ...place, cluster: 'production', production: true },
};

describe('of several overrides', () => {
  const awake = (id: string, from: string, until: string) => override(id, 'awake', from, until);
  const asleep = (id: string, from: string, until: string) => override(id, 'asleep', from, until);
  const override = (id: string, state: Override['state'], from: string, until: string) =>
    anOverride({ id, state, from: `2026-11-24T${from}:00Z`, until: `2026-11-24T${until}:00Z` });

  test.each<[string, readonly Override[], string | undefined]>([
    ['none is in force', [], undefined],
    ['none that begins later', [awake('a', '12:01', '14:00')], undefined],
    ['one that begins now', [awake('a', '12:00', '14:00')], 'a'],
    ['none that ends now', [awake('a', '10:00', '12:00')], undefined],
    ['none that has ended', [awake('a', '10:00', '11:00'), awake('b', '11:00', '13:00')], 'b'],
    [
      'the one that ends last keeps the cluster awake, although it is older',
      [awake('a', '10:00', '16:00'), awake('b', '11:00', '13:00')],
      'a',
    ],
    [
      'the one that ends last keeps the cluster awake, because it is newer',
      [awake('a', '10:00', '13:00'), awake('b', '11:00', '16:00')],
      'b',
    ],
    [
      'a newer one to sleep wins over all that keep it awake',
      [awake('a', '10:00', '16:00'), asleep('b', '11:30', '13:00'), awake('c', '11:00', '18:00')],
      'b',
    ],
    [
      'a newer one to stay awake wins over one to sleep',
      [asleep('a', '10:00', '18:00'), awake('b', '11:00', '13:00')],
      'b',
    ],
    [
      'a newer one to stay awake makes an older one count that ends later',
      [awake('a', '09:00', '16:00'), asleep('b', '10:00', '18:00'), awake('c', '11:00', '13:00')],
      'a',
    ],
    [
      'the newest puts the cluster to sleep, whichever ends last',
      [asleep('a', '10:00', '18:00'), asleep('b', '11:00', '13:00')],
      'b',
    ],
    ['of one instant awake wins', [asleep('a', '11:00', '18:00'), awake('b', '11:00', '13:00')], 'b'],
    [
      'with the same end the newer one counts',
      [awake('a', '10:00', '13:00'), awake('b', '11:00', '13:00')],
      'b',
    ],
    ['one that cannot be read does nothing', [anOverride({ id: 'a', until: 'soon' })], undefined],
    ['one without a readable start does nothing', [anOverride({ id: 'a', from: '' })], undefined],
  ])('%s', (_what, overrides, id) => {
    expect(effectiveOverride(overrides, now)?.id).toBe(id);
    expect(effectiveOverride([...overrides].reverse(), now)?.id).toBe(id);
  });

  test('the answer does not depend on their order, and nothing that keeps the cluster awake is shortened', () => {
    const time = fc.integer({ min: 0, max: 12 });
    const overrides = fc.array(
      fc
        .record({ from: time, hours: fc.integer({ min: 1, max: 6 }), awake: fc.boolean() })
        .map(({ from, hours, awake: up }) => ({
          state: up ? ('awake' as const) : ('asleep' as const),
          from: new Date(now.getTime() + (from - 6) * 3_600_000).toISOString(),
          until: new Date(now.getTime() + (from - 6 + hours) * 3_600_000).toISOString(),
        })),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(overrides, fc.func(fc.integer()), (some, order) => {
        const all = some.map((one, index) => anOverride({ id: `o-${index}`, ...one }));
        const found = effectiveOverride(all, now);
        const shuffled = [...all].sort((a, b) => order(a.id) - order(b.id));
        expect(effectiveOverride(shuffled, now)).toBe(found);
        const inForce = all.filter(({ from, until }) => Date.parse(from) <= +now && +now < Date.parse(until));
        expect(found === undefined).toBe(inForce.length === 0);
        if (found?.state !== 'awake') return;
        for (const other of inForce)
          if (other.state === 'awake')
            expect(Date.parse(other.until)).toBeLessThanOrEqual(Date.parse(found.until));
      }),
    );
  });
});

describe('an override that is requested', () => {
  test.each<[string, Partial<Override>, string | undefined]>([
    ['for a week', { until: '2026-12-01T12:00:00Z' }, undefined],
    [
      'for longer',
      { until: '2026-12-01T12:00:01Z' },
      '2026-12-01T12:00:01Z is more than 7 days ahead: write for example --for 2h, or --until 23:00, or change the schedule in the config',
    ],
    [
      'into the past',
      { until: '2026-11-24T12:00:00Z' },
      '2026-11-24T12:00:00Z is in the past: write for example --for 2h, or --until 23:00',
    ],
    [
      'with a time that cannot be read',
      { until: 'soon' },
      '"soon" is an invalid time: write for example --for 2h, or --until 23:00',
    ],
    ['without a name', { label: ' ' }, 'the name is empty: write --author with a few words'],
    ['with 200 letters of reason', { reason: 'x'.repeat(200) }, undefined],
    ['with more', { reason: 'x'.repeat(201) }, 'the reason has 201 characters: write at most 200'],
    [
      'with control characters',
      { reason: '\u001b[31mred' },
      'the reason contains control characters, or characters that change the direction of text: write plain text',
    ],
  ])('%s', (_what, given, problem) => {
    expect(refuseOverride(anOverride(given), now)).toBe(problem);
  });
});

describe('the environment of an override', () => {
  const { tools, production } = environments as Record<'tools' | 'production', EnvironmentConfig>;
  const example = ', for example: nightshift keep-up develop --for 2h';
  test.each<[string, Record<string, EnvironmentConfig>, string | undefined]>([
    ['develop', environments, undefined],
    [
      'production',
      environments,
      `"production" is a production environment, which no override can reach: name another${example}`,
    ],
    [
      'production',
      { tools, production },
      '"production" is a production environment, which no override can reach: name another',
    ],
    ['tools', environments, `"tools" has no schedule, it is never stopped: name another${example}`],
    ['tools', { tools }, '"tools" has no schedule, it is never stopped: name another'],
    ['develp', environments, 'there is no environment "develp": did you mean "develop"?'],
    ['tolls', { tools, production }, 'there is no environment "tolls": there are none'],
    ['constructor', environments, 'there is no environment "constructor": there are develop'],
  ])('%s of %j', (name, all, problem) => {
    expect(refuseEnvironment(name, all)).toBe(problem);
  });
});

describe('a persisted override', () => {
  test('is read', () => {
    expect(overrideSchema.safeParse(anOverride())).toEqual({ success: true, data: anOverride() });
  });

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['a list', [anOverride()]],
    ...Object.keys(anOverride()).map((key): [string, unknown] => [
      `no ${key}`,
      { ...anOverride(), [key]: undefined },
    ]),
    ['another state', { ...anOverride(), state: 'up' }],
    ['a date that does not exist', { ...anOverride(), until: '2026-02-30T12:00:00Z' }],
    ['a time without a zone', { ...anOverride(), from: '2026-11-24T12:00:00' }],
    ['an empty author', { ...anOverride(), author: '' }],
    ['an end more than a week after its start', { ...anOverride(), until: '2026-12-01T12:00:01.000Z' }],
    ['a reason of 380 KB', { ...anOverride(), reason: 'x'.repeat(380_000) }],
    ['a reason that clears the terminal', { ...anOverride(), reason: '\u001b[2J' }],
    ['an author whose name is shown backwards', { ...anOverride(), author: 'a\u202eb' }],
    ['a typed name of two lines', { ...anOverride(), label: 'ana\u2028root' }],
  ])('with %s is refused', (_what, value) => {
    expect(overrideSchema.safeParse(value).success).toBe(false);
  });
});
