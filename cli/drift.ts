/**
 * `drift`: which applications are OutOfSync, and since when, read with a person's own token. Production is read like any
 * other, and nothing is changed anywhere.
 */
import {
  type ArgocdOverview,
  createArgocdOverview,
  type ListedApplication,
} from '#functions/adapters/argocd/overview.ts';
import { shortSha } from '#functions/branch-deploy/reasons.ts';
import type { LoadedConfig } from '#lib/config-file.ts';
import { DEFAULT_DRIFT_MINUTES } from '#lib/settings.ts';
import { parseSpan } from '#model/when.ts';
import { type ArgocdOptions, connectAs, errorOf, serverOf, type Variables } from './argocd.ts';
import { chosen, type Named } from './environments.ts';
import { type Io, RefusedError } from './io.ts';
import { columns, duration, localTime, plain } from './text.ts';

export interface DriftOptions extends ArgocdOptions {
  /** This Argo CD project only. */
  readonly project?: string;
  /** Longer than this is too long; default what the config says. */
  readonly limit?: string;
  readonly json?: boolean;
}

export interface DriftIo extends Pick<Io, 'out' | 'err' | 'now'> {
  readonly environment: Variables;
}

interface Drift {
  readonly application: ListedApplication;
  /** Undefined where Argo CD tells nothing of the past. */
  readonly since?: Date;
  /** It was seen to leave Synced then. Otherwise this is its last sync, and it may have drifted later. */
  readonly exact: boolean;
  readonly tooLong: boolean;
}

const AT_ONCE = 8;

/** True where nothing is OutOfSync for longer than the limit. Where the time is not known, the longest is taken. */
export async function drift(
  loaded: LoadedConfig,
  name: string | undefined,
  options: DriftOptions,
  io: DriftIo,
): Promise<boolean> {
  const environments = onOneServer(chosen(loaded, name), name, options, io);
  const [first] = environments;
  const limitMs = limitOf(environments, options);
  const argocd = await connectAs(first, options, io.environment, createArgocdOverview);
  try {
    const names = environments.map((named) => named.name).join(', ');
    const list = await argocd.list(options.project === undefined ? {} : { project: options.project });
    if (!list.ok) throw errorOf(names, list.error);
    const found = await lookAtEach(argocd, list.value, limitMs, io);
    const unknown = list.value.filter(({ sync }) => sync === 'Unknown');
    if (options.json) {
      io.out(JSON.stringify(toJson(environments, limitMs, list.value, found, unknown), null, 2));
    } else {
      const timeZone = timeZoneOf(loaded, first);
      for (const line of describe(names, timeZone, limitMs, io.now(), list.value, found, unknown))
        io.out(line);
    }
    return !found.some(({ tooLong }) => tooLong);
  } finally {
    argocd.close();
  }
}

/** A token belongs to one server: it is not sent to the servers of other environments. */
function onOneServer(
  environments: readonly Named[],
  name: string | undefined,
  options: DriftOptions,
  io: DriftIo,
): readonly [Named, ...Named[]] {
  const servers = new Map(
    environments.map((named) => [named, serverOf(named, options, io.environment)?.replace(/\/+$/, '')]),
  );
  const [first, ...others] = environments.filter((named) => servers.get(named) !== undefined || name);
  if (!first) {
    throw new RefusedError(
      'no environment has an Argo CD in the config: write --server, or set ARGOCD_SERVER',
    );
  }
  const elsewhere = others.find((named) => servers.get(named) !== servers.get(first));
  if (elsewhere) {
    throw new RefusedError(
      `${first.name} and ${elsewhere.name} have Argo CDs of their own, and a token is for one: name the environment`,
    );
  }
  for (const named of environments) {
    if (servers.get(named) === undefined && named !== first)
      io.err(`nightshift: ${named.name} is left out, it has no Argo CD in the config: write --server for it`);
  }
  return [first, ...others];
}

