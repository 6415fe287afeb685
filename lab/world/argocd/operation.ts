/**
 * An operation, attempt by attempt and stage by stage: hooks, apply, health, hooks. It follows Argo CD's
 * `processRequestedAppOperation` and gitops-engine's sync context; each step is one pass of the controller.
 */
import { copyOf } from '../copy.ts';
import type { WorldContext } from '../interfaces.ts';
import { type Application, instant, isCompleted, noteEvent, type Run, type Stage } from './application.ts';
import { hasMultipleSources, keyOf, manifestsOf, resolveSources, unresolvable } from './compare.ts';
import type { ControllerOptions } from './controller-options.ts';
import { canSync, milliseconds } from './sync-windows.ts';
import type {
  HealthCode,
  HookTemplate,
  Operation,
  OperationPhase,
  OperationState,
  ResourceResult,
} from './types.ts';

/** `appOperationMaxRequeueInterval`: the longest time between two passes. */
export const REQUEUE_MS = 30_000;

/** Delay until a change of a Deployment's health is observed. */
const HEALTH_MS = 2_000;

type Outcome =
  | { readonly done: true }
  | { readonly wait: number; readonly message: string }
  | { readonly failed: string };

export interface Operations {
  /** One step of the operation. Returns the milliseconds until the next one, undefined if none is needed. */
  step(application: Application): number | undefined;
}

