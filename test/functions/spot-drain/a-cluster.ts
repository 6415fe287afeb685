/** A cluster in memory that refuses what an API server refuses: wrong UIDs, spent budgets, a grace of nothing. */
import type { Clock, Cluster, Marks, Node, NodeEvent, Pod, Reply } from '#functions/spot-drain/ports.ts';

export const INSTANCE = 'i-0123456789abcdef0';
export const NODE = 'ip-10-0-0-1.ap-northeast-1.compute.internal';

function isAccepted(reply: Reply): boolean {
  return reply.status >= 200 && reply.status < 300;
}

export function aNode(overrides: Partial<Node> = {}): Node {
  return {
    name: NODE,
    uid: 'node-uid',
    instanceId: INSTANCE,
    labels: {},
    annotations: {},
    unschedulable: false,
    taints: [],
    version: '1',
    ...overrides,
  };
}

export function aPod(overrides: Partial<Pod> = {}): Pod {
  const name = overrides.name ?? 'web';
  return {
    namespace: 'default',
    name,
    uid: `uid-${name}`,
    phase: 'Running',
    terminating: false,
    graceSeconds: 30,
    priority: 0,
    priorityClass: '',
    mirror: false,
    controller: { kind: 'ReplicaSet', group: 'apps', name: 'web', uid: 'uid-of-web' },
    ...overrides,
  };
}

export function ofDaemonSet(name = 'agent', overrides: Partial<Pod> = {}): Pod {
  return aPod({
    name: `${name}-x`,
    controller: { kind: 'DaemonSet', group: 'apps', name, uid: `uid-of-${name}` },
    ...overrides,
  });
}

export interface Call {
  readonly verb: 'evict' | 'remove';
  readonly pod: string;
  /** Milliseconds since the cluster was made. */
  readonly at: number;
  readonly graceSeconds: number | undefined;
  readonly status: number;
}

export interface Budget {
  readonly name: string;
  readonly pods: readonly string[];
  /** So many of its pods may be missing at once. */
  readonly allowed: number;
  /** A missing pod is replaced elsewhere after so long. */
  readonly recoveryMs: number;
}

export interface TestCluster extends Cluster {
  nodes: Node[];
  readonly calls: Call[];
  readonly marked: Marks[];
  readonly unmarked: string[];
  readonly events: NodeEvent[];
  /** Names of the pods that are still there. */
  podNames(): string[];
  readonly lists: number[];
  /** Says something else than the cluster would: per pod, one after the other. */
  readonly script: Map<string, (Partial<Reply> | undefined)[]>;
  budgets: Budget[];
  /** Volumes that are attached to the node; undefined where the list is not granted. */
  volumes: () => readonly string[] | undefined;
  liveDaemonSets: Set<string>;
  /** How long a pod takes to end once it is asked to, at most its grace. */
  endsAfterMs: (pod: Pod) => number;
  /** How long the API server takes. */
  latencyMs: number;
  /** Thrown by the call that it names. */
  broken: Partial<Record<keyof Cluster, () => Error | undefined>>;
  add(pod: Pod): void;
  vanish(name: string): void;
}

