/** Finds out what there is to know about the instance of a notice, as cheaply as it can be known. */
import { CorruptRecordError } from '#functions/shared/errors.ts';
import { retry } from '#functions/shared/retry.ts';
import { isForeign, isTakenByNight, type Located, nodegroupOf } from './decide.ts';
import { isTrouble } from './errors.ts';
import type { Notice, NoticeKind } from './event.ts';
import type { Claims, Clock, Cluster, Group, Groups, Known, Lifecycle, Night, Node, Place } from './ports.ts';

export interface LocatePorts {
  readonly cluster: Cluster;
  readonly groups: Groups;
  readonly lifecycle: Lifecycle;
  readonly night: Night;
  readonly claims: Claims;
  readonly clock: Clock;
}

/** The errors of what could not be read stand beside what could. */
export interface Found extends Located {
  readonly nodeError?: unknown;
  readonly groupError?: unknown;
  readonly hookError?: unknown;
  /** The state of the night cannot be read: what it says is not known, and a node is drained all the same. */
  readonly stateError?: unknown;
  /** What the table knew of the instance, where it was asked. */
  readonly known?: Known;
  /** Only the node was asked for: it is to be cordoned first, and then `locateRest` asks for the rest. */
  readonly partial?: true;
}

/** An instance that has just begun may still be joining. */
const JOIN_PATIENCE_MS = 15_000;
const JOIN_LOOK_MS = 3_000;
/** An API server that restarts is back after so long, or the notice is lost anyway. */
const TROUBLE_PATIENCE_MS = 30_000;
/** The group is usually known after a tenth of this; it spares Kubernetes the instances of others, and lists of all nodes. */
const HEAD_START_MS = 500;
/** Once the node is known, the group is waited for no longer than this: a throttled call must not delay a cordon. */
const GROUP_PATIENCE_MS = 1_000;

export async function locate(cluster: string, notice: Notice, ports: LocatePorts): Promise<Found> {
  if (isRoutine(notice.kind)) return locateRoutine(cluster, notice, ports);
  if (isSpotNotice(notice.kind)) ports.cluster.prepare();
  const known = await ports.claims.look(notice.instanceId);
  const { nodeName } = known;
  const named: Attempt<Node | undefined> =
    nodeName === undefined
      ? UNKNOWN
      : await attempt(throughTrouble(ports, () => ports.cluster.nodeNamed(nodeName, notice.instanceId)));
  // A spot notice is two minutes at most, and nothing but the node is needed for its cordon.
  if (named.value && isSpotNotice(notice.kind)) return { node: named.value, known, partial: true };
  return { ...(await locateUrgent(cluster, notice, ports, named)), known };
}

/** What a cordon does not need: whether our own stop takes the node, and its group where that matters. */
export async function locateRest(
  notice: Notice,
  node: Node,
  ports: LocatePorts,
  options: { readonly replaceEarly: boolean },
): Promise<Pick<Found, 'clusterState' | 'group' | 'groupError'> & { readonly stateError?: unknown }> {
  const early = options.replaceEarly ? attempt(memberOf(notice, ports)) : undefined;
  const state = await attempt(ports.night.state());
  const clusterState = state.value;
  const atNight = clusterState?.phase === 'stopping' || clusterState?.phase === 'asleep';
  const lookup = early ?? (atNight && !nodegroupOf(node) ? attempt(memberOf(notice, ports)) : undefined);
  const member = lookup ? await within(GROUP_PATIENCE_MS, lookup, ports) : UNKNOWN;
  return {
    ...(clusterState ? { clusterState } : {}),
    ...(state.error === undefined ? {} : { stateError: state.error }),
    ...(member.value ? { group: member.value.group } : {}),
    ...(member.error === undefined ? {} : { groupError: member.error }),
  };
}

/** The node of an instance; of no more than one request where its name is known and still right. */
export async function nodeOf(
  cluster: Cluster,
  instanceId: string,
  name: string | undefined,
): Promise<Node | undefined> {
  return (name && (await cluster.nodeNamed(name, instanceId))) || cluster.findNode(instanceId);
}

