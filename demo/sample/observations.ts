/**
 * Records the state of AWS and Kubernetes while the day runs. It reads the lab only: what the functions report is
 * compared with it, never used as its source.
 */

import type { AwsEvent } from '@nightshift/lab/world/interfaces.ts';
import type { KubeObject } from '@nightshift/lab/world/kubernetes/objects.ts';
import type { Lab, LabEnvironment } from '#demo/lab.ts';
import type { Decision } from '#model/decision.ts';
import { instanceIdOf } from './instance-id.ts';
import { hasStoppedCompute, isStopped, isStoppedInstance, stoppedClaims } from './stopped-compute.ts';

export interface Size {
  readonly min: number;
  readonly desired: number;
  readonly max: number;
}

export interface GroupState {
  /** The nodegroup's name, or that of a self-managed group. */
  readonly name: string;
  readonly managed: boolean;
  /** Whether the schedule stops it. */
  readonly stoppable: boolean;
  /** At the start of the day. */
  readonly before: Size;
  readonly size: Size;
  /** Instances that are not terminated. */
  readonly instances: number;
}

/** A decision that reports an outcome, and whether the lab showed that outcome at the same time. */
export interface CheckedDecision {
  readonly decision: Decision;
  readonly confirmed: boolean;
  readonly observed: string;
}

export interface LifecycleAction {
  readonly environment: string;
  readonly token: string;
  readonly group: string;
  readonly instanceId: string;
  /** EKS completes the actions of its own groups. */
  readonly managed: boolean;
}

export interface Drain {
  readonly environment: string;
  readonly instanceId: string;
  readonly node: string;
  /** Virtual ms, as `cordonedAt` and `goneAt`. */
  readonly noticeAt: number;
  /** `namespace/name` of the pods to evict, at the time of the notice. */
  readonly pods: readonly string[];
  cordonedAt?: number;
  goneAt?: number;
  /** Pods that were still running when the instance terminated. */
  readonly lost: string[];
}

/** A disruption budget whose healthy pods fell below the required number. */
export interface BudgetDip {
  readonly environment: string;
  readonly budget: string;
  readonly at: number;
  readonly duringDrain: boolean;
}

export interface Observations {
  groups(environment: string): readonly GroupState[];
  readonly checkedDecisions: readonly CheckedDecision[];
  readonly lifecycles: readonly LifecycleAction[];
  readonly drains: readonly Drain[];
  readonly budgetDips: readonly BudgetDip[];
  /** How often a budget changed while a node was being drained. */
  budgetChecks(): number;
  /** Virtual ms during which nothing ran that the schedule stops, of groups and of NodePools. */
  asleepMs(environment: string): number;
  /** Call it for each decision when it is logged. */
  check(decision: Decision): void;
  stop(): void;
}

/** What the observers append to while the day runs. */
interface Recorder {
  readonly lab: Lab;
  readonly checkedDecisions: CheckedDecision[];
  readonly lifecycles: LifecycleAction[];
  readonly drains: Drain[];
  readonly budgetDips: BudgetDip[];
  budgetChecks: number;
}

export function observe(lab: Lab): Observations {
  const recorder: Recorder = {
    lab,
    checkedDecisions: [],
    lifecycles: [],
    drains: [],
    budgetDips: [],
    budgetChecks: 0,
  };
  const { checkedDecisions, lifecycles, drains, budgetDips } = recorder;
  const groups = createGroupReader(lab);
  const meter = createUsageMeter(lab, groups);
  const unsubscribes = [meter.stop, ...observeEvents(recorder), ...observeClusters(recorder)];
  return {
    groups(name) {
      const environment = lab.environments.find((one) => one.name === name);
      return environment ? groups(environment) : [];
    },
    checkedDecisions,
    lifecycles,
    drains,
    budgetDips,
    budgetChecks: () => recorder.budgetChecks,
    asleepMs: (name) => meter.read(name).asleepMs,
    check(decision) {
      const environment = lab.environments.find(({ name }) => name === decision.environment);
      const checked = environment && verify(lab, environment, decision);
      if (checked) checkedDecisions.push(checked);
    },
    stop() {
      meter.update();
      for (const drain of drains) drain.lost.push(...lostPods(lab, drain));
      for (const unsubscribe of unsubscribes.splice(0)) unsubscribe();
    },
  };
}

