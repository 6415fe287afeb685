import { fileURLToPath } from 'node:url';
import { describe, expect, test, vi } from 'vitest';
import { nightshift } from './run-nightshift.ts';

const CONFIG = fileURLToPath(new URL('./fixtures/three.config.ts', import.meta.url));
const now = new Date('2026-11-24T12:00:00Z');
const offline = {
  now,
  cloud: () => {
    throw new Error('AWS was called');
  },
};
const plan = (...options: string[]) => nightshift(['--config', CONFIG, 'plan', ...options], offline);

describe('nightshift plan', () => {
  test('shows the holidays of the new year, in the time zone of the schedule', async () => {
    const { code, out, err } = await plan(
      '--each',
      '--from',
      '2026-12-28',
      '--days',
      '8',
      '--environment',
      'develop',
    );
    expect(code).toBe(0);
    expect(err).toBe('');
    expect(out.split('\n')).toEqual([
      'develop: office, up Mon-Fri 08:00-22:00 (Asia/Tokyo, UTC+09:00), calendar japan',
      '  from Mon 2026-12-28 00:00 to Tue 2027-01-05 00:00; initially asleep: outside office hours Mon-Fri 08:00-22:00 (Asia/Tokyo)',
      '  Mon 2026-12-28 08:00  start  office hours Mon-Fri 08:00-22:00 (Asia/Tokyo) begin',
      '  Mon 2026-12-28 22:00  stop   office hours Mon-Fri 08:00-22:00 (Asia/Tokyo) end',
      '  Tue 2026-12-29 08:00  skip   closed on 2026-12-29: closed day of calendar japan, the start is skipped',
      '  Wed 2026-12-30 08:00  skip   closed on 2026-12-30: closed day of calendar japan, the start is skipped',
      '  Thu 2026-12-31 08:00  skip   closed on 2026-12-31: closed day of calendar japan, the start is skipped',
      "  Fri 2027-01-01 08:00  skip   closed on 2027-01-01: 元日 / New Year's Day, the start is skipped",
      '  Mon 2027-01-04 08:00  start  office hours Mon-Fri 08:00-22:00 (Asia/Tokyo) begin',
      '  Mon 2027-01-04 22:00  stop   office hours Mon-Fri 08:00-22:00 (Asia/Tokyo) end',
    ]);
  });

  test('shows the change of a clock', async () => {
    const { out } = await plan('--each', '--from', '2027-03-14', '--days', '1', '--environment', 'overseas');
    expect(out).toContain(
      'Sun 2027-03-14 03:00  clock  the clock is put forward by 1 h, from 02:00 to 03:00 (-05:00 to -04:00)',
    );
  });

  test('covers each environment, also those that are never stopped', async () => {
    const { out } = await plan('--days', '1');
    expect(out.split('\n').filter((line) => !line.startsWith(' ') && line !== '')).toEqual([
      'develop: office, up Mon-Fri 08:00-22:00 (Asia/Tokyo, UTC+09:00), calendar japan',
      'overseas: york, up daily 02:30-19:00 (America/New_York, UTC-05:00)',
      'tools: never stopped (no schedule)',
      'production: never stopped (production)',
    ]);
  });

  test('prints JSON with instants and local times', async () => {
    const { out } = await plan('--days', '1', '--json');
    const [develop, , tools, production] = JSON.parse(out);
    expect(develop).toEqual({
      environment: 'develop',
      production: false,
      schedule: 'office',
      timeZone: 'Asia/Tokyo',
      from: '2026-11-24T12:00:00.000Z',
      to: '2026-11-25T12:00:00.000Z',
      state: 'awake',
      entries: [
        {
          at: '2026-11-24T13:00:00.000Z',
          local: '2026-11-24T22:00+09:00',
          kind: 'stop',
          reason: 'office hours Mon-Fri 08:00-22:00 (Asia/Tokyo) end',
          source: 'schedule',
        },
        {
          at: '2026-11-24T23:00:00.000Z',
          local: '2026-11-25T08:00+09:00',
          kind: 'start',
          reason: 'office hours Mon-Fri 08:00-22:00 (Asia/Tokyo) begin',
          source: 'schedule',
        },
      ],
    });
    expect(tools.entries).toEqual([]);
    expect(production.production).toBe(true);
  });

  test('warns when it reaches beyond the holidays that are known', async () => {
    const { code, err } = await plan('--days', '800', '--environment', 'develop');
    expect(code).toBe(0);
    expect(err).toBe(
      'nightshift: warning: develop: the holidays of calendar japan are known until 2028-12-31 only, that is before 2029-02-01: deploy again nearer to that day to expand more',
    );
  });

  test('names the applications whose image is not checked, and says what to write', async () => {
    const { code, err } = await nightshift(
      ['--config', 'test/cli/fixtures/deploys.config.ts', 'plan', '--days', '1'],
      offline,
    );
    expect(code).toBe(0);
    expect(err).toMatch(/^nightshift: develop: web: deployed means .* add images: docs\/branch-deploy\.md$/);
  });

  test('knows the holidays of the past', async () => {
    const { out } = await plan('--each', '--from', '2025-05-05', '--days', '1', '--environment', 'develop');
    expect(out).toContain('skip   closed on 2025-05-05: こどもの日');
  });

  test.each([
    [['--days', '0'], '--days 0: use a whole number from 1 to 1100, like --days 14'],
    [['--days', 'two'], '--days two: use a whole number'],
    [['--from', 'someday'], '--from someday: invalid date: write one like 2026-12-24'],
    [
      ['--environment', 'develp'],
      'there is no environment "develp" in test/cli/fixtures/three.config.ts: did you mean "develop"?',
    ],
    [['--dyas', '3'], "unknown option '--dyas'"],
  ])('refuses %j with exit code 1', async (options, message) => {
    const { code, out, err } = await plan(...options);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain(message);
  });
});

describe('nightshift', () => {
  test('shows examples and exit codes in its help', async () => {
    const { code, out } = await nightshift(['--help'], offline);
    expect(code).toBe(0);
    expect(out).toContain('$ nightshift plan --days 14');
    expect(out).toContain('Exit codes: 0 done');
    const help = await nightshift(['keep-up', '--help'], offline);
    expect(help.out).toContain('$ nightshift keep-up develop --until 23:00 --reason "release"');
  });

  test('says what is wrong with the config, and nothing else', async () => {
    const { code, out, err } = await nightshift(
      ['--config', '/nowhere/nightshift.config.ts', 'plan'],
      offline,
    );
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toBe(
      'nightshift: /nowhere/nightshift.config.ts is invalid:\n  the file does not exist: create it, or set NIGHTSHIFT_CONFIG=path',
    );
  });

  test('rolls nothing out without the user’s own token', async () => {
    vi.stubEnv('ARGOCD_AUTH_TOKEN', '');
    const { code, out, err } = await nightshift(
      ['--config', CONFIG, 'rollout', 'production', 'api'],
      offline,
    );
    vi.unstubAllEnvs();
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain('ARGOCD_AUTH_TOKEN');
  });

  test('suggests the command that was meant', async () => {
    const { code, err } = await nightshift(['paln'], offline);
    expect(code).toBe(1);
    expect(err).toContain('Did you mean plan?');
  });

  test('lets an unexpected error escape', async () => {
    await expect(nightshift(['--config', CONFIG, 'status', 'develop'], offline)).rejects.toThrow(
      'AWS was called',
    );
  });
});
