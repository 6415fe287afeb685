import type { Clock } from '#lab/world/clock.ts';
import type { Workloads } from '#lab/world/seams.ts';

/** Deployments that take 20 s to roll, and whose pods need an awake cluster. */
export interface WorkloadsDouble extends Workloads {
  /** False: no node, so nothing runs and nothing rolls. */
  awake: boolean;
  /** Names whose rollout never succeeds. */
  readonly broken: Set<string>;
  readonly applied: { readonly name: string; readonly image: string }[];
  remove(namespace: string, name: string): void;
}

const ROLL_MS = 20_000;
/** `progressDeadlineSeconds` by default. */
const DEADLINE_MS = 600_000;

export function createWorkloads(clock: Clock): WorkloadsDouble {
  const deployments = new Map<string, { image: string; since: number }>();
  let awakeSince: number | undefined = clock.now();
  let asleepSince = 0;
  const double: WorkloadsDouble = {
    get awake() {
      return awakeSince !== undefined;
    },
    set awake(value) {
      if (!value) asleepSince = clock.now();
      awakeSince = value ? (awakeSince ?? clock.now()) : undefined;
    },
    broken: new Set(),
    applied: [],
    apply({ namespace, name, image }) {
      double.applied.push({ name, image });
      const before = deployments.get(`${namespace}/${name}`);
      if (before?.image !== image) deployments.set(`${namespace}/${name}`, { image, since: clock.now() });
    },
    health(namespace, name) {
      const deployment = deployments.get(`${namespace}/${name}`);
      if (!deployment) return 'Missing';
      const from = Math.max(deployment.since, awakeSince ?? asleepSince);
      const stuck = awakeSince === undefined || double.broken.has(name);
      if (stuck) return clock.now() - from >= DEADLINE_MS ? 'Degraded' : 'Progressing';
      return clock.now() - from >= ROLL_MS ? 'Healthy' : 'Progressing';
    },
    available: (namespace, name) => double.health(namespace, name) === 'Healthy',
    remove: (namespace, name) => void deployments.delete(`${namespace}/${name}`),
  };
  return double;
}
