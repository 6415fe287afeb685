/** One cluster in which all three functions work: the worlds of a drain and of a deploy share clock, AWS and table. */

import { podsCanRun } from '@nightshift/lab/world/argocd/index.ts';
import { configuredSizes } from '@nightshift/lab/world/aws/index.ts';
import { isNodeReady } from '@nightshift/lab/world/kubernetes/objects.ts';
import { createImageRegistry } from '@nightshift/lab/world/registry/registry.ts';
import { NIGHT, OVERRIDE, STATE_KEY } from '#functions/adapters/dynamodb/table-keys.ts';
import type { SavedSize } from '#functions/night-schedule/records.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import type { Override } from '#model/schedule.ts';
import { createDeployWorld } from '../deploy/world.ts';
import { createDrainWorld } from '../drain/world.ts';
import { overrideIn, overridesIn, replaceOverrides } from '../overrides.ts';
import { createSharedWorld } from '../shared-world.ts';
import type { WorldOptions } from '../story.ts';
import { type NightWrite, watchTable } from '../watched-table.ts';
import { createDesiredStates } from './desired-states.ts';
import { createNightFunction, type Stop } from './night-function.ts';
import type { Scenario } from './scenario.ts';

export type TogetherWorld = ReturnType<typeof createTogetherWorld>;

export interface TogetherWorldOptions extends WorldOptions<Scenario> {
  readonly isFaulty: () => boolean;
  readonly stopped: (stop: Stop) => void;
  /** branch-deploy woke the cluster. */
  readonly woken: (override: Override) => void;
}

const MINUTE = 60_000;
/** As in branch-deploy: a group that cannot start must not delay the deploys of a whole day. */
const START_PATIENCE_MS = 30 * MINUTE;
const ARGOCD = { namespace: 'argocd', deployment: 'argocd-server' } as const;

