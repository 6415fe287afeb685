/** `explain`: what was decided about a target, and why. */
import type { LoadedConfig } from '#lib/config-file.ts';
import type { Decision } from '#model/decision.ts';
import { DAY_MS, MINUTE_MS } from '#model/duration.ts';
import { formatLocal } from '#model/plan.ts';
import { parseDuration } from '#model/when.ts';
import { askEach, chosen } from './environments.ts';
import { type Io, RefusedError } from './io.ts';
import { columns, paintOf, plain } from './text.ts';

export const DEFAULT_SINCE = '7d';
const LONGEST_SINCE_DAYS = 90;

export interface ExplainOptions {
  readonly environment?: string;
  readonly since?: string;
  readonly json?: boolean;
}

/** True where every environment answered. */
export async function explain(
  loaded: LoadedConfig,
  target: string,
  options: ExplainOptions,
  io: Io,
): Promise<boolean> {
  const since = sinceOf(options.since ?? DEFAULT_SINCE);
  const named = chosen(loaded, options.environment);
  const { answers, failed } = await askEach(io, named, async ({ name, environment }) => {
    const cloud = await io.cloud(name, environment);
    // The first answer brings the time: where AWS's clock differs from ours, it is asked once more.
    const first = await cloud.decisions(new Date(io.now().getTime() - since));
    const differs = Math.abs(cloud.now().getTime() - io.now().getTime()) > MINUTE_MS;
    return differs ? cloud.decisions(new Date(cloud.now().getTime() - since)) : first;
  });
  const decisions = answers.flat().sort((a, b) => a.time.localeCompare(b.time));
  const found = about(target, decisions);
  if (options.json) {
    io.out(JSON.stringify(found, null, 2));
    return !failed;
  }
  io.out(found.length > 0 ? describe(found, loaded, io) : nothing(target, decisions, options));
  return !failed;
}

/**
 * All decisions of an environment of that name; else those about the target, or the build or commit of that id; else
 * those whose target holds the text.
 */
export function about(target: string, decisions: readonly Decision[]): readonly Decision[] {
  const environment = decisions.filter((decision) => decision.environment === target);
  if (environment.length > 0) return environment;
  const exact = decisions.filter((decision) => decision.target === target || isOfBuild(decision, target));
  return exact.length > 0 ? exact : decisions.filter(({ target: full }) => full.includes(target));
}

/** A build is named by its id (`project:uuid`), its ARN or its uuid; a commit by seven digits or more. */
function isOfBuild({ build, sha }: Decision, text: string): boolean {
  if (
    typeof build === 'string' &&
    (text === build || text.endsWith(`/${build}`) || build.endsWith(`:${text}`))
  )
    return true;
  return typeof sha === 'string' && /^[0-9a-f]{7,}$/.test(text) && sha.startsWith(text);
}

function describe(decisions: readonly Decision[], loaded: LoadedConfig, io: Io): string {
  const paint = paintOf(io.color);
  const { environments, schedules } = loaded.config;
  const rows = decisions.map((decision) => {
    const schedule = environments[decision.environment]?.schedule;
    const timeZone = (schedule && schedules?.[schedule]?.timeZone) || 'UTC';
    const at = new Date(decision.time);
    return [
      formatLocal(timeZone, at),
      decision.environment,
      decision.capability,
      decision.action,
      decision.target,
      `${decision.reason} [${decision.trigger}]`,
    ].map(plain);
  });
  return columns(rows)
    .map((line, index) => (decisions[index]?.action === 'fail' ? paint.red(line) : line))
    .join('\n');
}

function nothing(target: string, decisions: readonly Decision[], options: ExplainOptions): string {
  const since = options.since ?? DEFAULT_SINCE;
  const targets = [...new Set(decisions.map((decision) => decision.target))].slice(0, 20);
  const known =
    targets.length > 0
      ? `decisions are kept about ${targets.map(plain).join(', ')}`
      : 'nothing was decided at all';
  return `nothing was decided about "${target}" in the last ${since}: ${known}`;
}

function sinceOf(text: string): number {
  const duration = parseDuration(text);
  if ('problem' in duration) throw new RefusedError(`--since ${text}: ${duration.problem}`);
  if (duration.ms > LONGEST_SINCE_DAYS * DAY_MS) {
    throw new RefusedError(
      `--since ${text}: decisions are kept for ${LONGEST_SINCE_DAYS} days: write --since ${LONGEST_SINCE_DAYS}d`,
    );
  }
  return duration.ms;
}
