import { createOverrides } from '#functions/adapters/dynamodb/night.ts';
import { OVERRIDE } from '#functions/adapters/dynamodb/table-keys.ts';
import { effectiveOverride } from '#model/override.ts';
import type { Override } from '#model/schedule.ts';
import type { MemoryTable } from './table.ts';

/** The override of a simulated person from now on. */
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

export function overridesIn(table: MemoryTable): readonly Override[] {
  return table.all<Override>(OVERRIDE);
}

/** The effective one. */
export function overrideIn(table: MemoryTable, now: Date): Override | undefined {
  return effectiveOverride(overridesIn(table), now);
}

/** As the command line does it: a new one replaces the others, and to cancel is to remove all. */
export function replaceOverrides(table: MemoryTable, override: Override | undefined): void {
  const overrides = createOverrides(table.through());
  const others = overridesIn(table).filter(({ id }) => id !== override?.id);
  if (override) void overrides.add(override);
  for (const { id } of others) void overrides.remove(id);
}
