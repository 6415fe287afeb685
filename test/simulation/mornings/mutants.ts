/** night-schedule with a deliberate mistake about mornings. The checker of promise 10 must catch each. */

import type { Morning } from '#functions/night-schedule/records.ts';
import type { NightScheduleDeps } from '#functions/night-schedule/run.ts';

export interface MorningMutant {
  readonly name: string;
  readonly says: RegExp;
  readonly mutate: (deps: NightScheduleDeps) => NightScheduleDeps;
}

export const MORNING_MUTANTS: readonly MorningMutant[] = [
  {
    name: 'the start begins at the time of the schedule',
    says: /ready in time/,
    mutate: (deps) => ({ ...deps, settings: { ...deps.settings, readyBy: false } }),
  },
  {
    name: 'the lead is learned to the nodes, not to the applications',
    says: /ready in time/,
    mutate: (deps) =>
      storing(deps, ({ seconds, ...morning }) => ({
        ...morning,
        seconds: { ...seconds, ...(seconds['applications'] ? { applications: seconds['nodes'] ?? 0 } : {}) },
      })),
  },
  {
    name: 'every morning counts as one of 25 minutes',
    says: /too early/,
    mutate: (deps) =>
      storing(deps, ({ seconds, ...morning }) => ({
        ...morning,
        seconds: { ...seconds, ...(seconds['applications'] ? { applications: 25 * 60 } : {}) },
      })),
  },
  {
    name: 'nobody is warned before the promised time',
    says: /announced/,
    mutate: (deps) => {
      const { trail, now } = deps;
      return {
        ...deps,
        trail: {
          record: (decisions) =>
            trail.record(
              decisions.filter(
                ({ action, promised }) => action !== 'warn' || now().toISOString() > String(promised),
              ),
            ),
        },
      };
    },
  },
  {
    name: 'a morning is stored without the time that it was promised for',
    says: /announced/,
    // A start that nobody was promised is not watched.
    mutate: (deps) => storing(deps, ({ promised: _, ...morning }) => morning),
  },
];

type Change = (morning: Morning) => Morning;

function storing(deps: NightScheduleDeps, change: Change): NightScheduleDeps {
  const { store } = deps;
  return {
    ...deps,
    store: {
      ...store,
      writeNote: (what, next, over) =>
        store.writeNote(
          what,
          (what === 'mornings' ? (next as readonly Morning[]).map(change) : next) as never,
          over,
        ),
    },
  };
}
