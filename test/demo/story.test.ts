import { describe, expect, it } from 'vitest';
import { type Beat, planStory, productionBranch } from '#demo/sample/story.ts';
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

const told = (beats: readonly Beat[], timeZone: string) =>
  beats.map(({ at, environment, kind }) => {
    const local = at.toLocaleString('sv-SE', { timeZone }).slice(0, 16);
    return `${local} ${environment} ${kind}`;
  });

describe('the story of the sample day', () => {
  it('goes from an evening stop over a working day to a start that a closed day skips', () => {
    const story = planStory(aConfig(), NOW);
    expect(story.timeZone).toBe('Asia/Tokyo');
    expect(story.start).toEqual(new Date('2026-12-01T21:15:00+09:00'));
    expect(story.end).toEqual(new Date('2026-12-03T08:45:00+09:00'));
    expect(story.skipped).toEqual({
      at: new Date('2026-12-03T08:00:00+09:00'),
      reason: 'closed day of calendar own',
    });
    expect(told(story.beats, 'Asia/Tokyo')).toEqual([
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

  it('moves with the zone and the windows of the schedule', () => {
    const story = planStory(
      aConfig({ late: { timeZone: 'America/New_York', up: ['Mon-Fri 10:00-02:00'], calendar: 'own' } }),
      NOW,
    );
    expect(story.skipped?.at).toEqual(new Date('2026-12-03T10:00:00-05:00'));
    const [night] = story.beats;
    expect(night).toMatchObject({ kind: 'merge', asleep: true });
    expect(told(story.beats.slice(0, 1), 'America/New_York')).toEqual(['2026-12-02 05:12 develop merge']);
  });

  it('ends after the second stop where no calendar closes a day', () => {
    const story = planStory(aConfig({ office: { timeZone: 'UTC', up: ['Mon-Fri 08:00-20:00'] } }), NOW);
    expect(story.skipped).toBeUndefined();
    expect(story.start).toEqual(new Date('2026-11-23T19:15:00Z'));
    expect(story.end).toEqual(new Date('2026-11-24T20:45:00Z'));
  });

  it('takes any day where nothing ever stops', () => {
    const story = planStory(aConfig({}), NOW);
    expect(story.end.getTime() - story.start.getTime()).toBe(86_400_000);
    expect(story.beats.map(({ kind }) => kind)).toContain('interruption');
    expect(story.beats.filter((beat) => beat.kind === 'merge' && beat.asleep)).toEqual([]);
  });

  it('has nothing merged where nothing is deployed', () => {
    const { deploy: _, ...environment } = aConfig().environments['develop'] as DevelopmentEnvironmentConfig;
    const config = { ...aConfig(), environments: { develop: environment } };
    const kinds = new Set(planStory(config, NOW).beats.map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual(['holiday', 'interruption', 'refused-call']);
  });

  it('takes another branch for production where main is deployed by itself', () => {
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
