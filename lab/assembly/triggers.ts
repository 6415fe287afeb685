/** What makes a deployed function run: schedules, rules with a schedule, and rules with an event pattern. */
import type { AwsEvent, WorldContext } from '#lab/world/interfaces.ts';
import type { Deployment, RuleSpec, ScheduleSpec, TargetSpec } from './deployment.ts';
import { compileExpression } from './expressions.ts';
import { filledTemplate } from './trigger-specs.ts';

/** Invokes a function asynchronously with a payload (JSON), or starts a state machine with it, as EventBridge does. */
export type Deliver = (target: TargetSpec, payload: string) => void;

/**
 * After which delays (ms) an event reaches a rule's target. Normally once; faults return none (lost), several
 * (EventBridge delivers at least once) or long ones (late, out of order).
 */
export type Delivery = (event: AwsEvent, rule: RuleSpec) => readonly number[];

/** About the time that EventBridge takes from a change to its target. */
export const USUAL_DELAY_MS = 100;

export function armTriggers(
  deployments: readonly Deployment[],
  options: { context: WorldContext; deliver: Deliver; delivery?: Delivery },
): { stop(): void } {
  const { context, deliver } = options;
  const delivery = options.delivery ?? (() => [USUAL_DELAY_MS]);
  const stops: (() => void)[] = [];
  const schedules = deployments.flatMap((deployment) => deployment.schedules);
  const rules = deployments.flatMap((deployment) => deployment.rules).filter((rule) => rule.enabled);

  for (const schedule of schedules.filter(({ enabled }) => enabled)) {
    stops.push(
      repeat(context, schedule.expression, schedule.timeZone, (at) =>
        deliver(schedule.target, scheduledPayload(context, schedule, at)),
      ),
    );
  }
  for (const rule of rules) {
    if (rule.expression === undefined) continue;
    stops.push(
      repeat(context, rule.expression, 'UTC', (at) => {
        const event = scheduledEvent(context, rule, at);
        for (const target of rule.targets) deliver(target, payloadOf(target, event));
      }),
    );
  }
  stops.push(
    context.signals.on('event', (event) => {
      for (const rule of rules) {
        if (rule.account !== event.account || rule.region !== event.region || !rule.matches?.(event))
          continue;
        for (const delay of delivery(event, rule)) {
          context.clock.after(delay, () => {
            for (const target of rule.targets) deliver(target, payloadOf(target, JSON.stringify(event)));
          });
        }
      }
    }),
  );
  return {
    stop() {
      for (const stop of stops) stop();
    },
  };
}

/** What a target gets of an event (JSON). */
export function payloadOf({ input, inputTemplate, inputPaths = {} }: TargetSpec, event: string): string {
  if (input !== undefined || inputTemplate === undefined) return input ?? event;
  const fields = JSON.parse(event) as AwsEvent;
  return filledTemplate({ inputTemplate, inputPaths }, (field) =>
    field === undefined ? event : JSON.stringify(fields[field]),
  );
}

function repeat(
  context: WorldContext,
  expression: string,
  timeZone: string,
  fire: (at: number) => void,
): () => void {
  const { clock } = context;
  const next = compileExpression(expression, { timeZone, from: clock.now() });
  let cancel = () => {};
  const arm = (after: number) => {
    const at = next(after);
    if (at === undefined) return;
    const timer = clock.at(at, () => {
      arm(at);
      fire(at);
    });
    cancel = () => timer.cancel();
  };
  arm(clock.now());
  return () => cancel();
}

/** The context attributes: https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html */
function scheduledPayload(context: WorldContext, schedule: ScheduleSpec, at: number): string {
  const attributes: Readonly<Record<string, string>> = {
    'aws.scheduler.schedule-arn': schedule.arn,
    'aws.scheduler.scheduled-time': isoSeconds(at),
    'aws.scheduler.execution-id': context.hex(32),
    'aws.scheduler.attempt-number': '1',
  };
  return (schedule.target.input ?? '{}').replace(
    /<(aws\.scheduler\.[a-z-]+)>/g,
    (whole, name: string) => attributes[name] ?? whole,
  );
}

function scheduledEvent(context: WorldContext, rule: RuleSpec, at: number): string {
  return JSON.stringify({
    version: '0',
    id: context.uuid(),
    'detail-type': 'Scheduled Event',
    source: 'aws.events',
    account: rule.account,
    time: isoSeconds(at),
    region: rule.region,
    resources: [rule.arn],
    detail: {},
  } satisfies AwsEvent);
}

function isoSeconds(at: number): string {
  return new Date(at).toISOString().replace(/\.\d{3}Z$/, 'Z');
}
