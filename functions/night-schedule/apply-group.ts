/** One step of one group: save, then change. */
import pMap from 'p-map';
import { CorruptRecordError, messageOf, RecordedError } from '#functions/shared/errors.ts';
import { type ApplyContext, OTHER_PASS_FIRST, record, report } from './apply-context.ts';
import { asleepSize, type GroupStep, sameSize, sizeText } from './decide-group.ts';
import { ledgerEntries } from './ledger.ts';
import type { Group, Groups } from './ports.ts';
import type { Size } from './records.ts';

/** No change of a group is begun in the last ten seconds of an invocation. */
const RESERVE_MS = 10_000;
const CONCURRENCY = 10;

/** One that fails does not stop the others. */
export function applyGroups(
  context: ApplyContext,
  work: readonly (readonly [GroupStep, Group])[],
): Promise<unknown> {
  return pMap(work, ([step, group]) => applyGroup(context, step, group), { concurrency: CONCURRENCY });
}

function applyGroup(context: ApplyContext, step: GroupStep, group: Group): Promise<void> {
  return context.recorder.guard(step.target, () =>
    step.action === 'fail' ? fail(context, step, group) : act(context, step, group),
  );
}

async function fail(context: ApplyContext, step: GroupStep, group: Group): Promise<void> {
  if (step.once !== undefined && !context.recorder.isNews(step.once)) return;
  record(context, step, 'fail', step.reason + (await explanation(context, step, group)));
}

/** Only an addition: that it cannot be read must not hide the failure itself. */
async function explanation(
  { ports }: ApplyContext,
  { explainFailuresSince }: GroupStep,
  group: Group,
): Promise<string> {
  try {
    const failure = await ports.groups.lastScalingFailure(group, explainFailuresSince);
    return failure ? `; its last failed activity: ${failure}` : '';
  } catch (error) {
    return `; its scaling activities cannot be read: ${messageOf(error)}`;
  }
}

async function act(context: ApplyContext, planned: GroupStep, group: Group): Promise<void> {
  const { ports, now } = context;
  if ((planned.resize ?? planned.warmPool) && ports.remaining() <= RESERVE_MS)
    return incomplete(context, planned, 'this pass is out of time: the next one continues');
  const step = planned.readConfiguredSize ? await withConfiguredSize(ports.groups, planned, group) : planned;
  if (!(await save(context, step, group))) return incomplete(context, step, OTHER_PASS_FIRST);
  const outcome = await change(ports.groups, step, group, intentOf(group, step, now)).catch(
    (error: unknown) => {
      throw failedChange(context, step, error);
    },
  );
  if (outcome === 'busy')
    return incomplete(context, step, 'another update of the group is in progress: the next pass tries again');
  if (outcome === 'gone') return record(context, step, 'ignore', 'the group was deleted');
  // A warm pool changes once, and an end is an end: recorded also past the deadline.
  if (step.late === undefined || step.warmPool || isEnd(step)) return report(context, step);
  // Each change has its own: another transition, or the same one undone by somebody, may have been late within the hour.
  const since = typeof step.record?.next === 'object' ? `#${step.record.next.since}` : '';
  incomplete(context, step, step.reason, `late#${step.target}${since}#${sizeText(group.size)}`);
}

/**
 * A request that failed may have taken effect: it is recorded once an hour for each transition, and not for whatever failed in
 * the same way before it.
 */
function failedChange(context: ApplyContext, step: GroupStep, error: unknown): RecordedError {
  const since = typeof step.record?.next === 'object' ? step.record.next.since : '';
  const reason = messageOf(error);
  // Numbers differ each time.
  const key = `change#${step.target}#${since}#${reason.replace(/\d+/g, '').slice(0, 80)}`;
  if (context.recorder.isNews(key)) record(context, step, 'fail', reason);
  return new RecordedError(reason, { cause: error });
}

function isEnd({ action }: GroupStep): boolean {
  return action === 'confirm-stop' || action === 'confirm-start';
}

async function change(groups: Groups, { warmPool, resize }: GroupStep, group: Group, token: string) {
  if (warmPool) return groups.setWarmPool(group, warmPool, token);
  return resize && groups.resize(group, resize, token);
}

/** No more than waiting, until the deadline; then it is a failure, which is reported once an hour. */
function incomplete(context: ApplyContext, step: GroupStep, why: string, key = `late#${step.target}`): void {
  if (step.late === undefined) record(context, step, 'none', why);
  else if (context.recorder.isNews(key)) record(context, step, 'fail', `${step.late}: ${why}`);
}

/** The sizes that somebody configured. Desired is that of the Auto Scaling group, unless an update raised it. */
async function withConfiguredSize(groups: Groups, step: GroupStep, group: Group): Promise<GroupStep> {
  const configured = await groups.configuredSize(group);
  const { record } = step;
  if (configured === undefined || record === undefined || record.next === 'clear') return step;
  const { isUpdating, size: theirs } = configured;
  // The max of a rollout must not become that of the nodegroup.
  const zeroed = { ...step, resize: { ...asleepSize(group), max: theirs.max } };
  if (record.over !== undefined) return zeroed;
  // A rollout may have ended since the group was listed.
  const isRaised = isUpdating || group.size.max > theirs.max;
  const desired = isRaised ? theirs.desired : Math.min(group.size.desired, theirs.max);
  const size = { min: theirs.min, desired, max: theirs.max };
  if (desired === 0) return awaitRollout(step, group, size);
  if (sameSize(size, record.next.size)) return zeroed;
  return {
    ...zeroed,
    reason: `${step.reason.replace(sizeText(group.size), sizeText(size))} (EKS has them configured; an update raised the group to ${sizeText(group.size)})`,
    record: { ...record, next: { ...record.next, size } },
  };
}

/** Its instances are those of the update, which takes them away again: no size is to be saved, and none to be set. */
function awaitRollout(
  { record: _record, resize: _resize, ...step }: GroupStep,
  group: Group,
  size: Size,
): GroupStep {
  const reason = `EKS has ${sizeText(size)} configured; the end of the update that raised the group to ${sizeText(group.size)} is awaited`;
  return { ...step, action: 'none', reason };
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
