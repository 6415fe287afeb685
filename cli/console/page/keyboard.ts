/** `/`, `j`, `k`, `Enter`, `l`, `Escape` and `?`. */
import type { VNode } from 'preact';
import { showDecisions } from './decision-log.ts';
import { h } from './element.ts';
import { open } from './open.ts';
import { redraw, state } from './state.ts';
import { words } from './words.ts';

const KEYS = [
  ['/', 'keySearch'],
  ['j  k', 'keyMove'],
  ['Enter', 'keyOpen'],
  ['l', 'keyLog'],
  ['Esc', 'keyClose'],
  ['?', 'keyHelp'],
] as const;

export function listenToKeys(): void {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector('dialog[open]')) return;
    if (isTyping(event.target)) {
      if (event.key === 'Escape') leave(event.target as HTMLElement);
      return;
    }
    const act = ACTIONS[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && ['INPUT', 'SELECT', 'TEXTAREA'].includes(target.tagName);
}

// `Enter` is the browser's own: the row in focus is a button.
const ACTIONS: Readonly<Record<string, () => void>> = {
  '/': () => document.getElementById('search')?.focus(),
  j: () => move(1),
  k: () => move(-1),
  '?': showKeys,
  l() {
    const focused = document.activeElement?.closest('[data-environment]')?.getAttribute('data-environment');
    const name = focused ?? state.open;
    if (name) void showDecisions(name, name);
  },
  Escape: () => open(undefined),
};

/** As in k9s: the search is gone with its text. */
function leave(field: HTMLElement): void {
  field.blur();
  if (field.id !== 'search') return;
  state.search = '';
  redraw();
}

function move(by: number): void {
  const rows = [...document.querySelectorAll<HTMLElement>('.row-button')];
  const at = rows.indexOf(document.activeElement as HTMLElement);
  const next = at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + by));
  rows[next]?.focus();
}

export function showKeys(): void {
  dialogElement()?.showModal();
}

function dialogElement(): HTMLDialogElement | undefined {
  const found = document.getElementById('keys');
  return found instanceof HTMLDialogElement ? found : undefined;
}

export function keysDialog(): VNode {
  return h('dialog', { id: 'keys', 'aria-labelledby': 'keys-title' }, [
    h('div', { class: 'top' }, [
      h('h2', { id: 'keys-title' }, words('help')),
      h(
        'button',
        { type: 'button', class: 'quiet', onClick: () => dialogElement()?.close() },
        words('close'),
      ),
    ]),
    h(
      'dl',
      { class: 'body' },
      KEYS.flatMap(([key, what]) => [h('dt', null, h('kbd', null, key)), h('dd', null, words(what))]),
    ),
  ]);
}
