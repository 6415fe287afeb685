/**
 * Storms of interruptions on servers that nobody here wrote: a real kube-apiserver and moto. spot-drain, `kubectl drain`
 * and, as it was recorded, aws-node-termination-handler; what they did is read from the audit log.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { FunctionProcess } from '@nightshift/lab/assembly/function-process.ts';
import type { FunctionSpec } from '@nightshift/lab/assembly/function-runner.ts';
import type { Bench, Figure } from '../bench.ts';
import { raiseAccount, tickAt } from '../site.ts';
import { startAccount } from './account.ts';
import { type BenchNode, type Ground, KUBECTL, OURS, PODS_A_NODE, raiseGround } from './ground.ts';
import { RECORDED, type Storm } from './recorded.ts';

/** `PEERS_STORMS=50`: only these, separated by commas. */
const STORMS = (process.env['PEERS_STORMS'] ?? '50,100,300').split(',').map(Number);
/** As many as fit into the memory of a small machine; more notices wait for a process that is free. */
const MOST_PROCESSES = 50;
const IN_TIME_MS = 5_000;
const TARGET = { notices: 50, lastCordonMs: 4_000, lastAskedMs: 6_000 } as const;
/** /proc counts processor time in ticks of 10 ms. */
const TICK_MS = 10;
const PATIENCE_MS = 15 * 60_000;

export const peers: Bench = async ({ log }) => {
  const method = `one spot notice for each node at one instant, ${PODS_A_NODE} pods a node that end 2 s after they are asked to; the deployed function in ${MOST_PROCESSES} warm processes at most, one notice at a time in each; \`kubectl drain\` of all nodes by their label; from the audit log of a real kube-apiserver, with moto for DynamoDB`;
  const assets = process.env['KUBEBUILDER_ASSETS'] ?? '';
  if (!existsSync(path.join(assets, 'kube-apiserver')))
    return {
      bench: 'peers',
      method,
      figures: [],
      notes: [
        'peers: not measured, because KUBEBUILDER_ASSETS names no folder with kube-apiserver: build the servers with test/conformance/servers/build.sh',
        ...recordedNotes(),
      ],
    };
  const site = await raiseAccount('develop');
  const account = await startAccount(process.env['MOTO_SERVER'] ?? 'moto_server');
  const ground = await raiseGround(assets, account);
  try {
    const spec = site.specOf('spot-drain');
    await account.createTable(spec.environment['NIGHTSHIFT_TABLE'] ?? '', spec.region);
    const figures: Figure[] = [];
    for (const notices of STORMS) {
      log(`peers: ${notices} notices to spot-drain`);
      const ours = await strikeOurs(ground, spec, notices);
      log(`peers: kubectl drain of ${notices} nodes`);
      const theirs = await strikeKubectl(ground, path.join(assets, 'kubectl'), notices);
      figures.push(...figuresOf(notices, ours, theirs));
    }
    return {
      bench: 'peers',
      method,
      figures,
      notes: [`peers: kube-apiserver ${ground.version}`, ...recordedNotes()],
    };
  } finally {
    await ground.close().finally(() => account.close());
    await site.close();
  }
};

async function strikeOurs(ground: Ground, spec: FunctionSpec, notices: number): Promise<Storm> {
  const nodes = await ground.addNodes(`ours${notices}`, notices);
  const count = Math.min(notices, MOST_PROCESSES);
  const processes = Array.from({ length: count }, () => ground.start(spec));
  const [first] = processes;
  // The tick writes the names of the nodes; each process then has its connections and its token.
  for (const one of processes)
    await call(one, spec, one === first ? tickAt(Date.now()) : refused(spec, nodes));
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
  const storm = { ...(await observe(ground, OURS, nodes, at)), goneMs, cpuMs: cpuOf(processes) - before };
  await Promise.all(processes.map((one) => one.kill()));
  await ground.clear(nodes);
  return storm;
}

async function strikeKubectl(ground: Ground, kubectl: string, notices: number): Promise<Storm> {
  const label = `kubectl${notices}`;
  const nodes = await ground.addNodes(label, notices);
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
  const storm = { ...(await observe(ground, KUBECTL, nodes, at)), goneMs, cpuMs: cpuOfChildren(printed) };
  await ground.clear(nodes);
  return storm;
}

/** What the audit log has of them. */
async function observe(ground: Ground, user: string, nodes: readonly BenchNode[], since: number) {
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
  if (cordons.length !== nodes.length || asked.length !== nodes.length * PODS_A_NODE)
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

async function untilGone(ground: Ground, nodes: readonly BenchNode[], since: number): Promise<number> {
  while ((await ground.podsLeft(nodes)) > 0) {
    if (Date.now() - since > PATIENCE_MS) throw new Error('pods are left on the nodes of the storm');
    await wait(250);
  }
  return Date.now() - since;
}

async function call(one: FunctionProcess, spec: FunctionSpec, event: unknown): Promise<void> {
  const id = randomUUID();
  const outcome = await one.invoke({
    id,
    payload: JSON.stringify(event),
    timeoutMs: spec.timeoutSeconds * 1_000,
    context: { awsRequestId: id, functionName: spec.name, functionVersion: '$LATEST' },
  });
  if (!outcome.ok) throw new Error(`spot-drain failed: ${outcome.error.errorMessage}`);
}

function noticeOf({ account, region }: FunctionSpec, { instanceId }: BenchNode) {
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

function figuresOf(notices: number, ours: Storm, theirs: Storm): Figure[] {
  const figure = (what: string, key: keyof Storm, unit: string): Figure => ({
    what: `${notices} notices: ${what}`,
    value: ours[key],
    unit,
    baseline: { what: 'kubectl drain', value: theirs[key] },
  });
  const limited = (one: Figure, limitMs: number): Figure =>
    notices === TARGET.notices
      ? { ...one, target: { what: `≤ ${limitMs / 1_000} s`, met: one.value <= limitMs } }
      : one;
  return [
    figure('cordoned within 5 s', 'inTime', 'nodes'),
    limited(figure('last cordon', 'lastCordonMs', 'ms'), TARGET.lastCordonMs),
    limited(figure('all pods asked', 'lastAskedMs', 'ms'), TARGET.lastAskedMs),
    figure('all pods gone', 'goneMs', 'ms'),
    figure('requests to the API server', 'requests', 'requests'),
    figure('processor time of the client', 'cpuMs', 'ms'),
  ];
}

/** Never beside our figures: it was another run. */
function recordedNotes(): string[] {
  const { when, what, storms, notes } = RECORDED;
  const lines = Object.entries(storms).map(
    ([notices, { inTime, lastCordonMs, lastAskedMs, goneMs, requests, cpuMs }]) =>
      `  ${notices} notices: ${inTime} cordoned within 5 s, last cordon ${lastCordonMs} ms, all asked ${lastAskedMs} ms, gone ${goneMs} ms, ${requests} requests, ${cpuMs} ms of processor time`,
  );
  return [
    `peers: recorded on ${when}, not measured in this run: ${what}`,
    ...lines,
    ...notes.map((note) => `  ${note}`),
  ];
}