/** In milliseconds; undefined for never. Of several environments on one server the strictest counts. */
function limitOf(environments: readonly Named[], options: DriftOptions): number | undefined {
  if (options.limit !== undefined) {
    const span = parseSpan(options.limit);
    if ('problem' in span) throw new RefusedError(`--limit ${options.limit}: ${span.problem}`);
    return span.ms;
  }
  const minutes = environments
    .map(({ environment }) => environment.deploy?.driftMinutes ?? DEFAULT_DRIFT_MINUTES)
    .filter((limit) => limit > 0);
  return minutes.length > 0 ? Math.min(...minutes) * 60_000 : undefined;
}

async function lookAtEach(
  argocd: ArgocdOverview,
  applications: readonly ListedApplication[],
  limitMs: number | undefined,
  io: DriftIo,
): Promise<readonly Drift[]> {
  const left = applications.filter(({ sync }) => sync === 'OutOfSync');
  const found: Drift[] = [];
  for (let at = 0; at < left.length; at += AT_ONCE) {
    found.push(
      ...(await Promise.all(
        left.slice(at, at + AT_ONCE).map(async (application) => {
          const event = await argocd.leftSynced(application);
          if (!event.ok)
            io.err(`nightshift: the events of ${plain(application.name)}: ${plain(event.error.detail)}`);
          const seen = event.ok ? event.value : undefined;
          const since = seen ?? application.deployedAt;
          const age = since ? io.now().getTime() - since.getTime() : Number.POSITIVE_INFINITY;
          return {
            application,
            ...(since ? { since } : {}),
            exact: seen !== undefined,
            tooLong: limitMs !== undefined && age > limitMs,
          };
        }),
      )),
    );
  }
  return found.sort((one, other) => (one.since?.getTime() ?? 0) - (other.since?.getTime() ?? 0));
}

function* describe(
  names: string,
  timeZone: string,
  limitMs: number | undefined,
  now: Date,
  all: readonly ListedApplication[],
  found: readonly Drift[],
  unknown: readonly ListedApplication[],
): Iterable<string> {
  const limit = limitMs === undefined ? 'without a limit' : `the limit is ${duration(limitMs)}`;
  yield `${names}: ${found.length} of ${all.length} applications OutOfSync, ${limit} (times of ${timeZone})`;
  yield* columns(
    found.map(({ application, since, exact, tooLong }) => [
      `  ${tooLong ? '!' : ' '} ${plain(`${application.project}/${application.name}`)}`,
      plain(application.health),
      plain(application.revisions.map(shortSha).join(', ')),
      since
        ? `${exact ? 'since' : 'since its last sync or later,'} ${localTime(timeZone, since)} (${exact ? '' : 'at most '}${duration(now.getTime() - since.getTime())})`
        : 'nobody knows since when',
    ]),
  );
  if (unknown.length > 0) {
    yield `Unknown, Argo CD cannot compare them: ${unknown.map((one) => plain(`${one.project}/${one.name}`)).join(', ')}`;
  }
}

function toJson(
  environments: readonly Named[],
  limitMs: number | undefined,
  all: readonly ListedApplication[],
  found: readonly Drift[],
  unknown: readonly ListedApplication[],
) {
  const idOf = ({ project, name, namespace }: ListedApplication) => ({ project, name, namespace });
  return {
    environments: environments.map(({ name }) => name),
    limitMinutes: limitMs === undefined ? null : limitMs / 60_000,
    applications: all.length,
    outOfSync: found.map(({ application, since, exact, tooLong }) => ({
      ...idOf(application),
      health: application.health,
      revisions: application.revisions,
      since: since?.toISOString() ?? null,
      exact,
      tooLong,
    })),
    unknown: unknown.map(idOf),
  };
}

function timeZoneOf({ config }: LoadedConfig, { environment }: Named): string {
  return config.schedules?.[environment.schedule ?? '']?.timeZone ?? 'UTC';
}
