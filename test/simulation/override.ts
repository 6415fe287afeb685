import type { Override } from '#model/schedule.ts';

/** What a person of the simulation wants, from now on. */
export function overrideOf(
  now: Date,
  { state, forMinutes }: { readonly state: Override['state']; readonly forMinutes: number },
): Override {
  return {
    id: `override-${now.getTime()}`,
    state,
    from: now.toISOString(),
    until: new Date(now.getTime() + forMinutes * 60_000).toISOString(),
    author: 'ana',
    reason: 'simulated',
  };
}