export function createOperations(
  context: WorldContext,
  options: ControllerOptions,
  /** Called after an operation that may have changed something. */
  ended: (application: Application) => void,
): Operations {
  const { clock } = context;
  const { workloads, changed } = options;

  const finish = (
    application: Application,
    phase: 'Succeeded' | 'Failed' | 'Error',
    message: string,
  ): number | undefined => {
    const { object } = application;
    const state = object.status.operationState;
    if (!state) return undefined;
    const now = clock.now();
    const retry = state.operation.retry ?? {};
    const retries = state.retryCount ?? 0;
    const limit = retry.limit ?? 0;
    if (phase !== 'Succeeded' && state.phase !== 'Terminating' && (retries < limit || limit < 0)) {
      const next = now + retryDelay(retry, retries);
      state.phase = 'Running';
      state.finishedAt = instant(now);
      state.retryCount = retries + 1;
      state.message = `${message}. Retrying attempt #${retries + 1} at ${instant(next)}.`;
      changed(application);
      return next - now;
    }
    const automated = state.operation.initiatedBy?.automated === true;
    state.phase = phase;
    state.finishedAt = instant(now);
    state.message = phase !== 'Succeeded' && retries > 0 ? `${message} (retried ${retries} times).` : message;
    application.run = undefined;
    delete object.operation;
    if (phase === 'Succeeded' && !state.operation.sync?.dryRun && !state.operation.sync?.resources?.length) {
      record(application, state, now, automated);
    }
    noteEnd(application, state, now);
    changed(application);
    if (state.operation.sync?.dryRun) return undefined;
    const revision = state.syncResult?.revisions?.[0] ?? state.syncResult?.revision ?? '';
    context.signals.emit('note', {
      text: `argocd: sync of ${object.metadata.name} to ${revision.slice(0, 7)} ${phase.toLowerCase()}`,
    });
    ended(application);
    return undefined;
  };

  /** The controller's `--sync-timeout`: counted from the start of the operation, with its retries. */
  const remainingMs = ({ object }: Application): number => {
    const startedAt = object.status.operationState?.startedAt;
    if (!options.syncTimeoutMs || startedAt === undefined) return Number.POSITIVE_INFINITY;
    return Date.parse(startedAt) + options.syncTimeoutMs - clock.now();
  };

  const step = (application: Application): number | undefined => {
    const { operation, status } = application.object;
    const state = status.operationState;
    if (options.awake() && operation && state && !isCompleted(state.phase) && remainingMs(application) <= 0) {
      state.phase = 'Terminating';
      return finish(application, 'Failed', 'Operation terminated, triggered by controller sync timeout');
    }
    const again = proceed(application);
    return again === undefined ? undefined : Math.min(again, Math.max(0, remainingMs(application)));
  };

  const proceed = (application: Application): number | undefined => {
    const { object } = application;
    if (!options.awake()) return REQUEUE_MS;
    if (!object.operation) return undefined;
    const now = clock.now();
    let state = object.status.operationState;
    if (!state || isCompleted(state.phase)) {
      state = { operation: copyOf(object.operation), phase: 'Running', startedAt: instant(now) };
      object.status.operationState = state;
      application.run = undefined;
    }
    if (state.phase === 'Terminating') {
      return finish(application, 'Failed', 'Operation terminated');
    }
    if (state.finishedAt !== undefined) {
      // The message counted the wait from the attempts before this one, the wait itself counts this one too (3.6).
      const due =
        Date.parse(state.finishedAt) + retryDelay(state.operation.retry ?? {}, state.retryCount ?? 0);
      if (now < due) return due - now;
      if (state.operation.retry?.refresh && state.operation.sync) {
        delete state.operation.sync.revision;
        delete state.operation.sync.revisions;
      }
      state.message = `Retrying operation${state.operation.retry?.refresh ? ' with latest revisions' : ''}. Attempt #${state.retryCount}`;
      delete state.finishedAt;
      delete state.syncResult;
      application.run = undefined;
    }
    const manual = state.operation.initiatedBy?.automated !== true;
    const windows = options.windowsOf(object.spec.project);
    if (!windows) {
      return finish(
        application,
        'Error',
        `Failed to load application project: appproject.argoproj.io "${object.spec.project}" not found`,
      );
    }
    if (
      !canSync(windows, { name: object.metadata.name, destination: object.spec.destination }, now, manual)
    ) {
      return wait(application, state, 'Sync operation blocked by sync window', REQUEUE_MS);
    }
    application.run ??= { stages: undefined, at: 0, since: undefined, manifests: [] };
    return attempt(application, state, application.run);
  };

  const wait = (application: Application, state: OperationState, message: string, ms: number): number => {
    state.message = message;
    changed(application);
    return ms;
  };

  /** Resolves the revisions and the tasks of an attempt, or returns why it cannot start. */
  const begin = (
    application: Application,
    state: OperationState,
    sync: NonNullable<Operation['sync']>,
    run: Run,
  ): { readonly phase: 'Failed' | 'Error'; readonly message: string } | undefined => {
    const { object, seed } = application;
    const now = clock.now();
    const multi = (sync.sources?.length ?? 0) > 0 || (!sync.source && hasMultipleSources(object.spec));
    const given = multi ? sync.revisions : sync.revision ? [sync.revision] : undefined;
    const resolved = resolveSources(object.spec, options.revisionOf, given, now);
    const revisions = resolved.map(({ sha, revision }) => sha ?? revision);
    state.syncResult = {
      ...(multi
        ? {
            revision: '',
            revisions,
            sources: copyOf(sync.sources ?? object.spec.sources ?? []),
            source: { repoURL: '' },
          }
        : {
            revision: revisions[0] ?? '',
            source: copyOf(sync.source ?? object.spec.source ?? { repoURL: '' }),
          }),
    };
    const lost = resolved.findIndex(({ sha }) => sha === undefined);
    if (lost >= 0) {
      const message = unresolvable(lost, resolved.length, resolved[lost]?.revision ?? '');
      return { phase: 'Error', message: `ComparisonError: ${message}` };
    }
    const failure = application.failures.shift();
    if (failure) return failure;
    run.manifests = manifestsOf(seed, revisions, object.spec).filter(
      (manifest) =>
        !sync.resources?.length ||
        sync.resources.some((resource) => resource.kind === 'Deployment' && resource.name === manifest.name),
    );
    run.stages = stagesOf(application, sync.dryRun === true, (sync.resources?.length ?? 0) > 0);
    return undefined;
  };

  const attempt = (application: Application, state: OperationState, run: Run): number | undefined => {
    const { sync } = state.operation;
    if (!sync) {
      return finish(application, 'Error', 'Invalid operation request: no operation specified');
    }
    if (!run.stages) {
      const refused = begin(application, state, sync, run);
      if (refused) return finish(application, refused.phase, refused.message);
    }
    const stages = run.stages ?? [];
    const stage = stages[run.at];
    if (!stage) {
      const last = stages.at(-1);
      return finish(
        application,
        'Succeeded',
        last && last.kind !== 'apply'
          ? 'successfully synced (no more tasks)'
          : 'successfully synced (all tasks run)',
      );
    }
    const result = perform(application, state, run, stage);
    if ('failed' in result) {
      return finish(application, 'Failed', result.failed);
    }
    if ('wait' in result) return wait(application, state, result.message, result.wait);
    run.at += 1;
    run.since = undefined;
    return attempt(application, state, run);
  };

  const perform = (application: Application, state: OperationState, run: Run, stage: Stage): Outcome => {
    switch (stage.kind) {
      case 'hook':
        return runHook(application, state, run, stage.index);
      case 'apply':
        return apply(application, state, run);
      case 'healthy':
        return awaitHealth(run);
    }
  };

  /** A Job needs a node until it ends: if the node is lost, the Job restarts. */
  const runHook = (application: Application, state: OperationState, run: Run, index: number): Outcome => {
    const hook = application.seed.hooks?.[index];
    if (!hook) return { done: true };
    const message = `waiting for completion of hook batch/Job/${hook.name}`;
    setResult(state, resultOfHook(hook, 'Running', `job.batch/${hook.name} created`));
    setHookJob(application, hook, 'Progressing');
    if (!options.runsPods()) {
      run.since = undefined;
      return { wait: REQUEUE_MS, message };
    }
    const now = clock.now();
    run.since ??= now;
    const left = run.since + hook.seconds * 1000 - now;
    if (left > 0) return { wait: Math.min(left, REQUEUE_MS), message };
    if (hook.outcome === 'fails') {
      setResult(state, resultOfHook(hook, 'Failed', 'Job has reached the specified backoff limit'));
      setHookJob(application, hook, 'Degraded', 'Job has reached the specified backoff limit');
      return { failed: 'one or more synchronization tasks completed unsuccessfully' };
    }
    setResult(state, resultOfHook(hook, 'Succeeded', 'Reached expected number of succeeded pods'));
    setHookJob(application, hook, 'Healthy');
    return { done: true };
  };

  const apply = (application: Application, state: OperationState, run: Run): Outcome => {
    const { admission, syncSeconds = 3 } = application.seed;
    const now = clock.now();
    run.since ??= now;
    const left = run.since + syncSeconds * 1000 - now;
    if (left > 0) return { wait: left, message: 'one or more tasks are running' };
    if (admission && !workloads.available(admission.namespace, admission.deployment)) {
      const host = `${admission.deployment}.${admission.namespace}.svc`;
      const why = `Internal error occurred: failed calling webhook "${host}": failed to call webhook: Post "https://${host}:443/?timeout=10s": no endpoints available for service "${admission.deployment}"`;
      for (const manifest of run.manifests) setResult(state, resultOf(manifest, 'SyncFailed', why));
      return { failed: `one or more objects failed to apply, reason: ${why}` };
    }
    applyAll(application, state, run);
    return { done: true };
  };

  const awaitHealth = (run: Run): Outcome => {
    for (const { namespace, name } of run.manifests) {
      const health = workloads.health(namespace, name);
      if (health === 'Degraded') {
        return { failed: 'one or more synchronization tasks completed unsuccessfully' };
      }
      if (health !== 'Healthy') {
        return { wait: HEALTH_MS, message: `waiting for healthy state of apps/Deployment/${name}` };
      }
    }
    return { done: true };
  };

  const applyAll = (application: Application, state: OperationState, run: Run) => {
    const prune = state.operation.sync?.prune === true;
    for (const manifest of run.manifests) {
      const before = application.live.get(keyOf(manifest));
      const unchanged = before !== undefined && JSON.stringify(before) === JSON.stringify(manifest);
      workloads.apply(manifest);
      application.live.set(keyOf(manifest), manifest);
      setResult(
        state,
        resultOf(
          manifest,
          'Synced',
          `deployment.apps/${manifest.name} ${before ? (unchanged ? 'unchanged' : 'configured') : 'created'}`,
        ),
      );
    }
    if (state.operation.sync?.resources?.length) return;
    for (const [key, manifest] of application.live) {
      if (run.manifests.some((other) => keyOf(other) === key)) continue;
      setResult(
        state,
        resultOf(
          manifest,
          prune ? 'Pruned' : 'PruneSkipped',
          prune ? 'pruned' : 'ignored (requires pruning)',
        ),
      );
      if (!prune) continue;
      application.live.delete(key);
      workloads.remove?.(manifest.namespace, manifest.name);
    }
  };

  return { step };
}

