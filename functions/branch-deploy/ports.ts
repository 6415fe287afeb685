/** What branch-deploy asks of the world, in its own words. */
import type { DecisionRecorder, Reported } from '#functions/shared/decision-recorder.ts';
import type { DecisionTrail } from '#functions/shared/observability.ts';
import type { Versioned } from '#functions/shared/versioned.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import type { Override, Pause } from '#model/schedule.ts';
import type { ApplicationSettings, BranchDeploySettings } from '#model/settings.ts';
import type { ApplicationRecord, BuiltImage, HealthyRecord, NightMark, RecordStore } from './record.ts';

/** A build as CodeBuild keeps it, or as it announced itself. */
export interface Build {
  /** `<project>:<uuid>`; of one that announced itself `<project>:<run>`. */
  readonly id: string;
  /** It ran elsewhere: who may announce it is up to IAM. */
  readonly announced?: boolean;
  readonly project: string;
  /** Counts up within a project; 0 where CodeBuild gave none. */
  readonly number: number;
  readonly status: string;
  /** It failed, and CodeBuild builds the commit once more by itself: the id of that build. */
  readonly retriedAs?: string;
  /** It is a part of this batch, and `status` is that of the whole batch. */
  readonly batch?: string;
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
  /** Undefined where there is no such project. The builds of one that was deleted stay, and its numbers begin again. */
  projectCreatedAt(project: string): Promise<Date | undefined>;
}

/** An Argo CD application, as far as a decision needs it. */
export interface ApplicationView {
  /** More than one for a multi-source application. */
  readonly sources: readonly { readonly repository: string; readonly targetRevision: string }[];
  readonly deleting: boolean;
  /** Argo CD syncs it by itself. */
  readonly autoSync?: boolean;
  /** And deletes what is no longer in its source. */
  readonly autoPrune?: boolean;
  /** Of an application with a source hydrator, whose one source is the dry one. */
  readonly hydration?: {
    /** The commit of the source that was hydrated last. */
    readonly dry?: string;
    /** The commit of manifests that was made from it. */
    readonly hydrated?: string;
    /** When that began, where Argo CD still shows it. */
    readonly startedAt?: Date;
    /** Why the last one failed. */
    readonly message: string;
  };
  /** An operation was requested and has not ended yet (`.operation`). */
  readonly pendingOperation?: { readonly deployIds: readonly string[]; readonly by: string };
  /** The operation that is running or ran last. */
  readonly operation?: {
    readonly deployIds: readonly string[];
    /** `automated` is Argo CD itself. */
    readonly by: string;
    readonly automated: boolean;
    readonly phase: 'Running' | 'Terminating' | 'Succeeded' | 'Failed' | 'Error' | 'Unknown';
    readonly message: string;
    readonly startedAt: Date;
    readonly finishedAt?: Date;
    /** Of what was synced, one for each source. */
    readonly revisions: readonly string[];
  };
  readonly sync: 'Synced' | 'OutOfSync' | 'Unknown';
  /** Of what it was compared with, one for each source. */
  readonly revisions: readonly string[];
  readonly health: 'Healthy' | 'Progressing' | 'Degraded' | 'Suspended' | 'Missing' | 'Unknown';
  readonly healthMessage: string;
  /** Of its live pods, as their containers name them. */
  readonly images?: readonly string[];
  /** The images that the last sync deployed, as far as it says so. */
  readonly desiredImages?: readonly string[];
  /** The live pods that have not ended, where they were read. */
  readonly pods?: readonly LivePod[];
  /** What is set on the Application for each of its sources: `kustomize.images`, and Helm parameters. */
  readonly overrides?: readonly {
    readonly images: readonly string[];
    readonly parameters: Readonly<Record<string, string>>;
  }[];
  /** What made the Application and may put it back, such as `ApplicationSet services`. */
  readonly madeBy?: string;
  /** The first condition that is an error, such as `ComparisonError: …`. */
  readonly condition?: string;
  readonly reconciledAt?: Date;
}

/** An object that owns pods and can be restarted. */
export interface Workload {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** A pod that is neither Succeeded nor Failed, and is not being deleted. */
export interface LivePod {
  readonly name: string;
  readonly workload?: Workload;
  readonly containers: readonly {
    /** As the pod names it. */
    readonly image: string;
    /** It has been started. */
    readonly started: boolean;
    /** Of what was started, and of the platforms in it as far as the registry says so. */
    readonly digests: readonly string[];
  }[];
}

/** Why Argo CD did not do what was requested. `detail` is for people and holds no secret. */
export interface ArgocdFailure {
  readonly kind:
    | /** Another operation is running. */ 'busy'
    | /** A sync window forbids it now. */ 'window'
    | /** The application is being deleted. */ 'deleting'
    | /** Argo CD's RBAC forbids it. */ 'forbidden'
    | /** No such application, or project. */ 'missing'
    | /** The token is bad or expired, also after it was read again. */ 'unauthorized'
    | /** No repetition of the request will succeed. */ 'permanent'
    | /** A repetition may succeed. */ 'transient';
  readonly detail: string;
  /** The request may have taken effect: no complete reply came, or it was not Argo CD's. */
  readonly outcomeUnknown?: boolean;
  /** When the server wants to be asked again. */
  readonly retryAfterSeconds?: number;
}

export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: ArgocdFailure };

