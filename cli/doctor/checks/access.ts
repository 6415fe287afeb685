/** Are the functions let into the cluster, and may they do there what they do? */
import { type Check, needing, type Verdict } from '../finding.ts';
import type { DeployedFunction } from '../site.ts';

export const access: Check = {
  name: 'access',
  why: 'without its access entry a function cannot see nodes and pods: a stop is never confirmed and a drain does nothing',
  judge: (site) =>
    needing([site.cluster, site.functions], ({ authenticationMode }, functions) => {
      if (authenticationMode === 'CONFIG_MAP') {
        return [
          {
            severity: 'failure',
            found:
              'the cluster takes its users from the ConfigMap aws-auth only, so no access entry can be made',
            advice: 'aws eks update-cluster-config --access-config authenticationMode=API_AND_CONFIG_MAP',
          },
        ];
      }
      const inside = functions.filter(
        // Through its server Argo CD is reached without the cluster.
        ({ capability }) =>
          capability !== 'branch-deploy' || site.settings.branchDeploy?.argocd.through === 'kubernetes',
      );
      return inside.flatMap((one) => entryOf(one));
    }),
};

function entryOf({ capability, role, kubernetesGroups }: DeployedFunction): readonly Verdict[] {
  if (role === undefined) return [];
  const group = `nightshift:${capability}`;
  return needing([kubernetesGroups ?? { value: undefined }], (groups): readonly Verdict[] => {
    if (groups?.includes(group)) {
      return [{ severity: 'ok', target: capability, found: `its role is let in as ${group}` }];
    }
    return [
      {
        severity: 'failure',
        target: capability,
        found: groups
          ? `the access entry of its role has the groups ${groups.join(', ') || 'none'}, not ${group}`
          : `its role ${role} has no access entry`,
        advice: 'deploy the stack again: it makes the entry',
      },
    ];
  }).map((verdict) => ({ target: capability, ...verdict }));
}

export const rbac: Check = {
  name: 'rbac',
  why: 'what the cluster does not allow is found out when it is needed: at 22:00, or inside the two minutes of a spot notice',
  judge: (site) =>
    needing([site.reviews], (reviews) => {
      const capabilities = [...new Set(reviews.map(({ capability }) => capability))];
      return capabilities.map((capability): Verdict => {
        const own = reviews.filter((review) => review.capability === capability);
        const refused = own.filter(({ allowed }) => !allowed).map(({ what }) => what);
        return refused.length === 0
          ? { severity: 'ok', target: capability, found: `all that it does is allowed (${own.length} asked)` }
          : {
              severity: 'failure',
              target: capability,
              found: `the cluster does not allow ${refused.join(', ')}`,
              advice:
                capability === 'branch-deploy'
                  ? 'kubectl apply -k manifests/argocd'
                  : 'kubectl apply -k manifests, after writing the names of your autoscaler into it',
            };
      });
    }),
};
