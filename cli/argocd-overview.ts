/** All applications that a token may read, and since when one has not been Synced. Read only. */

import {
  type ApplicationObject,
  dateOf,
  isApplication,
  viewOf,
} from '#functions/adapters/argocd/application.ts';
import { type ArgocdServerOptions, connectArgocd } from '#functions/adapters/argocd/connection.ts';
import { pathOf } from '#functions/adapters/argocd/server.ts';
import type { Result } from '#functions/branch-deploy/ports.ts';

export interface ListedApplication {
  readonly name: string;
  readonly project: string;
  readonly namespace: string;
  readonly sync: 'Synced' | 'OutOfSync' | 'Unknown';
  readonly health: string;
  /** What it is compared with, one for each source. */
  readonly revisions: readonly string[];
  /** The end of the last sync that brought all of it; its creation, where there was none. */
  readonly deployedAt?: Date;
}

export interface ArgocdOverview {
  list(options?: { readonly project?: string }): Promise<Result<readonly ListedApplication[]>>;
  /**
   * When it last left Synced. Undefined where no event shows it: Kubernetes keeps events for an hour by default, and
   * delivers most of them.
   */
  leftSynced(application: ListedApplication): Promise<Result<Date | undefined>>;
  close(): void;
}

/** A list of a thousand applications has some twenty megabytes. */
const MAX_BODY_BYTES = 128 * 1024 * 1024;
const TIMEOUT_MS = 60_000;

/** Throws `SettingsError` for a URL that a token must not be sent to. */
export function createArgocdOverview(options: ArgocdServerOptions): ArgocdOverview {
  const connection = connectArgocd({ timeoutMs: TIMEOUT_MS, ...options, maxBodyBytes: MAX_BODY_BYTES });
  return {
    async list({ project } = {}) {
      const query = project === undefined ? '' : `?${new URLSearchParams({ projects: project })}`;
      const reply = await connection.ask({ method: 'GET', path: `/api/v1/applications${query}`, as: LIST });
      return reply.ok ? { ok: true, value: (reply.value.items ?? []).map(listed) } : reply;
    },
    async leftSynced(application) {
      const query = new URLSearchParams({
        project: application.project,
        ...(application.namespace ? { appNamespace: application.namespace } : {}),
      });
      const path = `${pathOf(application)}/events?${query}`;
      const reply = await connection.ask({ method: 'GET', path, as: EVENTS });
      if (!reply.ok) return reply;
      const times = (reply.value.items ?? [])
        .filter(({ message }) => message?.startsWith('Updated sync status: Synced -> '))
        .flatMap((event) => dateOf(event.lastTimestamp ?? event.eventTime ?? undefined) ?? [])
        .sort((one, other) => one.getTime() - other.getTime());
      return { ok: true, value: times.at(-1) };
    },
    close: () => connection.close(),
  };
}

interface EventObject {
  readonly message?: string;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
}

/** Go writes `null` for a list that is empty. */
const LIST = {
  name: 'a list of Applications',
  is: (value: unknown): value is { items: readonly ApplicationObject[] | null } =>
    hasItems(value) && (value.items ?? []).every(isApplication),
} as const;
const EVENTS = {
  name: 'a list of events',
  is: (value: unknown): value is { items: readonly EventObject[] | null } => hasItems(value),
} as const;

function hasItems(value: unknown): value is { items: readonly unknown[] | null } {
  if (typeof value !== 'object' || value === null || !('items' in value)) return false;
  return value.items === null || Array.isArray(value.items);
}

function listed(application: ApplicationObject): ListedApplication {
  const { metadata, spec, status } = application;
  const { sync, health, revisions } = viewOf(application);
  const deployedAt = dateOf(status?.history?.at(-1)?.deployedAt ?? metadata?.creationTimestamp);
  return {
    name: metadata?.name ?? '',
    project: spec?.project ?? '',
    namespace: metadata?.namespace ?? '',
    sync,
    health,
    revisions,
    ...(deployedAt ? { deployedAt } : {}),
  };
}
