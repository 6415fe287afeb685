/** The mornings that were promised: one mark for each, as SVG, and how many of them were kept. */
import type { VNode } from 'preact';
import type { EnvironmentView } from '../environment-view.ts';
import { h } from './element.ts';
import { local, words } from './words.ts';

const SIZE = 12;
const GAP = 3;
const IN_A_ROW = 20;

export function promise(view: EnvironmentView): VNode | null {
  if (!view.promise) return null;
  const { kept, promised, mornings } = view.promise;
  const sum = words('promise', { kept, promised });
  const rows = Math.ceil(mornings.length / IN_A_ROW);
  return h('figure', { class: 'promise' }, [
    h(
      'svg',
      {
        role: 'img',
        'aria-label': sum,
        // Where the page is narrower the picture shrinks, and no mark is cut off.
        viewBox: `0 0 ${IN_A_ROW * (SIZE + GAP)} ${rows * (SIZE + GAP)}`,
        width: IN_A_ROW * (SIZE + GAP),
      },
      mornings.map((one, index) =>
        h(
          'rect',
          {
            key: one.promised,
            class: one.isKept ? 'kept' : 'missed',
            x: (index % IN_A_ROW) * (SIZE + GAP),
            y: Math.floor(index / IN_A_ROW) * (SIZE + GAP),
            width: SIZE,
            height: SIZE,
            // Distinct without colours too.
            rx: one.isKept ? 2 : SIZE / 2,
          },
          [
            h(
              'title',
              null,
              `${local(view, one.promised)}: ${words(one.isKept ? 'promiseKept' : 'promiseMissed')}`,
            ),
          ],
        ),
      ),
    ),
    h('figcaption', null, sum),
  ]);
}
