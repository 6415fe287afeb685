/**
 * Runs the pods of one node: starts them, makes them ready and terminates them. Annotations of
 * a pod set its timing:
 *
 * - `lab.nightshift/start-seconds` until its containers run (default 2 to 5, by chance)
 * - `lab.nightshift/ready-seconds` from there until it is Ready (default 2), or `never`
 * - `lab.nightshift/exit-seconds` from SIGTERM until it ended by itself (default 1); its grace period cuts that short
 * - `lab.nightshift/run-seconds` until it finishes with Succeeded (default: it never does)
 */
import type { ContainerState } from 'kubernetes-types/core/v1.d.ts';
import type { InstanceView } from '../../interfaces.ts';
import type { ImageRegistry } from '../../registry/registry.ts';
import {
  condition,
  isPodFinished,
  isPodTerminating,
  type KubeObject,
  type PodObject,
  timestamp,
  withCondition,
  withoutReason,
} from '../objects.ts';
import type { ControllerContext } from './controller.ts';

export interface Kubelet {
  /** A pod bound to this node was changed or deleted. */
  see(pod: PodObject, deleted: boolean): void;
  /** The instance is gone: the kubelet stops. */
  stop(): void;
}

/** Delay from the binding until the kubelet handles the pod. */
const SYNC_MS = 300;
/** The first back-off of a pull that failed. */
const PULL_AGAIN_MS = 10_000;

interface Running {
  /** Virtual ms at which the pod will be gone; set once it terminates. */
  exitAt?: number;
  started: boolean;
}

