/**
 * A night of Karpenter's nodes on the real Karpenter (kwok provider): night-schedule beside the scripts that people use. Each
 * has NodePools of its own, alike, on one cluster; all stop at the same instant and start at the same instant.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { NODE_CLAIMS, NODE_POOLS, POOL_LABEL } from '#test/conformance/karpenter/node-pool.ts';
import { aRealKarpenterBed, type RealKarpenterBed } from '#test/conformance/karpenter/real.ts';
import { isReady, type Json, must } from '#test/conformance/kubernetes/objects.ts';
import { untilSeen } from '#test/conformance/servers/until-seen.ts';
import type { Bench, Figure } from '../bench.ts';
import { withServers } from '../servers.ts';
import { launchedSince, leftAt, nodeMinutes, type Sample, unchangedPools } from './count.ts';
import { nightSchedule } from './night-schedule.ts';
import { addPools, NODES, type Place, POOLS, POOLS_TEXT } from './pools.ts';
import { scriptedWays, versionOf, type Way } from './ways.ts';

/** A tenth of the defaults and of the public script: 20 minutes, a minute, five minutes. */
const DEADLINE_MS = 120_000;
const TICK_MS = 6_000;
const STRAGGLERS_AFTER_MS = 30_000;
const NIGHT_MS = 150_000;
const MORNING_MS = 60_000;
const SAMPLE_MS = 1_000;
const SETUP_MS = 240_000;

/** One way with what is its own. */
interface Night {
  readonly way: Way;
  readonly place: Place;
  readonly before: Readonly<Record<string, Json>>;
  readonly samples: Sample[];
  /** Seconds from the start until all of its pods were Ready. */
  readySeconds?: number;
}

export const karpenter: Bench = withServers('karpenter', 'karpenter', async ({ log }) => {
  const { KUBEBUILDER_ASSETS: kubernetes = '', KARPENTER_ASSETS: assets = '' } = process.env;
  const built = path.join(kubernetes, 'kubectl');
  const program = existsSync(built) ? built : 'kubectl';
  const version = await versionOf(program);
  log('karpenter: the servers start');
  const bed = await aRealKarpenterBed({ kubernetes, karpenter: assets });
  const ways = [
    nightSchedule({ bed, stopDeadlineMinutes: DEADLINE_MS / 60_000, tickMs: TICK_MS }),
    ...scriptedWays({ program, kubeconfig: bed.kubeconfig, stragglersAfterMs: STRAGGLERS_AFTER_MS }),
  ];
  try {
    log(`karpenter: ${ways.length * NODES} nodes start`);
    const nights = await evening(bed, ways);
    log(`karpenter: the night, ${NIGHT_MS / 1_000} s`);
    await night(bed, nights);
    log('karpenter: the morning');
    const after = await morning(bed, nights);
    return {
      bench: 'karpenter',
      method: `a night on ${bed.software} (kwok provider) and kubectl ${version}; each way has ${POOLS_TEXT}: ${NODES} nodes; the stop’s deadline is ${DEADLINE_MS / 1_000} s instead of 20 minutes, and every other time is a tenth as well`,
      own: 'night-schedule',
      figures: figuresOf(nights, after),
      notes: nights.flatMap(({ way }) => [
        `karpenter, ${way.name}: ${way.what}`,
        ...way.reports().map((line) => `karpenter, ${way.name}, reported: ${line}`),
      ]),
    };
  } finally {
    for (const way of ways) await way.close();
    await bed.close();
  }
});

/** Every pod is Ready on a node of its own. */
async function evening(bed: RealKarpenterBed, ways: readonly Way[]): Promise<readonly Night[]> {
  const places = new Map<Way, Place>();
  for (const way of ways) places.set(way, await addPools(bed, way.name));
  await untilSeen(
    'every pod is Ready',
    async () => {
      const counts = await Promise.all([...places.values()].map((place) => readyPods(bed, place)));
      return (
        counts.every((count) => count === NODES) && (await claimNames(bed)).length === ways.length * NODES
      );
    },
    { patienceMs: SETUP_MS, everyMs: SAMPLE_MS },
  );
  const before = await specs(bed);
  return [...places].map(([way, place]) => ({
    way,
    place,
    before: Object.fromEntries(place.pools.map((name) => [name, before[name]])),
    samples: [],
  }));
}

