/** What a notice means for an instance, from what is known of it. Pure. */
import type { ClusterState } from '#model/cluster-state.ts';
import type { SpotDrainSettings } from '#model/settings.ts';
import type { Notice, NoticeKind } from './event.ts';
import type { Group, HookTimes, Node } from './ports.ts';
import type { Claim } from './records.ts';

/** What was found out about the instance of a notice. */
export interface Located {
  readonly node?: Node;
  readonly group?: Group;
  readonly hookTimes?: HookTimes;
  readonly clusterState?: ClusterState;
}

export interface DrainPlan {
  readonly do: 'drain';
  readonly reason: string;
  /** When the instance goes, less a margin. */
  readonly deadline?: Date;
  /** The drain ends then, empty or not. */
  readonly until: Date;
  readonly force: boolean;
  /** Ask the group for another instance now. */
  readonly replace: boolean;
  readonly night: boolean;
  /** When the cordon is undone: so many minutes after the notice unless an interruption follows, or when the node is back. */
  readonly undo?: { readonly afterMinutes: number } | 'on-return';
}

export type Plan =
  | { readonly do: 'nothing'; readonly action: 'none' | 'ignore'; readonly reason: string }
  /** No node to drain: the lifecycle action is completed all the same. */
  | { readonly do: 'complete'; readonly reason: string }
  | { readonly do: 'cordon'; readonly reason: string; readonly undo: { readonly afterMinutes: number } }
  /** Take our own marks off the node. */
  | { readonly do: 'restore'; readonly reason: string }
  | DrainPlan;

/** A spot instance goes two minutes after its notice; 5 s of them are kept. */
const SPOT_NOTICE_MS = 120_000 - 5_000;
/** An instance that is going down already has ended as early as 39 s later (NTH#1022). */
const SHORT_NOTICE_MS = 35_000;
/** Nobody waits longer for budgets when nothing takes the instance away. */
const LONGEST_DRAIN_MS = 60 * 60_000;
/** Our own stop gives a node so long before the rest of its pods goes with it: one invocation, no heartbeats. */
const NIGHT_DRAIN_MS = 150_000;

/** A stopped or hibernated instance comes back one day, with the same node. */
export const RETURNING: ReadonlySet<NoticeKind> = new Set(['spot-stop', 'spot-hibernate', 'state-stopping']);

/** EKS's own hooks on the groups of managed nodegroups. */
const EKS_HOOKS = new Set(['Terminate-LC-Hook', 'Launch-LC-Hook']);

const WHAT: Readonly<Record<NoticeKind, string>> = {
  'spot-terminate': 'AWS takes the spot instance back in two minutes',
  'spot-stop': 'AWS stops the spot instance in two minutes',
  'spot-hibernate': 'AWS hibernates the spot instance now',
  rebalance: 'the spot instance is at risk of an interruption',
  lifecycle: 'its Auto Scaling group ends the instance',
  health: 'AWS announced a change of the instance',
  'health-closed': 'the announced change of the instance is over',
  'state-stopping': 'the instance is being stopped',
  'state-shutting-down': 'the instance is being terminated',
};

/** The sentence that begins a reason. */
export function describeNotice(kind: NoticeKind): string {
  return WHAT[kind];
}

