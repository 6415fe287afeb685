/** Groups whose sizes another tool also manages. */

import { scheduledGroups } from '../facts.ts';
import { type Check, type CheckResult, whenObserved } from '../finding.ts';

export const managedSizes: Check = {
  name: 'managed-sizes',
  why: 'a tool that manages the sizes too restores them at its next run: at night that starts the cluster, and it may store a size of zero as the intended one',
  evaluate(facts) {
    if (facts.schedule === undefined) return [];
    return whenObserved([facts.groups], (groups) => {
      const results = scheduledGroups(facts, groups).flatMap(({ name, tags }): CheckResult[] => {
        const stack = tags['aws:cloudformation:stack-name'];
        if (stack !== undefined) {
          return [
            {
              severity: 'warning',
              target: name,
              found: `it belongs to the CloudFormation stack ${stack}: an update of its size properties at night starts it`,
              advice:
                'update that stack while the cluster is awake, and omit desired and minimum sizes from it if possible',
            },
          ];
        }
        const terraform = Object.entries(tags).find(([key, value]) => /terraform/i.test(`${key}=${value}`));
        return terraform === undefined
          ? []
          : [
              {
                severity: 'warning',
                target: name,
                found: `Terraform seems to manage it (tag ${terraform[0]}=${terraform[1]}): an apply at night restores min_size`,
                advice: 'add scaling_config[0].min_size and desired_size to lifecycle.ignore_changes',
              },
            ];
      });
      return results.length > 0
        ? results
        : [
            {
              severity: 'ok',
              found:
                'no tag shows that CloudFormation or Terraform manages the sizes; Terraform does not always set one',
            },
          ];
    });
  },
};
