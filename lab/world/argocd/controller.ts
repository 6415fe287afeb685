/**
 * The application controller: compares, syncs automatically if an application's policy says so, and runs
 * operations step by step in virtual time. It follows `controller/appcontroller.go` and `controller/sync.go` of Argo CD
 * 3.6 and gitops-engine's sync context; if it runs in the cluster, it pauses while its pods do not run.
 */
import { copyOf } from '../copy.ts';
import type { WorldContext } from '../interfaces.ts';
import { isEqual } from '../kubernetes/patch.ts';
import { type Application, instant, noteEvent, REFRESH_ANNOTATION } from './application.ts';
import { autoSync } from './auto-sync.ts';
import {
  type Comparison,
  compare,
  hasMultipleSources,
  keyOf,
  manifestsOf,
  resolveSources,
  unresolvable,
} from './compare.ts';
import type { ControllerOptions } from './controller-options.ts';
import { ArgocdError } from './errors.ts';
import { createOperations, REQUEUE_MS } from './operation.ts';
import { liveImages } from './resources.ts';
import { canSync } from './sync-windows.ts';
import type { ApplicationObject, Operation, ResourceStatus } from './types.ts';

export interface Controller {
  /** Updates an object to the current time: comparisons that were due, and health. */
  settle(application: Application): void;
  /** Compares now with the newest revision. No effect while the controller is paused. */
  refresh(application: Application): void;
  /** Compares a moment later, or as soon as the controller runs again. */
  requestRefresh(application: Application): void;
  /** Something was pushed to a source: the application is compared at its next poll. */
  expectChange(application: Application): void;
  /** Sets `operation`; throws `ArgocdError` 9 while there is one. */
  startOperation(application: Application, operation: Operation): void;
  /** Throws `ArgocdError` 3 if no operation is running. */
  terminate(application: Application): void;
  /** Schedules the next step of the operation. */
  wakeUp(application: Application, afterMs?: number): void;
}

/** Delay from a write to the controller's reaction. */
const REACTION_MS = 400;

