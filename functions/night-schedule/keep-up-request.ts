/**
 * What somebody wrote into the ConfigMap `nightshift/keep-up` → an override, within the limits of a signed link. Each
 * version of the ConfigMap is handled once: an override that was cancelled is not written again. Loaded only where there
 * is a new version.
 */
import { DAY_MS } from '#model/duration.ts';
import { latestEndOfNight, stopOfNight } from '#model/keep-up-night.ts';
import { NAME_LIMIT, NO_REASON, REASON_LIMIT, requestId, requestsOf } from '#model/night-requests.ts';
import { isPlainText, isVisible, printable } from '#model/plain-text.ts';
import { authorOf, type Override } from '#model/schedule.ts';
import type { KeepUpSettings, NightScheduleSettings } from '#model/settings.ts';
import { parseUntil } from '#model/when.ts';
import { timeOf } from './decide-desired.ts';
import type { NightScheduleDeps, Pass } from './pass.ts';
import type { KeepUpRequest } from './ports.ts';

export type DecidedRequest =
  | { readonly kind: 'keep-up'; readonly override: Override }
  | { readonly kind: 'refused'; readonly reason: string };

/** Every form of a time is far shorter. */
const LONGEST_UNTIL = 100;

type Settings = Pick<NightScheduleSettings, 'schedule'> & { readonly keepUp: KeepUpSettings };

export function decideRequest(
  request: KeepUpRequest,
  settings: Settings,
  overrides: readonly Override[],
  now: Date,
): DecidedRequest {
  const { requestedBy, reason } = request;
  const refused = (why: string): DecidedRequest => ({
    kind: 'refused',
    reason: `refused the ConfigMap keep-up of kubectl: ${shown(requestedBy) || 'no name'}, unverified: ${why}`,
  });
  const problem = problemOfText(request, settings.keepUp);
  if (problem) return refused(problem);
  const parsed = untilOf(request, settings, now);
  if ('problem' in parsed) return refused(parsed.problem);
  const stop = stopOfNight(settings.schedule, now);
  if (!stop) return refused('the schedule has no stop that could be postponed');
  const night = stop.toISOString();
  const id = requestId('kubectl', night, request.version);
  // Written by a pass that ended before it could note that.
  const written = overrides.find((override) => override.id === id);
  if (written) return { kind: 'keep-up', override: written };
  const used = requestsOf('kubectl', night, overrides) + requestsOf('link', night, overrides);
  if (used >= settings.keepUp.perNight)
    return refused(`the ${settings.keepUp.perNight} requests of this night are used`);
  return {
    kind: 'keep-up',
    override: {
      id,
      state: 'awake',
      from: now.toISOString(),
      until: new Date(parsed.at).toISOString(),
      author: 'kubectl',
      via: 'kubectl',
      label: requestedBy,
      reason: reason || NO_REASON,
    },
  };
}

/** A time of day is the next one after it was written, however late the pass is. */
function untilOf({ until, writtenAt }: KeepUpRequest, { schedule, keepUp }: Settings, now: Date) {
  const base = writtenAt && writtenAt.getTime() < now.getTime() ? writtenAt : now;
  // Never a part of it: what was cut off may say something else.
  if (until.length > LONGEST_UNTIL)
    return { problem: `until "${shown(until)}" is longer than ${LONGEST_UNTIL} characters` };
  const parsed = parseUntil(until, base, schedule.timeZone);
  if ('problem' in parsed) return { problem: `until "${shown(until)}": ${parsed.problem}` };
  const at = new Date(parsed.at);
  if (at.getTime() <= now.getTime()) return { problem: `until "${shown(until)}" has passed` };
  const stop = stopOfNight(schedule, now) ?? now;
  const latest = latestEndOfNight(schedule, stop, keepUp.maxHours, now);
  if (at.getTime() > latest.getTime())
    return {
      problem: `until "${shown(until)}" is later than ${onClock(schedule, latest, now)}: write a time until then`,
    };
  return { at: parsed.at };
}

function onClock(schedule: Settings['schedule'], at: Date, now: Date): string {
  return at.getTime() - now.getTime() < DAY_MS ? timeOf(schedule, at) : at.toISOString();
}

function problemOfText({ requestedBy, reason }: KeepUpRequest, { requireReason }: KeepUpSettings) {
  if (!isPlainText(requestedBy)) return 'requestedBy has characters that cannot be shown: write plain text';
  if (!isVisible(requestedBy)) return 'requestedBy is empty: write your name';
  if (requestedBy.length > NAME_LIMIT) return `requestedBy is longer than ${NAME_LIMIT} characters`;
  if (requireReason && !isVisible(reason)) return 'reason is empty: this environment requires one';
  if (!isPlainText(reason)) return 'reason has characters that cannot be shown: write plain text on one line';
  return reason.length > REASON_LIMIT ? `reason is longer than ${REASON_LIMIT} characters` : undefined;
}

function shown(text: string): string {
  const plain = printable(text.slice(0, 60));
  return text.length > 60 ? `${plain}…` : plain;
}

/** Writes the override before anything else of the pass is decided: the stop may be due now. */
export async function takeRequest(
  { store, settings }: Pick<NightScheduleDeps, 'store'> & { readonly settings: Settings },
  request: KeepUpRequest,
  overrides: readonly Override[],
  now: Date,
): Promise<DecidedRequest> {
  const decided = decideRequest(request, settings, overrides, now);
  // Where another pass has it already, this one goes on with the same override.
  if (decided.kind === 'keep-up') await store.addOverride(decided.override);
  return decided;
}

export function recordRequest(
  { settings }: NightScheduleDeps,
  { recorder, notes }: Pass,
  { version }: KeepUpRequest,
  decided: DecidedRequest,
): void {
  notes['keep-up'] = { version };
  const target = settings.cluster;
  if (decided.kind === 'refused') {
    recorder.record({ target, action: 'refuse', reason: decided.reason, facts: { via: 'kubectl' } });
    return;
  }
  const { override } = decided;
  const { author, via, label, until } = override;
  const reason = `kept up until ${until} by ${authorOf(override)}: ${override.reason}`;
  recorder.record({ target, action: 'override', reason, facts: { author, via, label } });
}