type GroupReader = (environment: LabEnvironment) => readonly GroupState[];

function createGroupReader(lab: Lab): GroupReader {
  const before = new Map(
    lab.environments.map((environment) => [
      environment.name,
      new Map(lab.aws.groups(environment.cluster).map((group) => [group.name, sizeOf(group)])),
    ]),
  );
  return (environment) =>
    lab.aws.groups(environment.cluster).map((group) => {
      const name = group.nodegroup?.name ?? group.name;
      return {
        name,
        managed: group.nodegroup !== undefined,
        stoppable: isStopped(environment, name),
        before: before.get(environment.name)?.get(group.name) ?? sizeOf(group),
        size: sizeOf(group),
        instances: [...group.instances.values()].filter((instance) => instance.state !== 'terminated').length,
      };
    });
}

/** Accumulates time asleep. Each interval counts with the state before the change that ends it. */
function createUsageMeter(lab: Lab, groups: GroupReader) {
  const { clock } = lab.context;
  const totals = new Map(lab.environments.map(({ name }) => [name, { asleepMs: 0, at: clock.now() }]));
  const isEmpty = (environment: LabEnvironment) =>
    hasStoppedCompute(environment, groups(environment)) &&
    lab.aws.instances(environment.cluster).every((instance) => !isStoppedInstance(environment, instance));
  const readAll = () =>
    new Map(lab.environments.map((environment) => [environment.name, isEmpty(environment)]));
  let last = readAll();
  const update = () => {
    for (const [name, total] of totals) {
      const passed = clock.now() - total.at;
      total.at = clock.now();
      if (last.get(name)) total.asleepMs += passed;
    }
  };
  const stop = lab.aws.onChange(() => {
    update();
    last = readAll();
  });
  return {
    update,
    stop,
    read(name: string) {
      update();
      return totals.get(name) ?? { asleepMs: 0 };
    },
  };
}

function observeEvents({ lab, lifecycles, drains }: Recorder): readonly (() => void)[] {
  const { clock, signals } = lab.context;
  return [
    signals.on('event', (event) => {
      const instanceId = String(event.detail['instance-id'] ?? event.detail['EC2InstanceId'] ?? '');
      const environment = environmentOf(lab, event, instanceId);
      if (!environment) return;
      if (event['detail-type'] === 'EC2 Instance-terminate Lifecycle Action') {
        const group = String(event.detail['AutoScalingGroupName']);
        lifecycles.push({
          environment: environment.name,
          token: String(event.detail['LifecycleActionToken']),
          group,
          instanceId,
          managed: environment.cluster.groups.get(group)?.nodegroup !== undefined,
        });
      }
      if (event['detail-type'] === 'EC2 Spot Instance Interruption Warning') {
        const drain = beginDrain(environment, instanceId, clock.now());
        if (drain) drains.push(drain);
      }
    }),
    signals.on('instance-gone', ({ id }) => {
      for (const drain of drains) {
        if (drain.instanceId === id) drain.goneAt ??= clock.now();
      }
    }),
  ];
}

/** By the instance's cluster: several environments may share an account. */
function environmentOf(lab: Lab, event: AwsEvent, instanceId: string): LabEnvironment | undefined {
  const cluster = lab.aws.view(instanceId)?.cluster;
  return lab.environments.find(
    ({ config }) =>
      config.account === event.account && config.region === event.region && config.cluster === cluster,
  );
}

function observeClusters(recorder: Recorder): readonly (() => void)[] {
  return recorder.lab.environments.map((environment) =>
    environment.kubernetes.api.store.subscribe((change) => {
      if (change.resource.key === 'nodes') recordCordon(recorder, environment, change.object);
      if (change.resource.key === 'poddisruptionbudgets.policy') recordBudget(recorder, environment, change);
    }),
  );
}

function recordCordon({ lab, drains }: Recorder, environment: LabEnvironment, node: KubeObject): void {
  if (!node['spec']?.unschedulable) return;
  for (const drain of drains) {
    if (drain.environment === environment.name && drain.node === node.metadata.name) {
      drain.cordonedAt ??= lab.context.clock.now();
    }
  }
}

