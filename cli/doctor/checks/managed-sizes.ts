/** Sizes that another tool writes too. */
import { type Check, needing, type Verdict } from '../finding.ts';
import { sleepers } from '../site.ts';

export const managedSizes: Check = {
  name: 'managed-sizes',
  why: 'a tool that holds the sizes in its own files writes them back at its next run: at night it wakes the cluster, and a size of zero may be taken for the real one',
  judge(site) {
    if (site.schedule === undefined) return [];
    return needing([site.groups], (groups) => {
      const verdicts = sleepers(site, groups).flatMap(({ name, tags }): Verdict[] => {
        const stack = tags['aws:cloudformation:stack-name'];
        if (stack !== undefined) {
          return [
            {
              severity: 'warning',
              target: name,
              found: `the CloudFormation stack ${stack} made it: an update of its size properties at night wakes it`,
              advice:
                'update that stack while the cluster is awake, and leave desired and minimum sizes out of it where you can',
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
                found: `Terraform seems to manage it (tag ${terraform[0]}=${terraform[1]}): an apply at night gives min_size back`,
                advice:
                  'let it ignore scaling_config[0].min_size and desired_size in lifecycle.ignore_changes',
              },
            ];
      });
      return verdicts.length > 0
        ? verdicts
        : [
            {
              severity: 'ok',
              found:
                'no tag says that CloudFormation or Terraform writes the sizes; Terraform need not leave one',
            },
          ];
    });
  },
};
