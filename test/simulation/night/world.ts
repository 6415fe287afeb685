/** The lab's AWS in simulated time, with nodes that join, and the ports of night-schedule in front of it. */

import {
  type AutoScalingGroup,
  AwsError,
  configuredSizes,
  createAws,
} from '@nightshift/lab/world/aws/index.ts';
import { createContext } from '@nightshift/lab/world/context.ts';
import { createNightStore } from '#functions/adapters/dynamodb/night-store.ts';
import { AUTOSCALER_PREFIX, NIGHT, STATE_KEY, savedKey } from '#functions/adapters/dynamodb/table-keys.ts';
import type { AutoscalerView } from '#functions/night-schedule/ports.ts';
import type { SavedSize, WarmPool } from '#functions/night-schedule/records.ts';
import type { NightScheduleDeps } from '#functions/night-schedule/run.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import type { Decision } from '#model/decision.ts';
import type { Override } from '#model/schedule.ts';
import { createSimulatedClock } from '../clock.ts';
import type { Pass } from '../faults.ts';
import { garbled } from '../garbled.ts';
import { replaceOverrides } from '../overrides.ts';
import { createMemoryTable } from '../table.ts';
import { type NightWrite, watchTable } from '../watched-table.ts';
import { createLabGroups, poolOf } from './groups.ts';
import { createNightKubernetes } from './kubernetes.ts';
import { noObservations, observeDecisions } from './observations.ts';
import type { GroupPlan, Scenario } from './scenario.ts';

export type NightPorts = Pick<NightScheduleDeps, 'groups' | 'nodes' | 'store' | 'trail'> &
  Required<Pick<NightScheduleDeps, 'autoscaler' | 'cronJobs'>>;

export interface NightProcess {
  /** The ports as the next pass sees them. */
  enter(pass: Pass): NightPorts;
}

export type NightWorld = ReturnType<typeof createNightWorld>;

const INSTANCE_TYPES = ['m5.large'] as const;

