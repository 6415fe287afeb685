import { describe, expect, test } from 'vitest';
import { readSettings } from '#functions/shared/settings.ts';
import { ConfigError, loadConfig } from '#lib/config-file.ts';
import { settingsOf } from '#lib/settings/settings.ts';
import { SETTINGS_LIMIT_BYTES, settingsText } from '#lib/settings/text.ts';
import type {
  DevelopmentEnvironmentConfig,
  NightshiftConfig,
  ProductionEnvironmentConfig,
} from '#model/config.ts';
import { desiredAt } from '#model/desired.ts';
import { SETTINGS_VARIABLE, TABLE_VARIABLE } from '#model/settings.ts';

const now = new Date('2026-11-22T12:00:00Z');

function aConfig(
  develop: Partial<DevelopmentEnvironmentConfig> = {},
  more: Partial<NightshiftConfig> = {},
): NightshiftConfig {
  return {
    calendars: { japan: { holidays: 'JP', closed: ['2026-12-29/2027-01-03'] } },
    schedules: { office: { timeZone: 'Asia/Tokyo', up: ['Mon-Fri 08:00-22:00'], calendar: 'japan' } },
    environments: {
      develop: {
        account: '111111111111',
        region: 'ap-northeast-1',
        cluster: 'develop',
        schedule: 'office',
        ...develop,
      },
      production: {
        account: '111111111111',
        region: 'ap-northeast-1',
        cluster: 'production',
        production: true,
      },
    },
    ...more,
  };
}

const sizeOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value));
const argocd = { url: 'https://argocd.example.com', tokenSecret: 'nightshift/argocd' };
const aBuild = (index: number) => ({
  project: `service-${index}-develop`,
  repository: `https://github.com/example/service-${index}`,
  branch: 'develop',
  applications: [`service-${index}`],
});