/** Every instance of the account that ends is told of: ask Kubernetes only for those that may be ours. */
async function locateRoutine(cluster: string, notice: Notice, ports: LocatePorts): Promise<Found> {
  const [member, state] = await Promise.all([
    ports.groups.ofInstance(notice.instanceId),
    attempt(ports.night.state()),
  ]);
  if (state.error !== undefined && !(state.error instanceof CorruptRecordError)) throw state.error;
  const known: Found = {
    ...(member ? { group: member.group } : {}),
    ...(state.value ? { clusterState: state.value } : {}),
    ...(state.error === undefined ? {} : { stateError: state.error }),
  };
  if (isOthers(cluster, member?.group) || isTakenByNight(known)) return known;
  const node = await attempt(ports.cluster.findNode(notice.instanceId, member?.place));
  return { ...known, ...nodeFields(node) };
}

/** Seconds count: Kubernetes is asked as soon as the group is known, and without it where Auto Scaling is slow. */
async function locateUrgent(
  cluster: string,
  notice: Notice,
  ports: LocatePorts,
  named: Attempt<Node | undefined>,
): Promise<Found> {
  const { lifecycle, night } = ports;
  const stateLookup = attempt(night.state());
  const hookLookup = notice.hook ? attempt(lifecycle.times(notice.hook)) : undefined;
  const memberLookup = attempt(memberOf(notice, ports));

  const isKnown = named.value !== undefined || named.error !== undefined;
  const early = isKnown ? UNKNOWN : await within(HEAD_START_MS, memberLookup, ports);
  const node: Attempt<Node | undefined> =
    isKnown || isOthers(cluster, early.value?.group)
      ? named
      : await attempt(findNode(cluster, notice, ports, memberLookup, early.value?.place));
  const member = node.value ? await within(GROUP_PATIENCE_MS, memberLookup, ports) : await memberLookup;
  const [state, hookTimes] = await Promise.all([stateLookup, hookLookup]);
  if (state.error !== undefined && !(state.error instanceof CorruptRecordError)) throw state.error;
  return {
    ...nodeFields(node),
    ...(member.value ? { group: member.value.group } : {}),
    ...(member.error === undefined ? {} : { groupError: member.error }),
    ...(hookTimes?.value ? { hookTimes: hookTimes.value } : {}),
    ...(hookTimes?.error === undefined ? {} : { hookError: hookTimes.error }),
    ...(state.value ? { clusterState: state.value } : {}),
    ...(state.error === undefined ? {} : { stateError: state.error }),
  };
}

/** A lifecycle action names the group, also when the instance has left it already. */
async function memberOf(notice: Notice, { groups }: LocatePorts): Promise<Member | undefined> {
  const member = await groups.ofInstance(notice.instanceId);
  if (member || !notice.hook) return member;
  const group = await groups.named(notice.hook.group);
  return group && { group };
}

/** Looks again while the instance may still be joining, and while the API server has trouble. */
async function findNode(
  cluster: string,
  notice: Notice,
  ports: LocatePorts,
  memberLookup: Promise<Attempt<Member | undefined>>,
  place: Place | undefined,
): Promise<Node | undefined> {
  const { clock } = ports;
  const began = clock.now().getTime();
  for (;;) {
    const node = await throughTrouble(ports, () => ports.cluster.findNode(notice.instanceId, place));
    if (node || !mayJoin(notice.kind) || clock.now().getTime() - began >= JOIN_PATIENCE_MS) return node;
    const { value: member } = await memberLookup;
    if (isForeign(cluster, member ? { group: member.group } : {})) return undefined;
    await clock.sleep(JOIN_LOOK_MS);
  }
}

/** Asks again while the API server fails for now. */
function throughTrouble<T>({ clock }: Pick<LocatePorts, 'clock'>, ask: () => Promise<T>): Promise<T> {
  const until = new Date(clock.now().getTime() + TROUBLE_PATIENCE_MS);
  return retry(ask, { until, clock, isTransient: isTrouble });
}

/** Unknown where it takes longer. */
async function within<T>(
  ms: number,
  lookup: Promise<Attempt<T>>,
  { clock }: Pick<LocatePorts, 'clock'>,
): Promise<Attempt<T>> {
  const enough = clock.alarm(ms);
  const first = await Promise.race([lookup, enough.rang.then(() => UNKNOWN)]);
  enough.ring();
  return first;
}

/** The place is unknown where the instance has left its group. */
interface Member {
  readonly group: Group;
  readonly place?: Place;
}

function isRoutine(kind: NoticeKind): boolean {
  return kind === 'state-stopping' || kind === 'state-shutting-down';
}

function isSpotNotice(kind: NoticeKind): boolean {
  return kind === 'spot-terminate' || kind === 'spot-stop' || kind === 'spot-hibernate';
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

const UNKNOWN: Attempt<never> = {};

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
