/** `status` without a name: a table with one row for each cluster, those with a problem first. */

import { isPending } from '#functions/branch-deploy/record.ts';
import type { LoadedConfig } from '#lib/config-file.ts';
import { DAY_MS, MINUTE_MS } from '#model/duration.ts';
import { RefusedError } from './errors.ts';
import { type FleetRow, fleetRowOf, MORNING_DAYS } from './fleet-row.ts';
import type { Io } from './io.ts';
import { isActive } from './override.ts';
import {
  type EnvironmentFilter,
  type NamedEnvironment,
  selectEnvironments,
  tryEach,
} from './select-environments.ts';
import { readStatus, type Status, statusJson } from './status.ts';
import { type Column, cut, tableLines } from './table.ts';
import { localTime, type Paint, paintOf, plain } from './text.ts';

export const STATES = [
  'awake',
  'starting',
  'asleep',
  'stopping',
  'unknown',
  'unreachable',
  'always-up',
  'problem',
] as const;
const DEFAULT_WIDTH = 120;
/** From this width on there is room for accounts and whole sentences. */
const WIDE = 100;

export interface FleetOptions extends EnvironmentFilter {
  readonly state?: string;
  readonly json?: boolean;
}

/** One row of the table. `status` is absent where the environment was unreachable. */
interface Line extends FleetRow {
  readonly named: NamedEnvironment;
  readonly status?: Status;
}

/** True when every environment was reachable. */
export async function fleetStatus(loaded: LoadedConfig, options: FleetOptions, io: Io): Promise<boolean> {
  const { text, complete } = await fleetText(loaded, options, io);
  io.out(text);
  return complete;
}

/** The whole output as one text, for `--watch` too. */
export async function fleetText(
  loaded: LoadedConfig,
  options: FleetOptions,
  io: Io,
): Promise<{ readonly text: string; readonly complete: boolean }> {
  const isShown = stateFilter(options.state);
  const environments = selectEnvironments(loaded, undefined, options);
  const { results, unreachable } = await tryEach(environments, (named) => readLine(loaded, named, io));
  const failed = unreachable.map(
    ({ named, error }): Line => ({ named, state: 'unreachable', problem: error.message, waitingDeploys: 0 }),
  );
  const order = new Map(environments.map(({ name }, index) => [name, index]));
  const lines = [...failed, ...results]
    .filter(isShown)
    .sort((a, b) => rank(a) - rank(b) || (order.get(a.named.name) ?? 0) - (order.get(b.named.name) ?? 0));
  const text = options.json
    ? JSON.stringify(lines.map(toJson), null, 2)
    : formatFleet(lines, { width: io.columns ?? DEFAULT_WIDTH, paint: paintOf(io.color) });
  return { text, complete: !lines.some(({ state }) => state === 'unreachable') && unreachable.length === 0 };
}

async function readLine(loaded: LoadedConfig, named: NamedEnvironment, io: Io): Promise<Line> {
  const { environment, name } = named;
  const status = await readStatus(loaded, named, io);
  const cloud = status.schedule || environment.deploy ? await io.cloud(name, environment) : undefined;
  const since = new Date(status.now.getTime() - MORNING_DAYS * DAY_MS);
  const [decisions, applications] = await Promise.all([
    status.schedule && cloud ? cloud.decisions(since) : [],
    environment.deploy && cloud ? cloud.applications() : [],
  ]);
  const waitingDeploys = applications.filter(isPending).length;
  return { named, status, ...fleetRowOf({ status, decisions, waitingDeploys }) };
}

function stateFilter(state: string | undefined): (line: Line) => boolean {
  if (state === undefined) return () => true;
  if (!(STATES as readonly string[]).includes(state))
    throw new RefusedError(`--state ${state}: write one of ${STATES.join(', ')}`);
  if (state === 'problem') return ({ problem }) => problem !== undefined;
  return (line) => line.state.replace(' ', '-') === state;
}

function rank({ state, problem }: Line): number {
  if (problem !== undefined) return state === 'unreachable' ? 1 : 0;
  return state === 'always up' ? 3 : 2;
}

function formatFleet(
  lines: readonly Line[],
  { width, paint }: { readonly width: number; readonly paint: Paint },
): string {
  if (lines.length === 0) return 'no environment is in this state';
  const zones = new Set(lines.flatMap(({ status }) => status?.schedule?.timeZone ?? []));
  const columns = zones.size > 1 ? [...COLUMNS, ZONE] : COLUMNS;
  const [head = '', ...rows] = tableLines(columns, lines, width);
  const painted = rows.flatMap((row, index) => {
    const line = lines[index];
    if (!line) return [];
    const shown = paintState(row, line, paint);
    return line.problem === undefined
      ? [shown]
      : [shown, paint.red(cut(`  ! ${plain(shortProblem(line))}`, width))];
  });
  return [paint.dim(head), ...painted, '', paint.dim(cut(summary(lines, [...zones]), width))].join('\n');
}

/** The name of the environment begins its row already. */
function shortProblem({ named, problem = '' }: Line): string {
  return problem.replace(`${named.name}: `, '').replace(/\s*\n\s*/g, ' ');
}

