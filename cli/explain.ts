/** `explain`: the recorded decisions about a target, with their reasons. */

import type { LoadedConfig } from '#lib/config-file.ts';
import type { Decision } from '#model/decision.ts';
import { DAY_MS, MINUTE_MS } from '#model/duration.ts';
import { ownValue } from '#model/own-value.ts';
import { formatLocal } from '#model/plan.ts';
import { parseDuration } from '#model/when.ts';
import { RefusedError } from './errors.ts';
import type { Io } from './io.ts';
import { queryEach, selectEnvironments } from './select-environments.ts';
import { columns, paintOf, plain } from './text.ts';

export const DEFAULT_SINCE = '7d';
const RETENTION_DAYS = 90;

export interface ExplainOptions {
  readonly environment?: string;
  readonly since?: string;
  readonly json?: boolean;
}

/** True when something was found, or every environment was reachable. */
export async function explain(
  loaded: LoadedConfig,
  target: string,
  options: ExplainOptions,
  io: Io,
): Promise<boolean> {
  const since = sinceOf(options.since ?? DEFAULT_SINCE);
  // The decisions of an environment are in its own table.
  const isEnvironment = ownValue(loaded.config.environments, target) !== undefined;
  const named = options.environment ?? (isEnvironment ? target : undefined);
  const environments = selectEnvironments(loaded, named);
  const { results, complete } = await queryEach(io, environments, async ({ name, environment }) => {
    const cloud = await io.cloud(name, environment);
    // The first response carries the time of AWS: if this machine's clock is wrong, the query is repeated.
    const first = await cloud.decisions(new Date(io.now().getTime() - since));
    const differs = Math.abs(cloud.now().getTime() - io.now().getTime()) > MINUTE_MS;
    return differs ? cloud.decisions(new Date(cloud.now().getTime() - since)) : first;
  });
  const decisions = results.flat().sort((a, b) => a.time.localeCompare(b.time));
  const found = decisionsAbout(target, decisions);
  if (options.json) {
    io.out(JSON.stringify(found, null, 2));
    return complete || found.length > 0;
  }
  io.out(
    found.length > 0 ? formatDecisions(found, loaded, io) : formatNoDecision(target, decisions, options),
  );
  return complete || found.length > 0;
}

/**
 * All decisions of an environment of that name; otherwise those about the target, or about the build or commit of that
 * id; otherwise those whose target contains the text.
 */
export function decisionsAbout(target: string, decisions: readonly Decision[]): readonly Decision[] {
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

function formatDecisions(decisions: readonly Decision[], loaded: LoadedConfig, io: Io): string {
  const paint = paintOf(io.color);
  const { environments, schedules } = loaded.config;
  const rows = decisions.map((decision) => {
    const schedule = ownValue(environments, decision.environment)?.schedule;
    const timeZone = (schedule && ownValue(schedules, schedule)?.timeZone) || 'UTC';
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

function formatNoDecision(target: string, decisions: readonly Decision[], options: ExplainOptions): string {
  const since = options.since ?? DEFAULT_SINCE;
  const targets = [...new Set(decisions.map((decision) => decision.target))].slice(0, 20);
  const known =
    targets.length > 0
      ? `there are decisions about ${targets.map(plain).join(', ')}`
      : 'there are no decisions at all';
  return `no decisions about "${target}" in the last ${since}: ${known}`;
}

function sinceOf(text: string): number {
  const span = parseDuration(text);
  if ('problem' in span) throw new RefusedError(`--since ${text}: ${span.problem}`);
  if (span.ms > RETENTION_DAYS * DAY_MS) {
    throw new RefusedError(
      `--since ${text}: decisions are kept for ${RETENTION_DAYS} days: use --since ${RETENTION_DAYS}d`,
    );
  }
  return span.ms;
}
