/** The rows of the table, from what was measured and what is recorded. Pure. */
import type { Beside, Figure } from '../bench.ts';
import type { Emptied } from './measure.ts';
import { RECORDED, RECORDED_STORMS, type RecordedStorm } from './recorded.ts';

/** The same task by each side that was measured. */
export interface Compared {
  readonly ours: Emptied;
  readonly kubectl?: Emptied;
  /** aws-node-termination-handler, where its program was given. */
  readonly nth?: Emptied;
}

export interface Quiet {
  /** Five pods behind a budget that allows nothing. */
  readonly held: Compared;
  /** Five pods behind a budget that allows one at a time, with a node for what takes their place. */
  readonly oneByOne: Compared;
  /** After the kill. */
  readonly killedAskedMs: number;
  /** Nodes of one event about three instances. */
  readonly health: Compared;
  /** After a recommendation that nothing follows. */
  readonly recommended: Compared & { readonly undoneMs: number };
}

const KUBECTL = 'kubectl drain';
const MEASURED = 'NTH';
const PLAIN = 'NTH, as it comes';
const TUNED = 'NTH, tuned';

/** The targets for fifty notices; for more of them there are fewer processes than Lambda would have. */
const TARGETS = {
  storm: 50,
  lastCordonMs: 4_000,
  allAskedMs: 6_000,
  cpuMs: 100,
  requests: 14,
  fullNode: 0.1,
};

interface StormRow {
  readonly what: string;
  readonly unit: string;
  readonly of: (emptied: Emptied) => number;
  readonly recorded?: keyof RecordedStorm;
  readonly target?: { readonly what: string; readonly limit: number };
}

const STORM_ROWS: readonly StormRow[] = [
  {
    what: 'cordoned within 5 s',
    unit: 'nodes',
    of: ({ cordonedInTime }) => cordonedInTime,
    recorded: 'inTime',
  },
  {
    what: 'last cordon',
    unit: 's',
    of: ({ lastCordonMs }) => seconds(lastCordonMs),
    recorded: 'lastCordon',
    target: { what: '≤ 4 s', limit: TARGETS.lastCordonMs / 1_000 },
  },
  {
    what: 'all pods asked',
    unit: 's',
    of: ({ allAskedMs }) => seconds(allAskedMs),
    recorded: 'allAsked',
    target: { what: '≤ 6 s', limit: TARGETS.allAskedMs / 1_000 },
  },
  { what: 'all pods gone', unit: 's', of: ({ allGoneMs }) => seconds(allGoneMs), recorded: 'allGone' },
  {
    what: 'API requests',
    unit: 'a node',
    of: ({ requests, nodes }) => requests / nodes,
    recorded: 'requests',
    target: { what: '≤ 14', limit: TARGETS.requests },
  },
  {
    what: 'processor time',
    unit: 's a node',
    of: ({ cpuMs, nodes }) => cpuMs / 1_000 / nodes,
    recorded: 'cpuSeconds',
    target: { what: '≤ 0.1 s', limit: TARGETS.cpuMs / 1_000 },
  },
  { what: 'memory of all processes', unit: 'MB', of: ({ peakMb }) => peakMb },
];

export function stormRows(notices: number, compared: Compared): Figure[] {
  const recorded = RECORDED_STORMS[notices];
  return STORM_ROWS.map(({ what, unit, of, recorded: key, target }) => {
    const value = of(compared.ours);
    return {
      what: `${notices} notices: ${what}`,
      value,
      unit,
      beside: [
        ...measured(compared, of),
        ...written(PLAIN, key && recorded?.plain?.[key]),
        ...written(TUNED, key && recorded?.tuned[key]),
      ],
      ...(target && notices === TARGETS.storm
        ? { target: { what: target.what, met: value <= target.limit } }
        : {}),
    };
  });
}

export function fullNodeRows(pods: number, compared: Compared): Figure[] {
  const emptyMs = ({ allGoneMs }: Emptied) => seconds(allGoneMs);
  const { ours, kubectl } = compared;
  return [
    {
      what: `${pods} pods on a node: until empty`,
      value: emptyMs(ours),
      unit: 's',
      beside: [
        ...measured(compared, emptyMs),
        ...written(PLAIN, RECORDED.fullNode.plain),
        ...written(TUNED, RECORDED.fullNode.tuned),
      ],
      ...(kubectl
        ? {
            target: {
              what: `≤ ${TARGETS.fullNode} × kubectl`,
              met: emptyMs(ours) <= TARGETS.fullNode * emptyMs(kubectl),
            },
          }
        : {}),
    },
    {
      what: `${pods} pods on a node: until all are asked`,
      value: seconds(ours.allAskedMs),
      unit: 's',
      beside: measured(compared, ({ allAskedMs }) => seconds(allAskedMs)),
    },
    {
      what: `${pods} pods on a node: API requests`,
      value: ours.requests,
      unit: 'requests',
      beside: measured(compared, ({ requests }) => requests),
    },
  ];
}

export function quietRows({ held, oneByOne, killedAskedMs, health, recommended }: Quiet): Figure[] {
  const goneMs = ({ allGoneMs }: Emptied) => seconds(allGoneMs);
  return [
    {
      what: '5 pods, a budget that allows none: gone in the 120 s of the notice',
      value: held.ours.gone,
      unit: 'pods',
      target: { what: '5', met: held.ours.gone === 5 },
      beside: measured(held, ({ gone }) => gone),
    },
    {
      what: '5 pods, a budget that allows none: the last is gone',
      value: goneMs(held.ours),
      unit: 's',
      beside: measured(held, goneMs),
    },
    {
      what: '5 pods, one at a time: until empty',
      value: goneMs(oneByOne.ours),
      unit: 's',
      beside: measured(oneByOne, goneMs),
    },
    {
      what: 'worker killed after its cordon: all pods asked',
      value: seconds(killedAskedMs),
      unit: 's after the kill',
      target: { what: '≤ 25 s', met: killedAskedMs <= 25_000 },
      beside: written(PLAIN, RECORDED.killedAsked),
    },
    {
      what: 'a Health event with 3 instances: nodes whose pods were asked',
      value: health.ours.asked / 5,
      unit: 'nodes',
      target: { what: '3', met: health.ours.asked === 15 },
      beside: [...measured(health, ({ asked }) => asked / 5), ...written(PLAIN, RECORDED.healthDrained)],
    },
    {
      what: 'a recommendation without an interruption: pods asked',
      value: recommended.ours.asked,
      unit: 'pods',
      target: { what: '0', met: recommended.ours.asked === 0 },
      beside: [...measured(recommended, ({ asked }) => asked), ...written(PLAIN, 'all')],
    },
    {
      what: 'a recommendation without an interruption: uncordoned, set to 60 s',
      value: seconds(recommended.undoneMs),
      unit: 's',
      target: { what: 'undone', met: Number.isFinite(recommended.undoneMs) },
      beside: written(PLAIN, 'never'),
    },
  ];
}

function measured({ kubectl, nth }: Compared, of: (emptied: Emptied) => number): Beside[] {
  return [
    ...(kubectl ? [{ who: KUBECTL, value: of(kubectl) }] : []),
    ...(nth ? [{ who: MEASURED, value: of(nth) }] : []),
  ];
}

function written(who: string, value: number | string | undefined): Beside[] {
  return value === undefined ? [] : [{ who, value, isRecorded: true }];
}

/** Not a number where it did not come to that. */
function seconds(ms: number | undefined): number {
  return (ms ?? Number.NaN) / 1_000;
}
