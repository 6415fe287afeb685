/** Looks at the environments while somebody looks at the page, and tells what changed. */
import type { LoadedConfig } from '#lib/config-file.ts';
import { scheduleOf, settingsOf } from '#lib/settings.ts';
import { formatDate } from '#model/date.ts';
import { DAY_MINUTES, DAY_MS, MINUTE_MS } from '#model/duration.ts';
import type { Schedule } from '#model/schedule.ts';
import { wallAt } from '#model/zone.ts';
import { changedSettings } from '../changed-settings.ts';
import type { Cloud } from '../cloud.ts';
import type { Named } from '../environments.ts';
import { CloudError, type Io } from '../io.ts';
import { type EnvironmentView, SAVINGS_DAYS, troubleView, viewOf } from './view.ts';

/** What is deployed changes seldom. */
const DEPLOYED_FOR_MS = MINUTE_MS;

export interface Watch {
  /** Hears of each environment at once, and again when it is looked at. Ends with the returned call. */
  subscribe(listener: (view: EnvironmentView) => void): () => void;
  /** Looks at one environment now. */
  look(name: string): Promise<void>;
  cloudOf(name: string): Promise<Cloud>;
  close(): void;
}

export function createWatch(
  loaded: LoadedConfig,
  io: Pick<Io, 'cloud' | 'now'>,
  /** Ms between two looks at an environment. */
  every: number,
): Watch {
  const environments: readonly Named[] = Object.entries(loaded.config.environments).map(
    ([name, environment]) => ({
      name,
      environment,
    }),
  );
  const clouds = new Map<string, Promise<Cloud>>();
  const views = new Map<string, EnvironmentView>();
  const listeners = new Set<(view: EnvironmentView) => void>();
  let timer: NodeJS.Timeout | undefined;

  const cloudOf = (name: string): Promise<Cloud> => {
    const known = clouds.get(name);
    if (known) return known;
    const named = environments.find((one) => one.name === name);
    if (!named) return Promise.reject(new CloudError(`there is no environment "${name}"`));
    const made = io.cloud(name, named.environment);
    clouds.set(name, made);
    made.catch(() => clouds.delete(name));
    return made;
  };

  const changed = new Map<string, { readonly at: number; readonly keys: readonly string[] | undefined }>();
  /** Undefined where nobody could tell: then only the doctor says which permission that needs. */
  const changedSince = async (cloud: Cloud, name: string, now: Date) => {
    const known = changed.get(name);
    if (known && Math.abs(now.getTime() - known.at) < DEPLOYED_FOR_MS) return known.keys;
    const { nightSchedule } = settingsOf(loaded.config, name, now);
    let keys: readonly string[] | undefined;
    try {
      const found = nightSchedule && (await cloud.deployedSettings());
      keys = nightSchedule && found ? changedSettings(nightSchedule, found) : undefined;
    } catch (error) {
      if (!(error instanceof CloudError)) throw error;
    }
    changed.set(name, { at: now.getTime(), keys });
    return keys;
  };

  const lookAt = async (named: Named): Promise<void> => {
    const { name, environment } = named;
    const schedules = (now: Date): Schedule | undefined =>
      environment.schedule ? scheduleOf(loaded.config, environment.schedule, now) : undefined;
    let view: EnvironmentView;
    try {
      const cloud = await cloudOf(name);
      // The first answer brings AWS's time, by which the others are asked.
      const night = await cloud.night();
      const now = cloud.now();
      const schedule = schedules(now);
      const firstDate = formatDate(
        Math.floor(wallAt(schedule?.timeZone ?? 'UTC', now.getTime()) / DAY_MINUTES) - SAVINGS_DAYS + 1,
      );
      const [decisions, ledger, records, keys] = await Promise.all([
        cloud.decisions(new Date(now.getTime() - DAY_MS)),
        cloud.ledger(firstDate),
        cloud.applications(),
        changedSince(cloud, name, now),
      ]);
      view = viewOf(named, schedule, {
        now,
        night,
        decisions,
        ledger,
        records,
        ...(keys ? { changed: keys } : {}),
      });
    } catch (error) {
      // The page says whatever went wrong: one environment must not take the others down with it.
      const text = error instanceof CloudError ? error.message : `unexpected: ${String(error)}`;
      view = troubleView(named, schedules(io.now()), io.now(), text);
    }
    views.set(name, view);
    for (const listener of listeners) listener(view);
  };

  const lookAtAll = async (): Promise<void> => {
    await Promise.all(environments.map(lookAt));
    if (listeners.size > 0) timer = setTimeout(() => void lookAtAll(), every);
    else timer = undefined;
  };

  return {
    cloudOf,
    subscribe(listener) {
      listeners.add(listener);
      for (const view of views.values()) listener(view);
      if (timer === undefined) {
        timer = setTimeout(() => void lookAtAll(), 0);
      }
      return () => void listeners.delete(listener);
    },
    async look(name) {
      const named = environments.find((one) => one.name === name);
      if (named) await lookAt(named);
    },
    close() {
      listeners.clear();
      clearTimeout(timer);
    },
  };
}