export function createNightWorld(scenario: Scenario, begin: Date) {
  const context = {
    ...createContext({ start: begin, seed: scenario.seed }),
    clock: createSimulatedClock(begin),
  };
  const aws = createAws(context);
  const { account, region, cluster: clusterName } = scenario.settings;
  const cluster = aws.addCluster({ account, region, name: clusterName });
  const plans = new Map(scenario.groups.map((plan) => [plan.name, plan]));

  const readyAt = new Map<string, number>();
  context.signals.on('instance-running', (instance) => {
    readyAt.set(instance.id, context.clock.now() + 20_000 + Math.floor(context.random() * 60_000));
  });
  context.signals.on('instance-gone', (instance) => void readyAt.delete(instance.id));

  const add = (plan: GroupPlan) => {
    const options = {
      name: plan.name,
      min: plan.min,
      desired: plan.desired,
      max: plan.max,
      instanceTypes: INSTANCE_TYPES,
      ...(plan.warmPool ? { warmPool: plan.warmPool } : {}),
    };
    if (plan.kind === 'managed') aws.addNodegroup(cluster, { ...options, capacityType: plan.capacityType });
    else
      aws.addAutoScalingGroup(cluster, { ...options, spotPercent: plan.capacityType === 'SPOT' ? 100 : 0 });
  };
  for (const plan of scenario.groups) add(plan);

  const table = watchTable(createMemoryTable(), (seen) => onWrite(seen));
  const decisions: Decision[] = [];
  const touched = new Set<string>();
  const { autoscaler } = scenario.settings;
  const deployment =
    autoscaler?.kind === 'cluster-autoscaler' ? `${autoscaler.namespace}/${autoscaler.deployment}` : '';
  let replicas = scenario.replicas ?? 0;
  const observations = noObservations();
  const kubernetes = createNightKubernetes(scenario.kubernetes, {
    now: () => context.clock.now(),
    stop: Date.parse(scenario.stop),
    table,
    violate: (promise, what) => void observations.kubernetes.push({ promise, what }),
  });

  const groups = createLabGroups(aws, cluster);
  const { sizeOf, find: groupOf } = groups;
  const isReady = (id: string) => (readyAt.get(id) ?? Number.POSITIVE_INFINITY) <= context.clock.now();
  const readyIn = (group: AutoScalingGroup) => groups.readyIn(group, isReady);
  const savedOf = (group: string) => table.read<SavedSize>(NIGHT, savedKey(clusterName, group));
  const text = (value: unknown) => JSON.stringify(value);
  const when = () => context.clock.date().toISOString();

  const onWrite = ({ partition, key, before, after }: NightWrite): void => {
    if (partition !== NIGHT || !before) return;
    const { size } = before as SavedSize;
    if (!after) {
      onCleared(key, before as SavedSize);
      return;
    }
    const next = (after as SavedSize).size;
    const { warmPool } = before as SavedSize;
    if (warmPool && text(warmPool) !== text((after as SavedSize).warmPool))
      observations.sizesLost.push(`${when()} ${key}: the warm pool ${text(warmPool)} was overwritten`);
    // A group that was at zero, of which only the warm pool is saved, may have been scaled up since.
    if (size.desired > 0 && text(size) !== text(next))
      observations.sizesLost.push(`${when()} ${key}: ${text(size)} was overwritten with ${text(next)}`);
  };

  const onCleared = (key: string, { group: name, size, autoScalingGroup }: SavedSize): void => {
    const group = groupOf(name);
    // A group that a person changed keeps the person's sizes.
    if (!group || group.name !== autoScalingGroup || touched.has(name)) return;
    const { min, desired, max } = group.nodegroup ? configuredSizes(group.nodegroup) : group;
    const whole = min === size.min && max >= size.max && readyIn(group) >= desired;
    if (!whole)
      observations.sizesLost.push(
        `${when()} ${key} ${text(size)} was cleared at ${text(sizeOf(group))}, ${readyIn(group)} Ready`,
      );
  };

  const resize = (name: string, to: { min: number; desired: number; max: number }, token: string) => {
    const group = groupOf(name);
    if (!group) return 'gone' as const;
    if (plans.get(name)?.broken)
      throw new AwsError('InvalidRequestException', `Nodegroup ${name} is degraded`);
    const before = sizeOf(group);
    if (groups.resize(group, to, token) === 'busy') return 'busy' as const;
    if (to.desired === 0 && before.desired > 0) {
      observations.counts.stops += 1;
      const saved = savedOf(name);
      if (!saved || saved.size.desired === 0)
        observations.zeroedUnsaved.push(
          `${when()} ${name} ${text(before)} → 0, saved: ${text(saved?.size ?? null)}`,
        );
    }
    if (to.desired > 0 && before.desired === 0) observations.counts.starts += 1;
    return 'accepted' as const;
  };

  const setWarmPool = (name: string, to: WarmPool | 'off', token: string) => {
    const group = groupOf(name);
    if (!group) return 'gone' as const;
    if (plans.get(name)?.broken)
      throw new AwsError('InvalidRequestException', `Nodegroup ${name} is degraded`);
    if (to === 'off' && !savedOf(name)?.warmPool)
      observations.zeroedUnsaved.push(
        `${when()} the warm pool of ${name} was switched off before it was saved`,
      );
    return groups.setWarmPool(group, to, token);
  };

  /** A process of the function: it stays warm, and runs one pass at a time. */
  const newProcess = (): NightProcess => {
    let pass: Pass;
    const changed = new Set<string>();
    const ofKubernetes = kubernetes.portsOf(() => pass);
    const ports: NightPorts = {
      groups: {
        list: () =>
          pass.around('groups.list', () => {
            const list = groups.list();
            return world.isGarbled() ? garbled(list, context.clock.now()) : list;
          }),
        resize: (group, to, token) =>
          pass.around(`groups.resize ${group.name}`, () => {
            const outcome = resize(group.name, { ...to }, token);
            if (outcome === 'accepted') changed.add(group.name);
            return outcome;
          }),
        setWarmPool: (group, to, token) =>
          pass.around(`groups.setWarmPool ${group.name}`, () => {
            const outcome = setWarmPool(group.name, to, token);
            if (outcome === 'accepted') changed.add(group.name);
            return outcome;
          }),
        configuredSize: (group) => pass.around('groups.configuredSize', () => groups.configuredSize(group)),
        lastScalingFailure: (group) =>
          pass.around('groups.lastScalingFailure', () => groups.lastScalingFailure(group)),
      },
      nodes: {
        all: () =>
          pass.around('nodes.all', () =>
            [...readyAt.keys()].map((instanceId) => ({
              name: instanceId,
              instanceId,
              kind: 'instance' as const,
            })),
          ),
        ready: () => pass.around('nodes.ready', () => new Set([...readyAt.keys()].filter(isReady))),
      },
      autoscaler: {
        observe: () =>
          pass.around(
            'autoscaler.observe',
            (): AutoscalerView => ({ kind: 'cluster-autoscaler', deployment, replicas }),
          ),
        pause: () =>
          pass.around('autoscaler.pause', () => {
            if (table.all(NIGHT, AUTOSCALER_PREFIX).length === 0)
              observations.zeroedUnsaved.push(
                `${when()} the autoscaler was paused before its replicas were saved`,
              );
            replicas = 0;
            return [];
          }),
        deleteClaims: async () => [],
        resume: (saved) =>
          pass.around('autoscaler.resume', () => {
            if (saved.kind === 'cluster-autoscaler') replicas = saved.replicas;
            return 'resumed';
          }),
      },
      cronJobs: ofKubernetes.cronJobs,
      store: createNightStore(
        table.through((call, act) => pass.around(call, act) as Promise<never>),
        clusterName,
      ),
      trail: {
        record: (made) =>
          pass.around('trail.record', () => {
            decisions.push(...made);
            observeDecisions({ observations, groupOf, readyIn, when, decisions }, made, changed);
          }),
      },
    };
    return {
      enter(next) {
        pass = next;
        changed.clear();
        const isKarpenter = autoscaler !== undefined && autoscaler.kind !== 'cluster-autoscaler';
        return isKarpenter ? { ...ports, autoscaler: ofKubernetes.autoscaler } : ports;
      },
    };
  };

  const world = {
    /** Whether the next list of the groups is garbled. */
    isGarbled: () => false,
    isRecordedAsleep: () => table.read<ClusterState>(NIGHT, STATE_KEY)?.phase === 'asleep',
    aws,
    cluster,
    clock: context.clock,
    table,
    savedOf,
    decisions,
    observations,
    /** Groups that a person changed. */
    touched,
    newProcess,
    groupOf,
    poolOf: ({ warmPool: pool }: AutoScalingGroup) => pool && poolOf(pool),
    readyIn,
    plans,
    add(plan: GroupPlan) {
      plans.set(plan.name, plan);
      add(plan);
    },
    /** The transitions of the night, in minutes since the epoch. */
    transitions: () => ({
      stop: Date.parse(scenario.stop) / 60_000,
      start: Date.parse(scenario.start) / 60_000,
    }),
    kubernetes,
    replicas: () => replicas,
    setReplicas(value: number) {
      replicas = value;
    },
    setOverride(override: Override | undefined) {
      replaceOverrides(table, override);
    },
  };
  return world;
}