export function decide(settings: SpotDrainSettings, notice: Notice, located: Located): Plan {
  const { node, group } = located;
  if (isForeign(settings.cluster, located)) {
    return {
      do: 'nothing',
      action: 'none',
      reason: group
        ? `the instance belongs to ${[`the group ${group.name}`, ...group.clusters].join(' of ')}, not to ${settings.cluster}`
        : `no node of ${settings.cluster} runs on the instance`,
    };
  }

  const other = node && otherKeeper(node);
  if (other) return { do: 'nothing', action: 'ignore', reason: `${other} drains its nodes by itself` };

  const nodegroup = managedNodegroup(located);
  if (notice.kind === 'lifecycle' && (nodegroup || EKS_HOOKS.has(notice.hook?.name ?? ''))) {
    return {
      do: 'nothing',
      action: 'none',
      reason: `EKS drains the managed nodegroup ${nodegroup ?? group?.name ?? ''} and completes its own hook`,
    };
  }
  // A stop makes many calls at once: Auto Scaling may throttle those that ask for the group, and the action names it.
  const stopped = groupName(located) ?? notice.hook?.group;
  const night = stops(located.clusterState, stopped);
  if (night && (notice.kind === 'state-stopping' || notice.kind === 'state-shutting-down')) {
    return { do: 'nothing', action: 'none', reason: `the schedule stops the group ${stopped}` };
  }
  if (!node) {
    return notice.kind === 'lifecycle'
      ? { do: 'complete', reason: 'the instance never joined the cluster: there is nothing to drain' }
      : { do: 'nothing', action: 'ignore', reason: 'the instance has no node: there is nothing to drain' };
  }

  switch (notice.kind) {
    case 'spot-terminate':
    case 'spot-stop':
      return drainUntilGone(SPOT_NOTICE_MS);
    case 'spot-hibernate':
    case 'state-stopping':
    case 'state-shutting-down':
      return drainUntilGone(SHORT_NOTICE_MS);
    case 'rebalance':
      return decideRebalance();
    case 'lifecycle':
      return drainWithin(
        night
          ? NIGHT_DRAIN_MS
          : Math.min(LONGEST_DRAIN_MS, (located.hookTimes?.globalSeconds ?? 3_600) * 1_000),
      );
    case 'health':
      return drainWithin(night ? NIGHT_DRAIN_MS : LONGEST_DRAIN_MS);
    case 'health-closed':
      return { do: 'restore', reason: WHAT[notice.kind] };
  }

  function drainUntilGone(ms: number): DrainPlan {
    const deadline = new Date(notice.at.getTime() + ms);
    return {
      do: 'drain',
      reason: because(),
      deadline,
      until: deadline,
      force: settings.force && !night,
      replace: notice.kind === 'spot-terminate' && !night && wantsReplacement(settings, located),
      night,
      ...(RETURNING.has(notice.kind) ? { undo: 'on-return' } : {}),
    };
  }

  function drainWithin(ms: number, undo?: DrainPlan['undo']): DrainPlan {
    return {
      do: 'drain',
      reason: because(),
      until: new Date(notice.at.getTime() + ms),
      force: false,
      replace: false,
      night,
      ...(undo === undefined ? {} : { undo }),
    };
  }

  function decideRebalance(): Plan {
    const afterMinutes = settings.uncordonAfterMinutes;
    if (settings.onRebalance === 'ignore') {
      return { do: 'nothing', action: 'ignore', reason: `${because()}, and the config says to ignore that` };
    }
    if (nodegroup) {
      return {
        do: 'nothing',
        action: 'ignore',
        reason: `${because()}, and EKS replaces it by itself in the managed nodegroup ${nodegroup}`,
      };
    }
    if (night) return { do: 'nothing', action: 'ignore', reason: because() };
    return settings.onRebalance === 'cordon'
      ? { do: 'cordon', reason: because(), undo: { afterMinutes } }
      : drainWithin(Math.min(LONGEST_DRAIN_MS, afterMinutes * 60_000), { afterMinutes });
  }

  function because(): string {
    return night ? `${WHAT[notice.kind]}, while the schedule stops the group ${stopped}` : WHAT[notice.kind];
  }
}

/** Not of this cluster, as far as tags and nodes tell. A group without a tag is ours only if its node is. */
export function isForeign(cluster: string, { node, group }: Located): boolean {
  if (node) return false;
  return !group?.clusters.includes(cluster);
}

/** Who else looks after the node, by its labels. */
function otherKeeper(node: Node): string | undefined {
  if (node.labels['eks.amazonaws.com/compute-type'] === 'auto') return 'EKS Auto Mode';
  if (node.labels['karpenter.sh/nodepool'] || node.labels['karpenter.sh/provisioner-name'])
    return 'Karpenter';
  return undefined;
}

/** EKS puts it on every node of a managed nodegroup. */
export function nodegroupOf(node: Node): string | undefined {
  return node.labels['eks.amazonaws.com/nodegroup'];
}

function managedNodegroup({ node, group }: Located): string | undefined {
  return (node && nodegroupOf(node)) ?? group?.nodegroup;
}

/** The name under which night-schedule knows the group. */
function groupName(located: Located): string | undefined {
  return managedNodegroup(located) ?? located.group?.name;
}

export function isTakenByNight(located: Located): boolean {
  return stops(located.clusterState, groupName(located));
}

/** What the drain of a stop gets, for a drain that began before our own stop: the stop waits for it as well. */
export function hasten(claim: Claim, clusterState: ClusterState | undefined, now: Date): Claim {
  const isAwaited = claim.hooks.some((hook) => !hook.completed && stops(clusterState, hook.group));
  if (claim.night || !isAwaited) return claim;
  const until = Math.min(Date.parse(claim.until), now.getTime() + NIGHT_DRAIN_MS);
  return { ...claim, night: true, until: new Date(until).toISOString() };
}

function stops(clusterState: ClusterState | undefined, group: string | undefined): boolean {
  return (
    group !== undefined &&
    (clusterState?.phase === 'stopping' || clusterState?.phase === 'asleep') &&
    clusterState.groups.includes(group)
  );
}

function wantsReplacement(settings: SpotDrainSettings, located: Located): boolean {
  const { group } = located;
  return (
    settings.replaceEarly && group !== undefined && !managedNodegroup(located) && !group.capacityRebalance
  );
}