export function aCluster(
  clock: Clock & { after(ms: number, act: () => void): void },
  pods: readonly Pod[] = [],
) {
  const began = clock.now().getTime();
  const here = new Map<string, Pod>(pods.map((pod) => [pod.name, pod]));
  const missing = new Map<string, number>();

  const reply = (status: number, overrides: Partial<Reply> = {}): Reply => ({
    status,
    reason: '',
    causes: [],
    detail: '',
    ...overrides,
  });
  const end = (pod: Pod, graceSeconds: number) => {
    here.set(pod.name, { ...pod, terminating: true });
    const ms = Math.min(graceSeconds * 1_000, cluster.endsAfterMs(pod));
    clock.after(ms, () => {
      if (here.get(pod.name)?.uid === pod.uid) here.delete(pod.name);
    });
  };
  const known = (asked: Pod): Pod | Reply => {
    const pod = here.get(asked.name);
    if (!pod) return reply(404, { reason: 'NotFound', detail: `pods "${asked.name}" not found` });
    if (pod.uid !== asked.uid) {
      const detail = `Precondition failed: UID in precondition: ${asked.uid}, UID in object meta: ${pod.uid}`;
      return reply(409, { reason: 'Conflict', detail });
    }
    return pod;
  };
  const scripted = (name: string): Reply | undefined => {
    const next = cluster.script.get(name)?.shift();
    return next ? reply(next.status ?? 500, next) : undefined;
  };
  const check = (call: keyof Cluster) => {
    const error = cluster.broken[call]?.();
    if (error) throw error;
  };
  const answerEviction = (asked: Pod, graceSeconds: number | undefined): Reply => {
    const said = scripted(asked.name);
    if (said && !isAccepted(said)) return said;
    const pod = known(asked);
    if ('status' in pod) return pod;
    if (pod.terminating) return reply(201);
    const budgets = cluster.budgets.filter((budget) => budget.pods.includes(pod.name));
    if (budgets.length > 1) {
      const detail =
        'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';
      return reply(500, { reason: 'InternalError', detail });
    }
    const passes = pod.phase !== 'Running';
    for (const budget of passes ? [] : budgets) {
      const now = clock.now().getTime();
      const gone = budget.pods.filter((name) => (missing.get(name) ?? 0) > now).length;
      if (gone >= budget.allowed) {
        return reply(429, {
          reason: 'TooManyRequests',
          detail: "Cannot evict pod as it would violate the pod's disruption budget.",
          causes: [
            {
              reason: 'DisruptionBudget',
              message: `The disruption budget ${budget.name} needs ${budget.pods.length - budget.allowed} healthy pods and has ${budget.pods.length - gone} currently`,
            },
          ],
        });
      }
      missing.set(pod.name, now + budget.recoveryMs);
    }
    end(pod, graceSeconds ?? pod.graceSeconds);
    return reply(201);
  };
  const answerDeletion = (asked: Pod, graceSeconds: number): Reply => {
    const said = scripted(asked.name);
    if (said && !isAccepted(said)) return said;
    const pod = known(asked);
    if ('status' in pod) return pod;
    end(pod, graceSeconds);
    return reply(200);
  };

  const cluster: TestCluster = {
    nodes: [aNode()],
    calls: [],
    marked: [],
    unmarked: [],
    events: [],
    lists: [],
    script: new Map(),
    budgets: [],
    volumes: () => [],
    liveDaemonSets: new Set(['agent']),
    endsAfterMs: () => 2_000,
    latencyMs: 10,
    broken: {},
    podNames: () => [...here.keys()],
    add: (pod) => void here.set(pod.name, pod),
    vanish: (name) => void here.delete(name),

    prepare: () => undefined,
    async findNode(instanceId) {
      await clock.sleep(cluster.latencyMs);
      check('findNode');
      return cluster.nodes.find((node) => node.instanceId === instanceId);
    },
    async nodeNamed(name, instanceId) {
      await clock.sleep(cluster.latencyMs);
      check('nodeNamed');
      return cluster.nodes.find((node) => node.name === name && node.instanceId === instanceId);
    },
    async nodeNames() {
      await clock.sleep(cluster.latencyMs);
      check('nodeNames');
      return new Map(cluster.nodes.map((node) => [node.instanceId, node.name]));
    },
    async mark(node, marks) {
      await clock.sleep(cluster.latencyMs);
      check('mark');
      if (!cluster.nodes.some((other) => other.name === node.name)) return 'gone';
      cluster.marked.push(marks);
      cluster.nodes = cluster.nodes.map((other) =>
        other.name === node.name
          ? {
              ...other,
              unschedulable: true,
              version: `${Number(other.version) + 1}`,
              annotations: { 'nightshift/drain': marks.cause },
            }
          : other,
      );
      return 'marked';
    },
    async unmark(node) {
      await clock.sleep(cluster.latencyMs);
      check('unmark');
      const now = cluster.nodes.find((other) => other.name === node.name);
      if (!now) return 'gone';
      if (!('nightshift/drain' in node.annotations)) return 'not-ours';
      if (now.version !== node.version) return 'changed';
      cluster.unmarked.push(node.name);
      cluster.nodes = cluster.nodes.map((other) =>
        other.name === node.name
          ? { ...other, unschedulable: false, version: `${Number(other.version) + 1}`, annotations: {} }
          : other,
      );
      return 'unmarked';
    },
    async podsOn() {
      cluster.lists.push(clock.now().getTime() - began);
      await clock.sleep(cluster.latencyMs);
      check('podsOn');
      return [...here.values()];
    },
    async volumesOn() {
      await clock.sleep(cluster.latencyMs);
      check('volumesOn');
      return cluster.volumes();
    },
    async daemonSetExists(_namespace, name) {
      await clock.sleep(cluster.latencyMs);
      check('daemonSetExists');
      return cluster.liveDaemonSets.has(name);
    },
    async evict(pod, graceSeconds) {
      const at = clock.now().getTime() - began;
      const answer = answerEviction(pod, graceSeconds);
      cluster.calls.push({ verb: 'evict', pod: pod.name, at, graceSeconds, status: answer.status });
      await clock.sleep(cluster.latencyMs);
      return answer;
    },
    async remove(pod, graceSeconds) {
      if (!(graceSeconds >= 1))
        throw new Error(`a grace of ${graceSeconds} takes a running pod out of the API`);
      const at = clock.now().getTime() - began;
      const answer = answerDeletion(pod, graceSeconds);
      cluster.calls.push({ verb: 'remove', pod: pod.name, at, graceSeconds, status: answer.status });
      await clock.sleep(cluster.latencyMs);
      return answer;
    },
    async recordEvent(_node, event) {
      await clock.sleep(cluster.latencyMs);
      check('recordEvent');
      cluster.events.push(event);
    },
  };
  return cluster;
}
