/** Which decisions people are notified of, and in what words. Pure: the adapter sends them. */
import type { Capability, Decision } from './decision.ts';
import { printable } from './plain-text.ts';

/** The least severe first. */
export const SEVERITIES = ['info', 'warning', 'failure'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** The severities of a capability's notifications: its role may publish to no other topic. */
export const SEVERITIES_OF: Readonly<Record<Capability, readonly Severity[]>> = {
  'night-schedule': ['info', 'warning', 'failure'],
  'spot-drain': ['failure'],
  'branch-deploy': ['info', 'warning', 'failure'],
  'self-service': ['warning', 'failure'],
  doorbell: ['warning', 'failure'],
};

export interface Notification {
  readonly severity: Severity;
  readonly title: string;
  readonly text: string;
  readonly nextSteps: readonly string[];
  /** The same for all notifications about one target: a chat shows them as one thread. */
  readonly thread: string;
}

/** Undefined for a decision that is only recorded. Times are written in `timeZone`. */
export function notificationOf(decision: Decision, timeZone: string): Notification | undefined {
  const { environment, capability, target, reason, time } = decision;
  const severity = severityOf(decision);
  if (!severity || !SEVERITIES_OF[capability].includes(severity)) return undefined;
  const explain = `npx nightshift explain ${argument(printable(target))} --environment ${environment}`;
  return {
    severity,
    title: `${environment}: ${printable(target)} ${titleOf(decision)}`,
    text: `${withLocalTimes(printable(reason), timeZone)}\n${localTime(new Date(time), timeZone)}, ${capability}`,
    nextSteps:
      severity === 'failure'
        ? [`What to do: docs/runbook.md#${capability}-failed`, `What led to it: ${explain}`]
        : [],
    thread: `${environment}/${capability}/${printable(target)}`,
  };
}

/** An argument of a shell, whatever the name holds: people copy the command. */
function argument(word: string): string {
  if (/^[\w./:@][\w./:@-]*$/.test(word)) return word;
  return `'${word.replaceAll("'", "'\\''").replace(/^-/, ' -')}'`;
}

function severityOf(decision: Decision): Severity | undefined {
  switch (decision.action) {
    case 'fail':
      return 'failure';
    case 'warn':
      return 'warning';
    case 'report':
      return decision['isKept'] === false ? 'warning' : 'info';
    case 'deployed':
    case 'defer':
    case 'wake':
      return 'info';
    case 'override':
      // To whom the stop was announced, so that they know that it is postponed.
      return decision.capability === 'self-service' ||
        decision.capability === 'doorbell' ||
        decision['via'] === 'kubectl'
        ? 'warning'
        : undefined;
    case 'drain':
      return lostPods(decision) ? 'failure' : undefined;
    default:
      return undefined;
  }
}

/** Pods that were not evicted are lost with the instance, unless our own stop terminates it. */
function lostPods({ blocked, failed, nightlyStop }: Decision): boolean {
  const isAny = [blocked, failed].some((count) => typeof count === 'number' && count > 0);
  return isAny && nightlyStop === undefined;
}

/** `lostPods` of a drain for an alarm: a filter of CloudWatch Logs on the lines that hold decisions. */
export const LOST_PODS_FILTER =
  '($.decision.action = "drain") && (($.decision.blocked > 0) || ($.decision.failed > 0)) && ($.decision.nightlyStop NOT EXISTS)';

function titleOf({ action }: Decision): string {
  switch (action) {
    case 'fail':
      return 'failed';
    case 'warn':
      return 'needs attention';
    case 'report':
      return 'this morning';
    case 'deployed':
      return 'was deployed';
    case 'defer':
      return 'waits for the morning';
    case 'wake':
      return 'wakes the cluster';
    case 'override':
      return 'is kept up';
    default:
      return 'lost pods';
  }
}

function withLocalTimes(text: string, timeZone: string): string {
  return text.replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z/g, (instant) =>
    localTime(new Date(instant), timeZone),
  );
}

/** `Mon 23 Nov, 22:00 (Asia/Tokyo)` */
function localTime(instant: Date, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(instant);
  const of = (type: Intl.DateTimeFormatPartTypes) => parts.find((part) => part.type === type)?.value ?? '';
  return `${of('weekday')} ${of('day')} ${of('month')}, ${of('hour')}:${of('minute')} (${timeZone})`;
}
