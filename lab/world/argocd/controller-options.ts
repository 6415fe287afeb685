import type { Workloads } from '../interfaces.ts';
import type { Application } from './application.ts';
import type { RevisionOf, SyncWindow } from './types.ts';

export interface ControllerOptions {
  readonly workloads: Workloads;
  readonly revisionOf: RevisionOf;
  /** True while a new pod would be scheduled and run. */
  readonly runsPods: () => boolean;
  readonly awake: () => boolean;
  /** An operation is terminated after so long. Default: never. */
  readonly syncTimeoutMs?: number;
  readonly windowsOf: (project: string) => readonly SyncWindow[] | undefined;
  /** Called after every change of an object. */
  readonly changed: (application: Application) => void;
}
