/**
 * The one test of everything together: a day on the lab, from the stacks as they would be deployed, judged by what was
 * seen in the world.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Lab } from '#demo/lab.ts';
import type { DayPlan } from '#demo/sample/day-plan.ts';
import { playSampleDay } from '#demo/sample/sample-day.ts';
import type { DaySummary } from '#demo/sample/summary.ts';
import { NightshiftApp } from '#lib/nightshift-app.ts';
import { defineConfig } from '#model/config.ts';
import type { Decision } from '#model/decision.ts';

const NOW = new Date('2026-11-23T00:00:00Z');

/** A short working day between two short nights, in a zone that is 5:45 ahead, and names of its own. */
const config = defineConfig({
  calendars: { valley: { closed: ['2026-11-26'] } },
  schedules: {
    shifts: {
      timeZone: 'Asia/Kathmandu',
      up: ['daily 21:00-22:00', 'daily 23:00-23:40', 'daily 00:30-05:00'],
      calendar: 'valley',
    },
  },
  environments: {
    preview: {
      account: '123456789012',
      region: 'eu-central-1',
      cluster: 'preview-eu',
      schedule: 'shifts',
      deploy: {
        argocd: { url: 'https://cd.preview.example.org:8443', tokenSecret: 'cd/preview' },
        builds: [
          {
            project: 'shop-preview',
            repository: 'https://github.com/example/shop',
            branch: 'release/next',
            applications: [
              {
                name: 'shop',
                images: [
                  { repository: '123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop', tag: '{sha}' },
                ],
              },
            ],
          },
        ],
      },
    },
    live: { production: true, account: '210987654321', region: 'eu-central-1', cluster: 'live-eu' },
  },
});

let directory: string;
let day: { lab: Lab; plan: DayPlan; summary: DaySummary | undefined };
let decisions: readonly Decision[];
const pids: number[] = [];

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'day-'));
  new NightshiftApp({ config, now: NOW, outdir: directory }).synth();
  day = await playSampleDay({ config, assemblyDir: directory, now: NOW });
  decisions = day.lab.decisions;
  pids.push(...day.lab.assembly.processes());
  await day.lab.close();
});

afterAll(async () => {
  await day?.lab.close();
  await rm(directory, { recursive: true, force: true });
});

const of = (action: Decision['action'], environment = 'preview') =>
  decisions.filter((decision) => decision.action === action && decision.environment === environment);
const local = (time: string) =>
  new Date(time).toLocaleTimeString('en-GB', {
    timeZone: 'Asia/Kathmandu',
    hour: '2-digit',
    minute: '2-digit',
  });
const groups = ['preview-eu-batch', 'system', 'workers'];

describe('a day', () => {
  test('ends as the config says, with every promise exercised and kept', () => {
    expect(day.summary?.problems).toEqual([]);
    expect(day.summary?.promises.map(({ number, result }) => `${number} ${result}`)).toEqual(
      [1, 2, 3, 4, 5, 6, 7, 8, 9].map((number) => `${number} kept`),
    );
  });

  test('runs the code of the assembly, unchanged', () => {
    const { code = [] } = day.summary ?? {};
    expect(code.map((check) => check.function).sort()).toEqual([
      'nightshift-live-spot-drain',
      'nightshift-preview-branch-deploy',
      'nightshift-preview-night-schedule',
      'nightshift-preview-spot-drain',
    ]);
    for (const check of code) {
      expect(check.now).toBe(check.atStart);
      expect(path.dirname(check.path)).toBe(directory);
    }
  });

  test('stops and starts every group at the times of the schedule, on its own wall clock', () => {
    const first = of('stop').filter(({ time }) => local(time) === '22:00');
    expect(first.map(({ target }) => target).sort()).toEqual(groups);
    expect(new Set(of('start').map(({ time }) => local(time)))).toEqual(new Set(['23:00']));
    expect([...new Set(of('start').map(({ target }) => target))].sort()).toEqual(groups);
    expect(of('confirm-stop').length).toBe(2 * groups.length);
    expect(of('confirm-start').length).toBe(groups.length);
  });

  test('skips the start on a closed day and leaves the cluster asleep', () => {
    expect(day.plan.skipped?.reason).toContain('closed');
    const after = decisions.filter(({ time }) => new Date(time) >= (day.plan.skipped?.at ?? NOW));
    expect(after.filter(({ action }) => action === 'start')).toEqual([]);
    expect(day.summary?.environments[0]?.hoursAsleep).toBeGreaterThan(1.5);
  });

  test('remembers a merge at night and deploys it after the wake', () => {
    const [deferred] = of('defer');
    expect(deferred?.reason).toContain('23:00');
    const deployed = of('deployed').find((decision) => decision['sha'] === deferred?.['sha']);
    expect(local(deployed?.time ?? '') >= '23:00').toBe(true);
  });

  test('deploys a merge of the working day once, although its event came twice', () => {
    const shas = of('sync').map((decision) => decision['sha']);
    expect(new Set(shas).size).toBe(shas.length);
    expect(day.summary?.environments[0]?.deploys.map(({ outcome }) => outcome)).toEqual([
      'deployed',
      'deployed',
    ]);
  });

  test('deployed means that the pods run the image of the build', () => {
    const reasons = of('deployed').map(({ reason }) => reason);
    expect(reasons).toHaveLength(2);
    for (const reason of reasons) expect(reason).toMatch(/; 3 of 3 pods run shop@sha256:[0-9a-f]{12}…$/);
  });

  test('answers builds that must not be deployed with a reason', () => {
    const reasons = [...of('refuse'), ...of('ignore')]
      .filter(({ capability }) => capability === 'branch-deploy')
      .map(({ reason }) => reason);
    expect(reasons).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/pull request|pr\/1/i),
        expect.stringMatching(/tag/i),
        expect.stringContaining('FAILED'),
      ]),
    );
  });

  test('drains a node of each environment inside the notice, and loses no pod', () => {
    for (const environment of day.summary?.environments ?? []) {
      const [drain] = environment.drains;
      expect(drain?.cordonedAfterSeconds).toBeLessThan(60);
      expect(drain?.moved).toBeGreaterThan(0);
      expect(drain?.lost).toBe(0);
    }
  });

  test('does nothing in production but drain', () => {
    const actions = new Set(
      decisions.filter(({ environment }) => environment === 'live').map(({ capability }) => capability),
    );
    expect([...actions]).toEqual(['spot-drain']);
  });

  test('leaves no process behind', () => {
    expect(pids.length).toBeGreaterThan(3);
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });
});
