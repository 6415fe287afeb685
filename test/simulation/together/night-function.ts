/** night-schedule's ports in front of the world that all three functions share, with checks of each request. */

import { type AutoScalingGroup, configuredSizes } from '@nightshift/lab/world/aws/index.ts';
import { isNodeReady } from '@nightshift/lab/world/kubernetes/objects.ts';
import { createNightStore } from '#functions/adapters/dynamodb/night-store.ts';
import { NIGHT, STATE_KEY, savedKey } from '#functions/adapters/dynamodb/table-keys.ts';
import { createNodes } from '#functions/adapters/kubernetes/nodes.ts';
import type { Group } from '#functions/night-schedule/ports.ts';
import type { SavedSize } from '#functions/night-schedule/records.ts';
import type { NightScheduleDeps } from '#functions/night-schedule/run.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import type { Decision } from '#model/decision.ts';
import { createKubernetesApi } from '../drain/kubernetes-api.ts';
import type { DrainWorld } from '../drain/world.ts';
import type { Pass } from '../faults.ts';
import { garbled } from '../garbled.ts';
import { createLabGroups } from '../night/groups.ts';
import { createNightKubernetes } from '../night/kubernetes.ts';
import { createPortCalls } from '../port-calls.ts';
import { createRandom } from '../random.ts';
import type { SharedWorld } from '../shared-world.ts';
import type { WorldOptions } from '../story.ts';
import type { Scenario } from './scenario.ts';

export type NightPorts = Pick<NightScheduleDeps, 'groups' | 'nodes' | 'store' | 'trail'> &
  Required<Pick<NightScheduleDeps, 'autoscaler' | 'cronJobs'>>;

/** What one attempt of the function did and observed, for the checks at its end. */
export interface NightEffects {
  readonly changed: Set<string>;
  readonly decisions: Decision[];
  listed: readonly Group[];
  ready: ReadonlySet<string>;
  mustReport: number;
}

/** A group is stopped from the moment at which it was scaled to zero until its size is restored. */
export interface Stop {
  readonly group: string;
  readonly at: number;
  readonly instanceIds: readonly string[];
  /** The recorded state names the group at that moment. */
  readonly isRecorded: boolean;
  endedAt?: number;
}

/** Functions run on machines whose clocks differ by seconds. */
export const SKEW_SECONDS = 5;