async function night(bed: RealKarpenterBed, nights: readonly Night[]): Promise<void> {
  const stop = performance.now();
  await sample(bed, nights, stop);
  const stopping = Promise.all(nights.map(({ way, place }) => way.stop(place)));
  while (performance.now() - stop < NIGHT_MS) {
    await wait(SAMPLE_MS);
    await sample(bed, nights, stop);
  }
  await stopping;
}

async function sample(bed: RealKarpenterBed, nights: readonly Night[], stop: number): Promise<void> {
  const claims = await claimNames(bed);
  const at = performance.now() - stop;
  for (const { place, samples } of nights)
    samples.push({
      at,
      claims: claims.filter(({ pool }) => place.pools.includes(pool)).map(({ name }) => name),
    });
}

/** The NodePools as they are when every pod is Ready again, or after the time for that. */
async function morning(bed: RealKarpenterBed, nights: readonly Night[]): Promise<Record<string, Json>> {
  const start = performance.now();
  const starting = Promise.all(nights.map(({ way, place }) => way.start(place)));
  while (performance.now() - start < MORNING_MS && nights.some((one) => one.readySeconds === undefined)) {
    for (const one of nights)
      if (one.readySeconds === undefined && (await readyPods(bed, one.place)) === NODES)
        one.readySeconds = (performance.now() - start) / 1_000;
    await wait(SAMPLE_MS / 2);
  }
  await starting;
  return specs(bed);
}

/** night-schedule is the first of the nights; the others stand beside it. */
function figuresOf(nights: readonly Night[], after: Record<string, Json>): readonly Figure[] {
  const [ours, ...others] = nights;
  if (!ours) throw new Error('there was no night');
  const figure = (what: string, unit: string, value: (one: Night) => number): Figure => ({
    ...{ what, unit, value: value(ours) },
    beside: others.map((one) => ({ who: one.way.name, value: value(one) })),
  });
  const left = (one: Night) => leftAt(one.samples, DEADLINE_MS);
  const unchanged = ({ before }: Night) => unchangedPools(before, after).length;
  return [
    {
      ...figure(`of ${NODES} nodes, left at the deadline`, 'nodes', left),
      target: { what: '0', met: left(ours) === 0 },
    },
    figure(
      `node-minutes until the deadline, of ${(NODES * DEADLINE_MS) / 60_000}`,
      'minutes',
      ({ samples }) => nodeMinutes(samples, DEADLINE_MS),
    ),
    figure('nodes launched during the night', 'nodes', ({ samples }) => launchedSince(samples)),
    {
      ...figure(`of ${POOLS} NodePools, as before in the morning`, 'pools', unchanged),
      target: { what: `${POOLS}`, met: unchanged(ours) === POOLS },
    },
    figure('start → every pod Ready', 's', ({ readySeconds }) => readySeconds ?? Number.NaN),
  ];
}

async function claimNames(bed: RealKarpenterBed): Promise<readonly { name: string; pool: string }[]> {
  const { items } = await must(bed, 'GET', NODE_CLAIMS);
  return items.map(({ metadata }: Json) => ({
    name: metadata.name,
    pool: metadata.labels?.[POOL_LABEL] ?? '',
  }));
}

async function specs(bed: RealKarpenterBed): Promise<Record<string, Json>> {
  const { items } = await must(bed, 'GET', NODE_POOLS);
  return Object.fromEntries(items.map(({ metadata, spec }: Json) => [metadata.name, spec]));
}

/** Those that are being deleted are not counted. */
async function readyPods(bed: RealKarpenterBed, { namespace }: Place): Promise<number> {
  const { items } = await must(bed, 'GET', `/api/v1/namespaces/${namespace}/pods`);
  return items.filter((pod: Json) => isReady(pod) && pod.metadata.deletionTimestamp === undefined).length;
}
