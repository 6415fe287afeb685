/** What a notice means for an instance, from what is known of it. Pure. */
import type { ClusterState } from '#model/cluster-state.ts';
import type { SpotDrainSettings } from '#model/settings.ts';
import { CHANGE_LEAD_MS } from './announced-changes.ts';
import type { Notice, NoticeKind } from './event.ts';
import type { Group, HookTimes, Node } from './ports.ts';
import type { Claim } from './records.ts';

/** What was observed of the instance of a notice. */
export interface Facts {
  readonly node?: Node | undefined;
  /** The node could not be read, and the lifecycle action is ours to complete. */
  readonly unreadableNode?: 'refused' | 'unavailable' | undefined;
  readonly group?: Group | undefined;
  readonly hookTimes?: HookTimes | undefined;
  readonly clusterState?: ClusterState | undefined;
}

/** When our cordon is undone: so many minutes after the notice unless an interruption follows, or when the node is back. */
export type Undo = { readonly afterMinutes: number } | 'when-ready-again';

export interface DrainDecision {
  readonly kind: 'drain';
  readonly reason: string;
  /** When the instance goes, less a margin. */
  readonly deadline?: Date | undefined;
  /** The drain ends then, empty or not. */
  readonly until: Date;
  readonly force: boolean;
  /** Request another instance from the group now. */
  readonly replace: boolean;
  readonly nightlyStop: boolean;
  readonly undo?: Undo | undefined;
  /** An announced change that is still far: the drain begins then. */
  readonly notBefore?: Date | undefined;
}

interface NoAction {
  readonly kind: 'no-action';
  /** `none`: routine. `ignore`: worth recording. */
  readonly action: 'none' | 'ignore';
  readonly reason: string;
}

export type NoticeDecision =
  | NoAction
  /** No node to drain: the lifecycle action is completed all the same. */
  | { readonly kind: 'complete'; readonly reason: string }
  | { readonly kind: 'cordon'; readonly reason: string; readonly undo: Undo }
  | DrainDecision;

/** A notice that the instance goes, or may go. */
export type Warning = Notice & { readonly kind: WarningKind };
type WarningKind = Exclude<NoticeKind, 'health-closed'>;

export function isWarning(notice: Notice): notice is Warning {
  return notice.kind !== 'health-closed';
}

/** A spot instance goes two minutes after its notice; 5 s of them are kept. */
const END_MARGIN_MS = 5_000;
const SPOT_NOTICE_MS = 120_000 - END_MARGIN_MS;
/** An instance that is going down already has ended as early as 39 s later (NTH#1022). */
const SHORT_NOTICE_MS = 35_000;
const NOTICE_MS: Partial<Record<NoticeKind, number>> = {
  'spot-terminate': SPOT_NOTICE_MS,
  'spot-stop': SPOT_NOTICE_MS,
  'spot-hibernate': SHORT_NOTICE_MS,
  'state-stopping': SHORT_NOTICE_MS,
  'state-shutting-down': SHORT_NOTICE_MS,
};
/** No drain waits longer for budgets when nothing takes the instance away. */
const LONGEST_DRAIN_MS = 60 * 60_000;
/** Our own stop gives a node so long before the rest of its pods goes with it: one invocation, no heartbeats. */
const NIGHTLY_STOP_DRAIN_MS = 150_000;

/** A stopped or hibernated instance comes back one day, with the same node. */
export const RETURNING: ReadonlySet<NoticeKind> = new Set(['spot-stop', 'spot-hibernate', 'state-stopping']);

/** EKS's own hooks on the groups of managed nodegroups. */
const EKS_HOOKS = new Set(['Terminate-LC-Hook', 'Launch-LC-Hook']);

const DESCRIPTIONS: Readonly<Record<NoticeKind, string>> = {
  'spot-terminate': 'AWS terminates the spot instance in two minutes',
  'spot-stop': 'AWS stops the spot instance in two minutes',
  'spot-hibernate': 'AWS hibernates the spot instance now',
  rebalance: 'the spot instance is at risk of an interruption',
  lifecycle: 'its Auto Scaling group terminates the instance',
  health: 'AWS announced a scheduled change of the instance',
  'health-closed': 'the scheduled change of the instance is over',
  'state-stopping': 'the instance is being stopped',
  'state-shutting-down': 'the instance is being terminated',
};

