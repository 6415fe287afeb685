/** Draws what the server tells, and sends what a person wishes. Runs in the browser. */
import { h as element, render, type VNode } from 'preact';
import type { Decision } from '#model/decision.ts';
import { HOUR_MS } from '#model/duration.ts';
import type { DayView, EnvironmentView, Span } from '../view.ts';

type Child = VNode | string | number | false | null | undefined;
/** Preact's, with the attributes untyped. */
const h = element as unknown as (
  name: string,
  attributes: Readonly<Record<string, unknown>> | null,
  ...children: readonly (Child | readonly Child[])[]
) => VNode;

const state = {
  names: [] as readonly string[],
  views: new Map<string, EnvironmentView>(),
  /** What was answered to a wish, by environment. */
  said: new Map<string, { readonly text: string; readonly refused: boolean }>(),
  busy: new Set<string>(),
  connected: true,
  trail: undefined as
    | { readonly title: string; readonly decisions?: readonly Decision[]; readonly error?: string }
    | undefined,
  /** When a view came, to let its clock run on. */
  heard: new Map<string, number>(),
};

const events = new EventSource('/events');
events.addEventListener('environments', ({ data }: MessageEvent<string>) => {
  state.names = JSON.parse(data) as string[];
  draw();
});
events.addEventListener('environment', ({ data }: MessageEvent<string>) => {
  const view = JSON.parse(data) as EnvironmentView;
  state.views.set(view.name, view);
  state.heard.set(view.name, performance.now());
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
// The clocks to the next change.
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
          { class: 'trouble' },
          'The console does not answer any more. Start "nightshift console" again and open what it prints.',
        ),
    ),
    ...state.names.map((name) => {
      const view = state.views.get(name);
      return view
        ? card(view)
        : h('section', { class: 'card', key: name }, h('h2', null, name), h('p', null, 'Asking …'));
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
      ? h('p', { class: 'trouble', role: 'alert' }, view.error)
      : h('p', null, `Because ${view.reason}`),
    ...view.notices.map((notice) => h('p', { class: 'notice', key: notice }, notice)),
    view.wanted && disagrees(view) && h('p', null, `It is to be ${view.wanted.state}: ${view.wanted.reason}`),
    view.next &&
      h('p', { class: 'clock' }, [
        h('strong', null, view.next.to === 'awake' ? 'Wakes' : 'Goes to sleep'),
        ` ${local(view, view.next.at)}, in ${remaining(view, view.next.at)}: ${view.next.reason}`,
      ]),
    view.override &&
      h('p', null, [
        h('strong', null, `Kept ${view.override.state}`),
        ` until ${local(view, view.override.until)} by ${view.override.author}: ${view.override.reason}`,
      ]),
    view.day && day(view, view.day),
    view.steerable && !view.error && wishes(view),
    h('div', { class: 'columns' }, [
      view.deploys.length > 0 && deploys(view),
      view.drains.length > 0 && drains(view),
      view.savings && savings(view),
    ]),
    !view.error && h('p', null, trailLink(view, name, `Everything that was decided about ${name}`)),
  ]);
}

function disagrees({ phase, wanted }: EnvironmentView): boolean {
  return wanted !== undefined && phase !== wanted.state;
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
  const bar = (spans: readonly Span[], label: string) =>
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
        trailLink(view, group.name, group.nodes ? `${group.name} (${group.nodes})` : group.name),
        bar(group.spans, group.name),
      ]),
    ),
    h('div', { class: 'key', 'aria-hidden': 'true' }, [
      key('awake', 'awake'),
      key('asleep', 'asleep'),
      key('moving', 'starts or stops'),
      key('holiday', 'by the calendar'),
      key('wish', 'by a person'),
      '│ now',
    ]),
  ]);
}

/** The instants at which the zone's clock shows 00, 06, 12 or 18; none so late that its label would not fit. */
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

function sentence(view: EnvironmentView, { state, from, to, reason }: Span): string {
  return `${state} from ${local(view, from)} to ${local(view, to)}, ${reason}`;
}

// --- wishes ------------------------------------------------------------------------------------------------------------

