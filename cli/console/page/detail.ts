/** One environment, opened: what it does and why, its day, its deploys and drains, and the override. */
import type { VNode } from 'preact';
import { authorOf } from '#model/schedule.ts';
import type { DrainView, EnvironmentView } from '../environment-view.ts';
import type { Morning } from '../mornings.ts';
import { barChart } from './charts.ts';
import { showDecisions } from './decision-log.ts';
import { h } from './element.ts';
import type { Message } from './messages.ts';
import { overrideForm } from './override-form.ts';
import { promise } from './promise.ts';
import { fetchJson } from './requests.ts';
import { redraw, state } from './state.ts';
import { timeline } from './timeline.ts';
import { local, readable, remaining, short, words } from './words.ts';

export function detail(view: EnvironmentView): VNode {
  const { name } = view;
  loadMornings(view);
  return h('div', { class: 'detail', id: `detail-${name}`, role: 'region', 'aria-label': name }, [
    h('div', { class: 'facts' }, [facts(view), failures(view)]),
    h('div', { class: 'main' }, [
      view.day && h('h2', null, words('day')),
      view.day && timeline(view, view.day),
      h('div', { class: 'columns' }, [
        view.deploys.length > 0 && deploys(view),
        view.drains.length > 0 && drains(view),
        view.savings && savings(view),
        view.day && mornings(view, state.mornings.get(name)),
      ]),
    ]),
    h('div', { class: 'side' }, [
      view.overridable && !view.error
        ? overrideForm(view)
        : !view.overridable && h('p', { class: 'soft' }, words('noOverride')),
      !view.error &&
        h('p', null, [
          h(
            'button',
            { type: 'button', class: 'quiet', onClick: () => void showDecisions(name, name) },
            words('allDecisions'),
          ),
        ]),
    ]),
  ]);
}

function facts(view: EnvironmentView): VNode {
  const { cluster, account, region, timeZone, override, desired, next } = view;
  return h('div', null, [
    h('p', { class: 'soft' }, [
      `${words('place', { cluster, account, region })} · ${words('zone', { zone: timeZone })}`,
    ]),
    view.error
      ? h('p', { class: 'error', role: 'alert' }, view.error)
      : h('p', null, [
          h('strong', null, words(view.phase)),
          view.since ? ` ${words('since', { time: local(view, view.since) })}: ` : ': ',
          readable(view, view.reason),
        ]),
    ...view.hints.map((hint) => h('p', { class: 'hint', key: hint }, hint)),
    desired &&
      !view.error &&
      view.phase !== desired.state &&
      h('p', null, [
        h('strong', null, `${words('desired')}: ${words(desired.state)}`),
        `, ${readable(view, desired.reason)}`,
      ]),
    next &&
      h('p', { class: 'clock' }, [
        h(
          'strong',
          null,
          words(next.to === 'awake' ? 'startsAt' : 'stopsAt', { time: local(view, next.at) }),
        ),
        `${words('within', { time: remaining(view, next.at) })}: ${readable(view, next.reason)}`,
      ]),
    override &&
      h('p', { class: 'overridden' }, [
        h('strong', null, `${words('override')}: ${words(override.state)}`),
        ` ${words('overrideBy', {
          time: local(view, override.until),
          author: authorOf(override),
          reason: override.reason,
        })}`,
      ]),
  ]);
}

function failures(view: EnvironmentView): VNode | false {
  if (view.failures.length === 0) return false;
  return h('div', { class: 'failures' }, [
    h('h2', null, words('failures')),
    h(
      'ul',
      null,
      view.failures.map(({ target, at, reason, capability }) =>
        h('li', { key: `${capability} ${target}` }, [
          decisionsButton(view, target),
          h('span', { class: 'soft' }, ` ${local(view, at)}, ${capability}`),
          h('div', null, readable(view, reason)),
        ]),
      ),
    ),
  ]);
}

function decisionsButton(view: EnvironmentView, target: string): VNode {
  return h(
    'button',
    { type: 'button', class: 'link', onClick: () => void showDecisions(view.name, target) },
    target,
  );
}