describe('the settings of an environment', () => {
  test('contain every default', () => {
    const { nightSchedule, spotDrain, branchDeploy } = settingsOf(aConfig(), 'develop', now);
    expect(nightSchedule).toMatchObject({
      environment: 'develop',
      production: false,
      dryRun: false,
      nodegroups: 'all',
      keep: [],
      onManualChange: 'respect',
      stopDeadlineMinutes: 20,
      startDeadlineMinutes: 20,
      warnMinutes: 30,
      readyBy: false,
    });
    expect(spotDrain).toMatchObject({
      onRebalance: 'cordon',
      uncordonAfterMinutes: 30,
      force: true,
      replaceEarly: false,
      onScheduledChange: 'wait',
      lifecycleMinutes: 60,
    });
    expect(branchDeploy).toBeUndefined();
  });

  test('are plain data', () => {
    const config = aConfig({ deploy: { argocd, builds: [aBuild(1)] } });
    const settings = settingsOf(config, 'develop', now);
    expect(JSON.parse(JSON.stringify(settings))).toEqual(settings);
    expect(settings.branchDeploy).toMatchObject({
      argocd: { ...argocd, through: 'server' },
      builds: [
        {
          project: 'service-1-develop',
          applications: [{ name: 'service-1', project: 'default', syncOptions: [] }],
        },
      ],
      whenAsleep: 'defer',
      schedule: { name: 'office' },
    });
  });

  test('contain the drift limit, and commit statuses on github.com when a token for it is configured', () => {
    const deployOf = (deploy: object) =>
      settingsOf(aConfig({ deploy: { argocd, builds: [aBuild(1)], ...deploy } }), 'develop', now)
        .branchDeploy;
    expect(deployOf({})).toMatchObject({ driftMinutes: 60 });
    expect(deployOf({})).not.toHaveProperty('status');
    expect(deployOf({ driftMinutes: 0 })).toMatchObject({ driftMinutes: 0 });
    expect(deployOf({ status: { github: { tokenSecret: 'nightshift/github' } } })?.status).toEqual({
      github: { tokenSecret: 'nightshift/github', host: 'github.com' },
    });
    expect(
      deployOf({ status: { github: { tokenSecret: 't', host: 'git.example.com' } } })?.status?.github?.host,
    ).toBe('git.example.com');
    expect(
      deployOf({
        status: {
          github: { tokenSecret: 't', deployments: true },
          gitlab: { tokenSecret: 'g' },
          bitbucket: { tokenSecret: 'b' },
        },
      })?.status,
    ).toEqual({
      github: { tokenSecret: 't', host: 'github.com', deployments: true },
      gitlab: { tokenSecret: 'g', host: 'gitlab.com' },
      bitbucket: { tokenSecret: 'b' },
    });
  });

  test('contain the notification severities, in the zone of the schedule or in UTC without one', () => {
    const notify = { failure: ['team@example.com'], info: [] };
    const { nightSchedule } = settingsOf(aConfig({ notify }), 'develop', now);
    expect(nightSchedule?.notify).toEqual({ severities: ['info', 'failure'], timeZone: 'Asia/Tokyo' });
    expect(JSON.stringify(nightSchedule)).not.toContain('team@example.com');
    const { environments } = aConfig();
    const production = { ...environments['production'], notify } as ProductionEnvironmentConfig;
    const { spotDrain } = settingsOf({ environments: { production } }, 'production', now);
    expect(spotDrain.notify?.timeZone).toBe('UTC');
  });

  test('of production contain spot-drain only', () => {
    expect(Object.keys(settingsOf(aConfig(), 'production', now))).toEqual(['spotDrain']);
    expect(settingsOf(aConfig(), 'production', now).spotDrain.production).toBe(true);
  });

  test('without a schedule contain no night-schedule', () => {
    const { schedule: _, ...unscheduled } = aConfig().environments['develop'] as DevelopmentEnvironmentConfig;
    const settings = settingsOf(aConfig({}, { environments: { develop: unscheduled } }), 'develop', now);
    expect(Object.keys(settings)).toEqual(['spotDrain']);
  });

  test('contain the closed days of three years on which a window starts, grouped by name', () => {
    const calendar = settingsOf(aConfig(), 'develop', now).nightSchedule?.schedule.calendar;
    const thanksgiving = calendar?.closed.find(({ name }) => name.includes('勤労感謝の日'));
    expect(thanksgiving?.date).toBe('2026-11-23 2027-11-23 2028-11-23');
    const dates = calendar?.closed.flatMap(({ date }) => date.split(' ')) ?? [];
    // 2 January 2027 is a Saturday.
    expect(dates).not.toContain('2027-01-02');
    expect(dates).toContain('2026-12-29');
    expect(dates.every((date) => date >= '2026-11-01')).toBe(true);
    expect(calendar?.until).toBe('2028-12-31');
  });

  test('computed on New Year still contain the holidays of the night before', () => {
    const config = aConfig({}, { calendars: { japan: { holidays: 'US' } } });
    const calendar = settingsOf(config, 'develop', new Date('2027-01-01T00:00:00Z')).nightSchedule?.schedule
      .calendar;
    expect(calendar?.closed[0]).toEqual({ date: '2026-12-25 2028-12-25 2029-12-25', name: 'Christmas Day' });
  });

  test('are the same on most days', () => {
    const on = (date: string) => settingsOf(aConfig(), 'develop', new Date(date));
    expect(on('2026-11-10T00:00:00Z')).toEqual(on('2026-12-05T23:00:00Z'));
  });

  test('exclude a holiday that is an open day', () => {
    const config = aConfig({}, { calendars: { japan: { holidays: 'JP', open: ['2026-11-23'] } } });
    const { schedule } = settingsOf(config, 'develop', now).nightSchedule ?? {};
    expect(schedule?.calendar?.open).toEqual(['2026-11-23']);
    const noon = new Date('2026-11-23T12:00:00+09:00');
    expect(schedule && desiredAt(schedule, noon, []).source).toBe('calendar');
  });

  test('of the sample use little of the space that Lambda allows', async () => {
    const { config } = await loadConfig();
    for (const settings of Object.values(settingsOf(config, 'develop', now))) {
      expect(sizeOf(settings)).toBeLessThan(3_000);
    }
  });

  test('of many builds are deflated, and decoded by a function', () => {
    const builds = Array.from({ length: 60 }, (_, index) => aBuild(index));
    const { branchDeploy } = settingsOf(aConfig({ deploy: { argocd, builds } }), 'develop', now);
    const text = settingsText(branchDeploy);
    expect(Buffer.byteLength(text)).toBeLessThan(SETTINGS_LIMIT_BYTES);
    const environment = { [SETTINGS_VARIABLE]: text, [TABLE_VARIABLE]: 'nightshift-develop' };
    expect(readSettings(environment)).toEqual({ settings: branchDeploy, table: 'nightshift-develop' });
  });

  test('that are short stay readable', () => {
    const { nightSchedule } = settingsOf(aConfig(), 'develop', now);
    expect(JSON.parse(settingsText(nightSchedule))).toEqual(nightSchedule);
  });

  test('that are too long are refused, naming what to shorten', () => {
    const builds = Array.from({ length: 600 }, (_, index) => aBuild(index));
    const attempt = () => settingsOf(aConfig({ deploy: { argocd, builds } }), 'develop', now);
    expect(attempt).toThrow(ConfigError);
    expect(attempt).toThrow(
      /environments\.develop: the settings of branchDeploy take \d+ bytes even when deflated, but Lambda allows 3800: shorten builds, the largest part, with fewer builds, or split them between two environments/,
    );
    expect(SETTINGS_LIMIT_BYTES).toBeLessThan(4_096);
  });

  test('of an unknown environment are refused', () => {
    expect(() => settingsOf(aConfig(), 'develp', now)).toThrow(
      'environments: "develp": no environment has this name: did you mean "develop"?',
    );
  });
});
