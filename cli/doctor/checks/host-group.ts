/** Who would start nodes at night, and is it stopped and started in the right order? */
import type { Deployment } from 'kubernetes-types/apps/v1.js';
import type { Pod } from 'kubernetes-types/core/v1.js';
import { type Check, needing, type Verdict } from '../finding.ts';
import { matches } from '../selector.ts';
import { groupsOf, isLive, sleepers } from '../site.ts';

const AUTOSCALERS = [
  { kind: 'cluster-autoscaler', pattern: /cluster-autoscaler/ },
  { kind: 'karpenter', pattern: /^karpenter$/ },
] as const;
const ARGOCD_SERVER = /^argo-?cd-server$/;

export const hostGroup: Check = {
  name: 'host-group',
  why: 'an autoscaler that runs on undoes the stop, and one whose nodes do not start first cannot start the others',
  judge(site) {
    const { environment, kubernetes } = site;
    if (environment.production || site.schedule === undefined) return [];
    return needing(
      [kubernetes.deployments, kubernetes.pods, kubernetes.nodes, site.groups],
      (deployments, pods, nodes, groups) => {
        const { autoscaler } = environment;
        const placesOf = (deployment: Deployment) =>
          [...groupsOf(podsOf(deployment, pods), nodes, groups)].filter((place) => place !== undefined);
        const verdicts: Verdict[] = [];
        const seen = AUTOSCALERS.flatMap(({ kind, pattern }) =>
          deployments
            .filter((one) => pattern.test(one.metadata?.name ?? ''))
            .map((deployment) => ({ kind, deployment })),
        );
        for (const { kind, deployment } of seen) {
          const { namespace, name } = deployment.metadata ?? {};
          if (autoscaler?.namespace === namespace && autoscaler?.deployment === name) continue;
          verdicts.push({
            severity: autoscaler ? 'warning' : 'failure',
            target: `${namespace}/${name}`,
            found: autoscaler
              ? `it looks like a second autoscaler beside ${autoscaler.namespace}/${autoscaler.deployment}, and would not be paused`
              : 'it runs in the cluster, and the config names no autoscaler: it would start nodes again after the stop',
            advice: `name it in environments.${site.name}.autoscaler: { kind: '${kind}', namespace: '${namespace}', deployment: '${name}', hostGroup: … }`,
          });
        }
        if (autoscaler) {
          const target = `${autoscaler.namespace}/${autoscaler.deployment}`;
          const deployment = deployments.find(
            ({ metadata }) =>
              metadata?.namespace === autoscaler.namespace && metadata.name === autoscaler.deployment,
          );
          const others = deployment
            ? placesOf(deployment).filter((place) => place !== autoscaler.hostGroup)
            : [];
          if (!groups.some(({ name }) => name === autoscaler.hostGroup)) {
            verdicts.push({
              severity: 'failure',
              target,
              found: `its host group ${autoscaler.hostGroup} is none of the cluster's: ${groups.map(({ name }) => name).join(', ')}`,
              advice: 'write the name of the group on which it runs',
            });
          } else if (!deployment) {
            verdicts.push({
              severity: 'failure',
              target,
              found:
                'the config names it, and the cluster has no such Deployment: the stop would fail at pausing it',
              advice: 'write its namespace and name as the cluster has them',
            });
          } else if (others.length > 0) {
            verdicts.push({
              severity: 'warning',
              target,
              found: `it runs on ${others.join(', ')}, and ${autoscaler.hostGroup} is what stops last and starts first`,
              advice: `pin it to ${autoscaler.hostGroup} with a nodeSelector, or change hostGroup`,
            });
          } else {
            verdicts.push({
              severity: 'ok',
              target,
              found: `it runs on ${autoscaler.hostGroup}, which stops last and starts first`,
            });
          }
        } else if (seen.length === 0) {
          verdicts.push({
            severity: 'ok',
            found: 'no autoscaler runs in the cluster, and the config names none',
          });
        }

        const asleep = new Set(sleepers(site, groups).map(({ name }) => name));
        for (const server of deployments.filter((one) => ARGOCD_SERVER.test(one.metadata?.name ?? ''))) {
          const places = placesOf(server);
          const empty = groups.filter(
            ({ name, size }) =>
              places.includes(name) && asleep.has(name) && size.min === 0 && autoscaler !== undefined,
          );
          const target = `${server.metadata?.namespace}/${server.metadata?.name}`;
          verdicts.push(
            empty.length > 0 && autoscaler && !places.includes(autoscaler.hostGroup)
              ? {
                  severity: 'warning',
                  target,
                  found: `Argo CD runs on ${places.join(', ')}, which may wake with no node until the autoscaler asks for one: deploys wait for both`,
                  advice: `run it on ${autoscaler.hostGroup}, or give its group a minimum of 1`,
                }
              : {
                  severity: 'ok',
                  target,
                  found: `Argo CD sleeps with ${places.length > 0 ? places.join(', ') : 'its nodes'} and wakes with them; deploys of the night wait for it`,
                },
          );
        }
        return verdicts;
      },
    );
  },
};

function podsOf(deployment: Deployment, pods: readonly Pod[]): readonly Pod[] {
  const { selector } = deployment.spec ?? {};
  return pods.filter(
    (pod) =>
      pod.metadata?.namespace === deployment.metadata?.namespace &&
      isLive(pod) &&
      matches(selector, pod.metadata?.labels ?? {}),
  );
}
