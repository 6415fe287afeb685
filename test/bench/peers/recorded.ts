/**
 * aws-node-termination-handler, whose module is in no registry here: what was measured once, on the same kinds of servers.
 * Main 62a8761 in queue mode with 50 workers and QPS 200, a flag that no release has yet, on 2026-11-29: two processors, kube-apiserver
 * 1.36.3, moto, five pods a node that end after 2 s.
 */
export const RECORDED = {
  when: '2026-11-29',
  what: 'aws-node-termination-handler, main 62a8761, 50 workers, QPS 200',
  storms: {
    50: { inTime: 30, lastCordonMs: 7_100, lastAskedMs: 7_600, goneMs: 9_800, requests: 1_589, cpuMs: 1_000 },
    100: {
      inTime: 30,
      lastCordonMs: 17_100,
      lastAskedMs: 17_400,
      goneMs: 19_700,
      requests: 3_139,
      cpuMs: 2_000,
    },
    300: {
      inTime: 20,
      lastCordonMs: 59_100,
      lastAskedMs: 59_400,
      goneMs: 61_900,
      requests: 9_291,
      cpuMs: 6_000,
    },
  },
  notes: [
    'SIGKILL after the cordon: asks again after 21.3 s, when the message of SQS is visible again',
    'a Health event with three instances: drains 1 of 3',
    'a rebalance recommendation without an interruption: drains at once, and leaves the cordon',
  ],
} as const satisfies {
  readonly when: string;
  readonly what: string;
  readonly storms: Readonly<Record<number, Storm>>;
  readonly notes: readonly string[];
};

/** From the event: milliseconds. */
export interface Storm {
  /** Nodes that were cordoned within 5 s. */
  readonly inTime: number;
  readonly lastCordonMs: number;
  readonly lastAskedMs: number;
  readonly goneMs: number;
  /** To the API server. */
  readonly requests: number;
  /** Of the processes of the client. */
  readonly cpuMs: number;
}
