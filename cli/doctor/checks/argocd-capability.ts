/** Is the Argo CD that EKS runs there, and does it look where the config says the applications are? */
import { type Check, type CheckResult, whenObserved } from '../finding.ts';

export const argocdCapability: Check = {
  name: 'argocd-capability',
  why: 'the managed Argo CD looks for applications in one namespace only: one that is elsewhere is never synced',
  evaluate(facts) {
    const { branchDeploy } = facts.settings;
    if (!facts.argocdCapability || !branchDeploy) return [];
    return whenObserved([facts.argocdCapability], ({ name, existing, problem }): readonly CheckResult[] => {
      if (!existing)
        return [
          {
            severity: 'failure',
            target: name,
            found: problem ?? 'it does not exist',
            advice: 'correct argocd.capability, or create the capability in the cluster',
          },
        ];
      const applications = branchDeploy.builds.flatMap((build) => build.applications);
      const elsewhere = applications.filter(
        (one) => existing.namespace && one.namespace !== existing.namespace,
      );
      if (elsewhere.length > 0)
        return [
          {
            severity: 'failure',
            target: name,
            found: `it looks for applications in ${existing.namespace}, but the config has ${elsewhere.map((one) => `${one.namespace}/${one.name}`).join(', ')}`,
            advice: `set namespace: '${existing.namespace}' for each application`,
          },
        ];
      const version = existing.version ? ` ${existing.version}` : '';
      return [{ severity: 'ok', target: name, found: `Argo CD${version} answers at ${existing.url}` }];
    });
  },
};