export function createNightFunction(
  { scenario, random, violate, exercise }: WorldOptions<Scenario>,
  { clock, context, aws, table }: SharedWorld,
  { cluster, kubernetes, when }: DrainWorld,
  options: { readonly isFaulty: () => boolean; readonly stopped: (stop: Stop) => void },
) {
  const stops: Stop[] = [];
  const groups = createLabGroups(aws, cluster);
  const ofKubernetes = createNightKubernetes(scenario.kubernetes, {
    now: () => clock.now(),
    stop: Date.parse(scenario.stop),
    table,
    violate,
  });
  const garbling = createRandom(scenario.seed ^ 0x9a7b1e);
  const listed = () => {
    const list = groups.list();
    const isGarbled = options.isFaulty() && garbling.chance(0.03);
    return isGarbled ? garbled(list, garbling.between(0, 1_000)) : list;
  };

  const readyIds = () =>
    new Set(
      kubernetes.api.store
        .all('nodes')
        .filter(isNodeReady)
        .map((node) => node.spec?.providerID?.split('/').at(-1) ?? ''),
    );
  const readyIn = (group: AutoScalingGroup) => {
    const ready = readyIds();
    return groups.readyIn(group, (id) => ready.has(id));
  };

  const resize = (name: string, to: Group['size'], token: string) => {
    exercise(2);
    const group = groups.find(name);
    if (!group) return 'gone' as const;
    const before = groups.sizeOf(group);
    if (groups.resize(group, to, token) === 'busy') return 'busy' as const;
    exercise(1);
    const last = stops.findLast((stop) => stop.group === name);
    if (to.desired > 0 && last) last.endedAt ??= clock.now();
    if (to.desired > 0 || before.desired === 0) return 'accepted' as const;
    const saved = table.read<SavedSize>(NIGHT, savedKey(cluster.name, name))?.size;
    if (saved?.desired !== before.desired || saved.min !== before.min || saved.max !== before.max)
      violate(1, `${when()} ${name} ${text(before)} → 0, and the saved size was ${text(saved)}`);
    const state = table.read<ClusterState>(NIGHT, STATE_KEY);
    const stop: Stop = {
      group: name,
      at: clock.now(),
      instanceIds: [...group.instances.keys()],
      isRecorded: state?.phase === 'stopping' && state.groups.includes(name),
    };
    stops.push(stop);
    options.stopped(stop);
    return 'accepted' as const;
  };

  const newProcess = () => {
    const calls = createPortCalls<NightEffects>(clock, random);
    let skewMs = 0;
    const through = <T>(call: string, act: () => T) => calls.through(call, act, true) as Promise<never>;
    const client = createKubernetesApi({
      context,
      kubernetes,
      onRequest: ({ kind }) => {
        if (kind !== 'read') violate(2, `${when()} to ${kind} is no request of night-schedule`);
      },
      around: through,
    });
    const nodes = createNodes(client);
    const ports: NightPorts = {
      groups: {
        list: () =>
          through('groups.list', () => {
            calls.effects().listed = listed();
            return calls.effects().listed;
          }),
        resize: (group, to, token) =>
          through(`groups.resize ${group.name}`, () => {
            const outcome = resize(group.name, to, token);
            if (outcome === 'accepted') calls.effects().changed.add(group.name);
            return outcome;
          }),
        setWarmPool: (group, to, token) =>
          through(`groups.setWarmPool ${group.name}`, () => {
            const target = groups.find(group.name);
            if (!target) return 'gone' as const;
            const outcome = groups.setWarmPool(target, to, token);
            if (outcome === 'accepted') calls.effects().changed.add(group.name);
            return outcome;
          }),
        configuredSize: (group) => through('groups.configuredSize', () => groups.configuredSize(group)),
        // It only explains a failure: its own error stands in the reason of that failure.
        lastScalingFailure: (group) =>
          calls.through('groups.lastScalingFailure', () => groups.lastScalingFailure(group), false),
      },
      nodes: {
        all: () => nodes.all(),
        async ready() {
          const ready = await nodes.ready();
          calls.effects().ready = readyIds();
          return ready;
        },
      },
      ...ofKubernetes.portsOf(() => ({ around: through })),
      store: createNightStore(table.through(through), cluster.name),
      trail: {
        record: (made) =>
          through('trail.record', () => {
            calls.effects().decisions.push(...made);
            for (const decision of made) checkDecision(decision, calls.effects());
          }),
      },
    };
    return {
      ports,
      now: () => new Date(clock.now() + skewMs),
      enter(pass: Pass) {
        skewMs = options.isFaulty() ? random.between(-SKEW_SECONDS, SKEW_SECONDS) * 1_000 : 0;
        return calls.enter(pass, {
          changed: new Set(),
          decisions: [],
          listed: [],
          ready: new Set(),
          mustReport: 0,
        });
      },
    };
  };

  /** Compares a decision with what this pass observed. */
  const checkDecision = (decision: Decision, { listed, ready }: NightEffects) => {
    exercise(7);
    if (!decision.reason.trim() || !decision.trigger.trim())
      violate(7, `${when()} ${decision.action} ${decision.target} has no reason or no trigger`);
    const group = listed.find(({ name }) => name === decision.target);
    if (!group) return;
    if (decision.action === 'confirm-stop') {
      exercise(4);
      if (group.instances.length > 0)
        violate(
          4,
          `${when()} a decision says that ${group.name} is asleep, and it has ${group.instances.length} instances`,
        );
    }
    if (decision.action === 'confirm-start') {
      exercise(4);
      const up = group.instances.filter(({ id, inService }) => inService && ready.has(id)).length;
      const nodegroup = groups.find(group.name)?.nodegroup;
      // A rollout raises the sizes that Auto Scaling shows.
      if (
        up < Math.min(group.size.desired, nodegroup ? configuredSizes(nodegroup).desired : group.size.desired)
      )
        violate(
          4,
          `${when()} a decision says that ${group.name} is awake, and ${up} of ${group.size.desired} nodes are Ready`,
        );
    }
  };

  return { clock, when, newProcess, groups, stops, readyIn, readyIds, kubernetes: ofKubernetes };
}

function text(value: unknown): string {
  return JSON.stringify(value ?? null);
}