/** When the instance of a notice goes, less a margin; undefined where that is not known from the notice. */
export function endOfNotice({ kind, at }: Pick<Notice, 'kind' | 'at'>): Date | undefined {
  const ms = NOTICE_MS[kind];
  return ms === undefined ? undefined : new Date(at.getTime() + ms);
}

/**
 * It has an end that does not wait: its worker is watched from the event on, and not only from its claim. EKS completes
 * its own hooks, and a nightly stop has one for each node.
 */
export function isWatchedAtOnce(settings: SpotDrainSettings, { kind, hook }: Notice): boolean {
  if (hook) return isOurHook(settings, hook.name);
  return endOfNotice({ kind, at: new Date(0) }) !== undefined && !isRoutine(kind);
}

/** A notice that is older than its deadline: the instance is gone, or it is another one's turn. */
export function staleReason(notice: Warning, now: Date): NoAction | undefined {
  const end = endOfNotice(notice);
  // A late notice is followed to the very end: instances do not go on the second.
  if (!end || now.getTime() < end.getTime() + END_MARGIN_MS) return undefined;
  const seconds = Math.round((now.getTime() - notice.at.getTime()) / 1_000);
  const reason = `${DESCRIPTIONS[notice.kind]}, said a notice of ${seconds} s ago: its time is over`;
  return { kind: 'no-action', action: 'ignore', reason };
}

/** The beginning of each reason. */
export function describeNotice(kind: NoticeKind): string {
  return DESCRIPTIONS[kind];
}

/** `now`: for changes that are announced days before. */
export function decide(
  settings: SpotDrainSettings,
  notice: Warning,
  facts: Facts,
  now: Date = notice.at,
): NoticeDecision {
  if (facts.unreadableNode === 'refused')
    return {
      kind: 'complete',
      reason: 'the node could not be read, and the lifecycle action must not stay open',
    };
  const impossible = impossibleReason(notice, facts);
  if (impossible) return impossible;
  const others = leftToOthers(settings, notice, facts);
  if (others) return others;
  const stopped = stoppedGroup(notice, facts);
  if (stopped && isRoutine(notice.kind))
    return { kind: 'no-action', action: 'none', reason: `the schedule stops the group ${stopped}` };
  if (!facts.node && facts.unreadableNode === undefined)
    return notice.kind === 'lifecycle'
      ? { kind: 'complete', reason: 'the instance never joined the cluster: there is no node to drain' }
      : { kind: 'no-action', action: 'ignore', reason: 'the instance has no node: nothing to drain' };
  const reason = stopped
    ? `${DESCRIPTIONS[notice.kind]}, while the schedule stops the group ${stopped}`
    : DESCRIPTIONS[notice.kind];
  if (notice.kind === 'rebalance') return decideRebalance(settings, notice, facts, reason);
  if (notice.kind === 'health') return decideChange(settings, notice, facts, { now, reason });
  return decideDrain(settings, { ...notice, kind: notice.kind }, facts, reason);
}

/** Of EKS and of Karpenter: besides `SPOT` there are `ON_DEMAND`, `CAPACITY_BLOCK` and `reserved`. */
const CAPACITY_LABELS = ['eks.amazonaws.com/capacityType', 'karpenter.sh/capacity-type'];
/** Of whoever sets up a self-managed group: kOps, eksctl and the examples of AWS. The values are free. */
const LIFECYCLE_LABELS = ['node.kubernetes.io/lifecycle', 'lifecycle', 'spotinst.io/node-lifecycle'];

const ON_DEMAND = /^(?:(?:ec2)?on[-_]?demand|normal|od)$/i;

/** AWS interrupts spot instances only: such a notice for another is a mistake, or a test that names the wrong instance. */
function impossibleReason({ kind }: Notice, { node }: Facts): NoAction | undefined {
  if (!kind.startsWith('spot-') && kind !== 'rebalance') return undefined;
  const valueUnder = (labels: readonly string[]) =>
    labels.map((label) => node?.labels[label]).find((value) => value !== undefined);
  const capacity = valueUnder(CAPACITY_LABELS);
  const lifecycle = capacity === undefined ? valueUnder(LIFECYCLE_LABELS) : undefined;
  const isSpot = capacity !== undefined ? /^spot$/i.test(capacity) : !ON_DEMAND.test(lifecycle ?? '');
  if (isSpot) return undefined;
  const type = capacity ?? lifecycle;
  return {
    kind: 'no-action',
    action: 'ignore',
    reason: `AWS interrupts spot instances, and the node is ${type}`,
  };
}

