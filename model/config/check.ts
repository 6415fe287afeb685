/**
 * Checks a config that was written by a person: every mistake is one problem that says where it is, what is there
 * and what to write instead. Used at synth and by the command line, never in a function.
 */
import type * as z from 'zod';
import type { CalendarConfig, EnvironmentConfig, NightshiftConfig, ScheduleConfig } from '#model/config.ts';
import { isRecord } from '#model/record-schema.ts';
import { withDefaults } from './defaults.ts';
import { type ConfigProblem, problemsOf } from './problem.ts';
import { crossCheck } from './rules.ts';
import { calendarSchema, defaults, development, discover, production, schedule, topLevel } from './schema.ts';
import type { KnownHolidays } from './values.ts';

export type CheckedConfig =
  | { readonly config: NightshiftConfig; readonly problems: readonly [] }
  | { readonly config?: undefined; readonly problems: readonly ConfigProblem[] };

/** The config itself where nothing is wrong with it, otherwise every problem that was found. */
export function checkConfig(written: unknown, holidays: KnownHolidays): CheckedConfig {
  const problems = problemsOf(topLevel, written, []);
  if (!isRecord(written)) return { problems };
  // A mistake there would be one in each environment.
  const wrongDefaults =
    written['defaults'] === undefined ? [] : problemsOf(defaults, written['defaults'], ['defaults']);
  if (wrongDefaults.length > 0) return { problems: [...problems, ...wrongDefaults] };
  const raw = withDefaults(written, Object.keys(production.shape));

  /** The entries of one of the three maps that are right in themselves; the others add problems. */
  const entriesOf = <T>(
    map: 'calendars' | 'schedules' | 'environments',
    schemaOf: (entry: unknown) => z.ZodType,
  ) => {
    const entries = new Map<string, T>();
    const value = raw[map];
    if (!isRecord(value)) return entries;
    for (const [name, entry] of Object.entries(value)) {
      const found = problemsOf(schemaOf(entry), entry, [map, name]);
      problems.push(...found);
      if (found.length === 0) entries.set(name, entry as T);
    }
    return entries;
  };

  const calendar = calendarSchema(holidays);
  const parts = {
    calendars: entriesOf<CalendarConfig>('calendars', () => calendar),
    schedules: entriesOf<ScheduleConfig>('schedules', () => schedule),
    environments: entriesOf<EnvironmentConfig>('environments', environmentSchema),
    /** All names, also of wrong entries: a reference to a wrong one is not a second mistake. */
    calendarNames: namesIn(raw['calendars']),
    scheduleNames: namesIn(raw['schedules']),
    environmentNames: namesIn(raw['environments']),
  };
  problems.push(...crossCheck(parts));
  return problems.length > 0 ? { problems } : { config: raw as unknown as NightshiftConfig, problems: [] };
}

function environmentSchema(entry: unknown): z.ZodType {
  return isRecord(entry) && entry['production'] === true ? production : development;
}

function namesIn(value: unknown): readonly string[] {
  return isRecord(value) ? Object.keys(value) : [];
}

/** Every mistake in the part that says where clusters are looked for. */
export function discoverProblems(raw: unknown): readonly ConfigProblem[] {
  return problemsOf(discover, raw, ['discover']);
}

/** The schemas of the parts of a config, for whoever lists the options: `bin/app.ts` must synthesize each of them. */
export const configSchemas = {
  calendar: calendarSchema({ has: () => true, candidates: () => [] }),
  schedule,
  development,
  production,
} as const;