function stagesOf(application: Application, dryRun: boolean, partial: boolean): Stage[] {
  if (dryRun) return [];
  // A sync of single resources skips the hooks.
  const hooks = partial ? [] : (application.seed.hooks ?? []).map((hook, index) => ({ ...hook, index }));
  const ofPhase = (phase: 'PreSync' | 'PostSync'): Stage[] =>
    hooks.filter((hook) => hook.phase === phase).map(({ index }) => ({ kind: 'hook', index }));
  const after = ofPhase('PostSync');
  // Health is only awaited before a further stage: the last wave of a sync ends with the apply.
  return [
    ...ofPhase('PreSync'),
    { kind: 'apply' },
    ...(after.length > 0 ? [{ kind: 'healthy' } as const] : []),
    ...after,
  ];
}

/** Default: 5 s, doubled with each attempt, at most 3 minutes. */
function retryDelay(retry: NonNullable<Operation['retry']>, retries: number): number {
  const first = milliseconds(retry.backoff?.duration ?? '5s');
  const most = milliseconds(retry.backoff?.maxDuration ?? '3m');
  return Math.min(most, first * (retry.backoff?.factor ?? 2) ** retries);
}

function resultOf(
  manifest: { readonly namespace: string; readonly name: string; readonly image: string },
  status: NonNullable<ResourceResult['status']>,
  message: string,
): ResourceResult {
  return {
    group: 'apps',
    version: 'v1',
    kind: 'Deployment',
    namespace: manifest.namespace,
    name: manifest.name,
    status,
    message,
    hookPhase: status === 'SyncFailed' ? 'Failed' : 'Running',
    syncPhase: 'Sync',
    images: [manifest.image],
  };
}

