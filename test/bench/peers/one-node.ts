/** One node at a time: 110 pods, pods behind a budget, and a worker that is killed after its cordon. */
import { setTimeout as wait } from 'node:timers/promises';
import type { FunctionProcess } from '@nightshift/lab/assembly/function-process.ts';
import type { FunctionSpec } from '@nightshift/lab/assembly/function-runner.ts';
import type { Figure } from '../bench.ts';
import type { Account, ExecutionInput } from './account.ts';
import { type Ground, OURS, PODS_A_NODE } from './ground.ts';
import type { Storm } from './recorded.ts';
import { call, noticeOf, strikeKubectl, strikeOurs, untilGone, warmProcesses } from './strike.ts';

export interface OneNodeOptions {
  readonly ground: Ground;
  readonly account: Account;
  readonly spec: FunctionSpec;
  /** The program. */
  readonly kubectl: string;
  readonly log: (line: string) => void;
}

const FULL = 110;
const ASKED_WITHIN_MS = 2_000;
const RATIO = 0.1;
const KILLED_WITHIN_MS = 25_000;
const CORDON_PATIENCE_MS = 60_000;
/** As the rule of EventBridge that starts the state machine. */
const RULE_DELAY_SECONDS = 20;

export async function oneNode(options: OneNodeOptions): Promise<Figure[]> {
  const { log } = options;
  log(`peers: a node with ${FULL} pods`);
  const full = await fullNode(options);
  log('peers: pods behind a budget');
  const budget = await guardedNode(options);
  log('peers: a worker is killed after its cordon');
  return [...full, ...budget, await killedWorker(options)];
}

async function fullNode({ ground, spec, kubectl }: OneNodeOptions): Promise<Figure[]> {
  const ours = await strikeOurs(ground, spec, {
    nodes: await ground.addNodes('oursfull', 1, FULL),
    podsANode: FULL,
  });
  const others = { nodes: await ground.addNodes('kubectlfull', 1, FULL), podsANode: FULL };
  const theirs = await strikeKubectl(ground, kubectl, others, 'kubectlfull');
  return [
    {
      ...figure(`${FULL} pods: all asked`, 'lastAskedMs', ours, theirs),
      target: { what: '≤ 2 s', met: ours.lastAskedMs <= ASKED_WITHIN_MS },
    },
    {
      ...figure(`${FULL} pods: the node is empty`, 'goneMs', ours, theirs),
      target: { what: `≤ ${RATIO} ×`, met: ours.goneMs <= RATIO * theirs.goneMs },
    },
    figure(`${FULL} pods: requests to the API server`, 'requests', ours, theirs),
  ];
}

/** The budget lets one pod go at a time: each waits for the replacement of the one before. */
async function guardedNode({ ground, spec, kubectl }: OneNodeOptions): Promise<Figure[]> {
  const podsANode = PODS_A_NODE;
  const ours = await strikeOurs(ground, spec, { nodes: [await ground.addGuarded('oursbudget')], podsANode });
  const others = { nodes: [await ground.addGuarded('kubectlbudget')], podsANode };
  const theirs = await strikeKubectl(ground, kubectl, others, 'kubectlbudget');
  return [figure(`${podsANode} pods behind a budget: the node is empty`, 'goneMs', ours, theirs)];
}

/** Its watchdogs run on another process; Lambda's own retry, a minute later, does not come. */
async function killedWorker({ ground, account, spec }: OneNodeOptions): Promise<Figure> {
  const nodes = await ground.addNodes('killed', 1);
  const [node] = nodes;
  const [worker, ...others] = await warmProcesses(ground, spec, nodes, 3);
  if (!node || !worker) throw new Error('there is no worker to kill');
  const stop = new AbortController();
  const working: Promise<unknown>[] = [];
  const watch = (input: ExecutionInput) =>
    void working.push(watchLater({ spec, idle: others, signal: stop.signal }, input));
  account.onExecution(watch);
  const event = noticeOf(spec, node);
  watch({ delaySeconds: RULE_DELAY_SECONDS, check: { event } });
  const attempt = call(worker, spec, event).catch(() => undefined);
  const end = Date.now() + CORDON_PATIENCE_MS;
  while (!(await ground.isCordoned(node))) {
    if (Date.now() > end) throw new Error('the worker that was to be killed has not cordoned its node');
    await wait(5);
  }
  await worker.kill();
  const killedAt = Date.now();
  await attempt;
  await untilGone(ground, nodes, killedAt);
  const asked = (await ground.asked(OURS, killedAt)).filter(({ subresource }) => subresource === 'eviction');
  const lastMs = Math.max(0, ...asked.map(({ at }) => at - killedAt));
  stop.abort();
  account.onExecution(() => undefined);
  await Promise.all(working);
  await Promise.all(others.map((one) => one.kill()));
  await ground.clear(nodes);
  return {
    what: 'a worker is killed after its cordon: all pods asked, after the kill',
    value: lastMs,
    unit: 'ms',
    target: { what: '≤ 25 s', met: asked.length > 0 && lastMs <= KILLED_WITHIN_MS },
  };
}

interface Watch {
  readonly spec: FunctionSpec;
  /** Processes that take one invocation at a time. */
  readonly idle: FunctionProcess[];
  readonly signal: AbortSignal;
}

async function watchLater(
  { spec, idle, signal }: Watch,
  { delaySeconds, check }: ExecutionInput,
): Promise<void> {
  const isOver = await wait(delaySeconds * 1_000, false, { signal }).catch(() => true);
  const one = isOver ? undefined : idle.pop();
  if (!one) return;
  await call(one, spec, { source: 'nightshift', trigger: 'watchdog', id: 'execution', check });
  idle.push(one);
}

function figure(what: string, key: keyof Storm, ours: Storm, theirs: Storm): Figure {
  const unit = key.endsWith('Ms') ? 'ms' : key;
  return { what, value: ours[key], unit, baseline: { what: 'kubectl drain', value: theirs[key] } };
}
