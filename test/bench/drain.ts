/** The drain of a full node: by spot-drain after a notice, and by `kubectl drain`, alternately on the same API server. */
import { DRAIN, instanceKey } from '#functions/adapters/dynamodb/table-keys.ts';
import { type Bench, type Figure, median } from './bench.ts';
import { findKubectl, type Kubectl } from './kubectl.ts';
import { interruptionOf } from './notice.ts';
import { type FunctionUnderTest, MINUTE_MS, raiseSite, type Site, tickAt } from './site.ts';

const PODS = 110;
const BUDGETED_PODS = 5;
const EVICTIONS_WITHIN_MS = 2_000;
const GROUP = 'bench';
const NODE_SELECTOR = { workload: GROUP };

/** Milliseconds, as the API server saw them. */
interface Drained {
  /** From the client's first request until its last pod was gone from the node. */
  readonly empty: number;
  /** From the notice, or the start of the program, until every eviction was requested. */
  readonly issued: number;
  /** From the notice, or the start of the program, until the node was empty. */
  readonly whole: number;
  /** Requests to the API server. */
  readonly requests: number;
}

export const drain: Bench = async ({ runs, log }) => {
  const kubectl = await findKubectl();
  const rounds = Math.min(runs, 2);
  const site = await raiseSite('develop');
  try {
    const nodes = await addNodes(site);
    const run = site.run('spot-drain');
    const ours = async (instance: string) => {
      const drained = await watch(site, instance, () => run.invoke(interruptionOf(site, instance)));
      // The watchdog that was sent with the claim comes first: without the claim it would drain the node as a new notice.
      await site.pass(MINUTE_MS);
      await site.table.remove(DRAIN, instanceKey(instance));
      return drained;
    };
    const theirs = async (instance: string) =>
      watch(site, instance, async () => kubectl?.drain(site.environment.kubeconfig, nodeOf(site, instance)));
    /** Back and forth between the two nodes, the clients alternately. */
    const compare = async (times: number) => {
      const measured = { ours: [] as Drained[], theirs: [] as Drained[] };
      for (let round = 0; round < times; round++) {
        measured.ours.push(await ours(nodes[0]));
        await makeReady(site, nodes[0]);
        if (kubectl) measured.theirs.push(await theirs(nodes[1]));
        else measured.ours.push(await ours(nodes[1]));
        await makeReady(site, nodes[1]);
      }
      return measured;
    };

    await site.live(() => run.invoke(tickAt(site.context.clock.now())));
    await warmUp(site, run);
    await deploy(site, 'load', PODS, nodes[0], nodes[1]);
    log(`drain: ${PODS} pods`);
    const free = await compare(rounds);
    site.environment.kubernetes.api.delete('deployments.apps', 'default', 'load');
    await site.pass(MINUTE_MS);

    log(`drain: ${BUDGETED_PODS} pods, one at a time`);
    site.environment.kubernetes.addPdb({
      name: 'strict',
      matchLabels: { app: 'strict' },
      maxUnavailable: 1,
    });
    await deploy(site, 'strict', BUDGETED_PODS, nodes[0], nodes[1]);
    const budgeted = await compare(1);

    return {
      bench: 'drain',
      method: `the deployed function in a warm process, after one tick, and kubectl, over the lab’s Kubernetes API, as its server sees it: from a client’s first request until the pods are gone; median of ${rounds} in turn`,
      figures: [
        ...figuresOf(`${PODS} pods`, free, 0.1),
        issuedFigure(free),
        ...figuresOf(`${BUDGETED_PODS} pods, budget of one`, budgeted, 1),
      ],
      notes: [noteOf(kubectl)],
    };
  } finally {
    await site.close();
  }
};

interface Compared {
  readonly ours: readonly Drained[];
  readonly theirs: readonly Drained[];
}

function issuedFigure({ ours, theirs }: Compared): Figure {
  const latest = (measured: readonly Drained[]) => Math.max(...measured.map(({ issued }) => issued));
  return {
    what: `${PODS} pods, until every eviction was issued`,
    value: latest(ours),
    unit: 'ms',
    ...(theirs.length > 0 ? { baseline: { what: 'kubectl drain', value: latest(theirs) } } : {}),
    target: { what: '≤ 2 s', met: ours.every(({ issued }) => issued <= EVICTIONS_WITHIN_MS) },
  };
}

/** `limit`: the most that the time may be, as a part of kubectl's. */
function figuresOf(what: string, { ours, theirs }: Compared, limit: number): Figure[] {
  const of = (measured: readonly Drained[], key: keyof Drained) => median(measured.map((one) => one[key]));
  const baseline = (key: keyof Drained) =>
    theirs.length > 0 ? { baseline: { what: 'kubectl drain', value: of(theirs, key) } } : {};
  return [
    {
      what: `${what}, until empty`,
      value: of(ours, 'empty'),
      unit: 'ms',
      ...baseline('empty'),
      ...(theirs.length > 0
        ? { target: { what: `≤ ${limit} ×`, met: of(ours, 'empty') <= limit * of(theirs, 'empty') } }
        : {}),
    },
    { what: `${what}, with the client’s start`, value: of(ours, 'whole'), unit: 'ms', ...baseline('whole') },
    { what: `${what}, requests`, value: of(ours, 'requests'), unit: 'requests', ...baseline('requests') },
  ];
}

