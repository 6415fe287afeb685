/** The fields of Argo CD 3.6's Application that the lab uses. */

export type SyncCode = 'Synced' | 'OutOfSync' | 'Unknown';
export type HealthCode = 'Healthy' | 'Suspended' | 'Progressing' | 'Missing' | 'Degraded' | 'Unknown';
export type OperationPhase = 'Running' | 'Terminating' | 'Succeeded' | 'Failed' | 'Error';

export interface Info {
  name: string;
  value: string;
}

export interface ApplicationSource {
  repoURL: string;
  path?: string;
  targetRevision?: string;
  [field: string]: unknown;
}

export interface RetryStrategy {
  /** Retries after the first attempt; negative: unlimited. */
  limit?: number;
  backoff?: { duration?: string; factor?: number; maxDuration?: string };
  refresh?: boolean;
}

export interface SyncOperation {
  revision?: string;
  revisions?: string[];
  prune?: boolean;
  dryRun?: boolean;
  syncOptions?: string[];
  syncStrategy?: Record<string, unknown>;
  resources?: { group?: string; kind: string; name: string; namespace?: string }[];
  source?: ApplicationSource;
  sources?: ApplicationSource[];
  manifests?: string[];
  autoHealAttemptsCount?: number;
}

export interface Operation {
  sync?: SyncOperation;
  initiatedBy?: { username?: string; automated?: boolean };
  info?: Info[];
  retry?: RetryStrategy;
}

export interface ResourceResult {
  group: string;
  version: string;
  kind: string;
  namespace: string;
  name: string;
  status?: 'Synced' | 'SyncFailed' | 'Pruned' | 'PruneSkipped';
  message?: string;
  hookType?: string;
  hookPhase?: OperationPhase;
  syncPhase?: string;
  images?: string[];
}

export interface OperationState {
  operation: Operation;
  phase: OperationPhase;
  message?: string;
  syncResult?: {
    resources?: ResourceResult[];
    revision: string;
    revisions?: string[];
    source?: ApplicationSource;
    sources?: ApplicationSource[];
  };
  startedAt: string;
  finishedAt?: string;
  retryCount?: number;
}

export interface ResourceStatus {
  group: string;
  version: string;
  kind: string;
  namespace: string;
  name: string;
  /** A hook has none. */
  status?: SyncCode;
  /** Not stored: the API server adds it to its replies (`resourceHealthSource: appTree`). */
  health?: { status: HealthCode; message?: string };
  hook?: boolean;
  requiresPruning?: boolean;
}

export interface Condition {
  type: string;
  message: string;
  lastTransitionTime: string;
}

export interface ApplicationObject {
  apiVersion: 'argoproj.io/v1alpha1';
  kind: 'Application';
  metadata: {
    name: string;
    namespace: string;
    uid: string;
    resourceVersion: string;
    generation: number;
    creationTimestamp: string;
    deletionTimestamp?: string;
    deletionGracePeriodSeconds?: number;
    finalizers?: string[];
    ownerReferences?: { apiVersion: string; kind: string; name: string; uid: string }[];
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  spec: {
    project: string;
    source?: ApplicationSource;
    sources?: ApplicationSource[];
    destination: { server?: string; name?: string; namespace?: string };
    syncPolicy?: {
      automated?: { prune?: boolean; selfHeal?: boolean; enabled?: boolean };
      syncOptions?: string[];
      retry?: RetryStrategy;
    };
    [field: string]: unknown;
  };
  status: {
    sync: {
      status: SyncCode;
      comparedTo: { source?: ApplicationSource; sources?: ApplicationSource[]; destination: object };
      revision?: string;
      revisions?: string[];
    };
    health: { status: HealthCode; lastTransitionTime?: string; message?: string };
    resources?: ResourceStatus[];
    history?: {
      id: number;
      revision?: string;
      revisions?: string[];
      source?: ApplicationSource;
      sources?: ApplicationSource[];
      deployStartedAt: string;
      deployedAt: string;
      initiatedBy: { username?: string; automated?: boolean };
    }[];
    conditions?: Condition[];
    reconciledAt?: string;
    operationState?: OperationState;
    sourceType?: string;
    summary?: { images?: string[] };
    resourceHealthSource?: 'appTree';
    controllerNamespace?: string;
  };
  operation?: Operation;
}

/** A Deployment in the application's repository. */
export interface DeploymentTemplate {
  readonly namespace: string;
  readonly name: string;
  /**
   * `{revision}` stands for the commit of the first source, `{revision:1}` for that of the second, and so on, `{revision7}` for
   * the first seven characters of the first;
   * `{helm:image.tag}` for the Helm parameter `image.tag`, which is `latest` until it is set.
   */
  readonly image: string;
  readonly replicas: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly terminationGracePeriodSeconds?: number;
}

/** A Job that a sync runs: it needs a node, and the operation waits for its end. */
export interface HookTemplate {
  readonly phase: 'PreSync' | 'PostSync';
  readonly name: string;
  readonly namespace: string;
  readonly seconds: number;
  readonly outcome?: 'succeeds' | 'fails';
}

export interface ApplicationSeed {
  readonly name: string;
  /** Default `default`. */
  readonly project?: string;
  /** Default: that of Argo CD. */
  readonly namespace?: string;
  readonly repoURL: string;
  /** Default `HEAD`. */
  readonly targetRevision?: string;
  readonly path?: string;
  /** Several sources, instead of `repoURL`, `targetRevision` and `path`. */
  readonly sources?: readonly ApplicationSource[];
  readonly labels?: Readonly<Record<string, string>>;
  /** It was made by this ApplicationSet, which puts back every change of its spec. */
  readonly applicationSet?: string;
  readonly autoSync?: { readonly prune?: boolean; readonly selfHeal?: boolean; readonly enabled?: boolean };
  readonly retry?: RetryStrategy;
  readonly syncOptions?: readonly string[];
  readonly deployments: readonly DeploymentTemplate[];
  readonly hooks?: readonly HookTemplate[];
  /** How long applying the manifests takes. Default 3. */
  readonly syncSeconds?: number;
  /** A webhook of this Deployment must admit what is applied; while it has no Ready pod, applying fails. */
  readonly admission?: { readonly namespace: string; readonly deployment: string };
  /** Whether it is already deployed when it is created. Default true. */
  readonly deployed?: boolean;
}

export interface SyncWindow {
  readonly kind: 'allow' | 'deny';
  /** Five fields of cron. */
  readonly schedule: string;
  /** Go's notation: `1h30m`. */
  readonly duration: string;
  /** Globs of application names. */
  readonly applications?: readonly string[];
  readonly namespaces?: readonly string[];
  readonly clusters?: readonly string[];
  readonly manualSync?: boolean;
  /** Default UTC. */
  readonly timeZone?: string;
}

/** The commit that a branch, tag or revision of a repository resolves to. `at`: virtual ms, default now. */
export type RevisionOf = (repository: string, revision: string, at?: number) => string | undefined;
