/** Compares the settings of the config with those of a deployed function. Pure. */

/** The keys whose values differ, sorted. Calendars are left out: their holidays depend on the day of the deploy. */
export function changedSettings(configured: object, deployed: object): readonly string[] {
  const one = configured as Record<string, unknown>;
  const other = deployed as Record<string, unknown>;
  const keys = [...new Set([...Object.keys(one), ...Object.keys(other)])];
  return keys.filter((key) => comparable(one[key]) !== comparable(other[key])).sort();
}

function comparable(value: unknown): string {
  return (
    JSON.stringify(value, (key, part: unknown) => {
      if (key === 'calendar') return (part as { name?: string }).name;
      return part !== null && typeof part === 'object' && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => a.localeCompare(b)))
        : part;
    }) ?? ''
  );
}
