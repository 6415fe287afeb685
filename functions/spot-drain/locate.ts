/** Finds the node and the group of an instance, with as few requests as possible before the cordon. */

import { CorruptRecordError } from '#functions/shared/errors.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import {
  endOfNotice,
  type Facts,
  isAsleepOrStopping,
  isForeign,
  isRoutine,
  isTakenByNightlyStop,
  nodegroupOf,
  type Warning,
} from './decide.ts';
import type { NoticeKind } from './event.ts';
import { patienceUntil, whileTransient } from './patience.ts';
import {
  AccessRefusedError,
  type Clock,
  type Cluster,
  type Context,
  type Group,
  type KnownInstance,
  type Node,
  type Place,
  TransientError,
} from './ports.ts';

/** A state that cannot be read for so long is unknown, and no reason to leave a node as it is. */
const STATE_PATIENCE_MS = 10_000;

export interface Located {
  readonly facts: Facts;
  /** What the table holds of the instance. */
  readonly known: KnownInstance;
  /** Only the node was read: it is cordoned first, and `locateGroup` asks for the rest. */
  readonly isNodeOnly: boolean;
}

/** An instance that has just started may still be joining. */
const JOIN_PATIENCE_MS = 15_000;
const JOIN_CHECK_MS = 3_000;
/** The group is usually known after a tenth of this; it spares Kubernetes the instances of others, and lists of all nodes. */
const HEAD_START_MS = 500;
/** Once the node is known, the group is waited for no longer than this: a throttled call must not delay a cordon. */
const GROUP_PATIENCE_MS = 1_000;

/** Nothing but the node where that is enough for the cordon of a spot notice; everything else too where it is not. */
export async function locateNode(context: Context, notice: Warning): Promise<Located> {
  const { cluster, claims, settings } = context;
  if (isRoutine(notice.kind)) return locateRoutine(context, notice);
  if (isSpotNotice(notice.kind)) cluster.prepare();
  const until = patienceUntil(context, endOfNotice(notice));
  const known = await whileTransient(context, until, () => claims.find(notice.instanceId));
  const { nodeName } = known;
  const named =
    nodeName === undefined
      ? UNKNOWN
      : await attempt(whileTransient(context, until, () => cluster.nodeNamed(nodeName, notice.instanceId)));
  if (named.value && isSpotNotice(notice.kind) && !settings.dryRun)
    return { facts: { node: named.value }, known, isNodeOnly: true };
  return { facts: await locateAll(context, notice, named), known, isNodeOnly: false };
}

/** What the cordon did not need: whether our own stop takes the node, and its group where that matters. */
export async function locateGroup(context: Context, notice: Warning, located: Located): Promise<Facts> {
  const { node } = located.facts;
  if (!located.isNodeOnly || !node) return located.facts;
  const early = context.settings.replaceEarly ? attempt(findGroup(context, notice)) : undefined;
  const clusterState = await context.recorder.guard('state of the night', () => context.night.state());
  const isGroupNeeded = isAsleepOrStopping(clusterState) && !nodegroupOf(node);
  const lookup = early ?? (isGroupNeeded ? attempt(findGroup(context, notice)) : undefined);
  const member = lookup ? await within(context.clock, GROUP_PATIENCE_MS, lookup) : UNKNOWN;
  return { node, clusterState, group: member.value?.group };
}

/** The node of an instance; with one request where its name is known and still right. */
export async function findNode(
  cluster: Cluster,
  instanceId: string,
  name: string | undefined,
): Promise<Node | undefined> {
  return (name && (await cluster.nodeNamed(name, instanceId))) || cluster.findNode(instanceId);
}

/** Every instance of the account that ends is reported: ask Kubernetes only for those that may be ours. */
async function locateRoutine(context: Context, notice: Warning): Promise<Located> {
  const { cluster, groups, claims, settings } = context;
  const [member, clusterState] = await Promise.all([
    groups.ofInstance(notice.instanceId),
    readClusterState(context, patienceUntil(context, endOfNotice(notice))),
  ]);
  const facts: Facts = { group: member?.group, clusterState };
  const isOurs = !isOfOthers(settings.cluster, member?.group) && !isTakenByNightlyStop(facts);
  const node = isOurs ? await cluster.findNode(notice.instanceId, member?.place) : undefined;
  const known = node ? await claims.find(notice.instanceId) : {};
  return { facts: { ...facts, node }, known, isNodeOnly: false };
}

