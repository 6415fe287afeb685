/**
 * Looks at the world while the day goes on, and writes down what can be seen there: nothing in here asks our own
 * functions what they believe.
 */

import type { Lab, LabEnvironment } from '#demo/lab.ts';
import type { Decision } from '#model/decision.ts';
import { instanceIdOf } from './nodes.ts';

export interface Size {
  readonly min: number;
  readonly desired: number;
  readonly max: number;
}

export interface GroupSeen {
  /** The nodegroup's name, or that of a self-managed group. */
  readonly name: string;
  readonly managed: boolean;
  /** The schedule stops it. */
  readonly stoppable: boolean;
  /** At the beginning of the day. */
  readonly before: Size;
  readonly size: Size;
  /** Instances that cost money. */
  readonly instances: number;
}

/** A statement of ours, and whether the world said the same at that moment. */
export interface Statement {
  readonly decision: Decision;
  readonly true: boolean;
  readonly seen: string;
}

export interface LifecycleSeen {
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
  /** Virtual ms of the notice, and of what was seen after it. */
  readonly noticeAt: number;
  /** `namespace/name` of the pods that had to go, at the notice. */
  readonly pods: readonly string[];
  cordonedAt?: number;
  goneAt?: number;
  /** Pods that the instance took with it. */
  readonly lost: string[];
}

/** A budget that had its pods, and had them no more. */
export interface BudgetDip {
  readonly environment: string;
  readonly budget: string;
  readonly at: number;
  readonly duringDrain: boolean;
}

export interface Observations {
  groups(environment: string): readonly GroupSeen[];
  readonly statements: readonly Statement[];
  readonly lifecycles: readonly LifecycleSeen[];
  readonly drains: readonly Drain[];
  readonly budgetDips: readonly BudgetDip[];
  /** How often a budget changed while a node was being drained. */
  budgetChecks(): number;
  /** Virtual ms in which no instance of the groups that the schedule stops was left. */
  asleepMs(environment: string): number;
  /** Hours of nodes that would have run and did not, while their groups were at zero. */
  nodeHoursSaved(environment: string): number;
  /** To be called for each decision at the moment it is logged. */
  check(decision: Decision): void;
  stop(): void;
}

const HOUR_MS = 3_600_000;

