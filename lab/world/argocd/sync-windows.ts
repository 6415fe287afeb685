import { Cron } from 'croner';
import { globMatches } from './rbac.ts';
import type { SyncWindow } from './types.ts';

export interface WindowTarget {
  readonly name: string;
  readonly destination: { readonly server?: string; readonly name?: string; readonly namespace?: string };
}

/**
 * Whether a sync may start (or go on) now. An open deny window blocks; else an open allow window allows; else
 * a closed allow window blocks. A manual sync is allowed if every blocking window has `manualSync`.
 */
export function canSync(
  windows: readonly SyncWindow[],
  target: WindowTarget,
  now: number,
  manual: boolean,
): boolean {
  if (windows.length === 0) return true;
  const matching = windows.filter((window) => concerns(window, target));
  const open = matching.filter((window) => isOpen(window, now));
  const denying = open.filter((window) => window.kind === 'deny');
  if (denying.length > 0) return manual && denying.every((window) => window.manualSync === true);
  if (open.some((window) => window.kind === 'allow')) return true;
  const shut = matching.filter((window) => window.kind === 'allow');
  if (shut.length > 0) return manual && shut.every((window) => window.manualSync === true);
  return true;
}

export function isOpen(window: SyncWindow, now: number): boolean {
  const one = known.get(window) ?? parse(window);
  if (!isOpenSince(one, now)) {
    const [opened] = one.cron.previousRuns(1, new Date(now));
    one.opened = opened?.getTime() ?? Number.NEGATIVE_INFINITY;
  }
  return isOpenSince(one, now);
}

interface Openings {
  readonly cron: Cron;
  /** How long it stays open, in milliseconds. */
  readonly duration: number;
  /** Cached start of the last opening, in virtual ms. */
  opened: number;
}

/** Cache of parsed windows: every comparison and sync step evaluates the same few. */
const known = new WeakMap<SyncWindow, Openings>();

function parse(window: SyncWindow): Openings {
  const cron = new Cron(window.schedule, { timezone: window.timeZone ?? 'UTC', mode: '5-part' });
  const openings = { cron, duration: milliseconds(window.duration), opened: Number.NEGATIVE_INFINITY };
  known.set(window, openings);
  return openings;
}

function isOpenSince({ opened, duration }: Openings, now: number): boolean {
  return opened < now && now - opened < duration;
}

function concerns(window: SyncWindow, target: WindowTarget): boolean {
  const { server, name, namespace } = target.destination;
  return (
    (window.applications ?? []).some((glob) => globMatches(glob, target.name)) ||
    (window.clusters ?? []).some((glob) => [server, name].some((each) => each && globMatches(glob, each))) ||
    (window.namespaces ?? []).some((glob) => namespace !== undefined && globMatches(glob, namespace))
  );
}

const UNITS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };

/** Go's durations, `1h30m`, in milliseconds; a bare number counts seconds. */
export function milliseconds(duration: string): number {
  if (/^\d+$/.test(duration)) return Number(duration) * 1000;
  const parts = [...duration.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)];
  if (parts.length === 0 || parts.map(([whole]) => whole).join('') !== duration) {
    throw new Error(`invalid duration: ${duration}; write 30s, 5m or 1h30m`);
  }
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (UNITS[unit ?? ''] ?? 0), 0);
}