export function createController(context: WorldContext, options: ControllerOptions): Controller {
  const { clock } = context;
  const { workloads } = options;

  const changed = (application: Application) => options.changed(application);

  const nextPoll = (application: Application, after: number) => {
    const rounds = Math.floor((after - application.polledFrom) / application.pollEvery) + 1;
    return application.polledFrom + rounds * application.pollEvery;
  };

  const reconcile = (application: Application, at: number) => {
    const { annotations } = application.object.metadata;
    if (annotations) delete annotations[REFRESH_ANNOTATION];
    const { object, seed, live } = application;
    const { spec, status } = object;
    const multi = hasMultipleSources(spec);
    const resolved = resolveSources(spec, options.revisionOf, undefined, at);
    const lost = resolved.findIndex(({ sha }) => sha === undefined);
    const revisions = resolved.map(({ revision, sha }) => sha ?? revision);
    const before = status.reconciledAt === undefined ? '' : status.sync.status;
    const found = compare(lost < 0 ? manifestsOf(seed, revisions, spec) : undefined, live, workloads);
    status.sync = {
      status: found.sync,
      comparedTo: {
        ...(multi
          ? { sources: copyOf(spec.sources ?? []), source: { repoURL: '' } }
          : { source: copyOf(spec.source ?? { repoURL: '' }) }),
        destination: spec.destination,
      },
      ...(multi ? { revisions } : { revision: revisions[0] ?? '' }),
    };
    noteSync(application, before, at);
    const isFirst = status.reconciledAt === undefined;
    status.reconciledAt = instant(at);
    setResources(application, found.resources);
    const images = summarized(application);
    status.summary = images.length > 0 ? { images } : {};
    setHealth(application, found, at, isFirst);
    setCondition(
      application,
      'ComparisonError',
      lost < 0 ? undefined : unresolvable(lost, resolved.length, resolved[lost]?.revision ?? ''),
      at,
    );
    const windows = options.windowsOf(spec.project) ?? [];
    if (canSync(windows, { name: object.metadata.name, destination: spec.destination }, at, false)) {
      const verdict = autoSync(object, revisions, at);
      setCondition(application, 'SyncError', verdict.do === 'give-up' ? verdict.message : undefined, at);
      if (verdict.do === 'start') controller.startOperation(application, verdict.operation);
      if (verdict.do === 'wait') refreshAt(application, verdict.until);
    }
    changed(application);
  };

  /** Of live pods; where no pod is played, of what was applied. */
  const summarized = (application: Application): string[] =>
    workloads.pods
      ? [...liveImages(application, workloads)]
      : [...new Set([...application.live.values()].map(({ image }) => image))].sort();

  const noteSync = (application: Application, before: string, at: number) => {
    const { status } = application.object.status.sync;
    if (status === before) return;
    const message = `Updated sync status: ${before} -> ${status}`;
    noteEvent(application, { reason: 'ResourceUpdated', message }, at);
  };

  const setResources = ({ object, hookJobs }: Application, found: ResourceStatus[]) => {
    const resources = [...found, ...[...hookJobs.values()].map((job) => ({ ...job }))];
    if (resources.length > 0) object.status.resources = resources;
    else delete object.status.resources;
  };

  const setHealth = (application: Application, found: Comparison, at: number, isFirst = false) => {
    const paused = application.suspended && found.health === 'Healthy';
    const status = paused ? 'Suspended' : found.health;
    const message = paused ? suspendedBy(application) : found.healthMessage;
    const before = application.object.status.health;
    if (before.status === status && before.message === message && !isFirst) return;
    application.object.status.health = {
      status,
      ...(message === undefined ? {} : { message }),
      lastTransitionTime: before.status === status ? (before.lastTransitionTime ?? instant(at)) : instant(at),
    };
    if (before.status === status && !isFirst) return;
    const from = isFirst ? '' : before.status;
    const why = message === undefined ? '' : ` (${message})`;
    noteEvent(
      application,
      { reason: 'ResourceUpdated', message: `Updated health status: ${from} -> ${status}${why}` },
      at,
    );
  };

  const setCondition = (application: Application, type: string, message: string | undefined, at: number) => {
    const { status } = application.object;
    const before = status.conditions?.find((condition) => condition.type === type);
    if (!before && message === undefined) return;
    const others = (status.conditions ?? []).filter((condition) => condition.type !== type);
    const mine =
      message === undefined
        ? []
        : [before?.message === message ? before : { type, message, lastTransitionTime: instant(at) }];
    const conditions = [...others, ...mine];
    if (conditions.length > 0) status.conditions = conditions;
    else delete status.conditions;
  };

  const refreshAt = (application: Application, at: number) => {
    application.poll?.cancel();
    application.poll = clock.at(at, () => {
      application.poll = undefined;
      if (application.gone) return;
      if (options.awake()) reconcile(application, clock.now());
      else refreshAt(application, clock.now() + REQUEUE_MS);
    });
  };

  const operations = createOperations(context, options, (application) =>
    refreshAt(application, clock.now() + REACTION_MS),
  );

  const controller: Controller = {
    settle(application) {
      if (application.gone || !options.awake()) return;
      const now = clock.now();
      const { status } = application.object;
      const due = nextPoll(application, now) - application.pollEvery;
      const last =
        status.reconciledAt === undefined ? Number.NEGATIVE_INFINITY : Date.parse(status.reconciledAt);
      if (due > last) {
        reconcile(application, due);
        return;
      }
      // The cluster is watched: health changes are seen at once, without a comparison with the repository.
      const found = compare(
        status.sync.status === 'Unknown'
          ? undefined
          : manifestsOf(application.seed, comparedRevisions(status.sync), application.object.spec),
        application.live,
        workloads,
      );
      const { health, resources, summary } = status;
      const images = summarized(application);
      status.summary = images.length > 0 ? { images } : {};
      const synced = status.sync.status;
      status.sync.status = found.sync;
      noteSync(application, synced, now);
      setResources(application, found.resources);
      setHealth(application, found, now);
      const isSame =
        found.sync === synced &&
        status.health === health &&
        isEqual(status.resources, resources) &&
        isEqual(status.summary, summary);
      if (!isSame) changed(application);
    },
    refresh(application) {
      if (application.gone || !options.awake()) return;
      reconcile(application, clock.now());
    },
    requestRefresh: (application) => refreshAt(application, clock.now() + REACTION_MS),
    expectChange(application) {
      if (!application.poll) refreshAt(application, nextPoll(application, clock.now()));
    },
    startOperation(application, operation) {
      if (application.object.operation) {
        throw new ArgocdError('failedPrecondition', 'another operation is already in progress');
      }
      application.object.operation = operation;
      delete application.object.status.operationState;
      changed(application);
      controller.wakeUp(application);
    },
    terminate(application) {
      const { operation, status } = application.object;
      if (!operation || !status.operationState) {
        throw new ArgocdError(
          'invalidArgument',
          'Unable to terminate operation. No operation is in progress',
        );
      }
      status.operationState.phase = 'Terminating';
      changed(application);
      controller.wakeUp(application);
    },
    wakeUp(application, afterMs = REACTION_MS) {
      application.timer?.cancel();
      application.timer = clock.after(afterMs, () => {
        application.timer = undefined;
        if (application.gone) return;
        const again = operations.step(application);
        if (again !== undefined && !application.timer) controller.wakeUp(application, again);
      });
    },
  };
  return controller;
}

/** All of its Deployments are paused. */
function suspendedBy({ live }: Application): string {
  return `Caused by ${[...live.values()].map((manifest) => `apps/Deployment:${keyOf(manifest)}`).join(', ')}`;
}

function comparedRevisions(sync: ApplicationObject['status']['sync']): string[] {
  return sync.revisions ?? [sync.revision ?? ''];
}
