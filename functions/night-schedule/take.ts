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

export function createTakers(ports: TakePorts, journal: Journal, now: Date, gaps: Memo['gaps']) {
  const { settings, store, groups } = ports;
  const { decided } = journal;

  const say = (step: GroupStep) => {
    const dry = settings.dryRun ? `dry#${step.target}#${step.action}` : undefined;
    if (journal.isNews(step.once ?? dry)) decided(step.target, step.action, step.reason);
  };

  const fail = async (step: GroupStep, group: Group) => {
    if (!journal.isNews(step.once)) return;
    const trouble = await groups.trouble(group);
    decided(
      step.target,
      'fail',
      trouble ? `${step.reason}; its last failed activity says: ${trouble}` : step.reason,
    );
  };

  const writeDown = async (step: GroupStep, group: Group): Promise<boolean> => {
    if (step.slept) {
      const sleep = { group: group.name, ...step.slept, to: now };
      await store.writeLedger(ledgerEntries(sleep, gaps, settings.schedule.timeZone));
    }
    if (!step.record) return true;
    const { next, over } = step.record;
    if (next !== 'clear') return store.writeSaved(next, over);
    return over === undefined || store.clearSaved(group.name, over);
  };

  const act = async (step: GroupStep, group: Group) => {
    if (step.resize && ports.remaining() <= RESERVE_MS)
      return decided(step.target, 'none', 'the time of this pass is used up: the next one goes on');
    if (!(await writeDown(step, group))) return decided(step.target, 'none', QUICKER);
    if (step.resize) {
      const outcome = await groups.resize(group, step.resize, intentOf(group, step, now));
      if (outcome === 'busy')
        return decided(step.target, 'none', 'another update of the group runs: the next pass tries again');
      if (outcome === 'gone') return decided(step.target, 'ignore', 'the group was deleted');
    }
    say(step);
  };

  const takeGroup = async (step: GroupStep, group: Group) => {
    try {
      await (step.action === 'fail' ? fail(step, group) : act(step, group));
    } catch (error) {
      journal.failed(step.target, error);
    }
  };

  const isWork = (step: GroupStep) =>
    step.action === 'fail'
      ? step.askTrouble
      : !settings.dryRun && (step.record ?? step.resize ?? step.slept) !== undefined;

  /** Undefined where nothing is asked or changed: then all is said. */
  const takeStage = (steps: readonly GroupStep[], all: readonly Group[]): Promise<unknown> | undefined => {
    const work: (readonly [GroupStep, Group])[] = [];
    for (const step of steps) {
      const group = isWork(step) ? all.find(({ name }) => name === step.target) : undefined;
      if (group) work.push([step, group]);
      else say(step);
    }
    if (work.length === 0) return undefined;
    return pMap(work, ([step, group]) => takeGroup(step, group), { concurrency: CONCURRENCY });
  };

  const takeAutoscaler = async (step: AutoscalerStep) => {
    try {
      if (!settings.dryRun && ports.autoscaler) {
        if (step.record) {
          const { next, over } = step.record;
          const written =
            next === 'clear'
              ? over === undefined || (await store.clearAutoscaler(over))
              : await store.writeAutoscaler(next, over);
          if (!written) return decided(step.target, 'none', QUICKER);
        }
        if (step.pause) await ports.autoscaler.pause(step.pause);
        if (step.resume) await ports.autoscaler.resume(step.resume);
      }
      decided(step.target, step.action, step.reason);
    } catch (error) {
      journal.failed(step.target, error);
    }
  };

  return { takeStage, takeAutoscaler };
}

/** The same step tried again by the SDK is one request; the same step of another night is another. */
function intentOf(group: Group, step: GroupStep, now: Date): string {
  const since = typeof step.record?.next === 'object' ? step.record.next.since : now.toISOString();
  return JSON.stringify([group.autoScalingGroup, step.resize, since, step.record?.over ?? 0]);
}