function recordBudget(
  recorder: Recorder,
  environment: LabEnvironment,
  { object, previous }: { readonly object: KubeObject; readonly previous?: KubeObject | undefined },
): void {
  if (!previous) return;
  const duringDrain = recorder.drains.some(
    (drain) => drain.environment === environment.name && drain.goneAt === undefined,
  );
  if (duringDrain) recorder.budgetChecks++;
  if (!isHealthy(previous) || isHealthy(object)) return;
  recorder.budgetDips.push({
    environment: environment.name,
    budget: `${object.metadata.namespace}/${object.metadata.name}`,
    at: recorder.lab.context.clock.now(),
    duringDrain,
  });
}

/** `namespace/name` of the pods that were still running when the drained instance terminated. */
function lostPods(lab: Lab, drain: Drain): readonly string[] {
  const environment = lab.environments.find(({ name }) => name === drain.environment);
  return (environment?.kubernetes.lostPods ?? [])
    .filter((pod) => pod.instanceId === drain.instanceId && !pod.daemonSet && !pod.terminating)
    .map((pod) => `${pod.namespace}/${pod.name}`);
}

function beginDrain(environment: LabEnvironment, instanceId: string, noticeAt: number): Drain | undefined {
  const node = environment.kubernetes.nodeOf(instanceId);
  if (node === undefined) return undefined;
  const pods = evictablePods(environment, instanceId);
  return { environment: environment.name, instanceId, node, noticeAt, pods, lost: [] };
}

/** `namespace/name` of the pods on an instance, without those of DaemonSets. */
export function evictablePods(environment: LabEnvironment, instanceId: string): readonly string[] {
  const node = environment.kubernetes.nodeOf(instanceId);
  return (node === undefined ? [] : environment.kubernetes.podsOn(node))
    .filter((pod) => pod.metadata.ownerReferences?.every((owner) => owner.kind !== 'DaemonSet') ?? true)
    .map((pod) => `${pod.metadata.namespace}/${pod.metadata.name}`);
}

/** Compares the outcome that a decision reports with the lab. Undefined for decisions that report no outcome. */
function verify(lab: Lab, environment: LabEnvironment, decision: Decision): CheckedDecision | undefined {
  const { action, target } = decision;
  const group = lab.aws
    .groups(environment.cluster)
    .find((candidate) => (candidate.nodegroup?.name ?? candidate.name) === target);
  if (action === 'confirm-stop' && group) {
    const instances = [...group.instances.values()].filter(
      (instance) => instance.state !== 'terminated',
    ).length;
    return { decision, confirmed: instances === 0, observed: `${instances} instances left` };
  }
  if (action === 'confirm-stop' && target === 'karpenter') {
    const claims = stoppedClaims(environment).length;
    return { decision, confirmed: claims === 0, observed: `${claims} NodeClaims left` };
  }
  if (action === 'confirm-start' && group) {
    const ready = readyInstances(environment);
    const count = [...group.instances.keys()].filter((id) => ready.has(id)).length;
    return {
      decision,
      confirmed: count >= group.desired && group.desired > 0,
      observed: `${count} of ${group.desired} nodes Ready`,
    };
  }
  if (action === 'deployed') {
    const application = environment.argocd
      ?.applications()
      .find((candidate) => candidate.metadata.name === target);
    const { sync, health, operationState } = application?.status ?? {};
    // Where the manifests did not change, Argo CD has compared the commit and nothing was to be synced.
    const revision = operationState?.syncResult?.revision ?? sync?.revision;
    const isRequested = decision['sha'] === undefined || revision === decision['sha'];
    return {
      decision,
      confirmed: sync?.status === 'Synced' && health?.status === 'Healthy' && isRequested,
      observed: `${sync?.status} and ${health?.status} at ${revision?.slice(0, 8)}`,
    };
  }
  return undefined;
}

function readyInstances(environment: LabEnvironment): ReadonlySet<string> {
  return new Set(
    environment.kubernetes.api.store
      .all('nodes')
      .filter((node) =>
        node.status?.conditions?.some(
          (condition) => condition.type === 'Ready' && condition.status === 'True',
        ),
      )
      .map((node) => instanceIdOf(node.spec?.providerID)),
  );
}

function isHealthy(budget: { readonly [field: string]: unknown }): boolean {
  const status = budget['status'] as { currentHealthy?: number; desiredHealthy?: number } | undefined;
  return (status?.currentHealthy ?? 0) >= (status?.desiredHealthy ?? 0);
}

function sizeOf({ min, desired, max }: Size): Size {
  return { min, desired, max };
}
