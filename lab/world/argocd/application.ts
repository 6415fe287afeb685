import type { Timer } from '../clock.ts';
import type { Manifest } from './compare.ts';
import type { ApplicationObject, ApplicationSeed, OperationPhase, ResourceStatus } from './types.ts';

/** An Application object with the controller's state for it. */
export interface Application {
  object: ApplicationObject;
  seed: ApplicationSeed;
  /** What was last applied, by namespace and name. */
  readonly live: Map<string, Manifest>;
  /** Progress of the running operation. */
  run: Run | undefined;
  /** Timer of the next step of its operation. */
  timer: Timer | undefined;
  /** Timer of the next comparison, after a push. */
  poll: Timer | undefined;
  /** First comparison, and the interval: 120 s plus up to 60 s. */
  readonly polledFrom: number;
  readonly pollEvery: number;
  /** Set by a test: its workload is paused. */
  suspended: boolean;
  gone: boolean;
  /** Jobs of hooks that were started, until the next sync replaces them. */
  readonly hookJobs: Map<string, ResourceStatus>;
  /** Kubernetes events about it, oldest first. */
  readonly events: AuditEvent[];
  /** Forced results of the next sync attempts. */
  readonly failures: { readonly phase: 'Failed' | 'Error'; readonly message: string }[];
}

export interface AuditEvent {
  readonly reason: 'ResourceUpdated' | 'OperationStarted' | 'OperationCompleted';
  readonly type: 'Normal' | 'Warning';
  readonly message: string;
  readonly component: 'argocd-application-controller' | 'argocd-server';
  readonly lastTimestamp: string;
}

/** The stages of one attempt, and the current one. */
export interface Run {
  stages: readonly Stage[] | undefined;
  at: number;
  /** Start of the current stage; for a hook, when its pod started to run. */
  since: number | undefined;
  manifests: readonly Manifest[];
}

export type Stage =
  | { readonly kind: 'hook'; readonly index: number }
  | { readonly kind: 'apply' }
  | { readonly kind: 'healthy' };

/** Requests a comparison; the controller removes it afterwards. */
export const REFRESH_ANNOTATION = 'argocd.argoproj.io/refresh';

export function qualifiedName(application: Application): string {
  return `${application.object.metadata.namespace}/${application.object.metadata.name}`;
}

export function isCompleted(phase: OperationPhase): boolean {
  return phase === 'Succeeded' || phase === 'Failed' || phase === 'Error';
}

/** Records a Kubernetes event of the controller at the time `at`. */
export function noteEvent(
  application: Application,
  event: Pick<AuditEvent, 'reason' | 'message'> & Partial<AuditEvent>,
  at: number,
): void {
  const { type = 'Normal', component = 'argocd-application-controller' } = event;
  application.events.push({ ...event, type, component, lastTimestamp: instant(at) });
}

/** RFC 3339 with whole seconds, as in Kubernetes objects. */
export function instant(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}
