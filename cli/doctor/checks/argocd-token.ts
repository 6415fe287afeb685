/** What the Argo CD token can reach, and when it expires. */
import { DAY_MS } from '#model/duration.ts';
import { type Check, type CheckResult, whenObserved } from '../finding.ts';

const SOON_DAYS = 30;

export const argocdToken: Check = {
  name: 'argocd-token',
  why: 'an expired token stops every branch deploy, and a token that is not limited to one project can sync other applications too',
  evaluate(facts) {
    const { branchDeploy } = facts.settings;
    if (!facts.token || !branchDeploy) return [];
    return whenObserved([facts.token], ({ subject, expires }) => {
      const [kind, project, role] = subject.split(':');
      const needed = [
        ...new Set(branchDeploy.builds.flatMap((build) => build.applications.map((one) => one.project))),
      ];
      const results: CheckResult[] = [];
      if (kind !== 'proj' || project === undefined) {
        results.push({
          severity: 'warning',
          found: `the token belongs to the account ${subject}: it is not limited to a project`,
          advice:
            'use a token of a project role: argocd proj role create-token <project> nightshift --token-only',
        });
      } else {
        const others = needed.filter((one) => one !== project);
        results.push(
          others.length > 0
            ? {
                severity: 'failure',
                found: `the token belongs to the project ${project} (role ${role}), but the config syncs applications of ${others.join(', ')} with it`,
                advice: 'move the applications into one project, or set their project in the config',
              }
            : { severity: 'ok', found: `the token is limited to the project ${project} (role ${role})` },
        );
      }
      if (expires === undefined) {
        results.push({
          severity: 'warning',
          found: 'the token never expires',
          advice: 'create one with --expires-in 90d and replace it in the secret before it expires',
        });
        return results;
      }
      const days = Math.floor((expires.getTime() - facts.now.getTime()) / DAY_MS);
      const when = expires.toISOString().slice(0, 10);
      if (days < 0) {
        results.push({
          severity: 'failure',
          found: `the token expired on ${when}`,
          advice: `store a new one in the secret ${branchDeploy.argocd.tokenSecret}`,
        });
      } else {
        results.push({
          severity: days < SOON_DAYS ? 'warning' : 'ok',
          found: `the token expires on ${when}, in ${days} days`,
          ...(days < SOON_DAYS
            ? { advice: `store a new one in the secret ${branchDeploy.argocd.tokenSecret}` }
            : {}),
        });
      }
      return results;
    });
  },
};
