/**
 * What was measured of aws-node-termination-handler on 2026-11-29 beside an earlier version of this project: main 62a8761
 * in its SQS mode, on kube-apiserver 1.36.3, moto and two cores, from the same audit log. Two runs where two figures stand.
 */

export const RECORDED_ON = '2026-11-29';

export const RECORDED_NOTE =
  'recorded on 2026-11-29 and not measured in this run: aws-node-termination-handler, main 62a8761, SQS mode, on two cores, the same kube-apiserver 1.36.3 and moto; as it comes: 10 workers, 5 requests a second; tuned: 50 workers, 200 requests a second (the flag is in no release)';

/** Times in seconds after the event; requests and processor seconds for each node. */
export interface RecordedStorm {
  readonly inTime?: string | number;
  readonly lastCordon?: string | number;
  readonly allAsked?: string | number;
  readonly allGone?: string | number;
  readonly requests?: string | number;
  readonly cpuSeconds?: string | number;
}

export const RECORDED_STORMS: Readonly<
  Record<number, { readonly plain?: RecordedStorm; readonly tuned: RecordedStorm }>
> = {
  50: {
    plain: { inTime: 0, lastCordon: 143.8, allAsked: 163, allGone: 165, requests: 16.9, cpuSeconds: 0.03 },
    tuned: {
      inTime: '30, 26',
      lastCordon: '7.1, 9.0',
      allAsked: '7.6, 9.2',
      allGone: '9.8, 11.3',
      requests: '31.8, 31.2',
      cpuSeconds: 0.02,
    },
  },
  100: {
    tuned: { inTime: 30, lastCordon: 17.1, allAsked: 17.4, allGone: 19.7, requests: 31.4, cpuSeconds: 0.02 },
  },
  300: {
    tuned: { inTime: 20, lastCordon: 59.1, allAsked: 59.4, allGone: 61.9, requests: 31, cpuSeconds: 0.02 },
  },
};

export const RECORDED = {
  fullNode: { plain: 24.5, tuned: '4.6, 4.2' },
  /** After its worker was killed. */
  killedAsked: 21.3,
  /** Of a Health event with three entities. */
  healthDrained: 1,
} as const;