export function observe(lab: Lab): Observations {
  const { clock, signals } = lab.context;
  const statements: Statement[] = [];
  const lifecycles: LifecycleSeen[] = [];
  const drains: Drain[] = [];
  const budgetDips: BudgetDip[] = [];
  let budgetChecks = 0;
  const stops: (() => void)[] = [];
  const before = new Map(
    lab.environments.map((environment) => [
      environment.name,
      new Map(lab.aws.groups(environment.cluster).map((group) => [group.name, sizeOf(group)])),
    ]),
  );
  const meters = new Map(
    lab.environments.map(({ name }) => [name, { asleepMs: 0, savedMs: 0, at: clock.now() }]),
  );

  const groups = (environment: LabEnvironment): readonly GroupSeen[] =>
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

  // What held until now is added up before the world's change is looked at, so each stretch counts as it was.
  let last = new Map(lab.environments.map((environment) => [environment.name, groups(environment)]));
  const account = () => {
    for (const environment of lab.environments) {
      const meter = meters.get(environment.name);
      const seen = last.get(environment.name) ?? [];
      if (!meter) continue;
      const passed = clock.now() - meter.at;
      meter.at = clock.now();
      const stoppable = seen.filter((group) => group.stoppable);
      if (stoppable.length > 0 && stoppable.every((group) => group.instances === 0)) meter.asleepMs += passed;
      for (const { size, before, instances } of stoppable) {
        if (size.desired === 0) meter.savedMs += Math.max(0, before.desired - instances) * passed;
      }
    }
  };
  stops.push(
    lab.aws.onChange(() => {
      account();
      last = new Map(lab.environments.map((environment) => [environment.name, groups(environment)]));
    }),
  );

  stops.push(
    signals.on('event', (event) => {
      const instanceId = String(event.detail['instance-id'] ?? event.detail['EC2InstanceId'] ?? '');
      const cluster = lab.aws.view(instanceId)?.cluster;
      // Several environments may share an account.
      const environment = lab.environments.find(
        ({ config }) =>
          config.account === event.account && config.region === event.region && config.cluster === cluster,
      );
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
  );
  stops.push(
    signals.on('instance-gone', ({ id }) => {
      for (const drain of drains) {
        if (drain.instanceId === id) drain.goneAt ??= clock.now();
      }
    }),
  );
  for (const environment of lab.environments) {
    stops.push(
      environment.kubernetes.api.store.subscribe(({ resource, object, previous }) => {
        if (resource.key === 'nodes' && object['spec']?.unschedulable) {
          for (const drain of drains) {
            if (drain.environment === environment.name && drain.node === object.metadata.name) {
              drain.cordonedAt ??= clock.now();
            }
          }
        }
        if (resource.key !== 'poddisruptionbudgets.policy' || !previous) return;
        const duringDrain = drains.some(
          (drain) => drain.environment === environment.name && drain.goneAt === undefined,
        );
        if (duringDrain) budgetChecks++;
        if (isHealthy(previous) && !isHealthy(object)) {
          budgetDips.push({
            environment: environment.name,
            budget: `${object.metadata.namespace}/${object.metadata.name}`,
            at: clock.now(),
            duringDrain,
          });
        }
      }),
    );
  }

  return {
    groups: (name) => {
      const environment = lab.environments.find((one) => one.name === name);
      return environment ? groups(environment) : [];
    },
    statements,
    lifecycles,
    drains,
    budgetDips,
    budgetChecks: () => budgetChecks,
    asleepMs(name) {
      account();
      return meters.get(name)?.asleepMs ?? 0;
    },
    nodeHoursSaved(name) {
      account();
      return (meters.get(name)?.savedMs ?? 0) / HOUR_MS;
    },
    check(decision) {
      const environment = lab.environments.find(({ name }) => name === decision.environment);
      const statement = environment && verify(lab, environment, decision);
      if (statement) statements.push(statement);
    },
    stop() {
      account();
      for (const drain of drains) {
        const environment = lab.environments.find(({ name }) => name === drain.environment);
        for (const pod of environment?.kubernetes.lostPods ?? []) {
          if (pod.instanceId === drain.instanceId && !pod.daemonSet && !pod.terminating) {
            drain.lost.push(`${pod.namespace}/${pod.name}`);
          }
        }
      }
      for (const stop of stops.splice(0)) stop();
    },
  };
}

function beginDrain(environment: LabEnvironment, instanceId: string, noticeAt: number): Drain | undefined {
  const node = environment.kubernetes.nodeOf(instanceId);
  if (node === undefined) return undefined;
  const pods = movablePods(environment, instanceId);
  return { environment: environment.name, instanceId, node, noticeAt, pods, lost: [] };
}

/** `namespace/name` of the pods on an instance that are not there because every node has one of them. */
export function movablePods(environment: LabEnvironment, instanceId: string): readonly string[] {
  const node = environment.kubernetes.nodeOf(instanceId);
  return (node === undefined ? [] : environment.kubernetes.podsOn(node))
    .filter((pod) => pod.metadata.ownerReferences?.every((owner) => owner.kind !== 'DaemonSet') ?? true)
    .map((pod) => `${pod.metadata.namespace}/${pod.metadata.name}`);
}

/** Looks at the world for what a decision claims. Undefined for decisions that claim no outcome. */
function verify(lab: Lab, environment: LabEnvironment, decision: Decision): Statement | undefined {
  const { action, target } = decision;
  const group = lab.aws
    .groups(environment.cluster)
    .find((candidate) => (candidate.nodegroup?.name ?? candidate.name) === target);
  if (action === 'confirm-stop' && group) {
    const left = [...group.instances.values()].filter((instance) => instance.state !== 'terminated').length;
    return { decision, true: left === 0, seen: `${left} instances left` };
  }
  if (action === 'confirm-start' && group) {
    const ready = readyInstances(environment);
    const count = [...group.instances.keys()].filter((id) => ready.has(id)).length;
    return {
      decision,
      true: count >= group.desired && group.desired > 0,
      seen: `${count} of ${group.desired} nodes Ready`,
    };
  }
  if (action === 'deployed') {
    const application = environment.argocd
      ?.applications()
      .find((candidate) => candidate.metadata.name === target);
    const { sync, health, operationState } = application?.status ?? {};
    const revision = operationState?.syncResult?.revision;
    const ours = decision['sha'] === undefined || revision === decision['sha'];
    return {
      decision,
      true: sync?.status === 'Synced' && health?.status === 'Healthy' && ours,
      seen: `${sync?.status} and ${health?.status} at ${revision?.slice(0, 8)}`,
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

/** Whether the config lets the schedule stop a group of that name. */
export function isStopped(environment: LabEnvironment, group: string): boolean {
  const { config } = environment;
  if (config.production || !config.schedule || config.keep?.includes(group)) return false;
  return config.nodegroups === undefined || config.nodegroups === 'all' || config.nodegroups.includes(group);
}

function sizeOf({ min, desired, max }: Size): Size {
  return { min, desired, max };
}
