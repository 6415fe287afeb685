/** A storm of notices to spot-drain, and `kubectl drain` of as many nodes; what they did is read from the audit log. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import type { FunctionProcess } from '@nightshift/lab/assembly/function-process.ts';
import type { FunctionSpec } from '@nightshift/lab/assembly/function-runner.ts';
import { tickAt } from '../site.ts';
import { type BenchNode, type Ground, KUBECTL, OURS } from './ground.ts';
import type { Storm } from './recorded.ts';

/** As many as fit into the memory of a small machine; more notices wait for a process that is free. */
export const MOST_PROCESSES = 50;
const IN_TIME_MS = 5_000;
/** /proc counts processor time in ticks of 10 ms. */
const TICK_MS = 10;
const PATIENCE_MS = 15 * 60_000;

/** Nodes with as many pods each. */
export interface Struck {
  readonly nodes: readonly BenchNode[];
  readonly podsANode: number;
}

/** Warm processes: the tick writes the names of the nodes; each then has its connections and its token. */
export async function warmProcesses(
  ground: Ground,
  spec: FunctionSpec,
  nodes: readonly BenchNode[],
  count: number,
): Promise<readonly FunctionProcess[]> {
  const processes = Array.from({ length: count }, () => ground.start(spec));
  const [first] = processes;
  for (const one of processes)
    await call(one, spec, one === first ? tickAt(Date.now()) : refused(spec, nodes));
  return processes;
}

export async function strikeOurs(ground: Ground, spec: FunctionSpec, struck: Struck): Promise<Storm> {
  const { nodes } = struck;
  const processes = await warmProcesses(ground, spec, nodes, Math.min(nodes.length, MOST_PROCESSES));
  const before = cpuOf(processes);
  const at = Date.now();
  const queue = nodes.map((node) => noticeOf(spec, node));
  const drained = Promise.all(
    processes.map(async (one) => {
      for (let event = queue.shift(); event; event = queue.shift()) await call(one, spec, event);
    }),
  );
  const goneMs = await untilGone(ground, nodes, at);
  await drained;
  const storm = { ...(await observe(ground, OURS, struck, at)), goneMs, cpuMs: cpuOf(processes) - before };
  await Promise.all(processes.map((one) => one.kill()));
  await ground.clear(nodes);
  return storm;
}

/** `label`: of the nodes. */
export async function strikeKubectl(
  ground: Ground,
  kubectl: string,
  struck: Struck,
  label: string,
): Promise<Storm> {
  const { nodes } = struck;
  const kubeconfig = await ground.kubeconfig();
  const drain = `"$0" --kubeconfig="$1" drain --selector="storm=$2" --force --timeout=900s >/dev/null 2>&1; times`;
  const at = Date.now();
  const child = spawn('bash', ['-c', drain, kubectl, kubeconfig, label], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  child.stdout.on('data', (chunk) => {
    printed += chunk;
  });
  const ended = new Promise((resolve) => child.on('close', resolve));
  const goneMs = await untilGone(ground, nodes, at);
  await ended;
  const storm = { ...(await observe(ground, KUBECTL, struck, at)), goneMs, cpuMs: cpuOfChildren(printed) };
  await ground.clear(nodes);
  return storm;
}

/** What the audit log has of them. */
async function observe(ground: Ground, user: string, { nodes, podsANode }: Struck, since: number) {
  const entries = await ground.asked(user, since);
  const firsts = (list: typeof entries) => {
    const first = new Map<string, number>();
    for (const { name = '', at } of list) first.set(name, Math.min(first.get(name) ?? at, at));
    return [...first.values()].map((at) => at - since);
  };
  const names = new Set(nodes.map(({ name }) => name));
  const cordons = firsts(
    entries.filter(
      ({ verb, resource, name, status }) =>
        verb === 'patch' && resource === 'nodes' && status === 200 && names.has(name ?? ''),
    ),
  );
  const asked = firsts(
    entries.filter(({ resource, subresource }) => resource === 'pods' && subresource === 'eviction'),
  );
  if (cordons.length !== nodes.length || asked.length !== nodes.length * podsANode)
    throw new Error(
      `${user} cordoned ${cordons.length} of ${nodes.length} nodes and asked ${asked.length} pods`,
    );
  return {
    inTime: cordons.filter((ms) => ms <= IN_TIME_MS).length,
    lastCordonMs: Math.max(...cordons),
    lastAskedMs: Math.max(...asked),
    requests: entries.length,
  };
}

export async function untilGone(ground: Ground, nodes: readonly BenchNode[], since: number): Promise<number> {
  while ((await ground.podsLeft(nodes)) > 0) {
    if (Date.now() - since > PATIENCE_MS) throw new Error('pods are left on the nodes of the storm');
    await wait(250);
  }
  return Date.now() - since;
}

export async function call(one: FunctionProcess, spec: FunctionSpec, event: unknown): Promise<void> {
  const id = randomUUID();
  const outcome = await one.invoke({
    id,
    payload: JSON.stringify(event),
    timeoutMs: spec.timeoutSeconds * 1_000,
    context: { awsRequestId: id, functionName: spec.name, functionVersion: '$LATEST' },
  });
  if (!outcome.ok) throw new Error(`spot-drain failed: ${outcome.error.errorMessage}`);
}

export function noticeOf({ account, region }: FunctionSpec, { instanceId }: BenchNode) {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'EC2 Spot Instance Interruption Warning',
    source: 'aws.ec2',
    account,
    time: new Date().toISOString(),
    region,
    resources: [],
    detail: { 'instance-id': instanceId, 'instance-action': 'terminate' },
  };
}

/** A recommendation for an instance that has no node: it asks everything and changes nothing. */
function refused(spec: FunctionSpec, [node]: readonly BenchNode[]) {
  const event = noticeOf(spec, node ?? { name: '', instanceId: '' });
  const detail = { 'instance-id': 'i-0ffffffffffffffff' };
  return { ...event, 'detail-type': 'EC2 Instance Rebalance Recommendation', detail };
}

/** User and system time so far. */
function cpuOf(processes: readonly FunctionProcess[]): number {
  return processes.reduce((all, { pid }) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return all + (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  }, 0);
}

/** The second line of bash's `times`: `0m1.234s 0m0.567s`, of what it started. */
function cpuOfChildren(times: string): number {
  const found = [...(times.trim().split('\n')[1] ?? '').matchAll(/(\d+)m([\d.]+)s/g)];
  return found.reduce(
    (all, [, minutes, seconds]) => all + (Number(minutes) * 60 + Number(seconds)) * 1_000,
    0,
  );
}
