/** `mornings`: when each of the last mornings was ready, what it was promised, and what it waited for longest. */
import { leadAt, phaseOf } from '#functions/night-schedule/learn-lead.ts';
import { PHASES } from '#functions/night-schedule/predict-morning.ts';
import type { Morning, MorningPhase } from '#functions/night-schedule/records.ts';
import type { LoadedConfig } from '#lib/config-file.ts';
import { readyPhaseOf } from '#lib/settings/night-schedule.ts';
import { scheduleOf } from '#lib/settings/schedule.ts';
import { DAY_MS, MINUTE_MS, SECOND_MS } from '#model/duration.ts';
import type { Schedule } from '#model/schedule.ts';
import type { ReadyPhase } from '#model/settings.ts';
import { RefusedError } from './errors.ts';
import type { Io } from './io.ts';
import { type Advice, adviceOf } from './morning-advice.ts';
import { type NamedEnvironment, queryEach, selectEnvironments } from './select-environments.ts';
import { columns, environmentTitle, localTime, type Paint, paintOf, plain } from './text.ts';

export const DEFAULT_MORNINGS_DAYS = 30;
/** As many as night-schedule keeps, on working days. */
const MAX_DAYS = 90;
const CHART_WIDTH = 36;

export interface MorningsOptions {
  readonly environment?: string;
  readonly days?: string;
  readonly advice?: boolean;
  readonly json?: boolean;
}

/** One start, as instants. */
export interface ReportedMorning {
  readonly asked: string;
  readonly promised?: string | undefined;
  /** Each phase that was observed, and when. */
  readonly phases: Readonly<Record<string, string>>;
  readonly ready?: string | undefined;
  readonly verdict: 'kept' | 'missed' | 'no promise' | 'running' | 'unknown';
  readonly late?: string | undefined;
  readonly fallback?: string | undefined;
  readonly announced?: string | undefined;
}

interface Report {
  readonly named: NamedEnvironment;
  readonly schedule: Schedule;
  readonly readyBy: false | ReadyPhase;
  readonly lead?: ReturnType<typeof leadAt>;
  readonly mornings: readonly ReportedMorning[];
  /** Where it was asked for. */
  readonly advice?: readonly Advice[];
}

/** True when every environment was reachable. */
export async function mornings(loaded: LoadedConfig, options: MorningsOptions, io: Io): Promise<boolean> {
  const days = daysOf(options.days);
  const environments = selectEnvironments(loaded, options.environment).filter(
    ({ environment }) => environment.schedule,
  );
  if (environments.length === 0)
    throw new RefusedError(
      `"${options.environment}" has no schedule: it is never stopped, so it has no mornings`,
    );
  const { results, complete } = await queryEach(io, environments, (named) =>
    reportOf(loaded, named, { days, withAdvice: options.advice ?? false }, io),
  );
  if (options.json) io.out(JSON.stringify(results.map(toJson), null, 2));
  else io.out(results.map((one) => formatReport(one, days, paintOf(io.color))).join('\n\n'));
  return complete;
}

async function reportOf(
  loaded: LoadedConfig,
  named: NamedEnvironment,
  { days, withAdvice }: { readonly days: number; readonly withAdvice: boolean },
  io: Io,
): Promise<Report> {
  const cloud = await io.cloud(named.name, named.environment);
  const night = await cloud.night();
  const now = cloud.now();
  const schedule = scheduleOf(loaded.config, named.environment.schedule ?? '', now);
  const readyBy = readyPhaseOf(named.environment);
  const all = night.mornings ?? [];
  const since = now.getTime() - days * DAY_MS;
  const recent = all.filter(({ asked }) => Date.parse(asked) >= since);
  return {
    named,
    schedule,
    readyBy,
    ...(readyBy ? { lead: leadAt({ readyBy, schedule }, all, now) } : {}),
    mornings: recent.map((one) => reported(one, phaseOf(readyBy || 'nodes'))),
    ...(withAdvice ? { advice: adviceOf(recent) } : {}),
  };
}

export function reported(morning: Morning, target: MorningPhase): ReportedMorning {
  const { asked, promised, seconds, isOpen, late, fallback, announced } = morning;
  const at = (took: number) => new Date(Date.parse(asked) + took * SECOND_MS).toISOString();
  const phases = Object.fromEntries(Object.entries(seconds).map(([phase, took]) => [phase, at(took)]));
  const ready = phases[target];
  const isMissed = promised !== undefined && (ready === undefined ? !isOpen : ready > promised);
  const verdict =
    ready === undefined && isOpen
      ? 'running'
      : promised === undefined
        ? 'no promise'
        : isMissed
          ? 'missed'
          : 'kept';
  return { asked, promised, phases, ready, verdict, late, fallback, announced };
}

/** How many of the promises were kept, and how early the cluster was ready where they were. */
export function summaryOf(all: readonly ReportedMorning[]) {
  const promised = all.filter(({ verdict }) => verdict === 'kept' || verdict === 'missed');
  const kept = promised.filter(({ verdict }) => verdict === 'kept');
  const early = kept.map((one) => Date.parse(one.promised ?? '') - Date.parse(one.ready ?? ''));
  const missed = promised.filter(({ verdict }) => verdict === 'missed');
  const announced = missed.filter(
    (one) => one.announced !== undefined && one.announced < (one.promised ?? ''),
  );
  return {
    promised: promised.length,
    kept: kept.length,
    earlyMinutes: early.length > 0 ? early.reduce((sum, ms) => sum + ms, 0) / early.length / MINUTE_MS : 0,
    missed: missed.length,
    announced: announced.length,
  };
}