export function createKubelet(
  context: ControllerContext,
  view: InstanceView,
  registry: Pick<ImageRegistry, 'pull'> | undefined,
): Kubelet {
  const { registry: api, recordEvent, clock } = context;
  /** What this node has pulled: with IfNotPresent a tag is not pulled again. */
  const pulled = new Map<string, string>();
  /** By pod and container. */
  const running = new Map<string, string>();
  const pods = new Map<string, Running>();
  let stopped = false;

  /** The pod while it is the same one, still here, and this kubelet lives. */
  const current = (pod: PodObject): PodObject | undefined => {
    if (stopped) return undefined;
    const found = api.find('pods', pod.metadata.namespace, pod.metadata.name);
    return found?.metadata.uid === pod.metadata.uid ? found : undefined;
  };
  const later = (pod: PodObject, ms: number, run: (pod: PodObject) => void) =>
    clock.after(ms, () => {
      const now = current(pod);
      if (now) run(now);
    });
  const unlessEnding = (run: (pod: PodObject) => void) => (pod: PodObject) => {
    if (!isPodTerminating(pod) && !isPodFinished(pod)) run(pod);
  };

  const start = (pod: PodObject) => {
    later(
      pod,
      SYNC_MS,
      unlessEnding((one) => {
        setStatus(one, 'Pending', { waiting: { reason: 'ContainerCreating' } }, false);
        for (const { name, image } of one.spec?.containers ?? [])
          recordEvent(
            'kubelet',
            one as KubeObject,
            'Normal',
            'Pulling',
            `Pulling image "${image}" for ${name}`,
          );
      }),
    );
    const startMs = seconds(pod, 'start-seconds', 2 + context.random() * 3) * 1_000;
    later(pod, SYNC_MS + startMs, unlessEnding(run));
  };

  const begin = (pod: PodObject, state: Running) => {
    // After a reboot the previous pods are restarted; they have been unready since the node was.
    if (state.started) later(pod, seconds(pod, 'start-seconds', 3) * 1_000, unlessEnding(run));
    else start(pod);
  };

  /** Undefined where the registry has no such image. */
  const pull = (image: string, policy: string | undefined): string | undefined => {
    const before = policy === 'Always' ? undefined : pulled.get(image);
    const found = before ?? registry?.pull(image) ?? (registry ? undefined : 'elsewhere');
    const digest = found === 'elsewhere' ? `sha256:${digestOf(image)}` : found;
    if (digest !== undefined) pulled.set(image, digest);
    return digest;
  };

  const run = (pod: PodObject) => {
    for (const { name, image = '', imagePullPolicy } of pod.spec?.containers ?? []) {
      const digest = pull(image, imagePullPolicy);
      if (digest === undefined) {
        setStatus(
          pod,
          'Pending',
          { waiting: { reason: 'ErrImagePull', message: `${image}: not found` } },
          false,
        );
        later(pod, PULL_AGAIN_MS, unlessEnding(run));
        return;
      }
      running.set(`${pod.metadata.uid}/${name}`, digest);
    }
    const state = pods.get(pod.metadata.uid);
    if (state) state.started = true;
    const started = { running: { startedAt: timestamp(clock.now()) } };
    setStatus(pod, 'Running', started, false);
    for (const { name } of pod.spec?.containers ?? [])
      recordEvent('kubelet', pod as KubeObject, 'Normal', 'Started', `Started container ${name}`);
    if (annotation(pod, 'ready-seconds') !== 'never') {
      later(
        pod,
        seconds(pod, 'ready-seconds', 2) * 1_000,
        unlessEnding((one) => setStatus(one, 'Running', started, true)),
      );
    }
    if (annotation(pod, 'run-seconds') !== undefined) {
      later(
        pod,
        seconds(pod, 'run-seconds', 0) * 1_000,
        unlessEnding((one) => {
          const finishedAt = timestamp(clock.now());
          setStatus(
            one,
            'Succeeded',
            { terminated: { exitCode: 0, reason: 'Completed', finishedAt } },
            false,
          );
        }),
      );
    }
  };

  const end = (pod: PodObject, state: Running) => {
    const deadline = Date.parse(pod.metadata.deletionTimestamp ?? '');
    const grace = (pod.metadata.deletionGracePeriodSeconds ?? 0) * 1_000;
    const needs = state.started ? seconds(pod, 'exit-seconds', 1) * 1_000 : 500;
    const first = state.exitAt === undefined;
    const at = first
      ? clock.now() + Math.min(grace, needs)
      : Math.min(state.exitAt ?? deadline, Math.max(clock.now(), deadline));
    if (!first && at === state.exitAt) return;
    state.exitAt = at;
    if (first && state.started) {
      for (const { name } of pod.spec?.containers ?? [])
        recordEvent('kubelet', pod as KubeObject, 'Normal', 'Killing', `Stopping container ${name}`);
    }
    clock.at(at, () => {
      const now = current(pod);
      if (!now || pods.get(pod.metadata.uid)?.exitAt !== at) return;
      const finishedAt = timestamp(clock.now());
      const killed = at - clock.now() < 0 || Math.min(grace, needs) < needs;
      if (!isPodFinished(now)) {
        setStatus(
          now,
          killed ? 'Failed' : 'Succeeded',
          { terminated: { exitCode: killed ? 137 : 0, reason: killed ? 'Error' : 'Completed', finishedAt } },
          false,
        );
      }
      api.delete('pods', now.metadata.namespace, now.metadata.name, {
        gracePeriodSeconds: 0,
        preconditions: { uid: now.metadata.uid },
      });
    });
  };

  const setStatus = (pod: PodObject, phase: string, state: ContainerState, ready: boolean) => {
    const now = clock.now();
    api.modifyStatus('pods', pod.metadata.namespace, pod.metadata.name, (draft) => {
      const status = ready ? 'True' : 'False';
      const why = ready
        ? {}
        : phase === 'Succeeded'
          ? { reason: 'PodCompleted' }
          : {
              reason: 'ContainersNotReady',
              message: `containers with unready status: [${draft.spec?.containers.map(({ name }) => name).join(' ')}]`,
            };
      let conditions = draft.status?.conditions ?? [];
      const set = (next: { type: string; status: string; reason?: string; message?: string }) => {
        const before = condition(draft, next.type);
        if (before && (before.reason !== next.reason || before.message !== next.message))
          conditions = conditions.map((one) => (one === before ? withoutReason(one) : one));
        conditions = withCondition(conditions, next, now);
      };
      set({ type: 'PodReadyToStartContainers', status: state.waiting ? 'False' : 'True' });
      set({ type: 'Initialized', status: 'True' });
      set({ type: 'Ready', status, ...why });
      set({ type: 'ContainersReady', status, ...why });
      draft.status = {
        ...draft.status,
        phase,
        conditions,
        hostIP: view.privateIp,
        hostIPs: [{ ip: view.privateIp }],
        startTime: draft.status?.startTime ?? timestamp(now),
        ...(state.waiting ? undefined : podAddress(draft)),
        containerStatuses: (draft.spec?.containers ?? []).map(({ name, image = '' }) => ({
          name,
          image,
          imageID: state.waiting ? '' : imageId(image, running.get(`${pod.metadata.uid}/${name}`)),
          containerID: state.waiting ? '' : `containerd://${digestOf(`${pod.metadata.uid}/${name}`)}`,
          ready,
          started: state.running !== undefined,
          restartCount: 0,
          state,
          lastState: {},
        })),
      };
    });
  };

  const podAddress = (pod: PodObject): { podIP: string; podIPs: { ip: string }[] } => {
    const own = pod.status?.podIP;
    const ip =
      own ?? (pod.spec?.hostNetwork ? view.privateIp : addressLike(view.privateIp, pod.metadata.uid));
    return { podIP: ip, podIPs: [{ ip }] };
  };

  const see = (pod: PodObject, deleted: boolean) => {
    const { uid } = pod.metadata;
    if (deleted) {
      pods.delete(uid);
      return;
    }
    let state = pods.get(uid);
    if (!state) {
      state = { started: pod.status?.phase === 'Running' };
      pods.set(uid, state);
      if (!isPodTerminating(pod) && !isPodFinished(pod)) begin(pod, state);
    }
    if (isPodTerminating(pod)) end(pod, state);
  };

  // Pods already bound to the node: after a reboot, or bound before the kubelet started.
  for (const pod of api.store.podsOn(view.privateDnsName)) see(pod, false);

  return {
    see: (pod, deleted) => {
      if (!stopped) see(pod, deleted);
    },
    stop() {
      stopped = true;
      pods.clear();
    },
  };
}

