/**
 * The custom resource of the stack, whose function is night-schedule itself. CloudFormation deletes it after the
 * schedules and before the permissions: then the night is given back. An update that would forget what is saved is refused.
 */
import { createDecisionRecorder, type DecisionRecorder } from '#functions/shared/decision-recorder.ts';
import { messageOf, NightshiftError } from '#functions/shared/errors.ts';
import type { DecisionTrail } from '#functions/shared/observability.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import { MINUTE_MS } from '#model/duration.ts';
import type { NightScheduleSettings } from '#model/settings.ts';
import type { CustomResourceRequest } from './custom-resource-request.ts';
import { type NightScheduleDeps, overOf } from './pass.ts';
import type { Memory, Store } from './ports.ts';
import type { Notes } from './records.ts';
import { type RestorePorts, type RestoreProgress, restore } from './restore.ts';

export interface CustomResourceReply {
  readonly status: 'SUCCESS' | 'FAILED';
  readonly physicalId: string;
  /** Shown to the person who deploys. */
  readonly reason: string;
}

export interface CustomResourceDeps extends Omit<RestorePorts, 'record' | 'store' | 'timeZone'> {
  readonly settings: NightScheduleSettings;
  readonly store: Store;
  /** Absent where the stack has no rules of a listener. */
  readonly doorbell?: NightScheduleDeps['doorbell'];
  /** What is saved for another cluster, in the same table. */
  readonly load: (cluster: string) => Promise<Memory>;
  readonly trail: DecisionTrail;
  readonly sleep: (ms: number) => Promise<void>;
  /** Milliseconds until the invocation is cut off. */
  readonly remaining: () => number;
  readonly reply: (request: CustomResourceRequest, reply: CustomResourceReply) => Promise<void>;
  /** Invokes this function again with the same request. */
  readonly continueLater: (request: CustomResourceRequest) => Promise<void>;
}

/** The longest invocation of the function: a pass that began before the retirement has ended after it. */
const LONGEST_PASS_MS = MINUTE_MS;
/** Below the resource's ServiceTimeout; Lambda ends a chain of about 16 invocations of itself. */
const RESTORE_DEADLINE_MS = 12 * MINUTE_MS;
const LOOK_EVERY_MS = 5_000;
const RESERVE_MS = 15_000;

export const physicalIdOf = (environment: string) => `nightshift-${environment}-night`;

/** Answers CloudFormation, unless it has to continue in another invocation. */
export async function handleCustomResource(
  deps: CustomResourceDeps,
  request: CustomResourceRequest,
): Promise<void> {
  const { settings } = deps;
  const physicalId = physicalIdOf(settings.environment);
  if (request.type === 'Delete') {
    // The id of a creation that was never answered is CloudFormation's own: there is nothing to undo.
    if (request.physicalId !== physicalId || settings.dryRun)
      return deps.reply(request, {
        status: 'SUCCESS',
        physicalId: request.physicalId ?? physicalId,
        reason: 'nothing to restore',
      });
    return giveNightBack(deps, request);
  }
  const refusal =
    request.type === 'Update'
      ? ((await refusalOf(deps, request)) ?? (await rulesLeft(deps, request)))
      : undefined;
  if (refusal === undefined && !settings.dryRun) await endRetirement(deps.store);
  await deps.reply(request, {
    status: refusal === undefined ? 'SUCCESS' : 'FAILED',
    physicalId,
    reason: refusal ?? 'done',
  });
}

/** Why this change would lose what sleeps. */
async function refusalOf(
  { settings, load }: CustomResourceDeps,
  { properties, oldProperties }: CustomResourceRequest,
): Promise<string | undefined> {
  const changed = ['cluster', 'dryRun'].filter((name) => properties[name] !== oldProperties[name]);
  if (!changed.includes('cluster') && properties['dryRun'] !== 'true') return undefined;
  const cluster = oldProperties['cluster'];
  if (changed.length === 0 || cluster === undefined) return undefined;
  const { saved, autoscaler, cronJobs, corrupt } = await load(cluster);
  const isAsleep =
    saved.size + autoscaler.size + cronJobs.size > 0 ||
    corrupt.some(({ kind }) => kind === 'saved' || kind === 'autoscaler' || kind === 'cronjob');
  return isAsleep
    ? `${settings.environment} is asleep: wake it first (nightshift wake ${settings.environment} --for 2h); ${changed.join(' and ')} can change when status shows awake`
    : undefined;
}

/**
 * Why the doorbell cannot go, or move to another listener: CloudFormation has taken the rights by now, and would leave a rule
 * that hides an application for good. A refused update gives the rights back.
 */
async function rulesLeft(
  { settings, store }: CustomResourceDeps,
  { properties, oldProperties }: CustomResourceRequest,
): Promise<string | undefined> {
  const { doorbell: listener } = oldProperties;
  if (listener === undefined || properties['doorbell'] === listener) return undefined;
  const memory = await store.load();
  const phase = memory.notes.doorbell?.value.phase ?? 'removed';
  if (phase === 'removed' && overOf(memory, 'doorbell') !== 'corrupt') return undefined;
  return `rules of the doorbell may be on ${listener}: wake ${settings.environment} first (nightshift wake ${settings.environment} --for 2h), and deploy when status shows that they are removed`;
}

async function endRetirement(store: Store): Promise<void> {
  const { retired } = (await store.load()).notes;
  if (retired?.value.since === undefined) return;
  if (!(await store.writeNote('retired', {}, retired.version)))
    throw new NightshiftError('the note retired was changed meanwhile: try again');
}

