/** night-schedule's own passes over the real Karpenter. Its host group of Auto Scaling and its table are in memory. */
import { setTimeout as wait } from 'node:timers/promises';
import { createOverrides } from '#functions/adapters/dynamodb/night.ts';
import { createAutoscaler } from '#functions/adapters/kubernetes/autoscaler.ts';
import { run } from '#functions/night-schedule/run.ts';
import type { SleepState } from '#model/schedule.ts';
import type { RealKarpenterBed } from '#test/conformance/karpenter/real.ts';
import { someSettings } from '#test/functions/night-schedule/builders.ts';
import { aWorld } from '#test/functions/night-schedule/memory-ports.ts';
import { karpenter, phase, system } from '#test/functions/night-schedule/ticks.ts';
import type { Place } from './pools.ts';
import type { Way } from './ways.ts';

export interface NightOptions {
  readonly bed: RealKarpenterBed;
  readonly stopDeadlineMinutes: number;
  /** Between two passes. */
  readonly tickMs: number;
}

const HOUR_MS = 3_600_000;

export function nightSchedule({ bed, stopDeadlineMinutes, tickMs }: NightOptions): Way {
  const world = aWorld([system()]);
  const client = bed.clientFor('night-schedule');
  const ending = new AbortController();
  let ticking: Promise<void> | undefined;

  const tick = async (nodePools: readonly string[]) => {
    const config = { ...karpenter, nodePools };
    const deps = {
      ...world.ports,
      autoscaler: createAutoscaler(client, config),
      settings: someSettings({ autoscaler: config, stopDeadlineMinutes, warnMinutes: 0 }),
      now: () => bed.now(),
      remaining: () => HOUR_MS,
    };
    await run(deps, { trigger: 'tick', byPerson: false });
    world.settle();
  };
  const ticks = async (place: Place) => {
    while (!ending.signal.aborted) {
      await tick(place.pools);
      await wait(tickMs, undefined, { signal: ending.signal }).catch(() => undefined);
    }
  };
  const request = async (state: SleepState) => {
    const now = bed.now();
    await createOverrides(world.table.through()).add({
      id: state,
      state,
      from: now.toISOString(),
      until: new Date(now.getTime() + HOUR_MS).toISOString(),
      author: 'bench',
      reason: 'the night of the bench',
    });
  };

  return {
    name: 'night-schedule',
    what: 'night-schedule: its passes, its adapter, and the rights of manifests/',
    async stop(place) {
      await request('asleep');
      ticking = ticks(place);
      ticking.catch(() => undefined);
    },
    start: () => request('awake'),
    reports: () => [
      ...world.decisions
        .filter(({ action }) => action === 'fail')
        .map(({ target, reason }) => `fail ${target}: ${reason}`),
      `${world.decisions.length} decisions, state ${phase(world)} at the end`,
    ],
    async close() {
      ending.abort();
      await ticking;
    },
  };
}
