/** The day as bars: the plan, what was observed of each group, and the events. */
import type { VNode } from 'preact';
import { HOUR_MS } from '#model/duration.ts';
import type { DayView, TimelineMark, TimelineSpan } from '../day-view.ts';
import type { EnvironmentView } from '../environment-view.ts';
import { showDecisions } from './decision-log.ts';
import { h } from './element.ts';
import { clock, day, local, readable, words } from './words.ts';

/** Position in percent of the range shown. */
type Scale = (at: number) => string;

function scaleOf({ from, to }: DayView): Scale {
  const start = Date.parse(from);
  const length = Date.parse(to) - start;
  return (at) => `${((100 * (at - start)) / length).toFixed(2)}%`;
}

/** Plan and observed states as one strip, for a row of the list: the past as observed, the future as planned. */
export function strip(view: EnvironmentView): VNode | undefined {
  const { day: shown } = view;
  if (!shown) return undefined;
  const scale = scaleOf(shown);
  const now = Date.parse(view.now);
  const [first] = shown.groups.toSorted((a, b) => b.spans.length - a.spans.length);
  const past = first?.spans ?? [
    { from: shown.from, to: view.now, state: 'unknown' as const, reason: words('notObserved') },
  ];
  const future = shown.planned.flatMap((span) =>
    Date.parse(span.to) <= now ? [] : [{ ...span, from: Date.parse(span.from) < now ? view.now : span.from }],
  );
  return h('svg', { class: 'strip', 'aria-hidden': 'true' }, [
    ...past.map((span) => spanOf(view, span, scale, { y: 3, height: 10 })),
    ...future.map((span) => spanOf(view, span, scale, { y: 3, height: 10 }, 'planned')),
    ...shown.marks.map((mark) => glyphOf(view, mark, scale, 8)),
    nowLine(scale(now), 16),
  ]);
}

export function timeline(view: EnvironmentView, shown: DayView): VNode {
  const scale = scaleOf(shown);
  const from = Date.parse(shown.from);
  const to = Date.parse(shown.to);
  const row = (label: VNode | string, drawing: VNode, name: string) =>
    h('div', { class: 'row', key: name }, [h('div', { class: 'label' }, label), drawing]);
  const bar = (spans: readonly TimelineSpan[], label: string) =>
    h(
      'svg',
      { role: 'img', 'aria-label': `${label}: ${spans.map((span) => sentence(view, span)).join('; ')}` },
      [
        ...midnights(view, from, to).map((at) => tick(scale(at))),
        ...spans.map((span) => spanOf(view, span, scale, { y: 3, height: 14 })),
        nowLine(scale(Date.parse(view.now)), 20),
      ],
    );
  return h('div', { class: 'timeline' }, [
    row(h('span', { class: 'soft' }, view.timeZone), axis(view, from, to, scale), 'axis'),
    row(words('plan'), bar(shown.planned, words('plan')), 'plan'),
    ...shown.groups.map((group) =>
      row(
        link(view, group.name, group.nodes ? `${group.name} (${group.nodes})` : group.name),
        bar(group.spans, group.name),
        `group ${group.name}`,
      ),
    ),
    shown.marks.length > 0 &&
      row(words('events'), events(view, shown, scale, midnights(view, from, to)), 'events'),
    legend(shown),
  ]);
}

function events(view: EnvironmentView, { marks }: DayView, scale: Scale, ticks: readonly number[]): VNode {
  const label = marks.map(
    ({ kind, target, at, reason }) => `${kind} ${target}, ${local(view, at)}: ${readable(view, reason)}`,
  );
  return h('svg', { role: 'img', 'aria-label': `${words('events')}: ${label.join('; ')}` }, [
    ...ticks.map((at) => tick(scale(at))),
    ...marks.map((mark) => glyphOf(view, mark, scale, 10)),
    nowLine(scale(Date.parse(view.now)), 20),
  ]);
}

const GLYPHS: Readonly<Record<TimelineMark['kind'], string>> = {
  deploy: 'M0 -6 L6 5 L-6 5 Z',
  drain: 'M0 -6 L6 0 L0 6 L-6 0 Z',
  failure: 'M-5 -5 L5 5 M-5 5 L5 -5',
};

