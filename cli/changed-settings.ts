/** What the config says differently than the functions that are deployed. Pure. */

/** The keys whose values differ. Holidays are expanded by the day of the deploy, so calendars are left out. */
export function changedSettings(wanted: object, found: object): readonly string[] {
  const one = wanted as Record<string, unknown>;
  const other = found as Record<string, unknown>;
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
