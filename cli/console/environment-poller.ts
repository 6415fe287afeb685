/** Polls the environments while a page is open, and passes each new view to the subscribers. */
import { withRunningNight } from '#functions/night-schedule/running-night.ts';
import type { LoadedConfig } from '#lib/config-file.ts';
import { scheduleOf } from '#lib/settings/schedule.ts';
import { formatDate } from '#model/date.ts';
import { DAY_MINUTES } from '#model/duration.ts';
import type { Schedule } from '#model/schedule.ts';
import { wallAt } from '#model/zone.ts';
import type { Cloud } from '../cloud.ts';
import { CloudError } from '../errors.ts';
import type { Io } from '../io.ts';
import { type NamedEnvironment, selectEnvironments } from '../select-environments.ts';
import { type EnvironmentView, SAVINGS_DAYS, unreachableView, viewOf } from './environment-view.ts';
import { UndeployedChanges } from './undeployed-changes.ts';

const DAY_MS = 86_400_000;

export class EnvironmentPoller {
  readonly #loaded: LoadedConfig;
  readonly #io: Pick<Io, 'cloud' | 'now'>;
  readonly #intervalMs: number;
  readonly #environments: readonly NamedEnvironment[];
  readonly #changes: UndeployedChanges;
  readonly #clouds = new Map<string, Promise<Cloud>>();
  readonly #views = new Map<string, EnvironmentView>();
  readonly #listeners = new Set<(view: EnvironmentView) => void>();
  #timer: NodeJS.Timeout | undefined;

  /** `intervalMs`: between two polls of an environment. */
  constructor(loaded: LoadedConfig, io: Pick<Io, 'cloud' | 'now'>, intervalMs: number) {
    this.#loaded = loaded;
    this.#io = io;
    this.#intervalMs = intervalMs;
    this.#environments = selectEnvironments(loaded, undefined);
    this.#changes = new UndeployedChanges(loaded);
  }

  /** Passes the known views at once, and each later one. Returns the call that unsubscribes. */
  subscribe(listener: (view: EnvironmentView) => void): () => void {
    this.#listeners.add(listener);
    for (const view of this.#views.values()) listener(view);
    this.#timer ??= setTimeout(() => void this.#pollAll(), 0);
    return () => void this.#listeners.delete(listener);
  }

  /** Polls one environment now. */
  async refresh(name: string): Promise<void> {
    const named = this.#environments.find((one) => one.name === name);
    if (named) await this.#poll(named);
  }

  /** One client for each environment, created at its first use. */
  cloudOf(name: string): Promise<Cloud> {
    const existing = this.#clouds.get(name);
    if (existing) return existing;
    const named = this.#environments.find((one) => one.name === name);
    if (!named) return Promise.reject(new CloudError(`there is no environment "${name}"`));
    const created = this.#io.cloud(name, named.environment);
    this.#clouds.set(name, created);
    created.catch(() => this.#clouds.delete(name));
    return created;
  }

  /** Of the environment's schedule. */
  timeZoneOf(name: string): string {
    const { config } = this.#loaded;
    const schedule = this.#environments.find((one) => one.name === name)?.environment.schedule;
    return config.schedules?.[schedule ?? '']?.timeZone ?? 'UTC';
  }

  close(): void {
    this.#listeners.clear();
    clearTimeout(this.#timer);
  }

  async #pollAll(): Promise<void> {
    await Promise.all(this.#environments.map((named) => this.#poll(named)));
    this.#timer =
      this.#listeners.size > 0 ? setTimeout(() => void this.#pollAll(), this.#intervalMs) : undefined;
  }

  async #poll(named: NamedEnvironment): Promise<void> {
    const view = await this.#load(named);
    this.#views.set(named.name, view);
    for (const listener of this.#listeners) listener(view);
  }

  async #load(named: NamedEnvironment): Promise<EnvironmentView> {
    try {
      return await this.#read(named, await this.cloudOf(named.name));
    } catch (error) {
      // The page shows every error in place: one environment must not hide the others.
      const message = error instanceof CloudError ? error.message : `unexpected: ${String(error)}`;
      const now = this.#io.now();
      return unreachableView(named, this.#scheduleOf(named, now), now, message);
    }
  }

  async #read(named: NamedEnvironment, cloud: Cloud): Promise<EnvironmentView> {
    // The first response carries the time of AWS, which the other requests use.
    const night = await cloud.night();
    const now = cloud.now();
    const schedule = this.#scheduleOf(named, now);
    const today = Math.floor(wallAt(schedule?.timeZone ?? 'UTC', now.getTime()) / DAY_MINUTES);
    const first = formatDate(today - SAVINGS_DAYS + 1);
    const [decisions, ledger, applications, announced, changed] = await Promise.all([
      cloud.decisions(new Date(now.getTime() - DAY_MS)),
      cloud.ledger(first),
      cloud.applications(),
      cloud.announcedChanges(),
      this.#changes.of(cloud, named.name, now),
    ]);
    return viewOf(named, schedule, {
      now,
      night,
      decisions,
      ledger: withRunningNight(ledger, night, { now, timeZone: schedule?.timeZone ?? 'UTC', first }),
      applications,
      announced,
      ...(changed ? { changed } : {}),
    });
  }

  #scheduleOf({ environment }: NamedEnvironment, now: Date): Schedule | undefined {
    return environment.schedule ? scheduleOf(this.#loaded.config, environment.schedule, now) : undefined;
  }
}