async function giveNightBack(deps: CustomResourceDeps, request: CustomResourceRequest): Promise<void> {
  const { settings, store, now } = deps;
  const note = await retire(deps, request);
  if (note.isAnswered) return;
  const failure = await removeRules(deps);
  if (failure !== undefined)
    return deps.reply(request, {
      status: 'FAILED',
      physicalId: physicalIdOf(settings.environment),
      reason: failure,
    });
  if (note.restoresNothing)
    return deps.reply(request, {
      status: 'SUCCESS',
      physicalId: physicalIdOf(settings.environment),
      reason: 'nothing is restored: the environment was retired with --no-restore',
    });
  const recorder = createDecisionRecorder({
    environment: settings.environment,
    capability: 'night-schedule',
    trigger: `CloudFormation ${request.id}`,
    now,
    trail: deps.trail,
    isBatch: true,
  });
  const outcome = await untilRestored(deps, recorder, note);
  if (outcome !== 'continue') {
    recorder.record({
      target: settings.cluster,
      action: outcome.status === 'SUCCESS' ? 'restore' : 'fail',
      reason: outcome.reason,
    });
  }
  await recorder.close();
  if (outcome === 'continue') return deps.continueLater(request);
  await deps.reply(request, { ...outcome, physicalId: physicalIdOf(settings.environment) });
  const { retired } = (await store.load()).notes;
  await store.writeNote('retired', { ...note, isAnswered: true }, retired?.version ?? 'absent');
}

/** CloudFormation cannot delete a target group that a rule forwards to. Returns why a rule is still there. */
async function removeRules({ doorbell, store }: CustomResourceDeps): Promise<string | undefined> {
  const note = (await store.load()).notes.doorbell?.value;
  if (!doorbell || !note) return undefined;
  const { removeAllRules } = await import('./switch-doorbell.ts');
  return removeAllRules(doorbell, note).then(
    () => undefined,
    (error: unknown) =>
      `the rules of the doorbell on ${note.listener} are not removed: ${messageOf(error)}. Correct it, or remove them by hand, and delete again`,
  );
}

type Retirement = Notes['retired'] & { readonly since: string };

/** Written down before anything is restored: no pass that begins from now on stops anything. */
async function retire(
  { store, now }: CustomResourceDeps,
  request: CustomResourceRequest,
): Promise<Retirement> {
  const before = (await store.load()).notes.retired;
  if (before?.value.since !== undefined && before.value.request === request.id)
    return { ...before.value, since: before.value.since };
  const at = now();
  const note = {
    since: at.toISOString(),
    request: request.id,
    // As `nightshift retire` has left it.
    ...(before?.value.since && before.value.restoresNothing ? { restoresNothing: true } : {}),
  };
  const cautious = { ...note, quietAt: new Date(at.getTime() + LONGEST_PASS_MS).toISOString() };
  const write = async (next: Retirement, over: number | 'absent') => {
    if (!(await store.writeNote('retired', next, over)))
      throw new NightshiftError('the note retired was changed meanwhile: the removal is tried again');
  };
  await write(cautious, before?.version ?? 'absent');
  const memory = await store.load();
  if (!(await stopsOlderPasses(store, memory, at))) return cautious;
  await write(note, memory.notes.retired?.version ?? 'absent');
  return note;
}

/**
 * A pass writes its state before its first stop, and only over what it read. So after this write no pass that read before
 * begins a stop; one that has begun must end first.
 */
async function stopsOlderPasses(store: Store, { state, corrupt }: Memory, now: Date): Promise<boolean> {
  if (state?.value.phase === 'stopping' || corrupt.some(({ kind }) => kind === 'state')) return false;
  const reason = 'the stack is being removed';
  const next: ClusterState = state
    ? { ...state.value, reason }
    : { phase: 'awake', desired: 'awake', reason, since: now.toISOString(), groups: [] };
  return store.writeState(next, state?.version ?? 'absent');
}

async function untilRestored(
  deps: CustomResourceDeps,
  recorder: DecisionRecorder,
  { since, quietAt }: { readonly since: string; readonly quietAt?: string | undefined },
): Promise<Pick<CustomResourceReply, 'status' | 'reason'> | 'continue'> {
  const { timeZone } = deps.settings.schedule;
  const deadline = Date.parse(since) + RESTORE_DEADLINE_MS;
  const isQuiet = () => quietAt === undefined || deps.now().getTime() >= Date.parse(quietAt);
  while (true) {
    const progress = await restore({ ...deps, timeZone, record: (entry) => recorder.record(entry) });
    const { foreign } = await deps.store.load();
    if (foreign !== undefined) return { status: 'FAILED', reason: foreignReason(deps, foreign) };
    if (progress.failed.length > 0) return { status: 'FAILED', reason: reasonOf(deps, progress) };
    if (progress.waiting.length === 0 && isQuiet())
      return { status: 'SUCCESS', reason: 'every saved size is restored' };
    if (deps.now().getTime() >= deadline) return { status: 'FAILED', reason: reasonOf(deps, progress) };
    if (deps.remaining() < RESERVE_MS) return 'continue';
    await deps.sleep(LOOK_EVERY_MS);
  }
}

function foreignReason({ settings }: CustomResourceDeps, item: string): string {
  return `the item ${item} of ${settings.environment} was saved for another cluster, which this function must not touch: restore it with nightshift restore, or run nightshift retire ${settings.environment} --no-restore, and delete again`;
}

function reasonOf({ settings }: CustomResourceDeps, { failed, waiting }: RestoreProgress): string {
  const parts = [...failed, ...waiting].map(({ target, reason }) => `${target}: ${reason}`);
  return `not everything of ${settings.environment} is restored: ${parts.join('; ')}. Correct it and delete again; the sizes stay saved`;
}