const COLUMNS: readonly Column<Line>[] = [
  {
    title: 'ENVIRONMENT',
    cutFirst: 2,
    cell: ({ named }) => `${named.name}${named.environment.dryRun ? ' (dry run)' : ''}`,
  },
  { title: 'ACCOUNT', from: WIDE, cell: ({ named }) => named.environment.account },
  { title: 'STATE', cell: ({ state }) => state },
  { title: 'NEXT CHANGE', cell: nextOf },
  { title: 'OVERRIDE', from: WIDE, cutFirst: 1, cell: overrideOf },
  { title: 'OVERRIDE', below: WIDE, cutFirst: 1, cell: shortOverrideOf },
  { title: 'MORNING', cell: morningText },
  { title: 'DEPLOYS', cell: ({ waitingDeploys }) => (waitingDeploys > 0 ? `${waitingDeploys} wait` : '') },
];
const ZONE: Column<Line> = {
  title: 'ZONE',
  cutFirst: 0,
  cell: ({ status }) => status?.schedule?.timeZone.split('/').at(-1) ?? '',
};

/** `start Mon 08:00`; with the date where it is more than six days ahead. */
function nextOf({ status }: Line): string {
  if (!status?.next || !status.schedule) return '';
  const kind = status.next.to === 'awake' ? 'start' : 'stop';
  return `${kind.padEnd(5)} ${shortTime(status, status.next.at)}`;
}

interface ShownOverride {
  readonly status: Status;
  readonly what: 'up' | 'down' | 'paused';
  readonly until: Date;
  readonly author: string;
}

function overrideIn({ status }: Line): ShownOverride | undefined {
  if (!status) return undefined;
  const { pause, night, now } = status;
  if (pause) return { status, what: 'paused', until: new Date(pause.until), author: plain(pause.author) };
  const override = night?.override;
  if (!override || !isActive(override, now)) return undefined;
  const what = override.state === 'awake' ? 'up' : 'down';
  return { status, what, until: new Date(override.until), author: plain(override.author) };
}

function overrideOf(line: Line): string {
  const shown = overrideIn(line);
  return shown ? `${shown.what} until ${shortTime(shown.status, shown.until)}, ${shown.author}` : '';
}

/** `23:30 ana`, where it ends within a day; the kind only where the cluster is not kept up. */
function shortOverrideOf(line: Line): string {
  const shown = overrideIn(line);
  if (!shown) return '';
  const { status, what, until, author } = shown;
  const time = shortTime(status, until);
  const isSoon = until.getTime() - status.now.getTime() < DAY_MS;
  return `${what === 'up' ? '' : `${what} `}${isSoon ? time.slice(-5) : time} ${author}`;
}

/** `08:04 +4m`; `late` while the start of today is not confirmed. */
function morningText({ status, morning }: Line): string {
  if (!status?.schedule || !morning) return '';
  const scheduled = Date.parse(morning.scheduledAt);
  if (morning.readyAt === undefined) return 'not seen';
  const late = Math.round((Date.parse(morning.readyAt) - scheduled) / MINUTE_MS);
  return `${localTime(status.schedule.timeZone, new Date(morning.readyAt)).slice(-5)} ${late < 0 ? '-' : '+'}${Math.abs(late)}m`;
}

function shortTime({ schedule, now }: Status, at: Date): string {
  const local = localTime(schedule?.timeZone ?? 'UTC', at);
  const isFar = at.getTime() - now.getTime() > 6 * DAY_MS;
  return isFar ? local.slice(4) : `${local.slice(0, 3)} ${local.slice(-5)}`;
}

function paintState(row: string, { state, problem }: Line, paint: Paint): string {
  const color =
    problem !== undefined
      ? paint.red
      : state === 'awake'
        ? paint.green
        : state === 'asleep'
          ? paint.blue
          : state === 'always up'
            ? paint.dim
            : paint.yellow;
  // A name may contain the word: the state is the last such word that stands alone after it.
  const at = row.indexOf(`  ${state}`);
  return at < 0 ? row : `${row.slice(0, at + 2)}${color(state)}${row.slice(at + 2 + state.length)}`;
}

function summary(lines: readonly Line[], zones: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const { state } of lines) counts.set(state, (counts.get(state) ?? 0) + 1);
  const problems = lines.filter(({ problem }) => problem !== undefined).length;
  const [zone] = zones;
  return [
    `${lines.length} ${lines.length === 1 ? 'environment' : 'environments'}: ${[...counts].map(([state, count]) => `${count} ${state}`).join(', ')}`,
    ...(problems > 0 ? [`${problems} with a problem`] : []),
    ...(zones.length === 1 && zone !== undefined ? [`times of ${zone}`] : []),
  ].join('; ');
}

function toJson({ named, status, ...row }: Line) {
  const { name, environment } = named;
  const { state, ...fleet } = row;
  const base = status
    ? statusJson(status)
    : { environment: name, cluster: environment.cluster, production: environment.production ?? false };
  return {
    ...base,
    account: environment.account,
    region: environment.region,
    tags: environment.tags ?? {},
    phase: state,
    ...fleet,
  };
}
