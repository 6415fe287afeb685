/** What takes minutes and hardly any processor time: all of it at the same time, on nodes of its own. */
import { addBudget, addDeployment, must, readyPods } from '#test/conformance/kubernetes/objects.ts';
import { figuresOf } from './audit-figures.ts';
import type { Functions } from './functions.ts';
import type { Ground, PeerNode } from './ground.ts';
import { type Emptied, measure } from './measure.ts';
import type { Compared, Quiet } from './rows.ts';
import {
  type Announce,
  kubectlDrain,
  maintenanceOf,
  recommendationOf,
  type Side,
  spotDrain,
} from './sides.ts';

const PODS = 5;
const NOTICE_MS = 120_000;
const UNDONE_AFTER_MS = 60_000;
/** The tick comes every five minutes; here as soon as there is something to undo. */
const TICK_AFTER_MS = UNDONE_AFTER_MS + 1_000;
const ASKED_WITHIN_MS = 100_000;

export interface Peers {
  /** The folder of kubectl. */
  readonly assets: string;
  /** aws-node-termination-handler, where it was given. */
  readonly nth?: ((announce?: Announce) => Side) | undefined;
}

export async function measureQuiet(
  ground: Ground,
  functions: Functions,
  { assets, nth }: Peers,
): Promise<Quiet> {
  const ours = spotDrain(ground, functions);
  const kubectl = kubectlDrain(ground, assets);
  const all = async (task: (side: Side) => Promise<Emptied>): Promise<Compared> => {
    const measured = await Promise.all([task(ours), task(kubectl), ...(nth ? [task(nth())] : [])]);
    const [own, theirs, third] = measured as [Emptied, Emptied, Emptied?];
    return { ours: own, kubectl: theirs, ...(third ? { nth: third } : {}) };
  };
  const [held, oneByOne, killedAskedMs, health, recommended, others] = await Promise.all([
    all((side) => heldByBudget(ground, side)),
    all((side) => oneByOneOf(ground, side)),
    killedWorker(ground, functions),
    maintenance(ground, (announce) => spotDrain(ground, functions, { announce })),
    recommendation(ground, functions),
    nth && otherEvents(ground, nth),
  ]);
  return {
    held,
    oneByOne,
    killedAskedMs,
    health: { ours: health, ...(others ? { nth: others.health } : {}) },
    recommended: { ...recommended, ...(others ? { nth: others.recommended } : {}) },
  };
}

async function otherEvents(ground: Ground, side: (announce: Announce) => Side) {
  const [health, recommended] = await Promise.all([
    maintenance(ground, side),
    loaded(ground, 1).then((task) =>
      measure(
        ground,
        side((nodes) => nodes.map((node) => recommendationOf(ground, node))),
        {
          ...task,
          withinMs: TICK_AFTER_MS,
        },
      ),
    ),
  ]);
  return { health, recommended };
}

async function loaded(ground: Ground, count: number) {
  const nodes = await ground.addNodes(count);
  const namespace = await ground.addNamespace();
  await ground.addPods(nodes, { namespace, each: PODS, exitSeconds: 2 });
  return { nodes, namespace, pods: count * PODS };
}

async function heldByBudget(ground: Ground, side: Side): Promise<Emptied> {
  const task = await loaded(ground, 1);
  await addBudget(ground, {
    namespace: task.namespace,
    name: 'load',
    selector: { matchLabels: { app: 'load' } },
    minAvailable: PODS,
  });
  return measure(ground, side, { ...task, withinMs: NOTICE_MS });
}

/** Pods of a Deployment, and a second node for those that take their place. */
async function oneByOneOf(ground: Ground, side: Side): Promise<Emptied> {
  const namespace = await ground.addNamespace();
  const labels = { pool: namespace };
  const [node] = (await ground.addNodes(1, labels)) as [PeerNode];
  await addDeployment(ground, {
    namespace,
    name: 'web',
    replicas: PODS,
    nodeSelector: labels,
    annotations: { 'lab.nightshift/exit-seconds': '2', 'lab.nightshift/start-seconds': '1' },
    graceSeconds: 30,
  });
  await readyPods(ground, namespace, 'app=web', PODS);
  await ground.addNodes(1, labels);
  await addBudget(ground, { namespace, name: 'web', maxUnavailable: 1 });
  const task = { nodes: [node], namespace, pods: PODS, withinMs: NOTICE_MS };
  return measure(ground, side, {
    ...task,
    isOver: async () => (await podsOn(ground, task.namespace, node)) === 0,
  });
}

async function podsOn(ground: Ground, namespace: string, { name }: PeerNode): Promise<number> {
  const path = `/api/v1/namespaces/${namespace}/pods?fieldSelector=spec.nodeName%3D${name}`;
  return (await must(ground, 'GET', path)).items.length;
}

/** Its process is killed as soon as its node is cordoned; what comes then is what the product itself requested. */
async function killedWorker(ground: Ground, functions: Functions): Promise<number> {
  const { nodes, namespace, pods } = await loaded(ground, 1);
  const [node] = nodes as readonly [PeerNode];
  const side = spotDrain(ground, functions);
  const worker = await side.prepare(nodes);
  try {
    const begun = Date.now();
    worker.strike();
    await ground.until('the node is cordoned', () => isCordoned(ground, node));
    const from = Date.now();
    for (const pid of worker.pids()) process.kill(pid, 'SIGKILL');
    await ground.until('the node is empty', async () => {
      return Date.now() - from > ASKED_WITHIN_MS || ground.isEmpty(namespace);
    });
    const entries = await ground.plane.audit();
    const { allAskedMs } = figuresOf(entries, {
      from: begun,
      nodes: [node.name],
      namespace,
      pods,
      isBy: side.isBy,
    });
    return (allAskedMs ?? Number.NaN) - (from - begun);
  } finally {
    await worker.close();
  }
}

async function isCordoned(ground: Ground, { name }: PeerNode): Promise<boolean> {
  const { spec } = await must(ground, 'GET', `/api/v1/nodes/${name}`);
  return spec.unschedulable === true;
}

async function maintenance(ground: Ground, sideOf: (announce: Announce) => Side): Promise<Emptied> {
  const task = await loaded(ground, 3);
  const side = sideOf((nodes) => [maintenanceOf(ground, nodes)]);
  return measure(ground, side, { ...task, withinMs: NOTICE_MS });
}

async function recommendation(ground: Ground, functions: Functions): Promise<Quiet['recommended']> {
  const task = await loaded(ground, 1);
  const settings = { uncordonAfterMinutes: UNDONE_AFTER_MS / 60_000 };
  const side = spotDrain(ground, functions, {
    announce: (nodes) => nodes.map((node) => recommendationOf(ground, node)),
    settings,
  });
  const from = Date.now();
  const ours = await measure(ground, side, { ...task, withinMs: TICK_AFTER_MS });
  const [node] = task.nodes as readonly [PeerNode];
  const fleet = functions.start({ nodes: [], processes: 1, settings });
  try {
    await fleet.tick();
  } finally {
    await fleet.close();
  }
  const isUndone = !(await isCordoned(ground, node));
  return { ours, undoneMs: isUndone ? Date.now() - from : Number.NaN };
}