function glyphOf(view: EnvironmentView, mark: TimelineMark, scale: Scale, y: number): VNode {
  const { kind, target, at, reason } = mark;
  const shape = kind === 'failure' ? 'failed' : kind;
  return h('svg', { key: `${kind} ${target} ${at}`, x: scale(Date.parse(at)), y, class: 'glyph' }, [
    h('path', { class: kind, d: GLYPHS[kind] }, [
      h('title', null, `${words(shape)} ${target}, ${local(view, at)}: ${readable(view, reason)}`),
    ]),
  ]);
}

function spanOf(
  view: EnvironmentView,
  span: TimelineSpan,
  scale: Scale,
  place: { readonly y: number; readonly height: number },
  kind = '',
): VNode {
  const isLow = span.state === 'asleep' || span.state === 'unknown';
  const start = Number.parseFloat(scale(Date.parse(span.from)));
  const end = Number.parseFloat(scale(Date.parse(span.to)));
  return h(
    'rect',
    {
      class: `${span.state} ${span.source ?? ''} ${kind}`,
      x: `${start}%`,
      width: `${Math.max(0, end - start).toFixed(2)}%`,
      y: isLow ? place.y + place.height / 2 : place.y,
      height: isLow ? place.height / 2 : place.height,
    },
    h('title', null, sentence(view, span)),
  );
}

/** Midnights carry their date, noons and evenings their hour: one at 06:00 would touch the date. */
function axis(view: EnvironmentView, from: number, to: number, scale: Scale): VNode {
  const label = (at: number, text: string, kind: string) =>
    h('text', { x: scale(at), y: 12, class: kind }, text);
  return h('svg', { class: 'axis', 'aria-hidden': 'true' }, [
    ...hours(view, from, to, ['12:00', '18:00'])
      .filter((at) => at < to - HOUR_MS)
      .map((at) => label(at, clock(view, at), 'hour')),
    ...midnights(view, from, to).flatMap((at) => [
      tick(scale(at)),
      at < to - 4 * HOUR_MS && label(at + HOUR_MS / 4, day(view, at), 'date'),
    ]),
  ]);
}

function midnights(view: EnvironmentView, from: number, to: number): readonly number[] {
  return hours(view, from, to, ['00:00']);
}

/** In steps of half an hour, because some zones are off by one. */
function hours(
  view: EnvironmentView,
  from: number,
  to: number,
  clocks: readonly string[],
): readonly number[] {
  const step = HOUR_MS / 2;
  const count = Math.ceil((to - from) / step);
  return [...Array(count)]
    .map((_, index) => (Math.ceil(from / step) + index) * step)
    .filter((at) => at < to && clocks.includes(clock(view, at)));
}

function tick(x: string): VNode {
  return h('line', { class: 'tick', x1: x, x2: x, y1: 0, y2: 20 });
}

function nowLine(x: string, height: number): VNode {
  return h('line', { class: 'now', x1: x, x2: x, y1: 0, y2: height });
}

function link(view: EnvironmentView, target: string, text: string): VNode {
  return h(
    'button',
    { type: 'button', class: 'link', onClick: () => void showDecisions(view.name, target) },
    text,
  );
}

function legend({ planned, marks }: DayView): VNode {
  const has = (source: TimelineSpan['source']) => planned.some((span) => span.source === source);
  const kinds = new Set(marks.map(({ kind }) => kind));
  const key = (name: string, text: string) => h('span', { key: name }, [h('i', { class: name }), text]);
  return h(
    'div',
    { class: 'key', 'aria-hidden': 'true' },
    [
      key('awake', words('awake')),
      key('asleep', words('asleep')),
      key('moving', words('moving')),
      key('unknown', words('notObserved')),
      has('calendar') && key('calendar', words('calendar')),
      has('override') && key('override', words('byOverride')),
      kinds.has('deploy') && `▲ ${words('deploy')}`,
      kinds.has('drain') && `◆ ${words('drain')}`,
      kinds.has('failure') && `✕ ${words('failed')}`,
      `│ ${words('now')}`,
    ].map((one) => (typeof one === 'string' ? h('span', null, one) : one)),
  );
}

function sentence(view: EnvironmentView, { state, from, to, reason }: TimelineSpan): string {
  return `${words(state)}, ${local(view, from)} – ${local(view, to)}: ${readable(view, reason)}`;
}
