/** What all steps of a pass share. */
import type { DecisionRecorder, Entry } from '#functions/shared/decision-recorder.ts';
import type { NightScheduleSettings } from '#model/settings.ts';
import type { GroupStep } from './decide-group.ts';
import type { Autoscaler, CronJobs, Groups, Store } from './ports.ts';
import type { Gap } from './records.ts';

export interface ApplyPorts {
  readonly settings: NightScheduleSettings;
  readonly groups: Groups;
  readonly store: Store;
  readonly autoscaler?: Autoscaler;
  readonly cronJobs?: CronJobs;
  /** Milliseconds until the invocation is cut off. */
  readonly remaining: () => number;
}

export interface ApplyContext {
  readonly ports: ApplyPorts;
  readonly recorder: DecisionRecorder;
  readonly now: Date;
  readonly gaps: readonly Gap[];
}

export const OTHER_PASS_FIRST = 'another pass came first';

export function record(
  { recorder }: ApplyContext,
  { target }: { target: string },
  action: Entry['action'],
  reason: string,
) {
  recorder.record({ target, action, reason });
}

type Reportable = Pick<GroupStep, 'target' | 'action' | 'reason' | 'onceWithinMs'> & {
  readonly once?: string | undefined;
};

export function report(context: ApplyContext, step: Reportable): void {
  const { ports, recorder } = context;
  const key = step.once ?? (ports.settings.dryRun ? `dry#${step.target}#${step.action}` : undefined);
  if (key === undefined || recorder.isNews(key, step.onceWithinMs))
    record(context, step, step.action, step.reason);
}
