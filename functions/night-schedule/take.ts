/** Takes the steps of a plan: write down, then act. One that fails does not stop the others. */
import pMap from 'p-map';
import type { NightScheduleSettings } from '#model/settings.ts';
import type { AutoscalerStep } from './decide-cluster.ts';
import type { GroupStep } from './decide-group.ts';
import type { Journal } from './journal.ts';
import { ledgerEntries } from './ledger.ts';
import type { Autoscaler, Group, Groups, Memo, Store } from './ports.ts';

export interface TakePorts {
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
const QUICKER = 'another pass was quicker';

/** In what a pass takes its steps. */
export interface Taking {
  readonly ports: TakePorts;
  readonly journal: Journal;
  readonly now: Date;
  readonly gaps: Memo['gaps'];
}

/** Takes them at once. Undefined where nothing is asked or changed: then all is said. */
export function takeStage(
  taking: Taking,
  steps: readonly GroupStep[],
  groups: readonly Group[],
): Promise<unknown> | undefined {
  const work: (readonly [GroupStep, Group])[] = [];
  for (const step of steps) {
    const group = isWork(taking, step) ? groups.findLast(({ name }) => name === step.target) : undefined;
    if (group) work.push([step, group]);
    else say(taking, step);
  }
  const [first] = work;
  if (!first) return undefined;
  if (work.length === 1) return takeGroup(taking, ...first);
  return pMap(work, ([step, group]) => takeGroup(taking, step, group), { concurrency: CONCURRENCY });
}

export async function takeAutoscaler({ ports, journal }: Taking, step: AutoscalerStep): Promise<void> {
  const { settings, store, autoscaler } = ports;
  try {
    if (!settings.dryRun && autoscaler) {
      if (step.record) {
        const { next, over } = step.record;
        const written =
          next === 'clear'
            ? over === undefined || (await store.clearAutoscaler(over))
            : await store.writeAutoscaler(next, over);
        if (!written) return journal.decided(step.target, 'none', QUICKER);
      }
      if (step.pause) await autoscaler.pause(step.pause);
      if (step.resume) await autoscaler.resume(step.resume);
    }
    journal.decided(step.target, step.action, step.reason);
  } catch (error) {
    journal.failed(step.target, error);
  }
}

function isWork({ ports }: Taking, step: GroupStep): boolean {
  if (step.action === 'fail') return step.askTrouble === true;
  return !ports.settings.dryRun && (step.record ?? step.resize ?? step.slept) !== undefined;
}

function say({ ports, journal }: Taking, step: GroupStep): void {
  const dry = ports.settings.dryRun ? `dry#${step.target}#${step.action}` : undefined;
  if (journal.isNews(step.once ?? dry)) journal.decided(step.target, step.action, step.reason);
}

async function takeGroup(taking: Taking, step: GroupStep, group: Group): Promise<void> {
  try {
    await (step.action === 'fail' ? fail(taking, step, group) : act(taking, step, group));
  } catch (error) {
    taking.journal.failed(step.target, error);
  }
}

async function fail({ ports, journal }: Taking, step: GroupStep, group: Group): Promise<void> {
  if (!journal.isNews(step.once)) return;
  const trouble = await ports.groups.trouble(group);
  journal.decided(
    step.target,
    'fail',
    trouble ? `${step.reason}; its last failed activity says: ${trouble}` : step.reason,
  );
}

async function act(taking: Taking, step: GroupStep, group: Group): Promise<void> {
  const { ports, journal, now } = taking;
  const { decided } = journal;
  if (step.resize && ports.remaining() <= RESERVE_MS)
    return decided(step.target, 'none', 'the time of this pass is used up: the next one goes on');
  if (!(await writeDown(taking, step, group))) return decided(step.target, 'none', QUICKER);
  if (step.resize) {
    const outcome = await ports.groups.resize(group, step.resize, intentOf(group, step, now));
    if (outcome === 'busy')
      return decided(step.target, 'none', 'another update of the group runs: the next pass tries again');
    if (outcome === 'gone') return decided(step.target, 'ignore', 'the group was deleted');
  }
  say(taking, step);
}

async function writeDown({ ports, now, gaps }: Taking, step: GroupStep, group: Group): Promise<boolean> {
  const { settings, store } = ports;
  if (step.slept) {
    const sleep = { group: group.name, ...step.slept, to: now };
    await store.writeLedger(ledgerEntries(sleep, gaps, settings.schedule.timeZone));
  }
  if (!step.record) return true;
  const { next, over } = step.record;
  if (next !== 'clear') return store.writeSaved(next, over);
  return over === undefined || store.clearSaved(group.name, over);
}

/** The same step tried again by the SDK is one request; the same step of another night is another. */
function intentOf(group: Group, step: GroupStep, now: Date): string {
  const since = typeof step.record?.next === 'object' ? step.record.next.since : now.toISOString();
  return JSON.stringify([group.autoScalingGroup, step.resize, since, step.record?.over ?? 0]);
}