/** By its name, or by a prefix that ends in `*`. */
export function isOurHook({ hooks }: Pick<SpotDrainSettings, 'hooks'>, name: string): boolean {
  if (EKS_HOOKS.has(name)) return false;
  return (
    hooks === undefined ||
    hooks.some((one) => (one.endsWith('*') ? name.startsWith(one.slice(0, -1)) : name === one))
  );
}

/** What belongs to another cluster, or is drained by EKS or Karpenter. */
function leftToOthers(settings: SpotDrainSettings, notice: Notice, facts: Facts): NoAction | undefined {
  const { cluster } = settings;
  const { node, group } = facts;
  const leave = (action: 'none' | 'ignore', reason: string) =>
    ({ kind: 'no-action', action, reason }) as const;
  if (isForeign(cluster, facts)) {
    const owner = group && [`the group ${group.name}`, ...group.clusters].join(' of ');
    return leave(
      'none',
      owner
        ? `the instance belongs to ${owner}, not to ${cluster}`
        : `no node of ${cluster} runs on the instance`,
    );
  }
  const drainedBy = node && otherDrainer(node);
  if (drainedBy) return leave('ignore', `${drainedBy} drains its nodes by itself`);
  const hook = notice.hook?.name;
  if (hook !== undefined && !EKS_HOOKS.has(hook) && !isOurHook(settings, hook))
    return leave(
      'none',
      `the lifecycle hook ${hook} is not one of drain.hooks: whoever it belongs to completes it`,
    );
  const nodegroup = managedNodegroup(facts);
  if (notice.kind === 'lifecycle' && (nodegroup || EKS_HOOKS.has(notice.hook?.name ?? '')))
    return leave(
      'none',
      `EKS drains the managed nodegroup ${nodegroup ?? group?.name ?? ''} and completes its own hook`,
    );
  return undefined;
}

function decideDrain(
  settings: SpotDrainSettings,
  notice: Notice & { readonly kind: Exclude<WarningKind, 'rebalance' | 'health'> },
  facts: Facts,
  reason: string,
): DrainDecision {
  const nightlyStop = stoppedGroup(notice, facts) !== undefined;
  const end = endOfNotice(notice) ?? notice.at;
  const untilGone = () => ({
    kind: 'drain' as const,
    reason,
    deadline: end,
    until: end,
    force: settings.force && !nightlyStop,
    replace: notice.kind === 'spot-terminate' && !nightlyStop && mayReplace(settings, facts),
    nightlyStop,
    undo: RETURNING.has(notice.kind) ? ('when-ready-again' as const) : undefined,
  });
  const within = (ms: number) =>
    drainWithin(
      new Date(notice.at.getTime() + (nightlyStop ? NIGHTLY_STOP_DRAIN_MS : ms)),
      reason,
      nightlyStop,
    );
  switch (notice.kind) {
    case 'spot-terminate':
    case 'spot-stop':
    case 'spot-hibernate':
    case 'state-stopping':
    case 'state-shutting-down':
      return untilGone();
    case 'lifecycle':
      return within(longestHookMs(settings, facts));
  }
}

/** Heartbeats extend an action to the minutes of the config, and never past its own limit. */
function longestHookMs({ lifecycleMinutes }: SpotDrainSettings, { hookTimes }: Facts): number {
  const extended = Math.max(lifecycleMinutes * 60, hookTimes?.heartbeatSeconds ?? 0);
  return Math.min(extended, hookTimes?.globalSeconds ?? extended) * 1_000;
}

function drainWithin(until: Date, reason: string, nightlyStop: boolean): DrainDecision {
  return { kind: 'drain', reason, until, force: false, replace: false, nightlyStop };
}

/** A change that is announced for a day in two weeks does not empty a node today, unless the config says so. */
function decideChange(
  { onScheduledChange }: SpotDrainSettings,
  notice: Warning,
  facts: Facts,
  { now, reason }: { readonly now: Date; readonly reason: string },
): DrainDecision {
  const nightlyStop = stoppedGroup(notice, facts) !== undefined;
  const longestMs = nightlyStop ? NIGHTLY_STOP_DRAIN_MS : LONGEST_DRAIN_MS;
  const leadsAt = new Date((notice.startsAt?.getTime() ?? 0) - CHANGE_LEAD_MS);
  const replace = onScheduledChange === 'replace' && facts.group !== undefined && !managedNodegroup(facts);
  if (onScheduledChange === 'drain' || replace || nightlyStop || leadsAt <= now) {
    const until = new Date(notice.at.getTime() + longestMs);
    return { ...drainWithin(until, reason, nightlyStop), replace: replace && !nightlyStop };
  }
  const deferred = `${reason} at ${notice.startsAt?.toISOString()}: its node is drained from ${leadsAt.toISOString()} on`;
  const until = new Date(leadsAt.getTime() + LONGEST_DRAIN_MS);
  return { ...drainWithin(until, deferred, false), notBefore: leadsAt };
}