function deploys(view: EnvironmentView): VNode {
  return h('div', null, [
    h('h2', null, words('deploys')),
    h(
      'ul',
      null,
      view.deploys.map((one) =>
        h('li', { key: one.application }, [
          decisionsButton(view, one.application),
          ' ',
          h('span', { class: `pill ${one.state}` }, deployWord(one.state)),
          one.commit && h('code', null, ` ${short(one.commit)}`),
          h(
            'div',
            { class: 'soft' },
            [
              one.at && local(view, one.at),
              // Without a decision about it the text is the state.
              one.text !== one.state && readable(view, one.text),
            ]
              .filter(Boolean)
              .join(', '),
          ),
        ]),
      ),
    ),
  ]);
}

export function deployWord(deploy: EnvironmentView['deploys'][number]['state']): string {
  return words(deploy === 'none' ? 'noDeploy' : (deploy as Message));
}

function drains(view: EnvironmentView): VNode {
  const list = (some: readonly DrainView[]) =>
    h(
      'ul',
      null,
      some.map((one) =>
        h('li', { key: one.node }, [
          decisionsButton(view, one.node),
          ` ${one.action}`,
          h('div', { class: 'soft' }, `${local(view, one.at)}: ${readable(view, one.reason)}`),
        ]),
      ),
    );
  const nightly = view.drains.filter((one) => one.nightly);
  const others = view.drains.filter((one) => !one.nightly);
  return h('div', null, [
    h('h2', null, words('drains')),
    others.length > 0 ? list(others) : h('p', { class: 'soft' }, words('none')),
    nightly.length > 0 &&
      h('details', null, [h('summary', null, words('nightlyDrains', { n: nightly.length })), list(nightly)]),
  ]);
}

function savings(view: EnvironmentView): VNode {
  const { days = 0, nodeHours = 0, money, currency, daily = [] } = view.savings ?? {};
  const sum = words('savingsSum', {
    hours: nodeHours.toFixed(1),
    money: money === undefined ? '' : `, ${money.toFixed(2)} ${currency ?? ''}`,
    days,
  });
  const bars = datesBefore(view, days).map((date) => {
    const value = daily.find((one) => one.date === date)?.nodeHours;
    return { date, ...(value === undefined ? {} : { value }), text: `${date}: ${(value ?? 0).toFixed(1)}` };
  });
  return h('div', null, [
    h('h2', null, words('savings')),
    barChart(words('savings'), bars, 'savings'),
    h('p', null, view.savings?.running ? `${sum} (${words('savingsRunning')})` : sum),
  ]);
}

/** ISO dates up to today, in the zone. */
function datesBefore(view: EnvironmentView, days: number): readonly string[] {
  const format = new Intl.DateTimeFormat('en-CA', { timeZone: view.timeZone });
  const now = Date.parse(view.now);
  return [...Array(days)].map((_, index) => format.format(now - (days - 1 - index) * 86_400_000));
}

function mornings(view: EnvironmentView, known: readonly Morning[] | undefined): VNode {
  return h('div', null, [
    h('h2', null, words('mornings')),
    known === undefined
      ? h('p', { class: 'soft' }, words('loading'))
      : known.every(({ minutes }) => minutes === undefined)
        ? h('p', { class: 'soft' }, words(known.length === 0 ? 'noMornings' : 'noneReady'))
        : barChart(
            words('mornings'),
            datesBefore(view, MORNING_DAYS).map((date) => {
              const minutes = known.find((one) => one.date === date)?.minutes;
              return {
                date,
                ...(minutes === undefined ? {} : { value: minutes }),
                text: minutes === undefined ? `${date}: –` : `${date}: ${minutes} min`,
              };
            }),
            'mornings',
          ),
    promise(view),
  ]);
}

const MORNING_DAYS = 14;
const asked = new Set<string>();

/** Once for each date: the decisions of two weeks are read for it. */
function loadMornings(view: EnvironmentView): void {
  const key = `${view.name} ${view.now.slice(0, 10)}`;
  if (!view.day || view.error || asked.has(key)) return;
  asked.add(key);
  void fetchJson<{ mornings: Morning[] }>(
    `/mornings?${new URLSearchParams({ environment: view.name })}`,
  ).then((result) => {
    state.mornings.set(view.name, result.ok ? result.value.mornings : []);
    redraw();
  });
}