function formatReport(report: Report, days: number, paint: Paint) {
  const { named, schedule, readyBy, lead, mornings: all, advice } = report;
  const { timeZone } = schedule;
  const { promised, kept, earlyMinutes, missed, announced } = summaryOf(all);
  const head = [
    environmentTitle(named, paint),
    readyBy
      ? `  ${kept} of ${promised} mornings ready in time (${TARGET_TEXT[phaseOf(readyBy)]}), on average ${earlyMinutes.toFixed(1)} min early${missed > 0 ? `; ${announced} of ${missed} misses announced before` : ''}`
      : '  no promise: set readyBy in the config to start before the time of the schedule',
    ...(lead
      ? [`  starts ${minutes(lead.seconds)} min early: ${lead.reason}, plus a minute for the tick`]
      : []),
  ];
  if (all.length === 0) return [...head, `  no start in the last ${days} days`].join('\n');
  const axis = axisOf(all);
  const rows = all.map((one) => [
    localTime(timeZone, new Date(one.asked)),
    one.promised ? localTime(timeZone, new Date(one.promised)).slice(-5) : '-',
    one.ready ? localTime(timeZone, new Date(one.ready)).slice(-5) : '-',
    chartOf(one, axis),
    plain(wordsOf(one)),
  ]);
  const [title = '', ...body] = columns([
    [
      '  asked',
      'promised',
      'ready',
      'i instances, n nodes, c Argo CD, a applications or URL, | promised',
      '',
    ],
    ...rows.map(([first = '', ...rest]) => [`  ${first}`, ...rest]),
  ]);
  return [
    ...head,
    paint.bold(title),
    ...body.map((line, index) => (all[index]?.verdict === 'missed' ? paint.red(line) : line)),
    ...(advice ? adviceLines(advice) : []),
  ].join('\n');
}

function adviceLines(advice: readonly Advice[]): readonly string[] {
  if (advice.length === 0) return ['  no phase of the last starts is long enough for advice'];
  return [
    '  what would have made them shorter, at most:',
    ...advice.map(
      ({ minutes: gain, lever, why, mornings: count }) =>
        `  ${gain.toFixed(1).padStart(5)} min  ${lever} (${why}; ${count} starts)`,
    ),
  ];
}

const TARGET_TEXT: Readonly<Record<MorningPhase, string>> = {
  instances: 'instances in service',
  nodes: 'nodes Ready',
  argocd: 'Argo CD answers',
  applications: 'applications Healthy',
  url: 'URL answers',
};

const LETTERS: Readonly<Record<MorningPhase, string>> = {
  instances: 'i',
  nodes: 'n',
  argocd: 'c',
  applications: 'a',
  url: 'a',
};

interface Axis {
  /** Minutes from what was promised, or from `asked` where nothing was. */
  readonly from: number;
  readonly to: number;
}

const origin = ({ promised, asked }: ReportedMorning) => Date.parse(promised ?? asked);
const endOf = ({ phases, asked }: ReportedMorning) =>
  Math.max(Date.parse(asked), ...Object.values(phases).map((at) => Date.parse(at)));

function axisOf(all: readonly ReportedMorning[]): Axis {
  const from = Math.min(0, ...all.map((one) => Date.parse(one.asked) - origin(one)));
  const to = Math.max(MINUTE_MS, ...all.map((one) => endOf(one) - origin(one)));
  return { from, to };
}

/** `··iiiinnnn|·`: one letter for each phase, from the request to the end of the last phase. */
export function chartOf(morning: ReportedMorning, { from, to }: Axis): string {
  const cellOf = (ms: number) => Math.round(((ms - from) / (to - from)) * (CHART_WIDTH - 1));
  const cells = Array.from({ length: CHART_WIDTH }, () => '·');
  let begin = Date.parse(morning.asked) - origin(morning);
  for (const phase of PHASES) {
    const at = morning.phases[phase];
    if (at === undefined) continue;
    const end = Date.parse(at) - origin(morning);
    cells.fill(LETTERS[phase], cellOf(begin), Math.max(cellOf(end), cellOf(begin) + 1));
    begin = end;
  }
  if (morning.promised) cells[cellOf(0)] = '|';
  return cells.join('');
}

function wordsOf({ verdict, ready, promised, late, fallback, announced }: ReportedMorning): string {
  const by = ready && promised ? minutes((Date.parse(ready) - Date.parse(promised)) / SECOND_MS) : undefined;
  const outcome =
    verdict === 'missed' ? `missed${by === undefined ? '' : ` by ${Math.max(1, by)} min`}` : verdict;
  return [
    outcome,
    ...(verdict === 'missed' && late ? [`waited for ${late}`] : []),
    ...(verdict === 'missed'
      ? [announced && promised && announced < promised ? 'announced before' : 'not announced']
      : []),
    ...(fallback ? [`${fallback} filled in on demand`] : []),
  ].join(', ');
}

const minutes = (seconds: number) => Math.round(seconds / 60);

function toJson({ named, readyBy, lead, mornings: all, advice }: Report) {
  return {
    environment: named.name,
    readyBy,
    lead: lead ?? null,
    ...summaryOf(all),
    mornings: all,
    ...(advice ? { advice } : {}),
  };
}

function daysOf(text: string | undefined): number {
  const days = Number(text ?? DEFAULT_MORNINGS_DAYS);
  if (Number.isInteger(days) && days >= 1 && days <= MAX_DAYS) return days;
  throw new RefusedError(`--days ${text}: use a whole number from 1 to ${MAX_DAYS}, like --days 30`);
}
