/**
 * The application controller: it compares, syncs by itself where an application asks for it, and carries out
 * operations step by step in virtual time. It follows `controller/appcontroller.go` and `controller/sync.go` of Argo CD
 * 3.6 and gitops-engine's sync context; where it runs in the cluster, it stands still while its pods do.
 */
import type { Workloads, WorldContext } from '../seams.ts';
import {
  type Application,
  instant,
  isCompleted,
  REFRESH_ANNOTATION,
  type Run,
  type Stage,
} from './application.ts';
import { compare, hasMultipleSources, keyOf, manifestsOf, sourcesOf } from './compare.ts';
import { canSync, milliseconds } from './sync-windows.ts';
import type { ApplicationObject, Operation, OperationState, ResourceResult, SyncWindow } from './types.ts';

export interface ControllerOptions {
  readonly workloads: Workloads;
  readonly revisionOf: (repository: string, revision: string, at?: number) => string | undefined;
  /** True while a new pod would be scheduled and run. */
  readonly runsPods: () => boolean;
  readonly awake: () => boolean;
  readonly windowsOf: (project: string) => readonly SyncWindow[] | undefined;
  /** Called after every change of an object. */
  readonly changed: (application: Application) => void;
  readonly namespace: string;
}

export interface Controller {
  /** Brings an object up to the present: comparisons that were due, and the health of what runs. */
  settle(application: Application): void;
  /** Compares now with the newest revision. Nothing happens while the controller stands still. */
  refresh(application: Application): void;
  /** Compares a moment later, or as soon as the controller runs again. */
  requestRefresh(application: Application): void;
  /** Something was pushed to a source: the application is compared at its next poll. */
  expectChange(application: Application): void;
  /** Sets `operation` as API server and controller do. The caller has checked that none is in progress. */
  setOperation(application: Application, operation: Operation): void;
  /** Has a look at the operation soon. */
  wakeUp(application: Application, afterMs?: number): void;
}

/** From a write to the controller's reaction. */
const REACTION_MS = 400;
/** `appOperationMaxRequeueInterval`, also how often a controller without pods is asked for again. */
const REQUEUE_MS = 30_000;
/** Default self-heal backoff: 2 s, times 3, at most 5 minutes. */
const SELF_HEAL = { firstMs: 2_000, factor: 3, maxMs: 300_000 };