function resultOfHook(hook: HookTemplate, phase: OperationPhase, message: string): ResourceResult {
  return {
    group: 'batch',
    version: 'v1',
    kind: 'Job',
    namespace: hook.namespace,
    name: hook.name,
    status: 'Synced',
    message,
    hookType: hook.phase,
    hookPhase: phase,
    syncPhase: hook.phase,
  };
}

/** The Job stays until the next sync recreates it. */
function setHookJob(
  { hookJobs }: Application,
  { namespace, name }: HookTemplate,
  status: HealthCode,
  message?: string,
): void {
  hookJobs.set(`${namespace}/${name}`, {
    group: 'batch',
    version: 'v1',
    kind: 'Job',
    namespace,
    name,
    health: { status, ...(message === undefined ? {} : { message }) },
    hook: true,
    requiresPruning: true,
  });
}

function noteEnd(application: Application, state: OperationState, now: number): void {
  const { revisions, revision } = state.syncResult ?? {};
  const partial = state.operation.sync?.resources?.length ? 'Partial sync operation' : 'Sync operation';
  const to = `${partial} to ${revisions?.join(', ') ?? revision ?? ''}`;
  const succeeded = state.phase === 'Succeeded';
  noteEvent(
    application,
    {
      reason: 'OperationCompleted',
      type: succeeded ? 'Normal' : 'Warning',
      message: succeeded ? `${to} succeeded` : `${to} failed: ${state.message ?? ''}`,
    },
    now,
  );
}

function setResult(state: OperationState, result: ResourceResult): void {
  if (!state.syncResult) return;
  const others = (state.syncResult.resources ?? []).filter(
    (other) =>
      !(other.kind === result.kind && other.name === result.name && other.namespace === result.namespace),
  );
  state.syncResult.resources = [...others, result];
}

function record(application: Application, state: OperationState, now: number, automated: boolean): void {
  const { status } = application.object;
  const id = (status.history?.at(-1)?.id ?? -1) + 1;
  const { revision, revisions, source, sources } = state.syncResult ?? { revision: '' };
  status.history = [
    ...(status.history ?? []),
    {
      id,
      ...(revisions
        ? { revisions, source: { repoURL: '' }, ...(sources ? { sources } : {}) }
        : { revision, ...(source ? { source } : {}) }),
      deployStartedAt: state.startedAt,
      deployedAt: instant(now),
      initiatedBy: automated ? { automated: true } : { ...state.operation.initiatedBy },
    },
  ].slice(-10);
}
