/** Renders the views that the server sends, and sends overrides. Runs in the browser. */

import { h as element, render, type VNode } from 'preact';
import type { Decision } from '#model/decision.ts';
import { HOUR_MS } from '#model/duration.ts';
import { authorOf } from '#model/schedule.ts';
import type { DayView, EnvironmentView, TimelineSpan } from '../environment-view.ts';

type Child = VNode | string | number | false | null | undefined;
/** The function of Preact, with untyped attributes. */
const h = element as unknown as (
  name: string,
  attributes: Readonly<Record<string, unknown>> | null,
  ...children: readonly (Child | readonly Child[])[]
) => VNode;

const state = {
  names: [] as readonly string[],
  views: new Map<string, EnvironmentView>(),
  /** The result of the last override, by environment. */
  results: new Map<string, { readonly text: string; readonly failed: boolean }>(),
  busy: new Set<string>(),
  connected: true,
  decisions: undefined as
    | { readonly title: string; readonly decisions?: readonly Decision[]; readonly error?: string }
    | undefined,
  /** When each view arrived, so that its clock continues. */
  receivedAt: new Map<string, number>(),
};

const events = new EventSource('/events');
events.addEventListener('environments', ({ data }: MessageEvent<string>) => {
  state.names = JSON.parse(data) as string[];
  draw();
});
events.addEventListener('environment', ({ data }: MessageEvent<string>) => {
  const view = JSON.parse(data) as EnvironmentView;
  state.views.set(view.name, view);
  state.receivedAt.set(view.name, performance.now());
  draw();
});
events.onopen = () => {
  state.connected = true;
  draw();
};
events.onerror = () => {
  state.connected = false;
  draw();
};
// Updates the remaining times.
setInterval(draw, 1_000);

function draw(): void {
  const app = document.getElementById('app');
  if (app) render(page(), app);
}

function page(): VNode {
  return h('main', null, [
    h('h1', null, 'Night shift'),
    h(
      'div',
      { role: 'status' },
      !state.connected &&
        h(
          'p',
          { class: 'error' },
          'The console is not running any more. Start "nightshift console" again and open the address that it prints.',
        ),
    ),
    ...state.names.map((name) => {
      const view = state.views.get(name);
      return view
        ? card(view)
        : h('section', { class: 'card', key: name }, h('h2', null, name), h('p', null, 'Loading …'));
    }),
    dialog(),
  ]);
}

function card(view: EnvironmentView): VNode {
  const { name } = view;
  const id = `title-${name}`;
  return h('section', { class: 'card', key: name, 'aria-labelledby': id, 'data-environment': name }, [
    h('div', { class: 'head' }, [
      h('h2', { id }, name),
      h('span', { class: `phase ${view.phase}` }, view.phase.replace('-', ' ')),
      view.since && h('span', { class: 'soft' }, `since ${local(view, view.since)}`),
      h('span', { class: 'soft' }, `cluster ${view.cluster}, account ${view.account}, ${view.region}`),
    ]),
    view.error
      ? h('p', { class: 'error', role: 'alert' }, view.error)
      : h('p', null, `Reason: ${view.reason}`),
    ...view.hints.map((hint) => h('p', { class: 'hint', key: hint }, hint)),
    view.desired &&
      view.phase !== view.desired.state &&
      h('p', null, `Desired: ${view.desired.state}, ${view.desired.reason}`),
    view.next &&
      h('p', { class: 'clock' }, [
        h('strong', null, view.next.to === 'awake' ? 'Starts' : 'Stops'),
        ` ${local(view, view.next.at)}, in ${remaining(view, view.next.at)}: ${view.next.reason}`,
      ]),
    view.override &&
      h('p', null, [
        h('strong', null, `Override: ${view.override.state}`),
        ` until ${local(view, view.override.until)} by ${authorOf(view.override)}: ${view.override.reason}`,
      ]),
    view.day && day(view, view.day),
    view.overridable && !view.error && overrideForm(view),
    h('div', { class: 'columns' }, [
      view.deploys.length > 0 && deploys(view),
      view.drains.length > 0 && drains(view),
      view.savings && savings(view),
    ]),
    !view.error && h('p', null, decisionsLink(view, name, `All decisions of ${name}`)),
  ]);
}

