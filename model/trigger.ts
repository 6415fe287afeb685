/**
 * What EventBridge Scheduler (and a rule with a rate) sends to our functions. `id` and `time` are filled in by the
 * service: `<aws.scheduler.execution-id>` and `<aws.scheduler.scheduled-time>`.
 */
export const TRIGGER_SOURCE = 'nightshift';

/** Builds that ran outside of CodeBuild announce themselves with events of this source. */
export const ANNOUNCEMENT_SOURCE = 'nightshift.build';

/** Of every event that our functions put. They may put events of this source only. */
export const EVENT_SOURCE = 'nightshift.events';

export interface ScheduledTrigger {
  readonly source: typeof TRIGGER_SOURCE;
  /** `edge`: a transition of the schedule. `tick`: a minute has passed. `override`: a person has set or cancelled one. */
  readonly trigger: 'edge' | 'tick' | 'override';
  /** The name of the schedule, for the decision record. */
  readonly schedule: string;
  readonly id?: string;
  readonly time?: string;
}