function noteOf(kubectl: Kubectl | undefined): string {
  return kubectl
    ? `drain: kubectl ${kubectl.version}, which sends 5 evictions a second: the default limit of its client library`
    : 'drain: kubectl is not installed here (PATH, KUBECTL), so there is nothing to compare with';
}

/** Two nodes that each can take all the pods. */
async function addNodes(site: Site): Promise<readonly [string, string]> {
  const group = site.aws.addAutoScalingGroup(site.cluster, {
    name: GROUP,
    min: 2,
    desired: 2,
    max: 2,
    instanceTypes: ['m6i.4xlarge'],
    spotPercent: 100,
    labels: NODE_SELECTOR,
  });
  await site.pass(5 * MINUTE_MS);
  const [first, second] = [...group.instances.keys()];
  if (!first || !second) throw new Error('the nodes of the bench did not come up');
  return [first, second];
}

async function deploy(site: Site, name: string, replicas: number, on: string, not: string): Promise<void> {
  const { kubernetes } = site.environment;
  kubernetes.cordon(not);
  kubernetes.addDeployment({
    name,
    replicas,
    nodeSelector: NODE_SELECTOR,
    podAnnotations: { 'lab.nightshift/start-seconds': '0.5', 'lab.nightshift/ready-seconds': '0' },
  });
  await site.pass(MINUTE_MS);
  await makeReady(site, not);
  const there = movable(site, on).filter(({ metadata }) => metadata.labels?.['app'] === name).length;
  if (there !== replicas) throw new Error(`${there} of ${replicas} pods of ${name} run on the node`);
}

/** Connections, the token, the cluster's endpoint: a function that has run before has them. */
async function warmUp(site: Site, run: FunctionUnderTest): Promise<void> {
  const other = site.aws.instances(site.cluster).find(({ group }) => group.name !== GROUP);
  if (!other) throw new Error('the bench’s cluster has no other instance');
  await site.live(() => run.invoke(interruptionOf(site, other.id)));
}

async function watch(site: Site, instance: string, client: () => Promise<unknown>): Promise<Drained> {
  const { clock } = site.context;
  const { calls } = site.environment.kubernetesEndpoint;
  const before = calls.length;
  const pods = new Set(movable(site, instance).map((pod) => pod.metadata.name));
  let whole = 0;
  let emptyAt = 0;
  await site.live(async () => {
    const began = clock.now();
    const look = setInterval(() => {
      if (emptyAt === 0 && movable(site, instance).length === 0) emptyAt = clock.now();
    }, 5);
    try {
      await client();
    } finally {
      clearInterval(look);
    }
    if (emptyAt === 0 && movable(site, instance).length === 0) emptyAt = clock.now();
    whole = emptyAt - began;
  });
  if (emptyAt === 0) throw new Error(`${movable(site, instance).length} pods are still on the node`);
  const requests = calls.slice(before);
  const firstAt = requests[0]?.at ?? emptyAt;
  const evictedAt = new Map<string, number>();
  for (const { resource, name = '', at } of requests) {
    if (resource === 'pods/eviction' && pods.has(name) && !evictedAt.has(name)) evictedAt.set(name, at);
  }
  if (evictedAt.size !== pods.size) throw new Error(`${evictedAt.size} of ${pods.size} pods were evicted`);
  return {
    empty: emptyAt - firstAt,
    issued: Math.max(...evictedAt.values()) - (emptyAt - whole),
    whole,
    requests: requests.length,
  };
}

function movable(site: Site, instance: string) {
  return site.environment.kubernetes
    .podsOn(nodeOf(site, instance))
    .filter((pod) => !pod.metadata.ownerReferences?.some(({ kind }) => kind === 'DaemonSet'));
}

/** Schedulable again, and a while for what is under way. */
async function makeReady(site: Site, instance: string): Promise<void> {
  await site.pass(30_000);
  site.environment.kubernetes.api.modify('nodes', undefined, nodeOf(site, instance), (draft) => {
    draft.spec = { ...draft.spec, unschedulable: false, taints: [] };
    draft.metadata = { ...draft.metadata, annotations: {} };
  });
  await site.pass(5_000);
}

function nodeOf(site: Site, instance: string): string {
  const node = site.environment.kubernetes.nodeOf(instance);
  if (node === undefined) throw new Error(`the instance ${instance} has no node`);
  return node;
}
