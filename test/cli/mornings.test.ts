import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { chartOf, reported, summaryOf } from '#cli/mornings.ts';
import { createNightStore } from '#functions/adapters/dynamodb/night-store.ts';
import type { Morning } from '#functions/night-schedule/records.ts';
import { enterFakeAws, type FakeAws, leaveFakeAws } from './fake-aws.ts';
import { nightshift } from './run-nightshift.ts';

const CONFIG = fileURLToPath(new URL('./fixtures/ready.config.ts', import.meta.url));
/** 12:00 on Friday in Tokyo. */
const now = new Date('2026-11-27T03:00:00Z');

let aws: FakeAws;

beforeEach(async () => {
  aws = await enterFakeAws({ now: () => now });
});

afterEach(() => leaveFakeAws(aws));

const ask = (...args: string[]) => nightshift(['--config', CONFIG, 'mornings', ...args], { now });

/** Of a date in November: asked at 07:50, promised for 08:00. */
function aMorning(date: number, given: Partial<Morning> = {}): Morning {
  const before = String(date - 1).padStart(2, '0');
  return {
    asked: `2026-11-${before}T22:50:00.000Z`,
    promised: `2026-11-${before}T23:00:00.000Z`,
    seconds: { instances: 120, nodes: 240 },
    ...given,
  };
}

async function stored(environment: string, mornings: readonly Morning[]) {
  const store = createNightStore(await aws.tableOf(environment), environment);
  await store.writeNote('mornings', mornings, 'absent');
}

describe('nightshift mornings', () => {
  test('shows what was promised, when it was ready, and how many promises were kept', async () => {
    await stored('develop', [
      aMorning(24),
      aMorning(25, {
        seconds: { instances: 480, nodes: 720 },
        late: 'nodes that are not Ready (kubectl describe node says why)',
        announced: '2026-11-24T22:57:00.000Z',
        fallback: 'spare',
      }),
      aMorning(26),
    ]);
    const { code, out } = await ask('--environment', 'develop');
    expect(code).toBe(0);
    const lines = out.split('\n');
    expect(lines[0]).toContain('develop');
    expect(lines[1]).toBe(
      '  2 of 3 mornings ready in time (nodes Ready), on average 6.0 min early; 1 of 1 misses announced before',
    );
    expect(lines[2]).toBe(
      '  starts 13 min early: slowest of the last 3 starts until all nodes were Ready: 12 min, plus a minute for the tick',
    );
    const rows = lines.slice(4);
    expect(rows).toHaveLength(3);
    expect(rows[0]).toMatch(/24 07:50 +08:00 +07:54 +i+n+.*\|.* kept$/);
    expect(rows[1]).toMatch(
      /08:00 +08:02 .*missed by 2 min, waited for nodes that are not Ready .*, announced before, spare filled in on demand$/,
    );
  });

  test('leaves out what is older than --days, and says so where nothing is left', async () => {
    await stored('develop', [aMorning(2), aMorning(26)]);
    const { out } = await ask('--environment', 'develop', '--days', '3', '--json');
    const [report] = JSON.parse(out);
    expect(report).toMatchObject({ environment: 'develop', promised: 1, kept: 1, missed: 0 });
    expect(report.mornings).toEqual([
      {
        asked: '2026-11-25T22:50:00.000Z',
        promised: '2026-11-25T23:00:00.000Z',
        phases: { instances: '2026-11-25T22:52:00.000Z', nodes: '2026-11-25T22:54:00.000Z' },
        ready: '2026-11-25T22:54:00.000Z',
        verdict: 'kept',
      },
    ]);
    expect((await ask('--environment', 'develop', '--days', '1')).out).toContain(
      'no start in the last 1 days',
    );
  });

  test('promises nothing without readyBy', async () => {
    const { promised: _, ...unpromised } = aMorning(26);
    await stored('overseas', [unpromised]);
    const { out } = await ask('--environment', 'overseas');
    expect(out).toContain('no promise: set readyBy in the config');
  });

  test('says with --advice what would have made them shorter, the longest phase first', async () => {
    await stored('develop', [
      aMorning(24, { seconds: { instances: 120, nodes: 140 } }),
      aMorning(25, { seconds: { instances: 600, nodes: 620 }, fallback: 'spare' }),
      aMorning(26, { seconds: { instances: 180, nodes: 190, argocd: 200, applications: 500 } }),
    ]);
    const { out } = await ask('--environment', 'develop', '--advice');
    const advice = out.split('\n').slice(-4);
    expect(advice[0]).toBe('  what would have made them shorter, at most:');
    expect(advice[1]).toMatch(
      /^ {4}8\.0 min {2}more instance types and zones in the spot groups .*1 starts\)$/,
    );
    expect(advice[2]).toMatch(/^ {4}5\.0 min {2}images that are on the node already.*1 starts\)$/);
    expect(advice[3]).toMatch(/^ {4}2\.0 min {2}a warm pool of stopped instances.*2 starts\)$/);
    expect((await ask('--environment', 'develop')).out).not.toContain('shorter');
  });

  test('says with --advice that the system pods are slow where Argo CD answers late', async () => {
    await stored('develop', [
      aMorning(26, { seconds: { instances: 10, nodes: 20, argocd: 200, applications: 210 } }),
    ]);
    const { out } = await ask('--environment', 'develop', '--advice');
    expect(out.split('\n').at(-1)).toMatch(/^ {4}3\.0 min {2}system pods that start first.*1 starts\)$/);
  });

  test.each(['0', '91', '1.5', 'many'])('refuses --days %s', async (days) => {
    const { code, err } = await ask('--days', days);
    expect(code).toBe(1);
    expect(err).toContain(`--days ${days}: use a whole number from 1 to 90`);
  });

  test('refuses an environment that is never stopped', async () => {
    const { code, err } = await ask('--environment', 'production');
    expect(code).toBe(1);
    expect(err).toContain('"production" has no schedule');
  });
});

describe('one morning', () => {
  test('runs while its phases are observed, and is missed when it was never ready', () => {
    const { nodes: _, ...seconds } = aMorning(26).seconds;
    expect(reported(aMorning(26, { seconds, isOpen: true }), 'nodes').verdict).toBe('running');
    expect(reported(aMorning(26, { seconds }), 'nodes').verdict).toBe('missed');
  });

  test('that was announced after its time was not announced', () => {
    const late = { seconds: { nodes: 720 }, announced: '2026-11-25T23:01:00.000Z' };
    expect(summaryOf([reported(aMorning(26, late), 'nodes')])).toMatchObject({ missed: 1, announced: 0 });
  });

  test('is drawn with a letter for each phase, and the time that was promised', () => {
    const chart = chartOf(reported(aMorning(26), 'nodes'), { from: -600_000, to: 0 });
    expect(chart).toMatch(/^i{7,8}n{7,8}·+\|$/);
    expect(chart).toHaveLength(36);
  });
});
