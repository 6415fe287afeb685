/** Bars for numbers by date, as SVG. */
import type { VNode } from 'preact';
import { h } from './element.ts';

export interface Bar {
  /** ISO date. */
  readonly date: string;
  /** Absent where there is no number. */
  readonly value?: number;
  readonly text: string;
}

const HEIGHT = 64;

/** The list of numbers beside it is for whoever cannot see the bars. */
export function barChart(label: string, bars: readonly Bar[], kind: string): VNode {
  const most = Math.max(...bars.map(({ value = 0 }) => value), 1);
  const width = 100 / Math.max(bars.length, 1);
  return h('figure', { class: `chart ${kind}` }, [
    h('svg', { role: 'img', 'aria-label': `${label}: ${bars.map(({ text }) => text).join('; ')}` }, [
      ...bars.map(({ date, value = 0, text }, index) => {
        const height = Math.max(value > 0 ? 2 : 0, (value / most) * HEIGHT);
        const x = `${(index * width + width * 0.1).toFixed(2)}%`;
        return h('g', { key: date }, [
          h('rect', { class: 'ground', x, y: 0, width: `${(width * 0.8).toFixed(2)}%`, height: HEIGHT }, [
            h('title', null, text),
          ]),
          h('rect', { class: 'bar', x, y: HEIGHT - height, width: `${(width * 0.8).toFixed(2)}%`, height }, [
            h('title', null, text),
          ]),
        ]);
      }),
    ]),
    h('figcaption', null, [
      h('span', null, bars[0]?.date.slice(5) ?? ''),
      h('span', null, `max ${most.toFixed(most < 10 ? 1 : 0)}`),
      h('span', null, bars.at(-1)?.date.slice(5) ?? ''),
    ]),
  ]);
}