/** Seconds count: Kubernetes is asked as soon as the group is known, and without it where Auto Scaling is slow. */
async function locateAll(
  context: Context,
  notice: Warning,
  named: Attempt<Node | undefined>,
): Promise<Facts> {
  const { clock, lifecycle, recorder, settings } = context;
  const { hook } = notice;
  const stateLookup = attempt(readClusterState(context, patienceUntil(context, endOfNotice(notice))));
  const hookLookup = hook ? recorder.guard(`hook ${hook.name}`, () => lifecycle.times(hook)) : undefined;
  const memberLookup = attempt(findGroup(context, notice));

  const isKnown = named.value !== undefined || named.error !== undefined;
  const early = isKnown ? UNKNOWN : await within(clock, HEAD_START_MS, memberLookup);
  const node =
    isKnown || isOfOthers(settings.cluster, early.value?.group)
      ? named
      : await attempt(findJoiningNode(context, notice, memberLookup, early.value?.place));
  const member = node.value ? await within(clock, GROUP_PATIENCE_MS, memberLookup) : await memberLookup;
  const [state, hookTimes] = await Promise.all([stateLookup, hookLookup]);
  if (state.error !== undefined) throw state.error;
  const facts: Facts = { node: node.value, group: member.value?.group, hookTimes, clusterState: state.value };
  if (node.error !== undefined) {
    // Such a lifecycle action is claimed all the same: it is completed later, or at its end.
    if (!hook || !facts.group?.clusters.includes(settings.cluster) || facts.group.nodegroup) throw node.error;
    recorder.failed(`node of ${notice.instanceId}`, node.error);
    return { ...facts, unreadableNode: node.error instanceof AccessRefusedError ? 'refused' : 'unavailable' };
  }
  if (!node.value && member.error !== undefined) throw member.error;
  return facts;
}

/** Where the record cannot be read, what it says is unknown, and a node is drained all the same. */
async function readClusterState(context: Context, until: Date): Promise<ClusterState | undefined> {
  const { clock, night, recorder } = context;
  const enough = new Date(Math.min(until.getTime(), clock.now().getTime() + STATE_PATIENCE_MS));
  try {
    return await whileTransient(context, enough, () => night.state());
  } catch (error) {
    if (!(error instanceof CorruptRecordError || error instanceof TransientError)) throw error;
    recorder.failed('state of the night', error);
    return undefined;
  }
}

/** A lifecycle action names the group, also when the instance has left it already. */
async function findGroup({ groups }: Context, notice: Warning): Promise<Member | undefined> {
  const member = await groups.ofInstance(notice.instanceId);
  if (member || !notice.hook) return member;
  const group = await groups.named(notice.hook.group);
  return group && { group };
}

/** Asks again while the instance may still be joining, and while the API server is unavailable. */
async function findJoiningNode(
  context: Context,
  notice: Warning,
  memberLookup: Promise<Attempt<Member | undefined>>,
  place: Place | undefined,
): Promise<Node | undefined> {
  const { clock, cluster, settings } = context;
  const until = patienceUntil(context, endOfNotice(notice));
  const joinBy = clock.now().getTime() + JOIN_PATIENCE_MS;
  for (;;) {
    const node = await whileTransient(context, until, () => cluster.findNode(notice.instanceId, place));
    if (node || !mayJoin(notice.kind) || clock.now().getTime() >= joinBy) return node;
    const { value: member } = await memberLookup;
    if (isForeign(settings.cluster, { group: member?.group })) return undefined;
    await clock.sleep(JOIN_CHECK_MS);
  }
}

/** Unknown where it takes longer. */
async function within<T>(clock: Clock, ms: number, lookup: Promise<Attempt<T>>): Promise<Attempt<T>> {
  const enough = clock.alarm(ms);
  const first = await Promise.race([lookup, enough.rang.then(() => UNKNOWN)]);
  enough.ring();
  return first;
}

/** The place is unknown where the instance has left its group. */
interface Member {
  readonly group: Group;
  readonly place?: Place | undefined;
}

function isSpotNotice(kind: NoticeKind): boolean {
  return kind === 'spot-terminate' || kind === 'spot-stop' || kind === 'spot-hibernate';
}

function mayJoin(kind: NoticeKind): boolean {
  return kind === 'spot-terminate' || kind === 'spot-stop' || kind === 'lifecycle';
}

/** Its tags name clusters, and not ours. */
function isOfOthers(cluster: string, group: Group | undefined): boolean {
  return group !== undefined && group.clusters.length > 0 && !group.clusters.includes(cluster);
}

/** A lookup that is awaited later: an error must not be unhandled until then. */
interface Attempt<T> {
  readonly value?: T;
  readonly error?: unknown;
}

const UNKNOWN: Attempt<never> = {};

async function attempt<T>(promise: Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await promise };
  } catch (error) {
    return { error };
  }
}
