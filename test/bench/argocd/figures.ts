/** The figures of the bench, from what was seen: those of branch-deploy, with the ways of Argo CD alone beside them. */
import { type Figure, median } from '../bench.ts';
import type { Bed } from './bed.ts';
import { earlySyncs, type Seen, secondsUntilRunning, secondsUntilSynced, syncsOf } from './seen.ts';
import type { Subject, WayName } from './subject.ts';

type Observed = Pick<Bed, 'seen' | 'failedPulls'>;

const OURS: WayName = 'branch-deploy';

/** `value` is undefined where a way was not measured. */
function figureOf(
  what: string,
  unit: string,
  ways: readonly string[],
  value: (way: string) => number | undefined,
): Figure {
  const own = value(OURS);
  return {
    ...{ what, unit, value: own ?? Number.NaN },
    beside: ways.flatMap((who) => {
      const one = value(who);
      return who === OURS || one === undefined ? [] : [{ who, value: one }];
    }),
  };
}

/** Merges by day, one for each application. */
export function mergeFigures(bed: Observed, subjects: readonly Subject[]): readonly Figure[] {
  return (['one', 'config'] as const).flatMap((repository) => {
    const chosen = subjects.filter((one) => one.repository === repository);
    const ways = waysOf(chosen);
    const of = (text: string) => `${repository} repository: ${text}`;
    const values = (way: string, each: (seen: Seen, one: Subject) => readonly number[]) =>
      chosen.filter((one) => one.way === way).flatMap((one) => each(bed.seen(one.application), one));
    const counts = (way: string) => chosen.filter((one) => one.way === way).length;
    const running = (way: string) =>
      values(way, (seen, { merges }) => secondsUntilRunning(seen, merges, 'builtAt'));
    const synced = (way: string) => values(way, (seen, { merges }) => secondsUntilSynced(seen, merges));
    return [
      figureOf(of('push → synced, median'), 's', ways, (way) => middle(synced(way), counts(way))),
      figureOf(of('push → synced, slowest'), 's', ways, (way) => slowest(synced(way), counts(way))),
      figureOf(of('build’s end → its image runs, median'), 's', ways, (way) =>
        middle(running(way), counts(way)),
      ),
      figureOf(of('build’s end → its image runs, slowest'), 's', ways, (way) =>
        slowest(running(way), counts(way)),
      ),
      figureOf(of('merges synced before their image was there'), 'merges', ways, (way) =>
        sum(
          values(way, (seen, { merges }) => [earlySyncs([...seen.operations.values()], merges) > 0 ? 1 : 0]),
        ),
      ),
      figureOf(of('merges'), 'merges', ways, counts),
      figureOf(of('image pulls that failed'), 'pulls', ways, (way) =>
        sum(values(way, (_, { application }) => [bed.failedPulls(application)])),
      ),
    ];
  });
}

/** Many pushes to one application, quickly after each other. */
export function burstFigures(bed: Observed, bursts: readonly Subject[]): readonly Figure[] {
  const nameOf = ({ way, revision }: Subject) => (revision ? `${way}, revision: built` : way);
  const ways = bursts.map(nameOf);
  const pushes = bursts[0]?.merges.length ?? 0;
  const each = (what: string, unit: string, value: (seen: Seen, one: Subject) => number) =>
    figureOf(`${pushes} pushes: ${what}`, unit, ways, (way) => {
      const one = bursts.find((subject) => nameOf(subject) === way);
      return one && value(bed.seen(one.application), one);
    });
  const syncs = (seen: Seen, { merges }: Subject) => syncsOf(seen, merges[0]?.pushedAt ?? 0);
  return [
    each('syncs', 'syncs', (seen, one) => syncs(seen, one).length),
    each('syncs before the image was there', 'syncs', (seen, one) =>
      earlySyncs(syncs(seen, one), one.merges),
    ),
    each('image pulls that failed', 'pulls', (_, { application }) => bed.failedPulls(application)),
    each('rollouts', 'rollouts', ({ rollouts }) => rollouts - 1),
    each(
      'superseded images that ran',
      'images',
      (seen, { merges }) => merges.slice(0, -1).filter(({ image }) => seen.running.has(image)).length,
    ),
    each('last build’s end → its image runs', 's', (seen, { merges }) =>
      slowest(secondsUntilRunning(seen, merges.slice(-1), 'builtAt'), 1),
    ),
  ];
}

/** One application in a night. */
export interface NightSeen {
  readonly subject: Subject;
  readonly isArgocdStopped: boolean;
  readonly atNight: number;
  readonly inMorning: number;
  /** From the node’s Ready until the newest image ran; not a number where it did not. */
  readonly seconds: number;
}

export function nightFigures(nights: readonly NightSeen[]): readonly Figure[] {
  const kinds = [...new Set(nights.map(kindOf))];
  return kinds.flatMap((kind) => {
    const chosen = nights.filter((one) => kindOf(one) === kind);
    const ways = waysOf(chosen.map(({ subject }) => subject));
    const each = (what: string, unit: string, value: (one: NightSeen) => number) =>
      figureOf(`${kind}: ${what}`, unit, ways, (way) => {
        const one = chosen.find(({ subject }) => subject.way === way);
        return one && value(one);
      });
    const ours = chosen.find(({ subject }) => subject.way === OURS);
    return [
      {
        ...each('syncs at night', 'syncs', ({ atNight }) => atNight),
        ...(ours && { target: { what: '0', met: ours.atNight === 0 } }),
      },
      each('syncs in the morning', 'syncs', ({ inMorning }) => inMorning),
      {
        ...each('node Ready → the newest image runs', 's', ({ seconds }) => seconds),
        ...(ours && { target: { what: 'it runs', met: !Number.isNaN(ours.seconds) } }),
      },
    ];
  });
}

function kindOf({ subject, isArgocdStopped }: NightSeen): string {
  const { hook, webhook } = subject.application;
  const what = hook ? ', with a PreSync Job' : webhook ? ', with an admission webhook' : '';
  return `night, Argo CD ${isArgocdStopped ? 'stopped too' : 'runs elsewhere'}${what}`;
}

const waysOf = (subjects: readonly Subject[]) => [...new Set(subjects.map(({ way }) => way))];

/** One that never came is later than all others: not a number where the middle is one. Undefined where none was expected. */
function middle(seconds: readonly number[], expected: number): number | undefined {
  if (expected === 0) return undefined;
  const missing = Array.from({ length: expected - seconds.length }, () => Number.POSITIVE_INFINITY);
  const value = median([...seconds, ...missing]);
  return Number.isFinite(value) ? value : Number.NaN;
}

function slowest(seconds: readonly number[], expected: number): number {
  return seconds.length < expected ? Number.NaN : Math.max(...seconds);
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
