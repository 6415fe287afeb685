/** What the page knows, and what a person has chosen on it. Every change is followed by `redraw`. */
import type { Decision } from '#model/decision.ts';
import type { EnvironmentView } from '../environment-view.ts';
import type { Morning } from '../mornings.ts';
import type { Language } from './messages.ts';

export type SortKey = 'attention' | 'name' | 'next' | 'saved';

export interface DecisionLog {
  readonly environment: string;
  /** A group, node or application; the environment itself for all of its decisions. */
  readonly target: string;
  readonly decisions?: readonly Decision[];
  readonly error?: string;
  readonly text: string;
  readonly capability: string;
  readonly action: string;
}

/** What is entered in the form of an override. */
export interface Draft {
  readonly until: string;
  readonly reason: string;
  readonly replace: boolean;
  /** The fields that were empty when it was sent. */
  readonly missing: readonly ('until' | 'reason')[];
}

export const EMPTY_DRAFT: Draft = { until: '', reason: '', replace: false, missing: [] };

export const state = {
  language: 'en' as Language,
  names: [] as readonly string[],
  views: new Map<string, EnvironmentView>(),
  /** When each view arrived, so that its clock continues. */
  receivedAt: new Map<string, number>(),
  connected: true,
  /** When anything was received last, in ms of `performance.now`. */
  heardAt: 0,
  /** A recorded day, not an account. */
  demo: false,
  search: '',
  sort: 'attention' as SortKey,
  open: undefined as string | undefined,
  drafts: new Map<string, Draft>(),
  busy: new Set<string>(),
  /** The result of the last override, by environment. */
  results: new Map<string, { readonly text: string; readonly failed: boolean }>(),
  mornings: new Map<string, readonly Morning[]>(),
  log: undefined as DecisionLog | undefined,
};

let draw: () => void = () => undefined;

export function onRedraw(run: () => void): void {
  draw = run;
}

export function redraw(): void {
  draw();
}

const SILENCE_MS = 45_000;

/** Nothing has arrived for so long that the page shows the past: the server sends something every 15 seconds. */
export function isStale(): boolean {
  return !state.connected || performance.now() - state.heardAt > SILENCE_MS;
}

export function draftOf(name: string): Draft {
  return state.drafts.get(name) ?? EMPTY_DRAFT;
}

export function editDraft(name: string, change: Partial<Draft>): void {
  state.drafts.set(name, { ...draftOf(name), ...change });
  redraw();
}