function wishes(view: EnvironmentView): VNode {
  const { name } = view;
  const busy = state.busy.has(name);
  const said = state.said.get(name);
  const send = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const pressed = event.submitter as HTMLButtonElement;
    void wish(name, pressed.value, String(form.get('until')), String(form.get('reason')));
  };
  const button = (value: string, text: string, quiet = false) =>
    h('button', { name: 'wish', value, disabled: busy, class: quiet ? 'quiet' : '' }, text);
  return h('div', null, [
    h('h3', null, 'Change it'),
    h('form', { onSubmit: send, 'aria-label': `Change ${name}` }, [
      h('div', null, [
        h('label', { for: `until-${name}` }, 'Until, or for'),
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
      h('div', { class: 'buttons' }, [
        button('keep-up', 'Keep up until'),
        button('wake', 'Wake now'),
        button('sleep', 'Sleep now', true),
        view.override && button('cancel', 'Cancel the override', true),
      ]),
    ]),
    h(
      'div',
      { role: said?.refused ? 'alert' : 'status' },
      said && h('p', { class: said.refused ? 'said trouble' : 'said' }, said.text),
    ),
  ]);
}

async function wish(environment: string, wanted: string, until: string, reason: string): Promise<void> {
  state.busy.add(environment);
  state.said.delete(environment);
  draw();
  const result = await ask<{ said: string }>('/override', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ environment, wish: wanted, until, reason }),
  });
  state.busy.delete(environment);
  state.said.set(environment, {
    text: result.refused ?? result.value.said,
    refused: result.refused !== undefined,
  });
  draw();
}

type Answer<T> =
  | { readonly value: T; readonly refused?: undefined }
  | { readonly value?: undefined; readonly refused: string };

async function ask<T>(url: string, options?: RequestInit): Promise<Answer<T>> {
  try {
    const response = await fetch(url, options);
    if (response.headers.get('content-type')?.startsWith('application/json')) {
      const body = (await response.json()) as T | { readonly refused: string };
      return typeof body === 'object' && body !== null && 'refused' in body
        ? { refused: body.refused }
        : { value: body as T };
    }
    return { refused: (await response.text()).trim() };
  } catch (error) {
    return {
      refused: `The console did not answer: ${error instanceof Error ? error.message : String(error)}`,
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
          trailLink(view, one.application, one.application),
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
          trailLink(view, one.node, one.node),
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

// --- the trail of decisions --------------------------------------------------------------------------------------------

function trailLink(view: EnvironmentView, target: string, text: string): VNode {
  return h('button', { type: 'button', class: 'link', onClick: () => void showTrail(view, target) }, text);
}

async function showTrail(view: EnvironmentView, target: string): Promise<void> {
  state.trail = { title: `${target} in ${view.name}` };
  draw();
  trailDialog()?.showModal();
  const query = new URLSearchParams({ environment: view.name, target });
  const result = await ask<{ decisions: Decision[] }>(`/decisions?${query}`);
  state.trail = {
    title: `${target} in ${view.name}`,
    ...(result.value ? { decisions: result.value.decisions } : { error: result.refused }),
  };
  draw();
}

function trailDialog(): HTMLDialogElement | undefined {
  const found = document.getElementById('trail');
  return found instanceof HTMLDialogElement ? found : undefined;
}

function dialog(): VNode {
  const { trail } = state;
  const view = [...state.views.values()].find(({ name }) => trail?.title.endsWith(` in ${name}`));
  const body: Child[] = trail?.error
    ? [h('p', { class: 'trouble' }, trail.error)]
    : trail?.decisions
      ? [
          trail.decisions.length === 0 && h('p', null, 'Nothing was decided in the last week.'),
          h(
            'ul',
            { tabIndex: 0, 'aria-label': 'decisions, newest first' },
            trail.decisions.map((one, index) =>
              h('li', { key: index }, [
                h('strong', null, `${one.action} ${one.target}`),
                h(
                  'span',
                  { class: 'soft' },
                  ` ${view ? local(view, one.time) : one.time}, ${one.capability}`,
                ),
                h('div', null, one.reason),
                h('div', { class: 'soft' }, `by ${one.trigger}`),
              ]),
            ),
          ),
        ]
      : [h('p', null, 'Asking …')];
  return h('dialog', { id: 'trail', 'aria-labelledby': 'trail-title' }, [
    h('h2', { id: 'trail-title' }, trail?.title ?? 'Decisions'),
    ...body,
    h('button', { type: 'button', onClick: () => trailDialog()?.close() }, 'Close'),
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

/** By AWS's clock, which runs on from what was heard last. */
function remaining(view: EnvironmentView, instant: string): string {
  const gone = performance.now() - (state.heard.get(view.name) ?? performance.now());
  const seconds = Math.max(0, Math.round((Date.parse(instant) - Date.parse(view.now) - gone) / 1000));
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  if (hours >= 48) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  return hours > 0
    ? `${hours} h ${minutes} min`
    : minutes > 9
      ? `${minutes} min`
      : `${minutes} min ${seconds % 60} s`;
}
