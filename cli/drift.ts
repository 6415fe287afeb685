/**
 * `drift`: which applications are OutOfSync, and since when, read with the user's own token. Read-only, so production is
 * included.
 */

import { shortSha } from '#functions/branch-deploy/reasons.ts';
import type { LoadedConfig } from '#lib/config-file.ts';
import { DEFAULT_DRIFT_MINUTES } from '#lib/settings/branch-deploy.ts';
import { MINUTE_MS } from '#model/duration.ts';
import { ownValue } from '#model/own-value.ts';
import { parseDuration } from '#model/when.ts';
import { type ArgocdOptions, connectToArgocd, errorOf, serverOf, type Variables } from './argocd.ts';
import { type ArgocdOverview, createArgocdOverview, type ListedApplication } from './argocd-overview.ts';
import { RefusedError } from './errors.ts';
import type { Io } from './io.ts';
import { type NamedEnvironment, selectEnvironments } from './select-environments.ts';
import { columns, duration, localTime, plain } from './text.ts';

export interface DriftOptions extends ArgocdOptions {
  /** Only this Argo CD project. */
  readonly project?: string;
  /** The longest acceptable drift; default that of the config. */
  readonly limit?: string;
  readonly json?: boolean;
}

export interface DriftIo extends Pick<Io, 'out' | 'err' | 'now'> {
  readonly environment: Variables;
}

interface OutOfSync {
  readonly application: ListedApplication;
  /** Undefined when Argo CD has neither an event nor a past sync. */
  readonly since?: Date;
  /** `since` is when it left Synced. Otherwise it is the last sync, and the drift may be shorter. */
  readonly exact: boolean;
  readonly tooLong: boolean;
}

interface DriftReport {
  readonly environments: readonly NamedEnvironment[];
  /** Undefined for no limit. */
  readonly limitMs: number | undefined;
  readonly applications: readonly ListedApplication[];
  readonly outOfSync: readonly OutOfSync[];
  /** Applications that Argo CD cannot compare. */
  readonly unknown: readonly ListedApplication[];
}

const CONCURRENCY = 8;

/** True when no application is OutOfSync for longer than the limit. An unknown duration counts as too long. */
export async function drift(
  loaded: LoadedConfig,
  name: string | undefined,
  options: DriftOptions,
  io: DriftIo,
): Promise<boolean> {
  const environments = onOneServer(selectEnvironments(loaded, name), name, options, io);
  const [first] = environments;
  const limitMs = limitOf(environments, options);
  const argocd = await connectToArgocd(first, options, io.environment, createArgocdOverview);
  try {
    const list = await argocd.list(options.project === undefined ? {} : { project: options.project });
    if (!list.ok) throw errorOf(namesOf(environments), list.error);
    const report: DriftReport = {
      environments,
      limitMs,
      applications: list.value,
      outOfSync: await findOutOfSync(argocd, list.value, limitMs, io),
      unknown: list.value.filter(({ sync }) => sync === 'Unknown'),
    };
    if (options.json) io.out(JSON.stringify(toJson(report), null, 2));
    else for (const line of formatReport(report, timeZoneOf(loaded, first), io.now())) io.out(line);
    return !report.outOfSync.some(({ tooLong }) => tooLong);
  } finally {
    argocd.close();
  }
}

/** A token belongs to one server: it is not sent to the servers of other environments. */
function onOneServer(
  environments: readonly NamedEnvironment[],
  name: string | undefined,
  options: DriftOptions,
  io: DriftIo,
): readonly [NamedEnvironment, ...NamedEnvironment[]] {
  const servers = new Map(
    environments.map((named) => [named, serverOf(named, options, io.environment)?.replace(/\/+$/, '')]),
  );
  const [first, ...others] = environments.filter((named) => servers.get(named) !== undefined || name);
  if (!first) {
    throw new RefusedError('no environment has an Argo CD in the config: add --server, or set ARGOCD_SERVER');
  }
  const elsewhere = others.find((named) => servers.get(named) !== servers.get(first));
  if (elsewhere) {
    throw new RefusedError(
      `${first.name} and ${elsewhere.name} use different Argo CD servers, and a token is valid for one: name the environment`,
    );
  }
  for (const named of environments) {
    if (servers.get(named) === undefined && named !== first)
      io.err(`nightshift: ${named.name} is skipped, it has no Argo CD in the config: add --server for it`);
  }
  return [first, ...others];
}