function decideRebalance(
  settings: SpotDrainSettings,
  notice: Warning,
  facts: Facts,
  reason: string,
): NoticeDecision {
  const { onRebalance, uncordonAfterMinutes: afterMinutes } = settings;
  const ignore = (why: string) => ({ kind: 'no-action', action: 'ignore', reason: why }) as const;
  if (onRebalance === 'ignore') return ignore(`${reason}, and the config says to ignore that`);
  const nodegroup = managedNodegroup(facts);
  if (nodegroup)
    return ignore(`${reason}, and EKS replaces it by itself in the managed nodegroup ${nodegroup}`);
  if (stoppedGroup(notice, facts)) return ignore(reason);
  const undo = { afterMinutes };
  if (onRebalance === 'cordon') return { kind: 'cordon', reason, undo };
  const until = new Date(notice.at.getTime() + Math.min(LONGEST_DRAIN_MS, afterMinutes * 60_000));
  return { ...drainWithin(until, reason, false), undo };
}

/** Of no node or tag of this cluster. A group without a tag is ours only if its node is. */
export function isForeign(cluster: string, { node, group }: Facts): boolean {
  if (node) return false;
  return !group?.clusters.includes(cluster);
}

/** A state change that every instance has which ends, for whatever reason. */
export function isRoutine(kind: NoticeKind): boolean {
  return kind === 'state-stopping' || kind === 'state-shutting-down';
}

/** Who else drains the node, by its labels. */
function otherDrainer(node: Node): string | undefined {
  if (node.labels['eks.amazonaws.com/compute-type'] === 'auto') return 'EKS Auto Mode';
  if (node.labels['karpenter.sh/nodepool'] || node.labels['karpenter.sh/provisioner-name'])
    return 'Karpenter';
  return undefined;
}

/** EKS puts it on every node of a managed nodegroup. */
export function nodegroupOf(node: Node): string | undefined {
  return node.labels['eks.amazonaws.com/nodegroup'];
}

function managedNodegroup({ node, group }: Facts): string | undefined {
  return (node && nodegroupOf(node)) ?? group?.nodegroup;
}

/** The group that our own nightly stop takes the instance with, if it does. */
function stoppedGroup(notice: Notice, facts: Facts): string | undefined {
  // A stop makes many calls at once: Auto Scaling may throttle those that ask for the group, and the action names it.
  const group = groupName(facts) ?? notice.hook?.group;
  return isStopped(facts.clusterState, group) ? group : undefined;
}

/** The name under which night-schedule knows the group. */
function groupName(facts: Facts): string | undefined {
  return managedNodegroup(facts) ?? facts.group?.name;
}

export function isTakenByNightlyStop(facts: Facts): boolean {
  return isStopped(facts.clusterState, groupName(facts));
}

/** A drain that began before our own stop gets no longer than one that began with it: the stop waits for both. */
export function shortenForNightlyStop(
  claim: Claim,
  clusterState: ClusterState | undefined,
  now: Date,
): Claim {
  const isAwaited = claim.hooks.some((hook) => !hook.completed && isStopped(clusterState, hook.group));
  if (claim.nightlyStop || !isAwaited) return claim;
  const until = Math.min(Date.parse(claim.drainUntil), now.getTime() + NIGHTLY_STOP_DRAIN_MS);
  return { ...claim, nightlyStop: true, drainUntil: new Date(until).toISOString() };
}

function isStopped(clusterState: ClusterState | undefined, group: string | undefined): boolean {
  return (
    group !== undefined && isAsleepOrStopping(clusterState) && (clusterState?.groups.includes(group) ?? false)
  );
}

/** The cluster is asleep, or going to be. */
export function isAsleepOrStopping(clusterState: ClusterState | undefined): boolean {
  return clusterState?.phase === 'stopping' || clusterState?.phase === 'asleep';
}

function mayReplace(settings: SpotDrainSettings, facts: Facts): boolean {
  const { group } = facts;
  return settings.replaceEarly && group !== undefined && !managedNodegroup(facts) && !group.capacityRebalance;
}
