/** What the Argo CD token can do, and how long it lasts. */

import { DAY_MS } from '#model/duration.ts';
import { type Check, needing, type Verdict } from '../finding.ts';

const SOON_DAYS = 30;

export const argocdToken: Check = {
  name: 'argocd-token',
  why: 'a token that expires stops every deploy of a branch, and one that reaches further than its project reaches what was never meant',
  judge(site) {
    const { branchDeploy } = site.settings;
    if (!site.token || !branchDeploy) return [];
    return needing([site.token], ({ subject, expires }) => {
      const [kind, project, role] = subject.split(':');
      const needed = [
        ...new Set(branchDeploy.builds.flatMap((build) => build.applications.map((one) => one.project))),
      ];
      const verdicts: Verdict[] = [];
      if (kind !== 'proj' || project === undefined) {
        verdicts.push({
          severity: 'warning',
          found: `the token is that of the account ${subject}: its policies decide what it reaches, not a project`,
          advice:
            'use a token of a project role: argocd proj role create-token <project> nightshift --token-only',
        });
      } else {
        const others = needed.filter((one) => one !== project);
        verdicts.push(
          others.length > 0
            ? {
                severity: 'failure',
                found: `the token is of the project ${project} (role ${role}), and applications of ${others.join(', ')} are to be synced with it`,
                advice: 'bring the applications into one project, or name their project in the config',
              }
            : { severity: 'ok', found: `the token reaches the project ${project} alone (role ${role})` },
        );
      }
      if (expires === undefined) {
        verdicts.push({
          severity: 'warning',
          found: 'the token never expires',
          advice: 'make one with --expires-in 90d and put it into the secret in time',
        });
        return verdicts;
      }
      const days = Math.floor((expires.getTime() - site.now.getTime()) / DAY_MS);
      const when = expires.toISOString().slice(0, 10);
      if (days < 0) {
        verdicts.push({
          severity: 'failure',
          found: `the token expired on ${when}`,
          advice: `put a new one into the secret ${branchDeploy.argocd.tokenSecret}`,
        });
      } else {
        verdicts.push({
          severity: days < SOON_DAYS ? 'warning' : 'ok',
          found: `the token expires on ${when}, in ${days} days`,
          ...(days < SOON_DAYS
            ? { advice: `put a new one into the secret ${branchDeploy.argocd.tokenSecret}` }
            : {}),
        });
      }
      return verdicts;
    });
  },
};