// --- the day -----------------------------------------------------------------------------------------------------------

function day(view: EnvironmentView, { from, to, planned, groups }: DayView): VNode {
  const start = Date.parse(from);
  const length = Date.parse(to) - start;
  const percent = (at: number) => `${((100 * (at - start)) / length).toFixed(2)}%`;
  const now = () =>
    h('line', {
      class: 'now',
      x1: percent(Date.parse(view.now)),
      x2: percent(Date.parse(view.now)),
      y1: -2,
      y2: 20,
    });
  const bar = (spans: readonly TimelineSpan[], label: string) =>
    h(
      'svg',
      { role: 'img', 'aria-label': `${label}: ${spans.map((span) => sentence(view, span)).join('; ')}` },
      [
        ...spans.map((span) =>
          h(
            'rect',
            {
              class: `${span.state} ${span.source ?? ''}`,
              x: percent(Date.parse(span.from)),
              width: `${((100 * (Date.parse(span.to) - Date.parse(span.from))) / length).toFixed(2)}%`,
              y: span.state === 'asleep' ? 8 : 2,
              height: span.state === 'asleep' ? 8 : 14,
            },
            h('title', null, sentence(view, span)),
          ),
        ),
        now(),
      ],
    );
  const ticks = quarters(view, start, start + length);
  return h('div', null, [
    h('h3', null, 'Yesterday to tomorrow'),
    h('div', { class: 'row' }, [
      h('span', { class: 'soft' }, view.timeZone),
      h(
        'svg',
        { class: 'axis', 'aria-hidden': 'true' },
        ticks.map((at) => h('text', { x: percent(at), y: 12 }, clock(view, at))),
      ),
    ]),
    h('div', { class: 'row' }, [h('span', null, 'Plan'), bar(planned, 'plan')]),
    ...groups.map((group) =>
      h('div', { class: 'row', key: group.name }, [
        decisionsLink(view, group.name, group.nodes ? `${group.name} (${group.nodes})` : group.name),
        bar(group.spans, group.name),
      ]),
    ),
    h('div', { class: 'key', 'aria-hidden': 'true' }, [
      key('awake', 'awake'),
      key('asleep', 'asleep'),
      key('moving', 'starting or stopping'),
      key('calendar', 'calendar'),
      key('override', 'override'),
      '│ now',
    ]),
  ]);
}

/** The instants at 00, 06, 12 and 18 o'clock in the time zone; without the last two hours, where no label fits. */
function quarters(view: EnvironmentView, from: number, to: number): readonly number[] {
  const hours = [...Array(Math.ceil((to - from) / HOUR_MS))].map(
    (_, index) => (Math.ceil(from / HOUR_MS) + index) * HOUR_MS,
  );
  return hours.filter(
    (at) => at < to - 2 * HOUR_MS && ['00:00', '06:00', '12:00', '18:00'].includes(clock(view, at)),
  );
}

function key(name: string, text: string): VNode {
  return h('span', null, [h('i', { class: name }), text]);
}

function sentence(view: EnvironmentView, { state, from, to, reason }: TimelineSpan): string {
  return `${state} from ${local(view, from)} to ${local(view, to)}, ${reason}`;
}

// --- overrides ---------------------------------------------------------------------------------------------------------

