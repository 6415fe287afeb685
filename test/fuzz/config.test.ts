import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkConfig } from '#model/config/check.ts';
import { parseWindows } from '#model/parse-windows.ts';
import { mutated } from './mutations.ts';

const CONFIG = {
  calendars: { japan: { holidays: 'JP', closed: ['2026-12-29/2027-01-03'], open: [] } },
  schedules: { office: { timeZone: 'Asia/Tokyo', up: ['Mon-Fri 08:00-22:00'], calendar: 'japan' } },
  environments: {
    develop: {
      account: '111111111111',
      region: 'ap-northeast-1',
      cluster: 'develop',
      schedule: 'office',
      nodegroups: 'all',
      autoscaler: {
        kind: 'cluster-autoscaler',
        namespace: 'kube-system',
        deployment: 'cluster-autoscaler',
        hostGroup: 'system',
      },
      deploy: {
        argocd: { url: 'https://argocd.develop.example.com', tokenSecret: 'nightshift/argocd-develop' },
        builds: [
          {
            project: 'api-develop',
            repository: 'https://github.com/example/api',
            branch: 'develop',
            applications: ['api'],
          },
        ],
        whenAsleep: 'defer',
      },
    },
    production: {
      production: true,
      account: '333333333333',
      region: 'ap-northeast-1',
      cluster: 'production',
    },
  },
} as const;
const HOLIDAYS = { has: (code: string) => code === 'JP', candidates: () => ['JP'] };

describe('a config of any form', () => {
  test('is valid, or every problem in it has a message', () => {
    expect(checkConfig(CONFIG, HOLIDAYS).problems).toEqual([]);
    fc.assert(
      fc.property(fc.oneof(mutated(CONFIG), fc.anything()), (raw) => {
        const { config, problems } = checkConfig(raw, HOLIDAYS);
        expect(config === undefined).toBe(problems.length > 0);
        for (const { message, path } of problems) {
          expect(message).not.toBe('');
          expect(typeof path).toBe('string');
        }
      }),
      { numRuns: 1_500 },
    );
  });

  test('never lets production have a schedule or deploys', () => {
    fc.assert(
      fc.property(fc.constantFrom('schedule', 'deploy'), fc.jsonValue(), (key, value) => {
        const production = { ...CONFIG.environments.production, [key]: value };
        const environments = { ...CONFIG.environments, production };
        expect(checkConfig({ ...CONFIG, environments }, HOLIDAYS).config).toBeUndefined();
      }),
      { numRuns: 200 },
    );
  });
});

describe('a window of any text', () => {
  test('is parsed, or refused with an example', () => {
    const part = fc.constantFrom(
      'Mon',
      'Fri',
      '-',
      ' ',
      '08:00',
      '24:00',
      '25:61',
      '20:00-02:00',
      ',',
      'x',
      '０8:00',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(part, { maxLength: 8 }).map((parts) => parts.join('')),
          fc.string(),
        ),
        (text) => {
          const read = parseWindows(text) as { readonly problem?: unknown } | readonly unknown[];
          expect(read).toBeDefined();
        },
      ),
      { numRuns: 800 },
    );
  });
});
