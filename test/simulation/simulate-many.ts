/** Many nights on all processors. The result does not depend on how they are distributed. */
import { availableParallelism } from 'node:os';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import type { FaultKind, Severity } from './faults.ts';
import { type Outcome, PROMISE_IDS, type PromiseId, type Simulate } from './outcome.ts';
import { isPlayed, STORIES } from './stories.ts';

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
  /** Called with the number of finished nights after each share of them. */
  readonly onProgress?: (done: number) => void;
}

/** One story of the seeds from `first` on. Small enough that no processor idles long at the end. */
interface Share {
  readonly story: string;
  readonly first: number;
  readonly nights: number;
  readonly severity: Severity;
}

const SHARE_NIGHTS = 10;

export async function simulateMany(options: ManyOptions): Promise<Tally> {
  const { nights, onProgress } = options;
  // One story after the other: code that has just run is faster.
  const stories = Object.keys(STORIES);
  const shares = stories.flatMap((story) => sharesOf(story, options));
  const count = Math.min(options.workers ?? availableParallelism(), shares.length);

  const tallies: Tally[] = [];
  let done = 0;
  const take = (share: Share, tally: Tally) => {
    tallies[shares.indexOf(share)] = tally;
    done += share.nights;
    onProgress?.(Math.floor(done / stories.length));
  };
  const queue = [...shares];
  await Promise.all(Array.from({ length: count }, () => workThrough(queue, take)));
  return { ...tallies.reduce(add), nights };
}

function sharesOf(story: string, { nights, seed, severity }: ManyOptions): Share[] {
  return Array.from({ length: Math.ceil(nights / SHARE_NIGHTS) }, (_, index) => {
    const before = index * SHARE_NIGHTS;
    return { story, first: seed + before, nights: Math.min(SHARE_NIGHTS, nights - before), severity };
  });
}

async function simulateShare({ story, first, nights, severity }: Share): Promise<Tally> {
  const simulate = STORIES[story] as Simulate;
  const { stackTraceLimit } = Error;
  // Thousands of faults are thrown, and their stack traces are not read.
  Error.stackTraceLimit = 0;
  let tally = emptyTally();
  for (let seed = first; seed < first + nights; seed++)
    if (isPlayed(story, seed)) tally = add(tally, tallyOf(story, await simulate({ seed, severity })));
  Error.stackTraceLimit = stackTraceLimit;
  return tally;
}

/** One worker, which gets the next share whenever it has done one. */
function workThrough(queue: Share[], take: (share: Share, tally: Tally) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), {
      workerData: WORKER,
      execArgv: [...process.execArgv, '--import', new URL('./use-memos.ts', import.meta.url).href],
    });
    let share: Share | undefined;
    const next = () => {
      share = queue.shift();
      if (share) worker.postMessage(share);
      else resolve(worker.terminate().then(() => undefined));
    };
    worker.on('message', (tally: Tally) => {
      if (share) take(share, tally);
      next();
    });
    worker.on('error', reject);
    worker.on('exit', (code) => reject(new Error(`a worker of the simulation ended with code ${code}`)));
    next();
  });
}

/** This module is also what a worker runs. */
const WORKER = 'a worker of the simulation';

if (!isMainThread && workerData === WORKER)
  parentPort?.on('message', async (share: Share) => parentPort?.postMessage(await simulateShare(share)));

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