function overrideForm(view: EnvironmentView): VNode {
  const { name } = view;
  const busy = state.busy.has(name);
  const result = state.results.get(name);
  const send = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const pressed = event.submitter as HTMLButtonElement;
    void sendOverride(name, {
      command: pressed.value,
      until: String(form.get('until')),
      reason: String(form.get('reason')),
      replace: form.get('replace') === 'on',
    });
  };
  const button = (value: string, text: string, quiet = false) =>
    h('button', { name: 'command', value, disabled: busy, class: quiet ? 'quiet' : '' }, text);
  return h('div', null, [
    h('h3', null, 'Override the schedule'),
    h('form', { onSubmit: send, 'aria-label': `Override the schedule of ${name}` }, [
      h('div', null, [
        h('label', { for: `until-${name}` }, 'Until, or duration'),
        h('input', { id: `until-${name}`, name: 'until', placeholder: '22:00 or 2h', autocomplete: 'off' }),
      ]),
      h('div', null, [
        h('label', { for: `reason-${name}` }, 'Reason'),
        h('input', {
          id: `reason-${name}`,
          name: 'reason',
          placeholder: 'release',
          autocomplete: 'off',
          maxlength: 200,
        }),
      ]),
      h('div', null, [
        h('input', { id: `replace-${name}`, name: 'replace', type: 'checkbox' }),
        h('label', { for: `replace-${name}` }, 'End the overrides of others'),
      ]),
      h('div', { class: 'buttons' }, [
        button('keep-up', 'Keep up until'),
        button('wake', 'Wake now'),
        button('sleep', 'Sleep now', true),
        view.override && button('cancel', 'Cancel the override', true),
      ]),
    ]),
    h(
      'div',
      { role: result?.failed ? 'alert' : 'status' },
      result && h('p', { class: result.failed ? 'result error' : 'result' }, result.text),
    ),
  ]);
}

async function sendOverride(
  environment: string,
  request: {
    readonly command: string;
    readonly until: string;
    readonly reason: string;
    readonly replace: boolean;
  },
): Promise<void> {
  state.busy.add(environment);
  state.results.delete(environment);
  draw();
  const result = await fetchJson<{ message: string }>('/override', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ environment, ...request }),
  });
  state.busy.delete(environment);
  state.results.set(environment, {
    text: result.ok ? result.value.message : result.error,
    failed: !result.ok,
  });
  draw();
}

type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: string };

