/** Applies the steps of a plan: save, then change. One that fails does not stop the others. */
import pMap from 'p-map';
import type { DecisionRecorder, Entry } from '#functions/shared/decision-recorder.ts';
import { CorruptRecordError, messageOf } from '#functions/shared/errors.ts';
import type { NightScheduleSettings } from '#model/settings.ts';
import type { GroupStep } from './decide-group.ts';
import { ledgerEntries } from './ledger.ts';
import type { Autoscaler, Group, Groups, Store } from './ports.ts';
import type { Gap } from './records.ts';

export interface ApplyPorts {
  readonly settings: NightScheduleSettings;
  readonly groups: Groups;
  readonly store: Store;
  readonly autoscaler?: Autoscaler;
  /** Milliseconds until the invocation is cut off. */
  readonly remaining: () => number;
}

/** No change of a group is begun in the last ten seconds of an invocation. */
const RESERVE_MS = 10_000;
const CONCURRENCY = 10;
export const OTHER_PASS_FIRST = 'another pass came first';

/** What all steps of a pass share. */
export interface ApplyContext {
  readonly ports: ApplyPorts;
  readonly recorder: DecisionRecorder;
  readonly now: Date;
  readonly gaps: readonly Gap[];
}

/** Applies them at once. Undefined where nothing is requested or changed: then all is recorded. */
export function applyStage(
  context: ApplyContext,
  steps: readonly GroupStep[],
  groups: readonly Group[],
): Promise<unknown> | undefined {
  const work: (readonly [GroupStep, Group])[] = [];
  for (const step of steps) {
    const group = isWork(context, step) ? groups.findLast(({ name }) => name === step.target) : undefined;
    if (group) work.push([step, group]);
    else report(context, step);
  }
  const [first] = work;
  if (!first) return undefined;
  if (work.length === 1) return applyGroup(context, ...first);
  return pMap(work, ([step, group]) => applyGroup(context, step, group), { concurrency: CONCURRENCY });
}

export function record(
  { recorder }: ApplyContext,
  { target }: { target: string },
  action: Entry['action'],
  reason: string,
) {
  recorder.record({ target, action, reason });
}

function isWork({ ports }: ApplyContext, step: GroupStep): boolean {
  if (step.action === 'fail') return step.explainFailure === true;
  return !ports.settings.dryRun && (step.record ?? step.resize ?? step.warmPool ?? step.slept) !== undefined;
}

function report(context: ApplyContext, step: GroupStep): void {
  const { ports, recorder } = context;
  const key = step.once ?? (ports.settings.dryRun ? `dry#${step.target}#${step.action}` : undefined);
  if (key === undefined || recorder.isNews(key, step.onceWithinMs))
    record(context, step, step.action, step.reason);
}

function applyGroup(context: ApplyContext, step: GroupStep, group: Group): Promise<void> {
  return context.recorder.guard(step.target, () =>
    step.action === 'fail' ? fail(context, step, group) : act(context, step, group),
  );
}

async function fail(context: ApplyContext, step: GroupStep, group: Group): Promise<void> {
  if (step.once !== undefined && !context.recorder.isNews(step.once)) return;
  record(context, step, 'fail', step.reason + (await explanation(context, group)));
}

/** Only an addition: that it cannot be read must not hide the failure itself. */
async function explanation({ ports }: ApplyContext, group: Group): Promise<string> {
  try {
    const failure = await ports.groups.lastScalingFailure(group);
    return failure ? `; its last failed activity: ${failure}` : '';
  } catch (error) {
    return `; its scaling activities cannot be read: ${messageOf(error)}`;
  }
}

async function act(context: ApplyContext, planned: GroupStep, group: Group): Promise<void> {
  const { ports, now } = context;
  if ((planned.resize ?? planned.warmPool) && ports.remaining() <= RESERVE_MS)
    return incomplete(context, planned, 'this pass is out of time: the next one continues');
  const step = planned.readConfiguredSize ? await configured(ports.groups, planned, group) : planned;
  if (!(await save(context, step, group))) return incomplete(context, step, OTHER_PASS_FIRST);
  const outcome = await change(ports.groups, step, group, intentOf(group, step, now));
  if (outcome === 'busy')
    return incomplete(context, step, 'another update of the group is in progress: the next pass tries again');
  if (outcome === 'gone') return record(context, step, 'ignore', 'the group was deleted');
  // A warm pool changes once: that is recorded also past the deadline.
  if (step.late === undefined || step.warmPool) return report(context, step);
  incomplete(context, step, step.reason);
}

async function change(groups: Groups, { warmPool, resize }: GroupStep, group: Group, token: string) {
  if (warmPool) return groups.setWarmPool(group, warmPool, token);
  return resize && groups.resize(group, resize, token);
}

/** No more than waiting, until the deadline; then it is a failure, which is reported once an hour. */
function incomplete(context: ApplyContext, step: GroupStep, why: string): void {
  if (step.late === undefined) record(context, step, 'none', why);
  else if (context.recorder.isNews(`late#${step.target}`))
    record(context, step, 'fail', `${step.late}: ${why}`);
}

async function configured(groups: Groups, step: GroupStep, group: Group): Promise<GroupStep> {
  const { withConfiguredSize } = await import('./configured-size.ts');
  return withConfiguredSize(groups, step, group);
}

async function save(context: ApplyContext, step: GroupStep, group: Group): Promise<boolean> {
  const { settings, store } = context.ports;
  if (step.slept) {
    const sleep = { group: group.name, ...step.slept, to: context.now };
    const entries = ledgerEntries(sleep, context.gaps, settings.schedule.timeZone);
    // A ledger that cannot be read must not keep the group asleep.
    for (const item of await store.writeLedger(entries))
      context.recorder.failed(group.name, new CorruptRecordError(item));
  }
  if (!step.record) return true;
  const { next, over } = step.record;
  if (next !== 'clear') return store.writeSaved(next, over ?? 'absent');
  return over === undefined || store.clearSaved(group.name, over);
}

/** The same step tried again by the SDK is one request; the same step of another night is another. */
function intentOf(group: Group, step: GroupStep, now: Date): string {
  const since = typeof step.record?.next === 'object' ? step.record.next.since : now.toISOString();
  return JSON.stringify([
    group.autoScalingGroup,
    step.warmPool ?? step.resize,
    since,
    step.record?.over ?? 0,
  ]);
}
