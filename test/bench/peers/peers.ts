/**
 * Storms of interruptions on servers that nobody here wrote: a real kube-apiserver and moto. spot-drain, `kubectl drain`
 * and, as it was recorded, aws-node-termination-handler; what they did is read from the audit log.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Bench, Figure } from '../bench.ts';
import { raiseAccount } from '../site.ts';
import { startAccount } from './account.ts';
import { PODS_A_NODE, raiseGround } from './ground.ts';
import { oneNode } from './one-node.ts';
import { RECORDED, type Storm } from './recorded.ts';
import { MOST_PROCESSES, strikeKubectl, strikeOurs } from './strike.ts';

/** `PEERS_STORMS=50`: only these, separated by commas. */
const STORMS = (process.env['PEERS_STORMS'] ?? '50,100,300').split(',').map(Number);
const TARGET = { notices: 50, lastCordonMs: 4_000, lastAskedMs: 6_000 } as const;

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
    const kubectl = path.join(assets, 'kubectl');
    const figures: Figure[] = await oneNode({ ground, account, spec, kubectl, log });
    for (const notices of STORMS) {
      log(`peers: ${notices} notices to spot-drain`);
      const podsANode = PODS_A_NODE;
      const nodes = await ground.addNodes(`ours${notices}`, notices);
      const ours = await strikeOurs(ground, spec, { nodes, podsANode });
      log(`peers: kubectl drain of ${notices} nodes`);
      const label = `kubectl${notices}`;
      const others = { nodes: await ground.addNodes(label, notices), podsANode };
      const theirs = await strikeKubectl(ground, kubectl, others, label);
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
