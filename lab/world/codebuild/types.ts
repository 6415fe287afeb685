/** Types of the Git host and of CodeBuild, as in the API and the events. */

export type Provider = 'GITHUB' | 'GITHUB_ENTERPRISE' | 'BITBUCKET' | 'GITLAB';

export interface Push {
  /** The repository's URL, with or without `.git`. */
  readonly repository: string;
  /** `refs/heads/develop`, `refs/tags/v1`. */
  readonly ref: string;
  /** 40 hex digits; made up when left out. */
  readonly sha?: string;
  readonly author?: string;
  readonly message?: string;
  /** Paths of the changed files. */
  readonly files?: readonly string[];
}

export interface Commit {
  readonly repository: string;
  readonly ref: string;
  readonly sha: string;
  readonly author: string;
  readonly message: string;
  readonly files: readonly string[];
  /** Virtual milliseconds. */
  readonly at: number;
}

export type PullRequestAction =
  | 'PULL_REQUEST_CREATED'
  | 'PULL_REQUEST_UPDATED'
  | 'PULL_REQUEST_REOPENED'
  | 'PULL_REQUEST_MERGED'
  | 'PULL_REQUEST_CLOSED';

export interface PullRequest {
  readonly repository: string;
  readonly number: number;
  /** Both are full refs: `refs/heads/feature`. */
  readonly head: string;
  readonly base: string;
  readonly sha: string;
  readonly author: string;
}

export type FilterType =
  | 'EVENT'
  | 'ACTOR_ACCOUNT_ID'
  | 'HEAD_REF'
  | 'BASE_REF'
  | 'FILE_PATH'
  | 'COMMIT_MESSAGE'
  | 'TAG_NAME'
  | 'RELEASE_NAME'
  | 'REPOSITORY_NAME'
  | 'ORGANIZATION_NAME'
  | 'WORKFLOW_NAME';

export interface WebhookFilter {
  readonly type: FilterType;
  readonly pattern: string;
  readonly excludeMatchedPattern?: boolean;
}

export interface Webhook {
  /** A build starts when one group passes; a group passes when each of its filters does. */
  readonly filterGroups?: readonly (readonly WebhookFilter[])[];
}

/** A webhook delivery, as the filters see it. */
export interface WebhookEvent {
  readonly event: 'PUSH' | PullRequestAction;
  readonly headRef: string;
  readonly baseRef?: string;
  readonly actor: string;
  readonly message: string;
  readonly files: readonly string[];
}

export type FinalStatus = 'SUCCEEDED' | 'FAILED' | 'FAULT' | 'TIMED_OUT' | 'STOPPED';
export type BuildStatus = FinalStatus | 'IN_PROGRESS';

export type PhaseType =
  | 'SUBMITTED'
  | 'QUEUED'
  | 'PROVISIONING'
  | 'DOWNLOAD_SOURCE'
  | 'INSTALL'
  | 'PRE_BUILD'
  | 'BUILD'
  | 'POST_BUILD'
  | 'UPLOAD_ARTIFACTS'
  | 'FINALIZING'
  | 'COMPLETED';

export interface Phase {
  readonly type: PhaseType;
  readonly start: number;
  /** Absent while the phase goes on, and for COMPLETED. */
  readonly end?: number;
  readonly status?: FinalStatus;
  readonly context: readonly { readonly statusCode: string; readonly message: string }[];
}

export interface Variable {
  readonly name: string;
  readonly value: string;
}

export interface ProjectOptions {
  readonly account: string;
  readonly region: string;
  readonly name: string;
  /** The URL of a repository that was added. */
  readonly repository: string;
  /** Left out: no delivery starts a build. */
  readonly webhook?: Webhook;
  /** From start to end, all phases together. */
  readonly buildSeconds: number | ((build: BuildView) => number);
  /** Default SUCCEEDED. */
  readonly outcome?: FinalStatus | ((build: BuildView) => FinalStatus);
  /** Plain text variables of the project's environment. */
  readonly environmentVariables?: readonly Variable[];
  /**
   * What the buildspec exports (`env.exported-variables`). A build sets them itself, so it can also lie. The value of a
   * CODEBUILD_WEBHOOK_* name that is not given is the true one.
   */
  readonly exportedVariables?: readonly (string | Variable)[];
  /** The version that a build by hand takes when it names none. */
  readonly sourceVersion?: string;
  /** How a webhook build of a branch names its source: `refs/heads/x^{sha}` (default), or the commit alone. */
  readonly webhookSourceVersion?: 'ref' | 'commit';
  /** Default 60. */
  readonly timeoutInMinutes?: number;
  /** A delivery starts a batch of these builds (`BUILD_BATCH`). */
  readonly batch?: readonly BatchPart[];
}

/** One build of a batch, as `batch.build-list` of the buildspec names it. */
export interface BatchPart {
  readonly identifier: string;
  /** The batch succeeds although this one failed. */
  readonly ignoreFailure?: boolean;
  /** Default: as the project's. */
  readonly buildSeconds?: number;
  readonly outcome?: FinalStatus;
}

/** A batch as it is now. */
export interface BatchView
  extends Pick<
    BuildView,
    | 'id'
    | 'arn'
    | 'account'
    | 'region'
    | 'project'
    | 'number'
    | 'initiator'
    | 'status'
    | 'complete'
    | 'startTime'
    | 'endTime'
    | 'sourceVersion'
    | 'resolvedSourceVersion'
    | 'source'
  > {
  readonly groups: readonly {
    readonly identifier: string;
    readonly ignoreFailure: boolean;
    readonly build: BuildView;
  }[];
}

export interface ProjectView extends ProjectOptions {
  readonly arn: string;
  readonly created: number;
  readonly provider: Provider;
}

/** A build as it is now. */
export interface BuildView {
  /** `project:uuid` */
  readonly id: string;
  readonly arn: string;
  readonly account: string;
  readonly region: string;
  readonly project: string;
  readonly number: number;
  readonly initiator: string;
  readonly status: BuildStatus;
  readonly complete: boolean;
  readonly startTime: number;
  readonly endTime?: number;
  readonly currentPhase: PhaseType;
  readonly phases: readonly Phase[];
  readonly sourceVersion?: string;
  /** Known once the source was downloaded. */
  readonly resolvedSourceVersion?: string;
  readonly source: { readonly type: Provider; readonly location: string };
  readonly environmentVariables: readonly Variable[];
  /** Known once the build's commands ended. */
  readonly exportedEnvironmentVariables: readonly Variable[];
  readonly timeoutInMinutes: number;
  /** The delivery that started it. Not in the API. */
  readonly webhook?: WebhookEvent;
  /** The batch that it is a part of. */
  readonly batchArn?: string;
}

/** What happens to build events on their way to the bus. Delivery is best effort, and at least once. */
export interface EventFaults {
  /** Chance of an event to be lost, 0 to 1. */
  drop: number;
  /** Chance of an event to be delivered twice, 0 to 1. */
  duplicate: number;
  /** Seconds that an event is late: always so much, or anything between the two. */
  delaySeconds: number | readonly [number, number];
}

export interface StartBuildOptions {
  readonly account: string;
  readonly region: string;
  readonly project: string;
  /** A branch, a tag, a commit or `pr/N`. */
  readonly sourceVersion?: string;
  /** `user`, or `role/session` for an assumed role. */
  readonly initiator: string;
  readonly environmentVariables?: readonly Variable[];
}
