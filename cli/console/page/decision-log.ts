/** The decisions about a target, in a dialog: filtered, with its close button always in reach. */
import type { VNode } from 'preact';
import type { Decision } from '#model/decision.ts';
import { type Child, h } from './element.ts';
import { fetchJson } from './requests.ts';
import { redraw, state } from './state.ts';
import { local, readable, words } from './words.ts';

const SHOWN = 200;

export async function showDecisions(environment: string, target: string): Promise<void> {
  const blank = { environment, target, text: '', capability: '', action: '' };
  state.log = blank;
  redraw();
  dialogElement()?.showModal();
  const query = new URLSearchParams({ environment, target });
  const result = await fetchJson<{ decisions: Decision[] }>(`/decisions?${query}`);
  // Another log may have been opened meanwhile.
  if (state.log?.environment !== environment || state.log.target !== target) return;
  state.log = {
    ...state.log,
    ...(result.ok ? { decisions: result.value.decisions } : { error: result.error }),
  };
  redraw();
}

function dialogElement(): HTMLDialogElement | undefined {
  const found = document.getElementById('decisions');
  return found instanceof HTMLDialogElement ? found : undefined;
}

export function decisionLog(): VNode {
  const { log } = state;
  const title = !log
    ? words('allDecisions')
    : log.target === log.environment
      ? words('decisionsIn', { environment: log.environment })
      : words('decisionsOf', { target: log.target, environment: log.environment });
  return h('dialog', { id: 'decisions', 'aria-labelledby': 'decisions-title' }, [
    h('div', { class: 'top' }, [
      h('h2', { id: 'decisions-title' }, title),
      h(
        'button',
        { type: 'button', class: 'quiet', onClick: () => dialogElement()?.close() },
        words('close'),
      ),
    ]),
    log?.decisions && filters(log.decisions),
    h('div', { class: 'body' }, body()),
  ]);
}

function body(): readonly Child[] {
  const { log } = state;
  if (!log) return [];
  if (log.error) return [h('p', { class: 'error' }, log.error)];
  if (!log.decisions) return [h('p', null, words('loading'))];
  const view = state.views.get(log.environment) ?? { timeZone: 'UTC' };
  const found = log.decisions.filter(
    (one) =>
      (log.capability === '' || one.capability === log.capability) &&
      (log.action === '' || one.action === log.action) &&
      `${one.target} ${one.reason} ${one.trigger}`.toLowerCase().includes(log.text.toLowerCase()),
  );
  if (found.length === 0) return [h('p', null, words('noDecisions'))];
  return [
    h(
      'p',
      { class: 'soft' },
      `${words('found', { n: found.length })} · ${words('zone', { zone: view.timeZone })}`,
    ),
    h(
      'ul',
      { tabIndex: 0, 'aria-label': words('allDecisions') },
      found
        .slice(0, SHOWN)
        .map((one, index) =>
          h('li', { key: `${one.time} ${index}`, class: one.action === 'fail' ? 'failed' : '' }, [
            h('time', { dateTime: one.time }, local(view, one.time)),
            h('strong', null, `${one.action} ${one.target}`),
            h('span', { class: 'soft' }, one.capability),
            h('div', null, readable(view, one.reason)),
            h('div', { class: 'soft' }, words('trigger', { id: one.trigger })),
          ]),
        ),
    ),
  ];
}

function filters(decisions: readonly Decision[]): VNode {
  const { log } = state;
  const change = (changed: object) => {
    if (log) state.log = { ...log, ...changed };
    redraw();
  };
  const choice = (name: 'capability' | 'action', every: string) =>
    h(
      'select',
      {
        'aria-label': every,
        value: log?.[name],
        onChange: (event: Event) => change({ [name]: (event.currentTarget as HTMLSelectElement).value }),
      },
      [
        h('option', { value: '' }, every),
        ...[...new Set(decisions.map((one) => one[name]))]
          .sort()
          .map((value) => h('option', { value }, value)),
      ],
    );
  return h('div', { class: 'filters' }, [
    h('input', {
      type: 'search',
      'aria-label': words('filter'),
      placeholder: words('filter'),
      value: log?.text,
      onInput: (event: Event) => change({ text: (event.currentTarget as HTMLInputElement).value }),
    }),
    choice('capability', words('everyCapability')),
    choice('action', words('everyAction')),
  ]);
}