export function createController(context: WorldContext, options: ControllerOptions): Controller {
  const { clock } = context;
  const { workloads } = options;

  const changed = (application: Application) => options.changed(application);

  const resolve = (spec: ApplicationObject['spec'], revisions: readonly string[] | undefined, at: number) =>
    sourcesOf(spec).map((source, index) => {
      const revision = revisions?.[index] || source.targetRevision || 'HEAD';
      return { revision, sha: options.revisionOf(source.repoURL, revision, at) };
    });

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
    const resolved = resolve(spec, undefined, at);
    const lost = resolved.findIndex(({ sha }) => sha === undefined);
    const revisions = resolved.map(({ revision, sha }) => sha ?? revision);
    const found = compare(lost < 0 ? manifestsOf(seed, revisions) : undefined, live, workloads);
    status.sync = {
      status: found.sync,
      comparedTo: {
        ...(multi
          ? { sources: structuredClone(spec.sources ?? []) }
          : { source: structuredClone(spec.source ?? { repoURL: '' }) }),
        destination: spec.destination,
      },
      ...(multi ? { revisions } : { revision: revisions[0] ?? '' }),
    };
    status.reconciledAt = instant(at);
    status.resources = found.resources;
    status.summary = { images: [...new Set([...live.values()].map(({ image }) => image))].sort() };
    setHealth(application, found.health, at);
    setCondition(
      application,
      'ComparisonError',
      lost < 0 ? undefined : unresolvable(lost, resolved.length, resolved[lost]?.revision ?? ''),
      at,
    );
    const windows = options.windowsOf(spec.project) ?? [];
    if (canSync(windows, { name: object.metadata.name, destination: spec.destination }, at, false)) {
      setCondition(application, 'SyncError', autoSync(application, revisions, at), at);
    }
    changed(application);
  };

  /** Starts an automated sync where one is due. Returns what is wrong where it will not be tried again. */
  const autoSync = (application: Application, revisions: string[], at: number): string | undefined => {
    const { object } = application;
    const { spec, status } = object;
    const automated = spec.syncPolicy?.automated;
    if (!automated || automated.enabled === false) return undefined;
    if (object.operation || object.metadata.deletionTimestamp || status.sync.status !== 'OutOfSync')
      return undefined;
    const outOfSync = (status.resources ?? []).filter((resource) => resource.status !== 'Synced');
    if (!automated.prune && outOfSync.every((resource) => resource.requiresPruning)) return undefined;

    const multi = hasMultipleSources(spec);
    const sync: NonNullable<Operation['sync']> = {
      ...(multi
        ? { revisions, sources: structuredClone(spec.sources ?? []) }
        : { revision: revisions[0] ?? '', ...(spec.source ? { source: structuredClone(spec.source) } : {}) }),
      ...(automated.prune ? { prune: true } : {}),
      ...(spec.syncPolicy?.syncOptions ? { syncOptions: spec.syncPolicy.syncOptions } : {}),
    };
    const last = status.operationState;
    if (last && attempted(last, spec, revisions)) {
      const tried = last.syncResult?.revisions ?? (last.syncResult ? [last.syncResult.revision] : []);
      if (last.phase !== 'Succeeded')
        return `Failed last sync attempt to [${tried.join(' ')}]: ${last.message}`;
      if (!automated.selfHeal) return undefined;
      const attempts = last.operation.sync?.autoHealAttemptsCount ?? 0;
      const backoff =
        attempts === 0
          ? 0
          : Math.min(SELF_HEAL.maxMs, SELF_HEAL.firstMs * SELF_HEAL.factor ** (attempts - 1));
      const ready = Date.parse(last.finishedAt ?? instant(at)) + backoff;
      if (ready > at) {
        refreshAt(application, ready);
        return undefined;
      }
      sync.autoHealAttemptsCount = attempts + 1;
      sync.resources = outOfSync.map(({ group, kind, name }) => ({ group, kind, name }));
    }
    controller.setOperation(application, {
      sync,
      initiatedBy: { automated: true },
      retry: spec.syncPolicy?.retry ?? { limit: 5 },
    });
    return undefined;
  };

  const setHealth = (
    application: Application,
    health: ApplicationObject['status']['health']['status'],
    at: number,
  ) => {
    const status = application.suspended && health === 'Healthy' ? 'Suspended' : health;
    if (application.object.status.health.status === status) return;
    application.object.status.health = { status, lastTransitionTime: instant(at) };
  };

  const setCondition = (application: Application, type: string, message: string | undefined, at: number) => {
    const { status } = application.object;
    const before = status.conditions?.find((condition) => condition.type === type);
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

  const finish = (application: Application, phase: 'Succeeded' | 'Failed' | 'Error', message: string) => {
    const { object } = application;
    const state = object.status.operationState;
    if (!state) return;
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
      controller.wakeUp(application, next - now);
      return;
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
    changed(application);
    if (state.operation.sync?.dryRun) return;
    const revision = state.syncResult?.revisions?.[0] ?? state.syncResult?.revision ?? '';
    context.signals.emit('note', {
      text: `argocd: sync of ${object.metadata.name} to ${revision.slice(0, 7)} ${phase.toLowerCase()}`,
    });
    refreshAt(application, now + REACTION_MS);
  };

  /** One step of the operation. Returns the milliseconds until the next, or undefined when there is none. */
  const step = (application: Application): number | undefined => {
    const { object } = application;
    if (!options.awake()) return REQUEUE_MS;
    if (!object.operation) return undefined;
    const now = clock.now();
    let state = object.status.operationState;
    if (!state || isCompleted(state.phase)) {
      state = { operation: structuredClone(object.operation), phase: 'Running', startedAt: instant(now) };
      object.status.operationState = state;
      application.run = undefined;
    }
    if (state.phase === 'Terminating') {
      finish(application, 'Failed', 'Operation terminated');
      return undefined;
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
      finish(
        application,
        'Error',
        `Failed to load application project: appproject.argoproj.io "${object.spec.project}" not found`,
      );
      return undefined;
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

  const attempt = (application: Application, state: OperationState, run: Run): number | undefined => {
    const { object, seed } = application;
    const now = clock.now();
    const { sync } = state.operation;
    if (!sync) {
      finish(application, 'Error', 'Invalid operation request: no operation specified');
      return undefined;
    }
    if (!run.stages) {
      const multi = (sync.sources?.length ?? 0) > 0 || (!sync.source && hasMultipleSources(object.spec));
      const given = multi ? sync.revisions : sync.revision ? [sync.revision] : undefined;
      const resolved = resolve(object.spec, given, now);
      const revisions = resolved.map(({ sha, revision }) => sha ?? revision);
      state.syncResult = {
        ...(multi
          ? {
              revision: '',
              revisions,
              sources: structuredClone(sync.sources ?? object.spec.sources ?? []),
              source: { repoURL: '' },
            }
          : {
              revision: revisions[0] ?? '',
              source: structuredClone(sync.source ?? object.spec.source ?? { repoURL: '' }),
            }),
      };
      const lost = resolved.findIndex(({ sha }) => sha === undefined);
      if (lost >= 0) {
        const message = unresolvable(lost, resolved.length, resolved[lost]?.revision ?? '');
        finish(application, 'Error', `ComparisonError: ${message}`);
        return undefined;
      }
      const failure = application.failures.shift();
      if (failure) {
        finish(application, failure.phase, failure.message);
        return undefined;
      }
      run.manifests = manifestsOf(seed, revisions).filter(
        (manifest) =>
          !sync.resources?.length ||
          sync.resources.some(
            (resource) => resource.kind === 'Deployment' && resource.name === manifest.name,
          ),
      );
      run.stages = stagesOf(application, sync.dryRun === true, (sync.resources?.length ?? 0) > 0);
    }
    const stage = run.stages[run.at];
    if (!stage) {
      const last = run.stages.at(-1);
      finish(
        application,
        'Succeeded',
        last && last.kind !== 'apply'
          ? 'successfully synced (no more tasks)'
          : 'successfully synced (all tasks run)',
      );
      return undefined;
    }
    const result = perform(application, state, run, stage, now);
    if ('failed' in result) {
      finish(application, 'Failed', result.failed);
      return undefined;
    }
    if ('wait' in result) return wait(application, state, result.message, result.wait);
    run.at += 1;
    run.since = undefined;
    return attempt(application, state, run);
  };

  const perform = (
    application: Application,
    state: OperationState,
    run: Run,
    stage: Stage,
    now: number,
  ): { done: true } | { wait: number; message: string } | { failed: string } => {
    const { seed } = application;
    switch (stage.kind) {
      case 'hook': {
        const hook = seed.hooks?.[stage.index];
        if (!hook) return { done: true };
        const message = `waiting for completion of hook batch/Job/${hook.name}`;
        setResult(state, {
          group: 'batch',
          version: 'v1',
          kind: 'Job',
          namespace: hook.namespace,
          name: hook.name,
          hookType: hook.phase,
          hookPhase: 'Running',
          syncPhase: hook.phase,
        });
        if (!options.runsPods()) {
          run.since = undefined;
          return { wait: REQUEUE_MS, message };
        }
        run.since ??= now;
        const left = run.since + hook.seconds * 1000 - now;
        if (left > 0) return { wait: Math.min(left, REQUEUE_MS), message };
        const failed = hook.outcome === 'fails';
        setResult(state, {
          group: 'batch',
          version: 'v1',
          kind: 'Job',
          namespace: hook.namespace,
          name: hook.name,
          hookType: hook.phase,
          hookPhase: failed ? 'Failed' : 'Succeeded',
          syncPhase: hook.phase,
          message: failed
            ? 'Job has reached the specified backoff limit'
            : 'Reached expected number of succeeded pods',
        });
        return failed
          ? { failed: 'one or more synchronization tasks completed unsuccessfully' }
          : { done: true };
      }
      case 'apply': {
        run.since ??= now;
        const left = run.since + (seed.syncSeconds ?? 3) * 1000 - now;
        if (left > 0) return { wait: left, message: 'one or more tasks are running' };
        const { admission } = seed;
        if (admission && !workloads.available(admission.namespace, admission.deployment)) {
          const why = `Internal error occurred: failed calling webhook "${admission.deployment}.${admission.namespace}.svc": failed to call webhook: Post "https://${admission.deployment}.${admission.namespace}.svc:443/?timeout=10s": no endpoints available for service "${admission.deployment}"`;
          for (const manifest of run.manifests) setResult(state, resultOf(manifest, 'SyncFailed', why));
          return { failed: `one or more objects failed to apply, reason: ${why}` };
        }
        applyAll(application, state, run);
        return { done: true };
      }
      case 'healthy': {
        for (const manifest of run.manifests) {
          const health = workloads.health(manifest.namespace, manifest.name);
          if (health === 'Degraded')
            return { failed: 'one or more synchronization tasks completed unsuccessfully' };
          if (health !== 'Healthy') {
            return { wait: 2_000, message: `waiting for healthy state of apps/Deployment/${manifest.name}` };
          }
        }
        return { done: true };
      }
    }
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
      if (prune) application.live.delete(key);
    }
  };

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
      // What runs is watched: its health is seen at once, without a comparison with the repository.
      const found = compare(
        status.sync.status === 'Unknown'
          ? undefined
          : manifestsOf(application.seed, comparedRevisions(status.sync)),
        application.live,
        workloads,
      );
      const before = JSON.stringify([status.sync.status, status.health, status.resources]);
      status.sync.status = found.sync;
      status.resources = found.resources;
      setHealth(application, found.health, now);
      if (JSON.stringify([status.sync.status, status.health, status.resources]) !== before)
        changed(application);
    },
    refresh(application) {
      if (application.gone || !options.awake()) return;
      reconcile(application, clock.now());
    },
    requestRefresh: (application) => refreshAt(application, clock.now() + REACTION_MS),
    expectChange(application) {
      if (!application.poll) refreshAt(application, nextPoll(application, clock.now()));
    },
    setOperation(application, operation) {
      application.object.operation = operation;
      delete application.object.status.operationState;
      changed(application);
      controller.wakeUp(application);
    },
    wakeUp(application, afterMs = REACTION_MS) {
      application.timer?.cancel();
      application.timer = clock.after(afterMs, () => {
        application.timer = undefined;
        if (application.gone) return;
        const again = step(application);
        if (again !== undefined && !application.timer) controller.wakeUp(application, again);
      });
    },
  };
  return controller;
}

