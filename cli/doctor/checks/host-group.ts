/** Which autoscaler could start nodes at night, and does the configured one run on its host group? */
import type { Deployment } from 'kubernetes-types/apps/v1.js';
import type { Node, Pod } from 'kubernetes-types/core/v1.js';
import { type EnvironmentFacts, type GroupFacts, groupsOf, isLive, scheduledGroups } from '../facts.ts';
import { type Check, type CheckResult, whenObserved } from '../finding.ts';
import { matches } from '../label-selector.ts';

const AUTOSCALERS = [
  { kind: 'cluster-autoscaler', pattern: /cluster-autoscaler/ },
  { kind: 'karpenter', pattern: /^karpenter$/ },
] as const;
const ARGOCD_SERVER = /^argo-?cd-server$/;

export const hostGroup: Check = {
  name: 'host-group',
  why: 'an autoscaler that keeps running undoes the stop, and one whose own nodes start late cannot start the others',
  evaluate(facts) {
    const { environment, kubernetes } = facts;
    if (environment.production || facts.schedule === undefined) return [];
    return whenObserved(
      [kubernetes.deployments, kubernetes.pods, kubernetes.nodes, facts.groups],
      (deployments, pods, nodes, groups) => {
        const placement = { facts, deployments, pods, nodes, groups };
        return [
          ...unmanagedAutoscalers(placement),
          ...configuredAutoscaler(placement),
          ...argocdServers(placement),
        ];
      },
    );
  },
};

interface Placement {
  readonly facts: EnvironmentFacts;
  readonly deployments: readonly Deployment[];
  readonly pods: readonly Pod[];
  readonly nodes: readonly Node[];
  readonly groups: readonly GroupFacts[];
}

function runningAutoscalers({ deployments }: Placement) {
  return AUTOSCALERS.flatMap(({ kind, pattern }) =>
    deployments
      .filter((one) => pattern.test(one.metadata?.name ?? ''))
      .map((deployment) => ({ kind, deployment })),
  );
}

function autoscalerOf({ facts: { environment } }: Placement) {
  if (environment.production || environment.autoscaler?.kind === 'auto-mode') return undefined;
  return environment.autoscaler;
}

/** Autoscalers that run in the cluster and are not the one that the config names. */
function unmanagedAutoscalers(placement: Placement): readonly CheckResult[] {
  const autoscaler = autoscalerOf(placement);
  return runningAutoscalers(placement).flatMap(({ kind, deployment }): CheckResult[] => {
    const { namespace, name } = deployment.metadata ?? {};
    if (autoscaler?.namespace === namespace && autoscaler?.deployment === name) return [];
    return [
      {
        severity: autoscaler ? 'warning' : 'failure',
        target: `${namespace}/${name}`,
        found: autoscaler
          ? `it looks like a second autoscaler beside ${autoscaler.namespace}/${autoscaler.deployment}, and would not be paused`
          : 'it runs in the cluster, but the config names no autoscaler: it would start nodes again after the stop',
        advice: `set environments.${placement.facts.name}.autoscaler: { kind: '${kind}', namespace: '${namespace}', deployment: '${name}', hostGroup: … }`,
      },
    ];
  });
}

function configuredAutoscaler(placement: Placement): readonly CheckResult[] {
  const { deployments, groups } = placement;
  const autoscaler = autoscalerOf(placement);
  if (!autoscaler) {
    return runningAutoscalers(placement).length > 0
      ? []
      : [{ severity: 'ok', found: 'no autoscaler runs in the cluster, and the config names none' }];
  }
  const target = `${autoscaler.namespace}/${autoscaler.deployment}`;
  const deployment = deployments.find(
    ({ metadata }) => metadata?.namespace === autoscaler.namespace && metadata.name === autoscaler.deployment,
  );
  const host = autoscaler.hostGroup;
  if (host !== undefined && !groups.some(({ name }) => name === host)) {
    return [
      {
        severity: 'failure',
        target,
        found: `its host group ${host} does not exist in the cluster, which has ${groups.map(({ name }) => name).join(', ')}`,
        advice: 'set hostGroup to the group on which it runs',
      },
    ];
  }
  if (!deployment) {
    return [
      {
        severity: 'failure',
        target,
        found:
          'the config names it, but the cluster has no such Deployment: the stop would fail when pausing it',
        advice: 'set its namespace and name as they are in the cluster',
      },
    ];
  }
  if (host === undefined) return [withoutHost(autoscaler.kind, target, groupNamesOf(deployment, placement))];
  const others = groupNamesOf(deployment, placement).filter((name) => name !== host);
  return others.length > 0
    ? [
        {
          severity: 'warning',
          target,
          found: `it runs on ${others.join(', ')}, but ${host} is the group that stops last and starts first`,
          advice: `pin it to ${host} with a nodeSelector, or change hostGroup`,
        },
      ]
    : [
        {
          severity: 'ok',
          target,
          found: `it runs on ${host}, which stops last and starts first`,
        },
      ];
}

/** On a Fargate profile it needs no host group; on a group that is stopped Karpenter would be gone before its NodeClaims. */
function withoutHost(kind: string, target: string, groups: readonly string[]): CheckResult {
  const why =
    kind === 'karpenter'
      ? 'it could be stopped before its NodeClaims are gone'
      : 'in the morning nothing starts its nodes first';
  return groups.length === 0
    ? { severity: 'ok', target, found: 'it runs on no group, and needs no host group' }
    : {
        severity: 'failure',
        target,
        found: `it runs on ${groups.join(', ')}, and the config names no host group: ${why}`,
        advice: 'set hostGroup to the group on which it runs',
      };
}

function argocdServers(placement: Placement): readonly CheckResult[] {
  const { deployments, facts, groups } = placement;
  const autoscaler = autoscalerOf(placement);
  const scheduled = new Set(scheduledGroups(facts, groups).map(({ name }) => name));
  return deployments
    .filter((one) => ARGOCD_SERVER.test(one.metadata?.name ?? ''))
    .map((server): CheckResult => {
      const names = groupNamesOf(server, placement);
      const startsEmpty = groups.some(
        ({ name, size }) => names.includes(name) && scheduled.has(name) && size.min === 0,
      );
      const target = `${server.metadata?.namespace}/${server.metadata?.name}`;
      if (autoscaler?.hostGroup && startsEmpty && !names.includes(autoscaler.hostGroup)) {
        return {
          severity: 'warning',
          target,
          found: `Argo CD runs on ${names.join(', ')}, which may start with no node until the autoscaler adds one: deploys wait for both`,
          advice: `run it on ${autoscaler.hostGroup}, or give its group a minimum of 1`,
        };
      }
      return {
        severity: 'ok',
        target,
        found: `Argo CD stops and starts with ${names.length > 0 ? names.join(', ') : 'its nodes'}; deploys at night wait for it`,
      };
    });
}

/** The groups on whose nodes the Deployment's pods run. */
function groupNamesOf(deployment: Deployment, { pods, nodes, groups }: Placement): readonly string[] {
  return [...groupsOf(podsOf(deployment, pods), nodes, groups)].filter((name) => name !== undefined);
}

function podsOf(deployment: Deployment, pods: readonly Pod[]): readonly Pod[] {
  const { selector } = deployment.spec ?? {};
  return pods.filter(
    (pod) =>
      pod.metadata?.namespace === deployment.metadata?.namespace &&
      isLive(pod) &&
      matches(selector, pod.metadata?.labels ?? {}),
  );
}
