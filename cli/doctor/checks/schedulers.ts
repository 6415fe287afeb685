/** Does night-schedule of one stack alone stop and start this cluster? */
import { type Check, whenObserved } from '../finding.ts';

export const schedulers: Check = {
  name: 'schedulers',
  why: 'two schedules on one cluster undo each other: one starts what the other has stopped',
  evaluate(facts) {
    if (facts.schedule === undefined) return [];
    return whenObserved([facts.schedulers], (roles) =>
      roles.length > 1
        ? [
            {
              severity: 'failure',
              found: `${roles.length} roles have night-schedule's rights in the cluster: ${roles.join(', ')}`,
              advice: 'destroy the stack that is not needed: docs/deploy.md, "Remove"',
            },
          ]
        : [{ severity: 'ok', found: 'no other stack schedules the cluster' }],
    );
  },
};