export interface SyncOptions {
  readonly revision?: string;
  readonly revisions?: readonly { readonly position: number; readonly revision: string }[];
  readonly prune?: boolean;
}

export interface Argocd {
  read(application: ApplicationSettings, options?: { refresh?: boolean }): Promise<Result<ApplicationView>>;
  /**
   * Requests a sync to what the application tracks; `deployId` is found again in the operation. Argo CD refuses a
   * `revision` for an application that syncs by itself. `revisions` are for some of several sources, counted from 1. `prune`
   * counts where the config says nothing.
   */
  sync(
    application: ApplicationSettings,
    deployId: string,
    options?: SyncOptions,
  ): Promise<Result<ApplicationView>>;
  /** Its live pods. */
  pods(application: ApplicationSettings): Promise<Result<readonly LivePod[]>>;
  /** Rolls the pods of a workload. */
  restart(application: ApplicationSettings, workload: Workload, at: Date): Promise<Result<void>>;
  /** Sets images, or Helm parameters, on one source of the Application, beside those of other images. */
  setImages(
    application: ApplicationSettings,
    images: readonly BuiltImage[],
    source: number,
  ): Promise<Result<void>>;
}

/** The registry that builds push to. */
export interface Registry {
  /** False for a repository of another registry: it is not asked. */
  has(repository: string): boolean;
  /** The digest of an image, followed by those of its platforms. Undefined where the registry has no such image. */
  digests(image: Pick<BuiltImage, 'repository' | 'version'>): Promise<readonly string[] | undefined>;
}

/** The desired deploys. */
export interface DesiredDeploys extends RecordStore {
  /** Everything that is kept, with one query. */
  all(): Promise<{
    readonly records: readonly Versioned<ApplicationRecord>[];
    readonly night?: NightMark;
    /** Items that cannot be read. */
    readonly corrupt: readonly string[];
  }>;
  markNight(mark: NightMark): Promise<void>;
  clearNight(): Promise<void>;
  /** When each application was Healthy after its last night, as far as that was stored and can be read. */
  healthy(): Promise<readonly HealthyRecord[]>;
  saveHealthy(record: HealthyRecord): Promise<void>;
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
    /** The last one, ended or not. */
    readonly pause?: Pause;
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
  /** `unknown`: the deploy has ended, and nothing says whether the commit is live. */
  readonly state: 'pending' | 'success' | 'failure' | 'unknown';
  /** At most 140 characters. */
  readonly description: string;
  /** `nightshift/<environment>/<application>`: of each context the latest status counts. */
  readonly context: string;
  readonly environment: string;
  readonly application: string;
  /** `<project>:<uuid>` */
  readonly build: string;
  /** The branch that was built. */
  readonly branch: string;
  /** How far the deploy is. All but `queued` and `running` have ended. */
  readonly progress: 'queued' | 'running' | 'deployed' | 'unverified' | 'failed' | 'superseded';
  readonly links?: StatusLinks;
}

export interface StatusLinks {
  /** The application in Argo CD's own pages. */
  readonly page?: string;
  /** Where people open what was deployed. */
  readonly environment?: string;
}

/** Why a status was not accepted. `detail` is for people and holds no secret. */
export interface StatusFailure {
  /** A repetition may succeed, or none will. */
  readonly kind: 'transient' | 'permanent';
  readonly detail: string;
  /** No status is to be posted before so many seconds have passed. */
  readonly retryAfterSeconds?: number;
}

export interface Statuses {
  /** False for a repository on another host: its commits get no status from here. */
  has(repository: string): boolean;
  /** Undefined where it was accepted. */
  post(status: CommitStatus): Promise<StatusFailure | undefined>;
}

/** The decision that a status shows. */
export interface StatusSource {
  readonly application: string;
  readonly build: string;
  readonly trigger: string;
}

/** Posts statuses beside the work, never in its way. */
export interface StatusQueue {
  add(status: CommitStatus, source: StatusSource): void;
  /** At the end of each invocation: no request is running afterwards. Returns the failures that people should hear of. */
  flush(): Promise<readonly (StatusSource & { readonly status: CommitStatus; readonly detail: string })[]>;
}

export interface BranchDeployPorts {
  readonly argocd: Argocd;
  readonly builds: Builds;
  readonly registry: Registry;
  readonly deploys: DesiredDeploys;
  readonly night: Night;
  readonly trail: Pick<DecisionTrail, 'record'>;
  /** Absent where commits show nothing. */
  readonly statuses?: StatusQueue | undefined;
  /** Builds that this warm process has handled: an optimisation, never the truth. */
  readonly seen: Set<string>;
  /** What this process has reported of what lasts. */
  readonly reported: Reported;
  readonly now: () => Date;
  /** Real waiting, in milliseconds. */
  readonly pause: (ms: number) => Promise<void>;
  /** In [0, 1). */
  readonly random: () => number;
}

/** One invocation. */
export interface DeployContext extends BranchDeployPorts {
  readonly settings: BranchDeploySettings;
  /** The id of the event or the tick. */
  readonly trigger: string;
  readonly recorder: DecisionRecorder;
}
