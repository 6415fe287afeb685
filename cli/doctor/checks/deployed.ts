/** Do the deployed functions have the settings of the config? */
import { changedSettings } from '../../changed-settings.ts';
import { configuredFunctions } from '../facts.ts';
import { type Check, type CheckResult, whenObserved } from '../finding.ts';

export const deployed: Check = {
  name: 'deployed',
  why: 'the functions use the config of their last deploy: changes made since then have no effect yet',
  evaluate: (facts) =>
    whenObserved([facts.functions], (functions) =>
      configuredFunctions(facts.settings).map(({ capability, settings }): CheckResult => {
        const found = functions.find((one) => one.capability === capability);
        if (!found?.settings) {
          return {
            severity: 'failure',
            target: capability,
            found: 'the function is not deployed',
            advice: `cdk deploy Nightshift-${facts.name}`,
          };
        }
        const changed = changedSettings(settings, found.settings);
        return changed.length === 0
          ? { severity: 'ok', target: capability, found: 'deployed with the current config' }
          : {
              severity: 'warning',
              target: capability,
              found: `the config has changed since the deploy: ${changed.join(', ')}`,
              advice: `review cdk diff Nightshift-${facts.name}, then deploy`,
            };
      }),
    ),
};
