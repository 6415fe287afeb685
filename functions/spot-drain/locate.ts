/** Finds out what there is to know about the instance of a notice, as cheaply as it can be known. */
import { isForeign, isTakenByNight, type Located } from './decide.ts';
import { ClusterTroubleError } from './errors.ts';
import type { Notice, NoticeKind } from './event.ts';
import type { Clock, Cluster, Group, Groups, Lifecycle, Night, Node } from './ports.ts';
import { backoffMs } from './reply.ts';

export interface LocatePorts {
  readonly cluster: Cluster;
  readonly groups: Groups;
  readonly lifecycle: Lifecycle;
  readonly night: Night;
  readonly clock: Clock;
}

/** What could not be found out is told beside what could. */
export interface Found extends Located {
  readonly nodeError?: unknown;
  readonly groupError?: unknown;
  readonly hookError?: unknown;
}

/** An instance that has just begun may still be joining. */
const JOIN_PATIENCE_MS = 15_000;
const JOIN_LOOK_MS = 3_000;
/** An API server that restarts is back after so long, or the notice is lost anyway. */
const TROUBLE_PATIENCE_MS = 30_000;
/** Once the node is known, the group is waited for no longer than this: a throttled call must not delay a cordon. */
const GROUP_PATIENCE_MS = 1_500;

export async function locate(cluster: string, notice: Notice, ports: LocatePorts): Promise<Found> {
  return isRoutine(notice.kind)
    ? locateRoutine(cluster, notice, ports)
    : locateUrgent(cluster, notice, ports);
}

/** Every instance of the account that ends is told of: ask Kubernetes only for those that may be ours. */
async function locateRoutine(cluster: string, notice: Notice, ports: LocatePorts): Promise<Found> {
  const [group, clusterState] = await Promise.all([
    ports.groups.ofInstance(notice.instanceId),
    ports.night.state(),
  ]);
  const known: Located = { ...(group ? { group } : {}), ...(clusterState ? { clusterState } : {}) };
  if (isOthers(cluster, group) || isTakenByNight(known)) return known;
  const node = await attempt(ports.cluster.findNode(notice.instanceId));
  return { ...known, ...nodeFields(node) };
}

/** Seconds count: everything at once, and Kubernetes is let go when the group turns out to be another cluster's. */
async function locateUrgent(cluster: string, notice: Notice, ports: LocatePorts): Promise<Found> {
  const { groups, lifecycle, night, clock } = ports;
  const foreign = new AbortController();
  const stateLookup = attempt(night.state());
  const hookLookup = notice.hook ? attempt(lifecycle.times(notice.hook)) : undefined;
  const groupLookup = attempt(
    notice.hook ? groups.named(notice.hook.group) : groups.ofInstance(notice.instanceId),
  ).then((group) => {
    if (isOthers(cluster, group.value)) foreign.abort();
    return group;
  });
  const nodeLookup = attempt(findNode(cluster, notice, ports, groupLookup, foreign.signal));

  const node = await nodeLookup;
  const enough = new AbortController();
  const group = await Promise.race([
    groupLookup,
    ...(node.value ? [clock.sleep(GROUP_PATIENCE_MS, enough.signal).then(() => UNKNOWN_GROUP)] : []),
  ]);
  enough.abort();
  const [state, hookTimes] = await Promise.all([stateLookup, hookLookup]);
  if (state.error !== undefined) throw state.error;
  return {
    ...(foreign.signal.aborted ? {} : nodeFields(node)),
    ...(group.value ? { group: group.value } : {}),
    ...(group.error === undefined ? {} : { groupError: group.error }),
    ...(hookTimes?.value ? { hookTimes: hookTimes.value } : {}),
    ...(hookTimes?.error === undefined ? {} : { hookError: hookTimes.error }),
    ...(state.value ? { clusterState: state.value } : {}),
  };
}

/** Looks again while the instance may still be joining, and while the API server has trouble. */
async function findNode(
  cluster: string,
  notice: Notice,
  ports: LocatePorts,
  groupLookup: Promise<Attempt<Group | undefined>>,
  signal: AbortSignal,
): Promise<Node | undefined> {
  const { clock } = ports;
  const began = clock.now().getTime();
  const waited = () => clock.now().getTime() - began;
  for (let troubles = 0; ; ) {
    try {
      const node = await ports.cluster.findNode(notice.instanceId, signal);
      if (node || !mayJoin(notice.kind) || waited() >= JOIN_PATIENCE_MS) return node;
      const { value: group } = await groupLookup;
      if (isForeign(cluster, group ? { group } : {})) return undefined;
      await clock.sleep(JOIN_LOOK_MS, signal);
    } catch (error) {
      if (signal.aborted) return undefined;
      if (!(error instanceof ClusterTroubleError) || waited() >= TROUBLE_PATIENCE_MS) throw error;
      troubles++;
      await clock.sleep(backoffMs('trouble', troubles, clock.random()), signal);
    }
    if (signal.aborted) return undefined;
  }
}

function isRoutine(kind: NoticeKind): boolean {
  return kind === 'state-stopping' || kind === 'state-shutting-down';
}

function mayJoin(kind: NoticeKind): boolean {
  return kind === 'spot-terminate' || kind === 'spot-stop' || kind === 'lifecycle';
}

/** Its tags name clusters, and not ours. */
function isOthers(cluster: string, group: Group | undefined): boolean {
  return group !== undefined && group.clusters.length > 0 && !group.clusters.includes(cluster);
}

interface Attempt<T> {
  readonly value?: T;
  readonly error?: unknown;
}

const UNKNOWN_GROUP: Attempt<Group | undefined> = {};

async function attempt<T>(promise: Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await promise };
  } catch (error) {
    return { error };
  }
}

function nodeFields(node: Attempt<Node | undefined>): Pick<Found, 'node' | 'nodeError'> {
  return {
    ...(node.value ? { node: node.value } : {}),
    ...(node.error === undefined ? {} : { nodeError: node.error }),
  };
}
