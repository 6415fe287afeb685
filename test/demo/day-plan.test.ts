import { describe, expect, test } from 'vitest';
import { type DayEvent, planDay, productionBranch } from '#demo/sample/day-plan.ts';
import { type DevelopmentEnvironmentConfig, defineConfig, type NightshiftConfig } from '#model/config.ts';

const NOW = new Date('2026-11-23T00:00:00Z');

function aConfig(
  schedule: NightshiftConfig['schedules'] = {
    office: { timeZone: 'Asia/Tokyo', up: ['Mon-Fri 08:00-22:00'], calendar: 'own' },
  },
  overrides: Partial<DevelopmentEnvironmentConfig> = {},
): NightshiftConfig {
  return defineConfig({
    calendars: { own: { closed: ['2026-12-03'] } },
    schedules: schedule,
    environments: {
      develop: {
        account: '111111111111',
        region: 'ap-northeast-1',
        cluster: 'develop',
        ...(Object.keys(schedule ?? {})[0] ? { schedule: Object.keys(schedule ?? {})[0] ?? '' } : {}),
        deploy: {
          argocd: { url: 'https://argocd.example.com', tokenSecret: 'token' },
          builds: [
            {
              project: 'api',
              repository: 'https://github.com/example/api',
              branch: 'develop',
              applications: ['api'],
            },
          ],
        },
        ...overrides,
      },
      production: {
        production: true,
        account: '333333333333',
        region: 'ap-northeast-1',
        cluster: 'production',
      },
    },
  });
}

describe('the press of the button', () => {
  const links = { selfService: { links: true }, notify: { warning: [] } } as const;
  const pressOf = (overrides: Partial<DevelopmentEnvironmentConfig>) =>
    planDay(aConfig(undefined, overrides), NOW).press;

  test('is ten minutes before the first stop, where the warning has links', () => {
    const plan = planDay(aConfig(undefined, links), NOW);
    expect(plan.press?.environment).toBe('develop');
    expect(plan.press?.at.toLocaleTimeString('en-GB', { timeZone: 'Asia/Tokyo' })).toBe('21:50:00');
    expect(plan.press!.at > plan.start).toBe(true);
  });

  test('is not planned without links, without a warning, or in a night that it would cover', () => {
    expect(pressOf({})).toBeUndefined();
    expect(pressOf({ ...links, warnMinutes: 0 })).toBeUndefined();
    expect(pressOf({ selfService: { links: true } })).toBeUndefined();
    const short = { shifts: { timeZone: 'UTC', up: ['daily 03:00-01:00'] } };
    expect(planDay(aConfig(short, links), NOW).press).toBeUndefined();
  });
});

const listed = (events: readonly DayEvent[], timeZone: string) =>
  events.map(({ at, environment, kind }) => {
    const local = at.toLocaleString('sv-SE', { timeZone }).slice(0, 16);
    return `${local} ${environment} ${kind}`;
  });

describe('the plan of the sample day', () => {
  test('lasts from an evening stop over a working day to a start that a closed day skips', () => {
    const plan = planDay(aConfig(), NOW);
    expect(plan.timeZone).toBe('Asia/Tokyo');
    expect(plan.start).toEqual(new Date('2026-12-01T21:15:00+09:00'));
    expect(plan.end).toEqual(new Date('2026-12-03T08:45:00+09:00'));
    expect(plan.skipped).toEqual({
      at: new Date('2026-12-03T08:00:00+09:00'),
      reason: 'closed day of calendar own',
    });
    expect(listed(plan.events, 'Asia/Tokyo')).toEqual([
      '2026-12-02 02:00 develop merge',
      '2026-12-02 09:24 develop interruption',
      '2026-12-02 09:24 production interruption',
      '2026-12-02 11:30 develop merge',
      '2026-12-02 13:36 production production-merge',
      '2026-12-02 15:00 develop pull-request',
      '2026-12-02 15:00 develop tag',
      '2026-12-02 15:00 develop failed-build',
      '2026-12-02 21:59 develop refused-call',
      '2026-12-03 08:00 develop holiday',
    ]);
  });

  test('follows the time zone and the windows of the schedule', () => {
    const plan = planDay(
      aConfig({ late: { timeZone: 'America/New_York', up: ['Mon-Fri 10:00-02:00'], calendar: 'own' } }),
      NOW,
    );
    expect(plan.skipped?.at).toEqual(new Date('2026-12-03T10:00:00-05:00'));
    const [night] = plan.events;
    expect(night).toMatchObject({ kind: 'merge', asleep: true });
    expect(listed(plan.events.slice(0, 1), 'America/New_York')).toEqual(['2026-12-02 05:12 develop merge']);
  });

  test('ends after the second stop if no calendar closes a day', () => {
    const plan = planDay(aConfig({ office: { timeZone: 'UTC', up: ['Mon-Fri 08:00-20:00'] } }), NOW);
    expect(plan.skipped).toBeUndefined();
    expect(plan.start).toEqual(new Date('2026-11-23T19:15:00Z'));
    expect(plan.end).toEqual(new Date('2026-11-24T20:45:00Z'));
  });

  test('is the next 24 hours if nothing ever stops', () => {
    const plan = planDay(aConfig({}), NOW);
    expect(plan.end.getTime() - plan.start.getTime()).toBe(86_400_000);
    expect(plan.events.map(({ kind }) => kind)).toContain('interruption');
    expect(plan.events.filter((event) => event.kind === 'merge' && event.asleep)).toEqual([]);
  });

  test('has no merge if nothing is deployed', () => {
    const { deploy: _, ...environment } = aConfig().environments['develop'] as DevelopmentEnvironmentConfig;
    const config = { ...aConfig(), environments: { develop: environment } };
    const kinds = new Set(planDay(config, NOW).events.map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual(['holiday', 'interruption', 'refused-call']);
  });

  test('uses another branch for production if branch-deploy deploys main', () => {
    expect(productionBranch(aConfig())).toBe('main');
    const [build] = aConfig().environments['develop']?.deploy?.builds ?? [];
    const bound = aConfig(undefined, {
      deploy: {
        argocd: { url: 'https://argocd.example.com', tokenSecret: 'token' },
        builds: build ? [{ ...build, branch: 'main' }] : [],
      },
    });
    expect(productionBranch(bound)).toBe('production');
  });
});