function annotation(pod: PodObject, name: string): string | undefined {
  return pod.metadata.annotations?.[`lab.nightshift/${name}`];
}

function seconds(pod: PodObject, name: string, otherwise: number): number {
  const text = annotation(pod, name);
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (Number.isNaN(value) || value < 0)
    throw new Error(
      `annotation lab.nightshift/${name}: "${text}" is not a number of seconds; write 0 or more`,
    );
  return value;
}

/** An address in the node's own /20, as the VPC CNI takes them from the subnet. */
function addressLike(nodeAddress: string, uid: string): string {
  const [a = '10', b = '0', c = '0'] = nodeAddress.split('.');
  const hash = fnv(uid);
  return `${a}.${b}.${(Number(c) & 0xf0) + (hash & 0x0f)}.${1 + ((hash >>> 8) % 254)}`;
}

/** Cache of the last ones, up to a bound: a container reports it with each change. */
const digests = new Map<string, string>();
const DIGESTS_AT_MOST = 2_000;

/** The repository by its digest, as containerd reports it. */
function imageId(image: string, digest = `sha256:${digestOf(image)}`): string {
  const [name = ''] = image.split('@');
  return `${name.replace(/:[^:/]*$/, '')}@${digest}`;
}

function digestOf(text: string): string {
  const known = digests.get(text);
  if (known !== undefined) return known;
  const parts = [0, 1, 2, 3, 4, 5, 6, 7].map((part) => fnv(`${part}${text}`).toString(16).padStart(8, '0'));
  if (digests.size >= DIGESTS_AT_MOST) digests.clear();
  digests.set(text, parts.join(''));
  return parts.join('');
}

function fnv(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
  return hash;
}
