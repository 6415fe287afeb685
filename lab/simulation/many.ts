/** Many nights on all processors. The result does not depend on how they are shared out. */
import { availableParallelism } from 'node:os';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import type { FaultKind, Severity } from './faults.ts';
import { type Outcome, PROMISE_IDS, type PromiseId } from './outcome.ts';
import { STORIES } from './stories.ts';

export interface Failure {
  readonly story: string;
  readonly seed: number;
  readonly promise: PromiseId;
  readonly what: string;
}

export interface Tally {
  readonly nights: number;
  readonly exercised: Readonly<Record<PromiseId, number>>;
  readonly broken: Readonly<Record<PromiseId, number>>;
  readonly faults: Readonly<Record<string, number>>;
  readonly events: Readonly<Record<string, number>>;
  /** In the order of their seeds. */
  readonly failures: readonly Failure[];
}

export interface ManyOptions {
  readonly nights: number;
  readonly seed: number;
  readonly severity: Severity;
  readonly workers?: number;
  /** Called with the number of nights that are done. */
  readonly onProgress?: (done: number) => void;
}

interface Share {
  readonly seeds: readonly number[];
  readonly severity: Severity;
}

const REPORT_EVERY = 20;

export async function simulateMany(options: ManyOptions): Promise<Tally> {
  const seeds = Array.from({ length: options.nights }, (_, index) => options.seed + index);
  const count = Math.max(
    1,
    Math.min(options.workers ?? availableParallelism(), Math.ceil(options.nights / 10)),
  );
  const done = new Array<number>(count).fill(0);
  const progress = (worker: number, nights: number) => {
    done[worker] = nights;
    options.onProgress?.(done.reduce((sum, one) => sum + one, 0));
  };
  const shares = done.map((_, worker) => seeds.filter((__, index) => index % count === worker));
  const tallies =
    count === 1
      ? [await simulateShare({ seeds, severity: options.severity }, (nights) => progress(0, nights))]
      : await Promise.all(
          shares.map((share, worker) =>
            inWorker({ seeds: share, severity: options.severity }, (nights) => progress(worker, nights)),
          ),
        );
  return tallies.reduce(add);
}

async function simulateShare(share: Share, onProgress: (done: number) => void): Promise<Tally> {
  const { stackTraceLimit } = Error;
  // Faults are thrown by the thousand, and nobody reads where they came from.
  Error.stackTraceLimit = 0;
  let tally = emptyTally();
  for (const [index, seed] of share.seeds.entries()) {
    for (const [story, simulate] of Object.entries(STORIES))
      tally = add(tally, tallyOf(story, await simulate({ seed, severity: share.severity })));
    tally = { ...tally, nights: index + 1 };
    if ((index + 1) % REPORT_EVERY === 0) onProgress(index + 1);
  }
  Error.stackTraceLimit = stackTraceLimit;
  onProgress(share.seeds.length);
  return tally;
}

function inWorker(share: Share, onProgress: (done: number) => void): Promise<Tally> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: share });
    worker.on('message', (message: { done: number } | { tally: Tally }) => {
      if ('done' in message) onProgress(message.done);
      else resolve(message.tally);
    });
    worker.on('error', reject);
    worker.on('exit', (code) => reject(new Error(`a worker of the simulation ended with code ${code}`)));
  });
}

if (!isMainThread && parentPort && isShare(workerData)) {
  const port = parentPort;
  const tally = await simulateShare(workerData, (done) => port.postMessage({ done }));
  port.postMessage({ tally });
}

function isShare(data: unknown): data is Share {
  return typeof data === 'object' && data !== null && 'seeds' in data && 'severity' in data;
}

function emptyTally(): Tally {
  const zero = Object.fromEntries(PROMISE_IDS.map((id) => [id, 0])) as Record<PromiseId, number>;
  return { nights: 0, exercised: zero, broken: zero, faults: {}, events: {}, failures: [] };
}

function tallyOf(story: string, outcome: Outcome): Tally {
  const broken = Object.fromEntries(
    PROMISE_IDS.map((id) => [id, outcome.violations.filter((one) => one.promise === id).length]),
  ) as Record<PromiseId, number>;
  return {
    nights: 0,
    exercised: { ...emptyTally().exercised, ...outcome.exercised },
    broken,
    faults: Object.fromEntries(outcome.faults satisfies ReadonlyMap<FaultKind, number>),
    events: outcome.events,
    failures: outcome.violations.map((one) => ({ story, seed: outcome.seed, ...one })),
  };
}

function add(a: Tally, b: Tally): Tally {
  return {
    nights: a.nights + b.nights,
    exercised: sum(a.exercised, b.exercised),
    broken: sum(a.broken, b.broken),
    faults: sum(a.faults, b.faults),
    events: sum(a.events, b.events),
    failures:
      b.failures.length === 0 ? a.failures : [...a.failures, ...b.failures].sort((x, y) => x.seed - y.seed),
  };
}

function sum<T extends Readonly<Record<string | number, number>>>(a: T, b: T): T {
  const total: Record<string, number> = { ...a };
  for (const [key, value] of Object.entries(b)) total[key] = (total[key] ?? 0) + value;
  return total as T;
}
