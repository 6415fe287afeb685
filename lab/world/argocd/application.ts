import type { Timer } from '../clock.ts';
import type { Manifest } from './compare.ts';
import type { ApplicationObject, ApplicationSeed, OperationPhase, ResourceStatus } from './types.ts';

/** An application with what the controller knows of it beside its object. */
export interface Application {
  object: ApplicationObject;
  seed: ApplicationSeed;
  /** What was last applied, by namespace and name. */
  readonly live: Map<string, Manifest>;
  /** Where a running operation stands. */
  run: Run | undefined;
  /** When the controller looks at it again, for its operation. */
  timer: Timer | undefined;
  /** When it is compared again because something was pushed. */
  poll: Timer | undefined;
  /** The first comparison and the time between two: 120 s and up to 60 s more. */
  readonly polledFrom: number;
  readonly pollEvery: number;
  /** Set by a person or a test: its workload is paused. */
  suspended: boolean;
  gone: boolean;
  /** Jobs of hooks that were started, until the next sync replaces them. */
  readonly hookJobs: Map<string, ResourceStatus>;
  /** Kubernetes events about it, oldest first. */
  readonly events: AuditEvent[];
  /** What the next attempts of a sync come to, instead of what they would. */
  readonly failures: { readonly phase: 'Failed' | 'Error'; readonly message: string }[];
}

export interface AuditEvent {
  readonly reason: 'ResourceUpdated' | 'OperationStarted' | 'OperationCompleted';
  readonly type: 'Normal' | 'Warning';
  readonly message: string;
  readonly component: 'argocd-application-controller' | 'argocd-server';
  readonly lastTimestamp: string;
}

/** The stages of one attempt, and where it is. */
export interface Run {
  stages: readonly Stage[] | undefined;
  at: number;
  /** When the present stage began to count: for a hook, when its pod began to run. */
  since: number | undefined;
  manifests: readonly Manifest[];
}

export type Stage =
  | { readonly kind: 'hook'; readonly index: number }
  | { readonly kind: 'apply' }
  | { readonly kind: 'healthy' };

/** Asks for a comparison; the controller removes it when it has made one. */
export const REFRESH_ANNOTATION = 'argocd.argoproj.io/refresh';

export function qualifiedName(application: Application): string {
  return `${application.object.metadata.namespace}/${application.object.metadata.name}`;
}

export function isCompleted(phase: OperationPhase): boolean {
  return phase === 'Succeeded' || phase === 'Failed' || phase === 'Error';
}

/** An event of the controller, `at` an instant. */
export function noteEvent(
  application: Application,
  event: Pick<AuditEvent, 'reason' | 'message'> & Partial<AuditEvent>,
  at: number,
): void {
  const { type = 'Normal', component = 'argocd-application-controller' } = event;
  application.events.push({ ...event, type, component, lastTimestamp: instant(at) });
}

/** RFC 3339 with whole seconds, as all times of Kubernetes objects. */
export function instant(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}
