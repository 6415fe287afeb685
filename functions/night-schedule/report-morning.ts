/** The morning report: what became of the promise of today, and of those before it. Loaded once a day. */
import { formatDate } from '#model/date.ts';
import { DAY_MINUTES, DAY_MS, MINUTE_MS, SECOND_MS } from '#model/duration.ts';
import type { Schedule } from '#model/schedule.ts';
import { wallAt } from '#model/zone.ts';
import { timeOf } from './decide-desired.ts';
import { phaseOf } from './learn-lead.ts';
import type { NightScheduleDeps, Pass } from './pass.ts';
import type { Morning, MorningPhase } from './records.ts';

export function reportMorning(deps: NightScheduleDeps, { notes, recorder, now }: Pass): void {
  const { schedule, cluster, readyBy } = deps.settings;
  const all = (notes.mornings ?? []).filter(({ promised }) => promised !== undefined);
  const last = all.at(-1);
  const date = dateAt(schedule, now);
  if (!last?.promised || dateAt(schedule, new Date(last.promised)) !== date) return;
  if (!recorder.isNews(`morning report ${date}`, DAY_MS)) return;
  const target = phaseOf(readyBy || 'nodes');
  const isKept = wasKept(last, target);
  recorder.record({
    target: cluster,
    action: 'report',
    reason: [
      outcomeText(last, target, schedule),
      ...(last.fallback ? [`${last.fallback} filled in on demand`] : []),
      `${all.filter((one) => wasKept(one, target)).length} of the last ${all.length} mornings were ready in time`,
    ].join('; '),
    facts: { isKept, promised: last.promised },
  });
}

function readyAt({ asked, seconds }: Morning, target: MorningPhase): Date | undefined {
  const took = seconds[target];
  return took === undefined ? undefined : new Date(Date.parse(asked) + took * SECOND_MS);
}

function wasKept(morning: Morning, target: MorningPhase): boolean {
  const ready = readyAt(morning, target);
  return ready !== undefined && ready.toISOString() <= (morning.promised ?? '');
}

function outcomeText(morning: Morning, target: MorningPhase, schedule: Schedule): string {
  const promised = new Date(morning.promised ?? '');
  const promise = `promised for ${timeOf(schedule, promised)}`;
  const ready = readyAt(morning, target);
  const cause = morning.late ? `: waited for ${morning.late}` : '';
  if (!ready) return `not ready yet, ${promise}${cause}`;
  const minutes = Math.round((promised.getTime() - ready.getTime()) / MINUTE_MS);
  const by = minutes >= 0 ? `${minutes} min early` : `${-minutes} min late${cause}`;
  return `ready at ${timeOf(schedule, ready)}, ${promise}, ${by}`;
}

const dateAt = ({ timeZone }: Schedule, at: Date) =>
  formatDate(Math.floor(wallAt(timeZone, at.getTime()) / DAY_MINUTES));
