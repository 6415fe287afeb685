/** Is the environment paused, or retired? */
import { endOfPause, isPaused } from '#model/pause.ts';
import { authorOf } from '#model/schedule.ts';
import { type Check, type CheckResult, whenObserved } from '../finding.ts';

export const paused: Check = {
  name: 'paused',
  why: 'while it is paused or retired nothing is stopped, started, drained or deployed, whatever else is healthy',
  evaluate: ({ name, now, night }) =>
    whenObserved([night], ({ pause, retiredSince }) => {
      const results: CheckResult[] = [];
      if (isPaused(pause, now))
        results.push({
          severity: 'warning',
          found: `paused until ${endOfPause(pause).toISOString()} by ${authorOf(pause)}: ${pause.reason}`,
          advice: `to end it now: nightshift pause ${name} --cancel`,
        });
      if (retiredSince !== undefined)
        results.push({
          severity: 'warning',
          found: `retired since ${retiredSince}: night-schedule does nothing until the stack is removed`,
          advice: `remove the stack, or to keep it: nightshift retire ${name} --cancel`,
        });
      return results.length > 0 ? results : [{ severity: 'ok', found: 'neither paused nor retired' }];
    }),
};
