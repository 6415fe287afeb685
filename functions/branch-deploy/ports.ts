/** What branch-deploy asks of the world, in its own words. */
import type { Expected, Versioned } from '#functions/shared/versioned.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import type { Override } from '#model/schedule.ts';
import type { ApplicationSettings } from '#model/settings.ts';
import type { ApplicationRecord, NightMark } from './record.ts';

/** A build as CodeBuild keeps it. */
export interface Build {
  /** `<project>:<uuid>` */
  readonly id: string;
  readonly project: string;
  /** Counts up within a project; 0 where CodeBuild gave none. */
  readonly number: number;
  readonly status: string;
  readonly initiator: string;
  readonly location: string;
  readonly sourceVersion?: string;
  readonly resolvedSourceVersion?: string;
  readonly exported: Readonly<Record<string, string>>;
  readonly startedAt?: Date;
  readonly endedAt?: Date;
}

export interface Builds {
  /** The builds that exist among `ids`; unknown ids are left out. */
  read(ids: readonly string[]): Promise<readonly Build[]>;
  /** Ids of the project's latest builds, newest first, at most 100. Undefined where there is no such project. */
  recent(project: string): Promise<readonly string[] | undefined>;
}

/** An Argo CD application, as far as a verdict needs it. */
export interface ApplicationView {
  /** More than one for a multi-source application. */
  readonly sources: readonly { readonly repository: string; readonly targetRevision: string }[];
  readonly deleting: boolean;
  /** An operation was asked for and has not ended yet (`.operation`). */
  readonly pendingOperation?: { readonly deployIds: readonly string[]; readonly by: string };
  /** The operation that runs or ran last. */
  readonly operation?: {
    readonly deployIds: readonly string[];
    /** `automated` is Argo CD itself. */
    readonly by: string;
    readonly automated: boolean;
    readonly phase: 'Running' | 'Terminating' | 'Succeeded' | 'Failed' | 'Error' | 'Unknown';
    readonly message: string;
    readonly startedAt: Date;
    readonly finishedAt?: Date;
    /** What was synced, one for each source. */
    readonly revisions: readonly string[];
  };
  readonly sync: 'Synced' | 'OutOfSync' | 'Unknown';
  /** What the comparison was made with, one for each source. */
  readonly revisions: readonly string[];
  readonly health: 'Healthy' | 'Progressing' | 'Degraded' | 'Suspended' | 'Missing' | 'Unknown';
  readonly healthMessage: string;
  readonly reconciledAt?: Date;
}

/** Why Argo CD did not do what it was asked for. `detail` is for people and holds no secret. */
export interface Trouble {
  readonly kind:
    | /** Another operation runs. */ 'busy'
    | /** A sync window forbids it now. */ 'window'
    | /** The application is being deleted. */ 'deleting'
    | /** Argo CD's RBAC forbids it. */ 'forbidden'
    | /** No such application, or project. */ 'missing'
    | /** The token is bad or expired, also after it was read again. */ 'unauthorized'
    | /** Argo CD will not do it, however often it is asked. */ 'invalid'
    | /** Not now: ask again. */ 'transient';
  readonly detail: string;
  /** Nobody knows whether the request took effect: no whole reply came, or somebody in between gave it. */
  readonly unclear?: boolean;
  /** The server's wish, in seconds. */
  readonly retryAfterSeconds?: number;
}

export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly trouble: Trouble };

export interface Argocd {
  read(application: ApplicationSettings, options?: { refresh?: boolean }): Promise<Answer<ApplicationView>>;
  /**
   * Asks for a sync to what the application tracks; `deployId` is found again in the operation. `revision` is for a
   * person's rollout: Argo CD refuses one for an application that syncs by itself.
   */
  sync(
    application: ApplicationSettings,
    deployId: string,
    options?: { revision?: string },
  ): Promise<Answer<ApplicationView>>;
}

/** What is to be deployed. Every write is over the version that was read; undefined: somebody else's write came first. */
export interface DesiredDeploys {
  /** Everything that is kept, with one query. */
  all(): Promise<{
    readonly records: readonly Versioned<ApplicationRecord>[];
    readonly night?: NightMark;
    /** Items that cannot be read. */
    readonly corrupt: readonly string[];
  }>;
  get(
    application: Pick<ApplicationSettings, 'project' | 'name'>,
  ): Promise<Versioned<ApplicationRecord> | undefined>;
  save(record: ApplicationRecord, over: Expected): Promise<Versioned<ApplicationRecord> | undefined>;
  markNight(mark: NightMark): Promise<void>;
  clearNight(): Promise<void>;
  /** True where this build was handled. */
  isKnown(build: string): Promise<boolean>;
  known(project: string): Promise<ReadonlySet<string>>;
  /** False where another invocation marked it before. */
  markKnown(build: string, now: Date): Promise<boolean>;
}

/** What night-schedule keeps about the cluster. */
export interface Night {
  /** The state, and every override, ended or not. What cannot be read is named, and counts as absent. */
  read(): Promise<{
    readonly state?: ClusterState;
    readonly overrides: readonly Override[];
    readonly corrupt: readonly string[];
  }>;
  /** Beside those that are there: the model says which of them counts. */
  addOverride(override: Override): Promise<void>;
}

/** What a commit shows of one application. */
export interface CommitStatus {
  /** `https://github.com/example/api`, with or without `.git`. */
  readonly repository: string;
  readonly sha: string;
  readonly state: 'pending' | 'success' | 'failure';
  /** At most 140 characters. */
  readonly description: string;
  /** `nightshift/<environment>/<application>`: of each context the latest status counts. */
  readonly context: string;
}

/** Why a status was not taken. `detail` is for people and holds no secret. */
export interface StatusTrouble {
  /** Not now, or not however often it is told. */
  readonly kind: 'transient' | 'refused';
  readonly detail: string;
  /** Nothing is to be told before so many seconds have passed. */
  readonly retryAfterSeconds?: number;
}

export interface Statuses {
  /** False for a repository that is somewhere else: nothing is told of its commits. */
  has(repository: string): boolean;
  /** Undefined where it was taken. */
  tell(status: CommitStatus): Promise<StatusTrouble | undefined>;
}
