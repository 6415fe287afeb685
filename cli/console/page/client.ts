/** Renders the views that the server sends. Runs in the browser. */
import { render, type VNode } from 'preact';
import type { EnvironmentView } from '../environment-view.ts';
import { decisionLog } from './decision-log.ts';
import { h } from './element.ts';
import { fleet, urgencyOf } from './fleet.ts';
import { keysDialog, listenToKeys, showKeys } from './keyboard.ts';
import type { Language, Message } from './messages.ts';
import { openInAddress } from './open.ts';
import { isStale, onRedraw, redraw, type SortKey, state } from './state.ts';
import { words } from './words.ts';

const LANGUAGE_KEY = 'nightshift-language';

function chooseLanguage(language: Language): void {
  state.language = language;
  document.documentElement.lang = language;
}

const remembered = localStorage.getItem(LANGUAGE_KEY) ?? navigator.language;
chooseLanguage(remembered.startsWith('ja') ? 'ja' : 'en');

const events = new EventSource('/events');
function listen(event: string, receive: (data: string) => void): void {
  events.addEventListener(event, ({ data }: MessageEvent<string>) => {
    state.heardAt = performance.now();
    receive(data);
    redraw();
  });
}
listen('environments', (data) => {
  const { names, demo } = JSON.parse(data) as { names: string[]; demo: boolean };
  const linked = openInAddress();
  if (state.names.length === 0 && linked && names.includes(linked)) state.open = linked;
  state.names = names;
  state.demo = demo;
});
listen('environment', (data) => {
  const view = JSON.parse(data) as EnvironmentView;
  state.views.set(view.name, view);
  state.receivedAt.set(view.name, performance.now());
});
listen('alive', () => undefined);
events.onopen = () => {
  state.connected = true;
  state.heardAt = performance.now();
  redraw();
};
events.onerror = () => {
  state.connected = false;
  redraw();
};

onRedraw(() => {
  // A tab in the background shows how many need a person.
  const failing = failingCount();
  document.title = failing > 0 ? `(${failing}) ${words('title')}` : words('title');
  const app = document.getElementById('app');
  if (app) render(page(), app);
});
listenToKeys();
// Updates the remaining times, and notices silence.
setInterval(redraw, 1_000);
redraw();

function page(): VNode {
  const stale = isStale() && state.names.length > 0;
  return h('main', { class: stale ? 'stale' : '' }, [
    header(),
    h('p', { class: 'printed', 'aria-hidden': 'true' }, words('asOf', { time: lastHeard() })),
    h(
      'div',
      { role: 'status' },
      stale && h('p', { class: 'error banner' }, words('stale', { time: lastHeard() })),
      state.demo && h('p', { class: 'hint banner' }, words('demo')),
    ),
    state.names.length === 0 ? h('p', null, words('loading')) : fleet(),
    decisionLog(),
    keysDialog(),
  ]);
}

function lastHeard(): string {
  const at = new Date(Date.now() - (performance.now() - state.heardAt));
  return at.toLocaleString(state.language === 'ja' ? 'ja-JP' : 'en-GB', {
    dateStyle: 'medium',
    timeStyle: 'long',
  });
}

function failingCount(): number {
  return [...state.views.values()].filter((view) => urgencyOf(view) < 2).length;
}

function header(): VNode {
  return h('header', null, [
    h('h1', null, words('title')),
    h('p', { class: 'counts' }, counts()),
    h('input', {
      id: 'search',
      type: 'search',
      'aria-label': words('search'),
      placeholder: words('searchHint'),
      value: state.search,
      onInput(event: Event) {
        state.search = (event.currentTarget as HTMLInputElement).value;
        redraw();
      },
    }),
    sortChoice(),
    h(
      'button',
      {
        type: 'button',
        class: 'quiet',
        lang: state.language === 'ja' ? 'en' : 'ja',
        onClick() {
          const language = state.language === 'ja' ? 'en' : 'ja';
          localStorage.setItem(LANGUAGE_KEY, language);
          chooseLanguage(language);
          redraw();
        },
      },
      words('language'),
    ),
    h('button', { type: 'button', class: 'quiet', 'aria-label': words('help'), onClick: showKeys }, '?'),
  ]);
}

function sortChoice(): VNode {
  const keys: readonly (readonly [SortKey, Message])[] = [
    ['attention', 'sortAttention'],
    ['name', 'sortName'],
    ['next', 'sortNext'],
    ['saved', 'sortSaved'],
  ];
  return h('label', { class: 'sort' }, [
    h('span', null, `${words('sortBy')} `),
    h(
      'select',
      {
        'aria-label': words('sortBy'),
        value: state.sort,
        onChange(event: Event) {
          state.sort = (event.currentTarget as HTMLSelectElement).value as SortKey;
          redraw();
        },
      },
      keys.map(([key, text]) => h('option', { value: key }, words(text))),
    ),
  ]);
}

/** How many are in each state; a press shows only these, and a second press all again. */
function counts(): readonly VNode[] {
  const views = [...state.views.values()];
  const failing = failingCount();
  const phases = ['awake', 'asleep', 'starting', 'stopping'] as const;
  const count = (key: string, kind: string, { text, search }: { text: string; search: string }) =>
    h(
      'button',
      {
        key,
        type: 'button',
        class: `count ${kind}`,
        title: words('showOnly', { what: search }),
        'aria-pressed': state.search === search,
        onClick() {
          state.search = state.search === search ? '' : search;
          redraw();
        },
      },
      text,
    );
  return [
    h('span', { key: 'total' }, words('total', { n: state.names.length })),
    ...(failing > 0
      ? [count('failing', 'bad', { text: words('failure', { n: failing }), search: words('failed') })]
      : []),
    ...phases.flatMap((phase) => {
      const found = views.filter((view) => !view.error && view.phase === phase).length;
      const shown = { text: `${found} ${words(phase)}`, search: words(phase) };
      return found > 0 ? [count(phase, `phase ${phase}`, shown)] : [];
    }),
  ];
}
