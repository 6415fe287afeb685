/** Do the functions have access to the cluster, and does RBAC allow what they do there? */
import type { Capability } from '#model/decision.ts';
import type { AccessReview, DeployedFunction } from '../facts.ts';
import { type Check, type CheckResult, whenObserved } from '../finding.ts';

export const access: Check = {
  name: 'access',
  why: 'without an access entry a function cannot list nodes and pods: a stop is never confirmed and a drain does nothing',
  evaluate: (facts) =>
    whenObserved([facts.cluster, facts.functions], ({ authenticationMode }, functions) => {
      if (authenticationMode === 'CONFIG_MAP') {
        return [
          {
            severity: 'failure',
            found:
              'the cluster authenticates with the ConfigMap aws-auth only, so it cannot have access entries',
            advice: 'aws eks update-cluster-config --access-config authenticationMode=API_AND_CONFIG_MAP',
          },
        ];
      }
      const { argocd } = facts.settings.branchDeploy ?? {};
      // branch-deploy reaches Argo CD's server, or a hub, without access to this cluster; the pages never have any.
      const needAccess: readonly Capability[] = [
        'night-schedule',
        'spot-drain',
        ...(argocd?.through === 'kubernetes' && !argocd.hub ? (['branch-deploy'] as const) : []),
      ];
      return functions.filter(({ capability }) => needAccess.includes(capability)).flatMap(entryOf);
    }),
};

function entryOf({ capability, role, kubernetesGroups }: DeployedFunction): readonly CheckResult[] {
  if (role === undefined) return [];
  const group = `nightshift:${capability}`;
  return whenObserved([kubernetesGroups ?? { value: undefined }], (groups): readonly CheckResult[] => {
    if (groups?.includes(group)) {
      return [
        { severity: 'ok', target: capability, found: `its role has an access entry with the group ${group}` },
      ];
    }
    return [
      {
        severity: 'failure',
        target: capability,
        found: groups
          ? `the access entry of its role has the groups ${groups.join(', ') || 'none'}, not ${group}`
          : `its role ${role} has no access entry`,
        advice: 'deploy the stack again: it creates the entry',
      },
    ];
  }).map((result) => ({ target: capability, ...result }));
}

export const rbac: Check = {
  name: 'rbac',
  why: 'a missing permission only shows when it is used: at 22:00, or within the two minutes of a spot interruption notice',
  evaluate: (facts) =>
    whenObserved([facts.reviews, facts.excess], (reviews, excess) => {
      const capabilities = [...new Set(reviews.map(({ capability }) => capability))];
      const own = capabilities.map((capability): CheckResult => {
        const requests = reviews.filter((review) => review.capability === capability);
        const refused = requests.filter(({ allowed }) => !allowed).map(({ request }) => request);
        return refused.length === 0
          ? {
              severity: 'ok',
              target: capability,
              found: `the cluster allows all ${requests.length} requests that it makes`,
            }
          : {
              severity: 'failure',
              target: capability,
              found: `the cluster does not allow ${refused.join(', ')}`,
              advice:
                capability === 'branch-deploy'
                  ? 'kubectl apply -k manifests/argocd, or what nightshift manifests prints'
                  : refused.every((request) => request.includes('cronjobs'))
                    ? 'kubectl apply -k manifests/cronjobs'
                    : refused.every((request) => request.includes('configmaps'))
                      ? 'kubectl apply -k manifests/self-service'
                      : 'set the names of your autoscaler in manifests, then kubectl apply -k manifests',
            };
      });
      return [...own, ...excess.filter(({ allowed }) => allowed).map(excessOf)];
    }),
};

function excessOf({ capability, request }: AccessReview): CheckResult {
  return {
    severity: 'failure',
    target: capability,
    found: `the cluster is production and allows ${capability} to ${request}`,
    advice: `kubectl delete -k ${folderOf(capability, request)}, then kubectl apply -k manifests/production`,
  };
}

function folderOf(capability: string, request: string): string {
  if (request.includes('cronjobs')) return 'manifests/cronjobs';
  if (request.includes('configmaps')) return 'manifests/self-service';
  if (capability !== 'branch-deploy') return `manifests/${capability}`;
  return request.includes('applications') ? 'manifests/argocd' : 'manifests/applications';
}
