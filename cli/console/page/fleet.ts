/** All environments, one row each: what needs a person first. A row opens. */
import type { VNode } from 'preact';
import { authorOf } from '#model/schedule.ts';
import type { EnvironmentView } from '../environment-view.ts';
import { deployWord, detail } from './detail.ts';
import { h } from './element.ts';
import { toggle } from './open.ts';
import { type SortKey, state } from './state.ts';
import { strip } from './timeline.ts';
import { near, remaining, words, zoneOf } from './words.ts';

export function fleet(): VNode {
  const views = visibleViews();
  const loading = state.names.filter((name) => !state.views.has(name));
  return h('div', { class: 'fleet' }, [
    h('div', { class: 'columns-head', 'aria-hidden': 'true' }, [
      h('span', null, words('environment')),
      h('span', null, words('state')),
      h('span', null, words('next')),
      h('span', null, words('day')),
      h('span', null, words('deploys')),
      h('span', { class: 'number' }, words('saved')),
    ]),
    h('ul', { class: 'rows' }, [
      ...views.map((view) => row(view)),
      ...loading.map((name) =>
        h('li', { key: name, class: 'loading' }, [h('span', null, name), h('span', null, words('loading'))]),
      ),
    ]),
    views.length === 0 && loading.length === 0 && h('p', null, words('nobody')),
  ]);
}

/** What the search finds, in the chosen order. */
export function visibleViews(): readonly EnvironmentView[] {
  const wanted = state.search.trim().toLowerCase();
  return state.names
    .flatMap((name) => state.views.get(name) ?? [])
    .filter((view) => textOf(view).includes(wanted))
    .sort((a, b) => ORDERS[state.sort](a, b) || a.name.localeCompare(b.name));
}

function textOf(view: EnvironmentView): string {
  const { name, cluster, account, region, override } = view;
  const failing = urgencyOf(view) < 2 ? words('failed') : '';
  const parts = [
    name,
    cluster,
    account,
    region,
    phaseWord(view),
    failing,
    override ? authorOf(override) : '',
  ];
  return parts.join(' ').toLowerCase();
}

const ORDERS: Readonly<Record<SortKey, (a: EnvironmentView, b: EnvironmentView) => number>> = {
  attention: (a, b) => urgencyOf(a) - urgencyOf(b) || nextOf(a).localeCompare(nextOf(b)),
  name: () => 0,
  next: (a, b) => nextOf(a).localeCompare(nextOf(b)),
  saved: (a, b) => (b.savings?.nodeHours ?? 0) - (a.savings?.nodeHours ?? 0),
};

/** Unreachable, failed, in transition, overridden, others, never stopped. */
export function urgencyOf(view: EnvironmentView): number {
  if (view.error) return 0;
  if (view.failures.length > 0 || view.deploys.some((one) => one.state === 'failed')) return 1;
  if (view.phase === 'starting' || view.phase === 'stopping' || view.phase === 'unknown') return 2;
  if (view.override) return 3;
  return view.phase === 'never-stopped' ? 5 : 4;
}

const nextOf = (view: EnvironmentView) => view.next?.at ?? '9';

function row(view: EnvironmentView): VNode {
  const { name } = view;
  const isOpen = state.open === name;
  const urgency = urgencyOf(view);
  return h('li', { key: name, 'data-environment': name, class: isOpen ? 'opened' : '' }, [
    h(
      'button',
      {
        type: 'button',
        class: `row-button ${urgency < 2 ? 'failing' : ''}`,
        'aria-expanded': isOpen,
        ...(isOpen ? { 'aria-controls': `detail-${name}` } : {}),
        onClick: () => toggle(name),
      },
      [
        h('span', { class: 'name' }, [name, view.production && h('small', null, ' prod')]),
        h('span', { class: `phase ${view.error ? 'unreachable' : view.phase}` }, phaseWord(view)),
        h('span', { class: 'next' }, nextWords(view)),
        h('span', { class: 'day' }, strip(view)),
        h('span', { class: 'deploys' }, deployWords(view)),
        h('span', { class: 'number' }, view.savings ? `${view.savings.nodeHours.toFixed(0)} h` : ''),
      ],
    ),
    isOpen && detail(view),
  ]);
}

function phaseWord(view: EnvironmentView): string {
  return words(view.error ? 'unreachable' : view.phase);
}

/** The failure where there is one, otherwise the override, otherwise the next transition: with the zone. */
function nextWords(view: EnvironmentView): VNode | string {
  const { error, failures, next, override } = view;
  if (error) return h('span', { class: 'bad' }, error);
  const [failure] = failures;
  if (failure) return h('span', { class: 'bad' }, `✕ ${failure.target}: ${failure.reason}`);
  if (!next) return view.phase === 'never-stopped' ? '' : words('noNext');
  const time = `${near(view, next.at)} ${zoneOf(view)}`;
  const text = `${words(next.to === 'awake' ? 'startsAt' : 'stopsAt', { time })}${words('within', { time: remaining(view, next.at) })}`;
  return override ? h('span', null, [h('b', null, `${words('override')} `), text]) : text;
}

const DEPLOY_ORDER = [
  'failed',
  'syncing',
  'suspended',
  'waiting',
  'unverified',
  'superseded',
  'deployed',
  'none',
] as const;

function deployWords({ deploys }: EnvironmentView): VNode | string {
  const [first, ...others] = deploys.toSorted(
    (a, b) => DEPLOY_ORDER.indexOf(a.state) - DEPLOY_ORDER.indexOf(b.state),
  );
  if (!first) return '';
  return h('span', null, [
    h('span', { class: `pill ${first.state}` }, deployWord(first.state)),
    ` ${first.application}${others.length > 0 ? ` +${others.length}` : ''}`,
  ]);
}
