/** One side empties nodes: what the audit log and the counters of its processes say about it. */
import { setTimeout as wait } from 'node:timers/promises';
import { type EmptyingFigures, figuresOf } from './audit-figures.ts';
import type { Ground, PeerNode } from './ground.ts';
import { type Usage, watchProcesses } from './processes.ts';
import type { Side } from './sides.ts';

export interface Emptied extends EmptyingFigures, Usage {
  readonly nodes: number;
  readonly failures: readonly string[];
}

const LONGEST_MS = 200_000;
/** For what a side still does once the pods are gone. */
const AFTERWARDS_MS = 10_000;

export interface Task {
  readonly nodes: readonly PeerNode[];
  readonly namespace: string;
  readonly pods: number;
  /** It is measured no longer than that. */
  readonly withinMs: number;
  /** Default: no pod is left in the namespace. */
  readonly isOver?: () => Promise<boolean>;
}

export interface Storm {
  readonly nodes: number;
  /** Pods on each. */
  readonly each: number;
  /** After they were asked to go. Default 2. */
  readonly exitSeconds?: number;
}

/** Fresh nodes with the same number of pods on each, which are removed afterwards. */
export async function measureStorm(ground: Ground, side: Side, storm: Storm): Promise<Emptied> {
  const { each, exitSeconds = 2 } = storm;
  const nodes = await ground.addNodes(storm.nodes);
  const namespace = await ground.addNamespace();
  await ground.addPods(nodes, { namespace, each, exitSeconds });
  try {
    return await measure(ground, side, { nodes, namespace, pods: storm.nodes * each, withinMs: LONGEST_MS });
  } finally {
    await ground.removeNodes(nodes);
  }
}

export async function measure(ground: Ground, side: Side, task: Task): Promise<Emptied> {
  const { nodes, namespace, pods, withinMs, isOver = () => ground.isEmpty(namespace) } = task;
  const prepared = await side.prepare(nodes);
  try {
    const usage = watchProcesses(prepared.pids);
    const from = Date.now();
    prepared.strike();
    let overAt = Number.POSITIVE_INFINITY;
    while (Date.now() < Math.min(from + withinMs, overAt + AFTERWARDS_MS)) {
      await wait(250);
      if (overAt === Number.POSITIVE_INFINITY && (await isOver())) overAt = Date.now();
      if (overAt < Number.POSITIVE_INFINITY && prepared.isDone()) break;
    }
    const used = usage.stop();
    const entries = await ground.plane.audit();
    const names = nodes.map(({ name }) => name);
    const figures = figuresOf(entries, { from, nodes: names, namespace, pods, isBy: side.isBy });
    // A copy: what the end of the measurement cuts off is no failure.
    return { ...figures, ...used, nodes: nodes.length, failures: [...prepared.failures()] };
  } finally {
    await prepared.close();
  }
}
