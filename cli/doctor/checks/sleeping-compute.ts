/** Does the schedule find anything to stop, and does it know all that starts nodes? */
import { type EnvironmentFacts, type GroupFacts, type NodePoolFacts, scheduledGroups } from '../facts.ts';
import { type Check, type CheckResult, whenObserved } from '../finding.ts';

const EKS_CLASSES = 'eks.amazonaws.com';

export const sleepingCompute: Check = {
  name: 'sleeping-compute',
  why: 'a cluster of which nothing is found to stop never sleeps, and NodePools that the config does not name start nodes again after the stop',
  evaluate(facts) {
    const { environment, kubernetes } = facts;
    if (environment.production || facts.schedule === undefined) return [];
    return whenObserved([facts.groups, kubernetes.nodePools], (groups, pools) => {
      const stopped = poolsToStop(facts, pools);
      const scheduled = scheduledGroups(facts, groups);
      const problems = [
        ...nothingFound(facts, scheduled, stopped),
        ...withoutAutoscaler(facts, pools),
        ...missingPools(facts, pools),
        ...usersOfDefaultClass(facts, pools),
      ];
      if (problems.length > 0) return problems;
      const names = (list: readonly { readonly name: string }[]) => list.map(({ name }) => name).join(', ');
      const found = [
        ...(scheduled.length > 0 ? [`the groups ${names(scheduled)}`] : []),
        ...(stopped.length > 0 ? [`the NodePools ${names(stopped)}`] : []),
      ];
      return [{ severity: 'ok', found: `a stop finds ${found.join(' and ')}` }];
    });
  },
};

type Autoscaler = Exclude<EnvironmentFacts['environment'], { production: true }>['autoscaler'];

function autoscalerOf({ environment }: EnvironmentFacts): Autoscaler {
  return environment.production ? undefined : environment.autoscaler;
}

function poolsToStop(facts: EnvironmentFacts, pools: readonly NodePoolFacts[]): readonly NodePoolFacts[] {
  const autoscaler = autoscalerOf(facts);
  if (autoscaler === undefined || autoscaler.kind === 'cluster-autoscaler') return [];
  const { kind, nodePools } = autoscaler;
  return pools.filter(({ name, isBuiltIn }) =>
    isBuiltIn && kind === 'auto-mode' ? autoscaler.builtIn === true : nodePools?.includes(name) !== false,
  );
}

function nothingFound(
  facts: EnvironmentFacts,
  groups: readonly GroupFacts[],
  pools: readonly NodePoolFacts[],
): readonly CheckResult[] {
  // At night the built-in NodePools are gone.
  const isSaved = facts.night && 'value' in facts.night && facts.night.value.saved.length > 0;
  if (groups.length + pools.length > 0 || isSaved || isBuiltInStopped(facts)) return [];
  const { cluster } = facts.environment;
  return [
    {
      severity: 'failure',
      found: `nothing is found to stop: no group that the config stops carries the tag kubernetes.io/cluster/${cluster}, and no NodePool is stopped`,
      advice: `tag the Auto Scaling groups with kubernetes.io/cluster/${cluster}, correct "nodegroups" and "keep", or set environments.${facts.name}.autoscaler to { kind: 'karpenter', … } or { kind: 'auto-mode' }`,
    },
  ];
}

function isBuiltInStopped(facts: EnvironmentFacts): boolean {
  const autoscaler = autoscalerOf(facts);
  return autoscaler?.kind === 'auto-mode' && autoscaler.builtIn === true;
}

/** NodePools of Auto Mode have no Deployment by which they would be found. */
function withoutAutoscaler(facts: EnvironmentFacts, pools: readonly NodePoolFacts[]): readonly CheckResult[] {
  const autoscaler = autoscalerOf(facts);
  if (pools.length === 0 || (autoscaler !== undefined && autoscaler.kind !== 'cluster-autoscaler')) return [];
  const isAutoMode = pools.some(({ nodeClass }) => nodeClass?.group === EKS_CLASSES);
  return [
    {
      severity: 'failure',
      target: pools.map(({ name }) => name).join(', '),
      found:
        'these NodePools start nodes, and the config does not name what they belong to: they would refill the cluster within a minute after the stop',
      advice: `set environments.${facts.name}.autoscaler: ${isAutoMode ? "{ kind: 'auto-mode' }, with builtIn: true where the built-in NodePools sleep as well" : "{ kind: 'karpenter', namespace: …, deployment: 'karpenter', hostGroup: … }"}`,
    },
  ];
}

function missingPools(facts: EnvironmentFacts, pools: readonly NodePoolFacts[]): readonly CheckResult[] {
  const autoscaler = autoscalerOf(facts);
  if (autoscaler === undefined || autoscaler.kind === 'cluster-autoscaler') return [];
  return (autoscaler.nodePools ?? [])
    .filter((name) => !pools.some((pool) => pool.name === name))
    .map((name) => ({
      severity: 'warning',
      target: name,
      found: 'the config names this NodePool, and the cluster has none of that name: it is not stopped',
      advice: `correct environments.${facts.name}.autoscaler.nodePools; the cluster has ${pools.map((pool) => pool.name).join(', ') || 'no NodePool'}`,
    }));
}

/** EKS removes the NodeClass `default` with the last built-in NodePool. */
function usersOfDefaultClass(
  facts: EnvironmentFacts,
  pools: readonly NodePoolFacts[],
): readonly CheckResult[] {
  if (!isBuiltInStopped(facts)) return [];
  const users = pools.filter(
    ({ isBuiltIn, nodeClass }) =>
      !isBuiltIn && nodeClass?.group === EKS_CLASSES && nodeClass.name === 'default',
  );
  if (users.length === 0) return [];
  return [
    {
      severity: 'failure',
      target: users.map(({ name }) => name).join(', '),
      found:
        'the built-in NodePools stay on at night: EKS would remove the NodeClass default with them, which these NodePools use',
      advice: 'give them a NodeClass of their own, or leave builtIn out',
    },
  ];
}
