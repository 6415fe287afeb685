/** The lab's AWS in simulated time, with nodes that join, and the ports of night-schedule in front of it. */

import { type AutoScalingGroup, AwsError, createAws } from '@nightshift/lab/world/aws/index.ts';
import { createContext } from '@nightshift/lab/world/context.ts';
import { copyOf } from '@nightshift/lab/world/copy.ts';
import type {
  AutoscalerView,
  LedgerEntry,
  Memo,
  Memory,
  SavedAutoscaler,
  SavedSize,
  Versioned,
} from '#functions/night-schedule/ports.ts';
import type { NightScheduleDeps } from '#functions/night-schedule/run.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import type { Decision } from '#model/decision.ts';
import type { Override } from '#model/schedule.ts';
import { createSimulatedClock } from '../clock.ts';
import type { Pass } from '../faults.ts';
import { createLabGroups } from './groups.ts';
import type { GroupPlan, Scenario } from './scenario.ts';

export type NightPorts = Pick<NightScheduleDeps, 'groups' | 'nodes' | 'store' | 'trail'> &
  Required<Pick<NightScheduleDeps, 'autoscaler'>>;

export interface NightProcess {
  /** The ports as the next pass sees them. */
  enter(pass: Pass): NightPorts;
}

/** What was observed of the world while a night went by: what the checkers look at. */
export interface Observations {
  /** A request to zero a group took effect while these sizes were not written down. */
  readonly zeroedUnsaved: string[];
  /** Saved sizes that were changed or taken away before the restore was complete in the world. */
  readonly sizesLost: string[];
  /** Confirmations of something that the world did not show. */
  readonly unobserved: string[];
  /** Changes of a group without a decision that names it. */
  readonly unexplained: string[];
  /** Passes that were given an error, and ended as if nothing had happened. */
  readonly swallowed: string[];
  readonly counts: Record<
    'stops' | 'starts' | 'confirmedStops' | 'confirmedStarts' | 'passes' | 'failedPasses' | 'crashes',
    number
  >;
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
    };
    if (plan.kind === 'managed') aws.addNodegroup(cluster, { ...options, capacityType: plan.capacityType });
    else
      aws.addAutoScalingGroup(cluster, { ...options, spotPercent: plan.capacityType === 'SPOT' ? 100 : 0 });
  };
  for (const plan of scenario.groups) add(plan);

  const table = new Map<string, Versioned<unknown>>();
  const ledger = new Map<string, LedgerEntry>();
  const decisions: Decision[] = [];
  const touched = new Set<string>();
  let replicas = scenario.replicas ?? 0;
  const observations: Observations = {
    zeroedUnsaved: [],
    sizesLost: [],
    unobserved: [],
    unexplained: [],
    swallowed: [],
    counts: {
      stops: 0,
      starts: 0,
      confirmedStops: 0,
      confirmedStarts: 0,
      passes: 0,
      failedPasses: 0,
      crashes: 0,
    },
  };

  const groups = createLabGroups(aws, cluster);
  const { sizeOf, find: groupOf } = groups;
  const isReady = (id: string) => (readyAt.get(id) ?? Number.POSITIVE_INFINITY) <= context.clock.now();
  const readyIn = (group: AutoScalingGroup) => groups.readyIn(group, isReady);
  const find = <T>(key: string) => table.get(key) as Versioned<T> | undefined;
  const savedSizes = () => {
    const saved = new Map<string, Versioned<SavedSize>>();
    for (const [key, item] of table)
      if (key.startsWith('saved#')) saved.set(key.slice('saved#'.length), item as Versioned<SavedSize>);
    return saved;
  };
  const loaded = (): Memory => {
    const memory: { -readonly [K in keyof Memory]: Memory[K] } = { saved: savedSizes(), corrupt: [] };
    const state = find<ClusterState>('state');
    const memo = find<Memo>('memo');
    const autoscaler = find<SavedAutoscaler>('autoscaler');
    const override = find<Override>('override');
    if (state) memory.state = state;
    if (memo) memory.memo = memo;
    if (autoscaler) memory.autoscaler = autoscaler;
    if (override) memory.override = override.value;
    return memory;
  };
  const text = (value: unknown) => JSON.stringify(value);
  const when = () => context.clock.date().toISOString();

  const write = (key: string, value: unknown, over: number | undefined): boolean => {
    const there = table.get(key);
    if (there?.version !== over) return false;
    if (key.startsWith('saved#') && there) {
      const before = (there.value as SavedSize).size;
      if (text(before) !== text((value as SavedSize).size))
        observations.sizesLost.push(
          `${when()} ${key}: ${text(before)} was overwritten with ${text((value as SavedSize).size)}`,
        );
    }
    table.set(key, { value: copyOf(value), version: (over ?? 0) + 1 });
    return true;
  };

  const clearSaved = (name: string, over: number): boolean => {
    const there = find<SavedSize>(`saved#${name}`);
    if (there?.version !== over) return false;
    const group = groupOf(name);
    const { size, autoScalingGroup } = there.value;
    // What a person made of the group since is the person's wish.
    if (group && group.name === autoScalingGroup && !touched.has(name)) {
      const whole = group.min === size.min && group.max >= size.max && readyIn(group) >= group.desired;
      if (!whole)
        observations.sizesLost.push(
          `${when()} saved#${name} ${text(size)} was cleared at ${text(sizeOf(group))}, ${readyIn(group)} Ready`,
        );
    }
    return table.delete(`saved#${name}`);
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
      const saved = find<SavedSize>(`saved#${name}`)?.value;
      if (!saved || saved.size.desired === 0)
        observations.zeroedUnsaved.push(
          `${when()} ${name} ${text(before)} → 0, written down: ${text(saved?.size ?? null)}`,
        );
    }
    if (to.desired > 0 && before.desired === 0) observations.counts.starts += 1;
    return 'accepted' as const;
  };

  /** A process of the function: it stays warm, and the passes in it come one after the other. */
  const newProcess = (): NightProcess => {
    let pass: Pass;
    const changed = new Set<string>();
    const ports: NightPorts = {
      groups: {
        list: () => pass.around('groups.list', groups.list),
        resize: (group, to, token) =>
          pass.around(`groups.resize ${group.name}`, () => {
            const outcome = resize(group.name, { ...to }, token);
            if (outcome === 'accepted') changed.add(group.name);
            return outcome;
          }),
        trouble: (group) => pass.around('groups.trouble', () => groups.trouble(group)),
      },
      nodes: { ready: () => pass.around('nodes.ready', () => new Set([...readyAt.keys()].filter(isReady))) },
      autoscaler: {
        observe: () =>
          pass.around('autoscaler.observe', (): AutoscalerView => ({ kind: 'cluster-autoscaler', replicas })),
        pause: () =>
          pass.around('autoscaler.pause', () => {
            if (!find('autoscaler'))
              observations.zeroedUnsaved.push(
                `${when()} the autoscaler was paused and its replicas were not written down`,
              );
            replicas = 0;
          }),
        resume: (saved) =>
          pass.around('autoscaler.resume', () => {
            if (saved.kind === 'cluster-autoscaler') replicas = saved.replicas;
          }),
      },
      store: {
        load: () => pass.around('store.load', loaded),
        writeState: (next, over) => pass.around('store.writeState', () => write('state', next, over)),
        writeSaved: (next, over) =>
          pass.around('store.writeSaved', () => write(`saved#${next.group}`, next, over)),
        clearSaved: (group, over) => pass.around('store.clearSaved', () => clearSaved(group, over)),
        writeAutoscaler: (next, over) =>
          pass.around('store.writeAutoscaler', () => write('autoscaler', next, over)),
        clearAutoscaler: (over) =>
          pass.around(
            'store.clearAutoscaler',
            () => find('autoscaler')?.version === over && table.delete('autoscaler'),
          ),
        writeMemo: (next, over) => pass.around('store.writeMemo', () => write('memo', next, over)),
        writeLedger: (entries) =>
          pass.around('store.writeLedger', () => {
            for (const entry of entries) ledger.set(`${entry.date}#${entry.group}#${entry.from}`, entry);
          }),
      },
      trail: {
        record: (made) =>
          pass.around('trail.record', () => {
            decisions.push(...made);
            observe(made, changed);
          }),
      },
    };
    return {
      enter(next) {
        pass = next;
        changed.clear();
        return ports;
      },
    };
  };

  /** Holds what the program says against what the world shows at this moment. */
  const observe = (made: readonly Decision[], changed: ReadonlySet<string>) => {
    for (const decision of made) {
      if (decision.action === 'confirm-stop') {
        const group = groupOf(decision.target);
        observations.counts.confirmedStops += 1;
        if (group && group.instances.size > 0)
          observations.unobserved.push(
            `${when()} ${decision.target} is said to sleep with ${group.instances.size} instances`,
          );
      }
      if (decision.action === 'confirm-start') {
        const group = groupOf(decision.target);
        observations.counts.confirmedStarts += 1;
        if (group && readyIn(group) < group.desired)
          observations.unobserved.push(
            `${when()} ${decision.target} is said to be awake with ${readyIn(group)} of ${group.desired} Ready`,
          );
      }
    }
    for (const name of changed)
      if (!made.some((decision) => decision.target === name && decision.reason !== ''))
        observations.unexplained.push(`${when()} ${name} was resized and no decision says why`);
  };

  return {
    aws,
    cluster,
    clock: context.clock,
    table,
    ledger,
    decisions,
    observations,
    /** Groups that a person changed. */
    touched,
    newProcess,
    groupOf,
    readyIn,
    plans,
    add(plan: GroupPlan) {
      plans.set(plan.name, plan);
      add(plan);
    },
    /** The edges of the night, in minutes since the epoch. */
    edges: () => ({
      stop: Date.parse(scenario.stop) / 60_000,
      start: Date.parse(scenario.start) / 60_000,
    }),
    replicas: () => replicas,
    setReplicas(value: number) {
      replicas = value;
    },
    setOverride(override: Override | undefined) {
      const there = table.get('override');
      if (override) table.set('override', { value: override, version: (there?.version ?? 0) + 1 });
      else table.delete('override');
    },
  };
}