async function fetchJson<T>(url: string, options?: RequestInit): Promise<Result<T>> {
  try {
    const response = await fetch(url, options);
    if (response.headers.get('content-type')?.startsWith('application/json')) {
      const body = (await response.json()) as T | { readonly error: string };
      return typeof body === 'object' && body !== null && 'error' in body
        ? { ok: false, error: body.error }
        : { ok: true, value: body as T };
    }
    return { ok: false, error: (await response.text()).trim() };
  } catch (error) {
    return {
      ok: false,
      error: `The console is unreachable: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
}

// --- lists -------------------------------------------------------------------------------------------------------------

function deploys(view: EnvironmentView): VNode {
  return h('div', null, [
    h('h3', null, 'Deploys'),
    h(
      'ul',
      null,
      view.deploys.map((one) =>
        h('li', { key: one.application }, [
          decisionsLink(view, one.application, one.application),
          ` ${one.state}${one.commit ? ` ${one.commit.slice(0, 8)}` : ''}`,
          h('span', { class: 'soft' }, ` ${one.at ? `${local(view, one.at)}, ` : ''}${one.text}`),
        ]),
      ),
    ),
  ]);
}

function drains(view: EnvironmentView): VNode {
  return h('div', null, [
    h('h3', null, 'Drains'),
    h(
      'ul',
      null,
      view.drains.map((one) =>
        h('li', { key: `${one.node} ${one.at} ${one.action}` }, [
          decisionsLink(view, one.node, one.node),
          ` ${one.action}`,
          h('span', { class: 'soft' }, ` ${local(view, one.at)}: ${one.reason}`),
        ]),
      ),
    ),
  ]);
}

function savings({ savings: saved }: EnvironmentView): VNode {
  const money = saved?.money === undefined ? '' : `, ${saved.money.toFixed(2)} ${saved.currency}`;
  return h('div', null, [
    h('h3', null, 'Saved'),
    h('p', null, `${(saved?.nodeHours ?? 0).toFixed(1)} node-hours${money} in ${saved?.days} days`),
  ]);
}

// --- decisions ---------------------------------------------------------------------------------------------------------

function decisionsLink(view: EnvironmentView, target: string, text: string): VNode {
  return h(
    'button',
    { type: 'button', class: 'link', onClick: () => void showDecisions(view, target) },
    text,
  );
}

async function showDecisions(view: EnvironmentView, target: string): Promise<void> {
  state.decisions = { title: `${target} in ${view.name}` };
  draw();
  decisionsDialog()?.showModal();
  const query = new URLSearchParams({ environment: view.name, target });
  const result = await fetchJson<{ decisions: Decision[] }>(`/decisions?${query}`);
  state.decisions = {
    title: `${target} in ${view.name}`,
    ...(result.ok ? { decisions: result.value.decisions } : { error: result.error }),
  };
  draw();
}

function decisionsDialog(): HTMLDialogElement | undefined {
  const found = document.getElementById('decisions');
  return found instanceof HTMLDialogElement ? found : undefined;
}

function dialog(): VNode {
  const { decisions: shown } = state;
  const view = [...state.views.values()].find(({ name }) => shown?.title.endsWith(` in ${name}`));
  const body: Child[] = shown?.error
    ? [h('p', { class: 'error' }, shown.error)]
    : shown?.decisions
      ? [
          shown.decisions.length === 0 && h('p', null, 'No decisions in the last week.'),
          h(
            'ul',
            { tabIndex: 0, 'aria-label': 'decisions, newest first' },
            shown.decisions.map((one, index) =>
              h('li', { key: index }, [
                h('strong', null, `${one.action} ${one.target}`),
                h(
                  'span',
                  { class: 'soft' },
                  ` ${view ? local(view, one.time) : one.time}, ${one.capability}`,
                ),
                h('div', null, one.reason),
                h('div', { class: 'soft' }, `trigger: ${one.trigger}`),
              ]),
            ),
          ),
        ]
      : [h('p', null, 'Loading …')];
  return h('dialog', { id: 'decisions', 'aria-labelledby': 'decisions-title' }, [
    h('h2', { id: 'decisions-title' }, shown?.title ?? 'Decisions'),
    ...body,
    h('button', { type: 'button', onClick: () => decisionsDialog()?.close() }, 'Close'),
  ]);
}

// --- times -------------------------------------------------------------------------------------------------------------

const formats = new Map<string, Intl.DateTimeFormat>();

function format(view: EnvironmentView, kind: 'long' | 'clock'): Intl.DateTimeFormat {
  const key = `${kind} ${view.timeZone}`;
  const known = formats.get(key);
  if (known) return known;
  const made = new Intl.DateTimeFormat('en-GB', {
    timeZone: view.timeZone,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    ...(kind === 'long' ? { weekday: 'short', day: 'numeric', month: 'short' } : {}),
  });
  formats.set(key, made);
  return made;
}

function local(view: EnvironmentView, instant: string): string {
  return format(view, 'long').format(new Date(instant));
}

function clock(view: EnvironmentView, at: number): string {
  return format(view, 'clock').format(new Date(at));
}

/** Measured with the clock of AWS: the time of the last view, plus the time since it arrived. */
function remaining(view: EnvironmentView, instant: string): string {
  const elapsed = performance.now() - (state.receivedAt.get(view.name) ?? performance.now());
  const seconds = Math.max(0, Math.round((Date.parse(instant) - Date.parse(view.now) - elapsed) / 1000));
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  if (hours >= 48) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  return hours > 0
    ? `${hours} h ${minutes} min`
    : minutes > 9
      ? `${minutes} min`
      : `${minutes} min ${seconds % 60} s`;
}
