/** A month on the lab: thirty mornings, one of them without spot capacity. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createCloud } from '#cli/cloud.ts';
import { EnvironmentPoller } from '#cli/console/environment-poller.ts';
import type { EnvironmentView } from '#cli/console/environment-view.ts';
import type { Saving } from '#cli/savings.ts';
import { storedNight } from '#demo/sample/summary.ts';
import { loadConfig } from '#lib/config-file.ts';
import { HOUR_MS, MINUTE_MS } from '#model/duration.ts';
import { aMonth, type Month } from './a-month.ts';

const MORNINGS = 30;
const SLOW = 26;

describe('thirty mornings on the lab', () => {
  let month: Month;

  beforeAll(async () => {
    month = await aMonth(vi.stubEnv);
    const setSpot = (available: boolean) => month.lab.aws.setCapacity({ capacityType: 'SPOT', available });
    const shortage = { before: () => setSpot(false), after: () => setSpot(true) };
    for (let morning = 1; morning <= MORNINGS; morning++)
      await month.night(morning, morning === SLOW ? shortage : undefined);
  }, 15 * 60_000);

  afterAll(async () => {
    vi.unstubAllEnvs();
    await month?.close();
  });

  test('are shown with what was promised, when each was ready, and a chart', async () => {
    const { code, out, err } = await month.nightshift('mornings', '--days', '31');
    expect([code, err]).toEqual([0, '']);
    const lines = out.split('\n');
    const rows = lines.filter((line) => /08:00 +(08:\d\d|07:\d\d)/.test(line));
    expect(rows).toHaveLength(MORNINGS);
    for (const row of rows) expect(row).toMatch(/[ ·|]i[in|]*n[n·|]/);
    expect(lines[1]).toMatch(
      /^ {2}\d+ of 30 mornings ready in time \(nodes Ready\), on average \d\.\d min early/,
    );
    expect(lines[2]).toMatch(/^ {2}starts \d+ min early: /);
  });

  test('are all in time but the first ones, which nothing is known of, and the slow one', async () => {
    const { out } = await month.nightshift('mornings', '--days', '31', '--json');
    const [{ mornings, earlyMinutes }] = JSON.parse(out);
    const missed = mornings.flatMap(({ verdict }: { verdict: string }, index: number) =>
      verdict === 'kept' ? [] : [[index + 1, verdict]],
    );
    expect(missed).toEqual([[SLOW, 'missed']]);
    expect(earlyMinutes).toBeLessThan(6);
  });

  test('end with a slow one that people are warned of before 08:00, with the minutes and what to do', async () => {
    const promised = month.promised(SLOW);
    const before = month.warnings(promised - 20 * MINUTE_MS).filter((mail) => mail.includes('missed by'));
    expect(before[0]).toMatch(
      /08:00 \(Asia\/Tokyo\) (will be missed by about|may be missed by up to) \d+ min: waits for \d+ of \d+ instances of develop-\w+/,
    );
    expect(before[0]).toContain('look at the scaling activities of the group; a fallbackGroup would fill in');
    const warned = month.decisions.find(
      ({ action, reason, time }) =>
        action === 'warn' && reason.includes('missed by') && Date.parse(time) > promised - 20 * MINUTE_MS,
    );
    expect(Date.parse(warned?.time ?? '')).toBeLessThan(promised);
    const { out } = await month.nightshift('mornings', '--days', '31');
    expect(out).toMatch(/missed by \d+ min, waited for .*, announced before/);
  });

  test('warn nobody of the mornings after it, which are in time', () => {
    const later = month.warnings(month.promised(SLOW + 1) - HOUR_MS);
    expect(later.filter((mail) => mail.includes('missed by'))).toEqual([]);
  });

  test('learn no longer lead from the one bad morning', async () => {
    const { out } = await month.nightshift('mornings', '--days', '3', '--json');
    const [{ lead, mornings }] = JSON.parse(out);
    expect(mornings).toHaveLength(3);
    expect(lead.seconds).toBeLessThan(15 * 60);
  });
});

describe('the saved node-hours', () => {
  let month: Month;

  beforeAll(async () => {
    month = await aMonth(vi.stubEnv);
    // Observed all night: what was not observed counts as a gap.
    await month.played(evening(1), month.promised(1) + 10 * MINUTE_MS);
  });

  afterAll(async () => {
    vi.unstubAllEnvs();
    await month?.close();
  });

  /** Two minutes before the stop. */
  const evening = (morning: number) => month.promised(morning) - 10 * HOUR_MS - 2 * MINUTE_MS;
  const figures = async () => {
    const { out } = await month.nightshift('savings', '--json');
    const rows = JSON.parse(out) as Saving[];
    const ofCommand = rows.reduce((sum, { nodeHoursSaved }) => sum + nodeHoursSaved, 0);
    const now = () => new Date(month.lab.context.clock.now());
    const [environment] = month.lab.environments;
    const poller = new EnvironmentPoller(
      await loadConfig(month.configPath),
      { now, cloud: (name, config) => createCloud(name, config, now) },
      60_000,
    );
    const views: EnvironmentView[] = [];
    const unsubscribe = poller.subscribe((view) => void views.push(view));
    await poller.refresh('develop');
    unsubscribe();
    poller.close();
    const ofSummary = environment && (await storedNight(month.lab, environment)).nodeHoursSaved;
    const shown = views.at(-1)?.savings;
    return { ofCommand, ofConsole: shown?.nodeHours, ofSummary, running: shown?.running, rows };
  };

  test('are the same in savings, the console and the summary, also of the night that runs', async () => {
    const day = await figures();
    expect(day.ofCommand).toBeGreaterThan(10);
    expect(day.running).toBeUndefined();
    await month.played(evening(2), evening(2) + 3 * HOUR_MS);
    const night = await figures();
    expect(night.running).toBe(true);
    expect(night.rows.every(({ running }) => running)).toBe(true);
    // Three hours of several nodes, less the minutes of the stop.
    expect(night.ofCommand).toBeGreaterThan(day.ofCommand + 5);
    for (const { ofCommand, ofConsole, ofSummary } of [day, night]) {
      expect(ofConsole).toBeCloseTo(ofCommand, 6);
      expect(ofSummary).toBeCloseTo(ofCommand, 6);
    }
  });
});
