/** The parts of a config, between which there are rules. */
import type { CalendarConfig, EnvironmentConfig, ScheduleConfig } from '#model/config.ts';

export interface ConfigParts {
  /** The entries that are valid on their own. */
  readonly calendars: ReadonlyMap<string, CalendarConfig>;
  readonly schedules: ReadonlyMap<string, ScheduleConfig>;
  readonly environments: ReadonlyMap<string, EnvironmentConfig>;
  /** The names of all entries. */
  readonly calendarNames: readonly string[];
  readonly scheduleNames: readonly string[];
  readonly environmentNames: readonly string[];
}