function comparedRevisions(sync: ApplicationObject['status']['sync']): string[] {
  return sync.revisions ?? [sync.revision ?? ''];
}

function stagesOf(application: Application, dryRun: boolean, partial: boolean): Stage[] {
  if (dryRun) return [];
  // A sync of single resources skips the hooks.
  const hooks = partial ? [] : (application.seed.hooks ?? []).map((hook, index) => ({ ...hook, index }));
  const ofPhase = (phase: 'PreSync' | 'PostSync'): Stage[] =>
    hooks.filter((hook) => hook.phase === phase).map(({ index }) => ({ kind: 'hook', index }));
  const after = ofPhase('PostSync');
  // Health is only waited for where something comes after it: the last wave of a sync ends with the apply.
  return [
    ...ofPhase('PreSync'),
    { kind: 'apply' },
    ...(after.length > 0 ? [{ kind: 'healthy' } as const] : []),
    ...after,
  ];
}

/** The last sync was to these revisions of these sources. */
function attempted(
  last: OperationState,
  spec: ApplicationObject['spec'],
  revisions: readonly string[],
): boolean {
  if (!last.syncResult) return isCompleted(last.phase);
  const { syncResult } = last;
  if (hasMultipleSources(spec)) {
    return equal(syncResult.revisions, revisions) && equal(syncResult.sources, spec.sources);
  }
  return syncResult.revision === revisions[0] && equal(syncResult.source, spec.source);
}

function equal(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** 5 s, doubled with each attempt, at most 3 minutes, unless the strategy says otherwise. */
function retryDelay(retry: NonNullable<Operation['retry']>, retries: number): number {
  const first = milliseconds(retry.backoff?.duration ?? '5s');
  const most = milliseconds(retry.backoff?.maxDuration ?? '3m');
  return Math.min(most, first * (retry.backoff?.factor ?? 2) ** retries);
}

function unresolvable(index: number, of: number, revision: string): string {
  return `Failed to load target state: failed to generate manifest for source ${index + 1} of ${of}: rpc error: code = Unknown desc = unable to resolve '${revision}' to a commit SHA`;
}

function resultOf(
  manifest: { readonly namespace: string; readonly name: string },
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
  };
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
        ? { revisions, ...(sources ? { sources } : {}) }
        : { revision, ...(source ? { source } : {}) }),
      deployStartedAt: state.startedAt,
      deployedAt: instant(now),
      initiatedBy: automated ? { automated: true } : { ...state.operation.initiatedBy },
    },
  ].slice(-10);
}