/** In milliseconds; undefined for no limit. For several environments on one server the shortest limit counts. */
function limitOf(environments: readonly NamedEnvironment[], options: DriftOptions): number | undefined {
  if (options.limit !== undefined) {
    const duration = parseDuration(options.limit);
    if ('problem' in duration) throw new RefusedError(`--limit ${options.limit}: ${duration.problem}`);
    return duration.ms;
  }
  const minutes = environments
    .map(({ environment }) => environment.deploy?.driftMinutes ?? DEFAULT_DRIFT_MINUTES)
    .filter((limit) => limit > 0);
  return minutes.length > 0 ? Math.min(...minutes) * MINUTE_MS : undefined;
}

/** Longest drift first. */
async function findOutOfSync(
  argocd: ArgocdOverview,
  applications: readonly ListedApplication[],
  limitMs: number | undefined,
  io: DriftIo,
): Promise<readonly OutOfSync[]> {
  const remaining = applications.filter(({ sync }) => sync === 'OutOfSync');
  const found: OutOfSync[] = [];
  while (remaining.length > 0) {
    const batch = remaining.splice(0, CONCURRENCY);
    found.push(
      ...(await Promise.all(
        batch.map(async (application) => {
          const event = await argocd.leftSynced(application);
          if (!event.ok)
            io.err(`nightshift: events of ${plain(application.name)}: ${plain(event.error.detail)}`);
          const leftSyncedAt = event.ok ? event.value : undefined;
          const since = leftSyncedAt ?? application.deployedAt;
          const ageMs = since ? io.now().getTime() - since.getTime() : Number.POSITIVE_INFINITY;
          return {
            application,
            ...(since ? { since } : {}),
            exact: leftSyncedAt !== undefined,
            tooLong: limitMs !== undefined && ageMs > limitMs,
          };
        }),
      )),
    );
  }
  return found.sort((one, other) => (one.since?.getTime() ?? 0) - (other.since?.getTime() ?? 0));
}

function* formatReport(report: DriftReport, timeZone: string, now: Date): Iterable<string> {
  const { environments, limitMs, applications, outOfSync, unknown } = report;
  const limit = limitMs === undefined ? 'no limit' : `limit ${duration(limitMs)}`;
  yield `${namesOf(environments)}: ${outOfSync.length} of ${applications.length} applications OutOfSync, ${limit} (times in ${timeZone})`;
  yield* columns(
    outOfSync.map((one) => [
      `  ${one.tooLong ? '!' : ' '} ${idOf(one.application)}`,
      plain(one.application.health),
      plain(one.application.revisions.map(shortSha).join(', ')),
      formatSince(one, timeZone, now),
    ]),
  );
  if (unknown.length > 0) yield `Unknown, Argo CD cannot compare them: ${unknown.map(idOf).join(', ')}`;
}

function formatSince({ since, exact }: OutOfSync, timeZone: string, now: Date): string {
  if (!since) return 'since an unknown time';
  const at = localTime(timeZone, since);
  const age = duration(now.getTime() - since.getTime());
  return exact ? `since ${at} (${age})` : `at the earliest since its last sync, ${at} (at most ${age})`;
}

function toJson({ environments, limitMs, applications, outOfSync, unknown }: DriftReport) {
  const keyOf = ({ project, name, namespace }: ListedApplication) => ({ project, name, namespace });
  return {
    environments: environments.map(({ name }) => name),
    limitMinutes: limitMs === undefined ? null : limitMs / 60_000,
    applications: applications.length,
    outOfSync: outOfSync.map(({ application, since, exact, tooLong }) => ({
      ...keyOf(application),
      health: application.health,
      revisions: application.revisions,
      since: since?.toISOString() ?? null,
      exact,
      tooLong,
    })),
    unknown: unknown.map(keyOf),
  };
}

function idOf({ project, name }: ListedApplication): string {
  return plain(`${project}/${name}`);
}

function namesOf(environments: readonly NamedEnvironment[]): string {
  return environments.map(({ name }) => name).join(', ');
}

function timeZoneOf({ config }: LoadedConfig, { environment }: NamedEnvironment): string {
  return ownValue(config.schedules, environment.schedule ?? '')?.timeZone ?? 'UTC';
}
