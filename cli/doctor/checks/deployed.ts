/** Is what is deployed what the config says? */
import type { Capability } from '#model/decision.ts';
import { changedSettings } from '../../changed-settings.ts';
import { type Check, needing, type Verdict } from '../finding.ts';
import type { Site } from '../site.ts';

export const deployed: Check = {
  name: 'deployed',
  why: 'the functions go by the config of their last deploy: what was changed since has no effect yet',
  judge: (site) =>
    needing([site.functions], (functions) =>
      wantedOf(site).map(({ capability, settings }): Verdict => {
        const found = functions.find((one) => one.capability === capability);
        if (!found?.settings) {
          return {
            severity: 'failure',
            target: capability,
            found: 'the function is not deployed',
            advice: `cdk deploy Nightshift-${site.name}`,
          };
        }
        const changed = changedSettings(settings, found.settings);
        return changed.length === 0
          ? { severity: 'ok', target: capability, found: 'deployed as the config says' }
          : {
              severity: 'warning',
              target: capability,
              found: `the config has changed since the deploy: ${changed.join(', ')}`,
              advice: `look with cdk diff Nightshift-${site.name}, then deploy`,
            };
      }),
    ),
};

function wantedOf({ settings }: Site): { capability: Capability; settings: object }[] {
  const { nightSchedule, spotDrain, branchDeploy } = settings;
  return [
    ...(nightSchedule ? [{ capability: 'night-schedule' as const, settings: nightSchedule }] : []),
    { capability: 'spot-drain', settings: spotDrain },
    ...(branchDeploy ? [{ capability: 'branch-deploy' as const, settings: branchDeploy }] : []),
  ];
}