export function createTogetherWorld(options: TogetherWorldOptions) {
  const { scenario, violate } = options;
  const bare = createSharedWorld({
    start: new Date(scenario.begin),
    seed: scenario.seed,
    settle: options.settle,
  });
  const registry = createImageRegistry(bare.context);
  const shared = { ...bare, images: registry, table: watchTable(bare.table, (write) => onWrite(write)) };
  const { clock, context, aws, table } = shared;

  const drain = createDrainWorld({ ...options, scenario: scenario.drain, shared });
  const { kubernetes, scope, when } = drain;
  aws.autoScaling.updateGroup(scope, 'workers', { min: scenario.least });
  if (scenario.warmPool) aws.autoScaling.putWarmPool(scope, 'workers', scenario.warmPool);
  kubernetes.addDeployment({ name: ARGOCD.deployment, namespace: ARGOCD.namespace, cpu: '100m' });

  const transitions = [new Date(scenario.stop), new Date(scenario.start)];
  const desiredStates = createDesiredStates(scenario.night.schedule, context.clock, table, transitions);
  let lastReadyAt = 0;
  kubernetes.api.subscribe(({ resource, object }) => {
    if (resource.key === 'nodes' && isNodeReady(object)) lastReadyAt = clock.now();
  });

  /** The actual state, whatever is recorded. */
  const state = (): Pick<ClusterState, 'phase' | 'since'> => {
    const desired = desiredStates.current();
    const since = new Date(desired.since).toISOString();
    if (desired.state === 'asleep') return { phase: 'asleep', since };
    const isUp = lastReadyAt >= desired.since || night.readyIds().size > 0;
    const isPatient = clock.now() - desired.since < START_PATIENCE_MS;
    return { phase: !isUp && isPatient ? 'starting' : 'awake', since };
  };

  const images = new Map<string, string>();
  const deploy = createDeployWorld({
    ...options,
    scenario: scenario.deploy,
    shared: {
      clock,
      context,
      table,
      registry,
      workloads: {
        ...kubernetes,
        images,
        apply(deployment) {
          images.set(`${deployment.namespace}/${deployment.name}`, deployment.image);
          kubernetes.apply(deployment);
        },
      },
      argocd: {
        runsPods: () => podsCanRun(kubernetes.api),
        ...(scenario.argocdSleeps ? { inCluster: ARGOCD } : {}),
      },
      night: { state },
    },
  });
  const night = createNightFunction(options, shared, drain, options);

  drain.nightStop.isOn = () =>
    night.stops.some(
      ({ at, endedAt = Number.POSITIVE_INFINITY }) =>
        clock.now() > at - MINUTE && clock.now() < endedAt + MINUTE,
    );

  drain.nightStop.isRecorded = () => table.read<ClusterState>(NIGHT, STATE_KEY)?.desired === 'asleep';

  const onWrite = ({ partition, key, before, after }: NightWrite) => {
    if (key === STATE_KEY) noteState(after as ClusterState | undefined);
    else if (partition === OVERRIDE) {
      checkOverride(before as Override | undefined, after as Override | undefined);
      desiredStates.current();
    } else checkSaved(key, before as SavedSize | undefined, after as SavedSize | undefined);
  };

  /** Also a stop that the pass which recorded it did not live to begin. */
  const recordedStops: { readonly from: number; until: number }[] = [];
  const noteState = (state: ClusterState | undefined) => {
    const last = recordedStops.at(-1);
    const isStop = state?.phase === 'stopping' || state?.phase === 'asleep';
    if (last) last.until = Math.min(last.until, clock.now());
    if (isStop) recordedStops.push({ from: clock.now(), until: Number.POSITIVE_INFINITY });
  };

  /** A deploy may wake the cluster; it may not overrule a person who keeps it asleep. */
  const checkOverride = (before: Override | undefined, after: Override | undefined) => {
    if (after?.author !== 'branch-deploy' || before?.author === 'branch-deploy') return;
    options.exercise(2);
    if (before && Date.parse(before.until) > clock.now())
      violate(2, `${when()} a deploy overwrote the override of ${before.author} until ${before.until}`);
    const counts = overrideIn(table, clock.date());
    const person = overridesIn(table)
      .filter(({ author, until }) => author !== 'branch-deploy' && Date.parse(until) > clock.now())
      .find(({ state, from }) => state === 'asleep' && Date.parse(from) < Date.parse(after.from));
    if (person && counts?.id === after.id)
      violate(2, `${when()} a deploy overruled the override of ${person.author} until ${person.until}`);
    options.woken(after);
  };

  const checkSaved = (key: string, before: SavedSize | undefined, after: SavedSize | undefined) => {
    const group = before && night.groups.find(before.group);
    if (!group) return;
    options.exercise(1);
    const { min, desired, max } = before.size;
    if (after) {
      if (after.size.min !== min || after.size.desired !== desired || after.size.max !== max)
        violate(1, `${when()} ${key} had ${min}/${desired}/${max} and was overwritten`);
      if (before.warmPool && JSON.stringify(before.warmPool) !== JSON.stringify(after.warmPool))
        violate(1, `${when()} ${key}: its warm pool was overwritten`);
    } else {
      const is = group.nodegroup ? configuredSizes(group.nodegroup) : group;
      if (is.min !== min || is.desired !== desired || is.max !== max)
        violate(1, `${when()} ${key} was cleared at ${is.min}/${is.desired}/${is.max}`);
    }
  };

  return {
    context,
    clock,
    aws,
    table,
    drain,
    deploy,
    night,
    kubernetes,
    desiredStates,
    when,
    /** Whether the workers were recorded as being stopped, at that time or within a minute before. */
    isStopRecorded: (at: number) =>
      recordedStops.some(({ from, until }) => from <= at && at < until + MINUTE),
    /** As night-schedule recorded it. */
    recordedState: () => table.read<ClusterState>(NIGHT, STATE_KEY),
    override: () => overrideIn(table, clock.date()),
    setOverride(override: Override | undefined) {
      replaceOverrides(table, override);
    },
    /** The instances of the workers' group whose nodes are Ready. */
    workers(): readonly string[] {
      const ready = night.readyIds();
      return [...aws.autoScaling.group(scope, 'workers').instances.keys()].filter((id) => ready.has(id));
    },
  };
}
