/** spot-drain with a deliberate mistake, at least one for each promise that its story checks. The checkers must catch each. */
import type { Ports, Reply } from '#functions/spot-drain/ports.ts';
import type { PromiseId } from '../outcome.ts';
import type { DrainOptions } from './drain.ts';
import type { Process } from './world.ts';

export interface DrainMutant {
  readonly name: string;
  readonly promise: PromiseId;
  /** A seed that is known to show it: the search begins there. */
  readonly shownBy?: number;
  /** What the violation says. */
  readonly says?: RegExp;
  readonly change: Pick<DrainOptions, 'mutate' | 'mutatePass'>;
}

export const DRAIN_MUTANTS: readonly DrainMutant[] = [
  {
    name: 'a drained instance is terminated at once',
    promise: 2,
    change: change((ports, { autoScaling }) => ({
      lifecycle: {
        ...ports.lifecycle,
        async complete(hook, instanceId) {
          await autoScaling
            .call('TerminateInstanceInAutoScalingGroup', {
              InstanceId: instanceId,
              ShouldDecrementDesiredCapacity: true,
            })
            .catch(() => undefined);
          return ports.lifecycle.complete(hook, instanceId);
        },
      },
    })),
  },
  {
    name: 'the lease is never released',
    promise: 3,
    change: change((ports) => ({
      claims: {
        ...ports.claims,
        saveIf: (claim, version, now) =>
          ports.claims.saveIf(
            version === 'absent'
              ? claim
              : { ...claim, state: 'working', leaseUntil: '2099-01-01T00:00:00.000Z' },
            version,
            now,
          ),
      },
    })),
  },
  {
    name: 'the cordon of a recommendation is never undone',
    promise: 3,
    shownBy: 16,
    change: change((ports) => ({
      cordons: { ...ports.cordons, all: async () => ({ cordons: [], corrupt: [] }) },
      claims: { ...ports.claims, all: async () => without(await ports.claims.all(), 'rebalance') },
    })),
  },
  {
    name: 'the end of an announced change is ignored',
    promise: 3,
    shownBy: 65,
    change: change((ports) => ({
      claims: {
        ...ports.claims,
        read: async (instanceId) => {
          const claim = await ports.claims.read(instanceId);
          return claim && { ...claim, value: { ...claim.value, cause: 'lifecycle' } };
        },
      },
    })),
  },
  {
    name: 'the node of an instance that runs again stays cordoned',
    promise: 3,
    shownBy: 65,
    change: change((ports) => ({
      cordons: {
        ...ports.cordons,
        async all() {
          const { cordons, corrupt } = await ports.cordons.all();
          return { cordons: cordons.filter(({ undoWhen }) => undoWhen !== 'ready-again'), corrupt };
        },
      },
      claims: {
        ...ports.claims,
        async all() {
          const { claims, corrupt } = await ports.claims.all();
          return { claims: claims.filter(({ value }) => value.state !== 'done'), corrupt };
        },
      },
    })),
  },
  {
    name: 'a drain during the nightly stop takes as long as any other',
    promise: 3,
    shownBy: 8,
    change: change((ports) => ({ night: { ...ports.night, state: async () => undefined } })),
  },
  {
    name: 'a replacement is requested whatever the config says',
    promise: 2,
    shownBy: 11,
    change: change((ports) => ({ settings: { ...ports.settings, replaceEarly: true } })),
  },
  {
    name: 'an early replacement makes the group smaller',
    promise: 3,
    shownBy: 10,
    change: change((ports, { autoScaling }) => ({
      groups: {
        ...ports.groups,
        async replace(group, instanceId) {
          await autoScaling.call('DetachInstances', {
            AutoScalingGroupName: group,
            InstanceIds: [instanceId],
            ShouldDecrementDesiredCapacity: true,
          });
          return 'requested';
        },
      },
    })),
  },
  {
    name: 'a node is drained without a cordon',
    promise: 3,
    change: change((ports) => ({ cluster: { ...ports.cluster, mark: async () => 'marked' } })),
  },
  {
    name: 'a pod counts as gone as soon as its eviction was accepted',
    promise: 4,
    change: change((ports) => ({
      cluster: {
        ...ports.cluster,
        podsOn: async (node) => (await ports.cluster.podsOn(node)).filter((pod) => !pod.terminating),
      },
    })),
  },
  {
    name: 'a pod that its budget protects is deleted at once',
    promise: 5,
    change: change((ports) => ({
      cluster: {
        ...ports.cluster,
        evict: async (pod, graceSeconds): Promise<Reply> => {
          const reply = await ports.cluster.evict(pod, graceSeconds);
          return reply.status === 429 ? ports.cluster.remove(pod, 1) : reply;
        },
      },
    })),
  },
  {
    name: 'pods are deleted by force in the middle of the notice',
    promise: 5,
    shownBy: 10,
    change: change((ports) => {
      let first: number | undefined;
      return {
        cluster: {
          ...ports.cluster,
          evict: async (pod, graceSeconds): Promise<Reply> => {
            const now = ports.clock.now().getTime();
            first ??= now;
            const reply = await ports.cluster.evict(pod, graceSeconds);
            return reply.status === 429 && now - first > 20_000 ? ports.cluster.remove(pod, 1) : reply;
          },
        },
      };
    }),
  },
  {
    name: 'an action is completed with ABANDON',
    promise: 6,
    change: change((ports, { autoScaling }) => ({
      lifecycle: {
        ...ports.lifecycle,
        async complete(hook, instanceId) {
          await autoScaling.call('CompleteLifecycleAction', {
            AutoScalingGroupName: hook.group,
            LifecycleHookName: hook.name,
            LifecycleActionToken: hook.token,
            InstanceId: instanceId,
            LifecycleActionResult: 'ABANDON',
          });
          return 'completed';
        },
      },
    })),
  },
  {
    name: 'an action is completed twice',
    promise: 6,
    change: change((ports) => ({
      lifecycle: {
        ...ports.lifecycle,
        async complete(hook, instanceId) {
          await ports.lifecycle.complete(hook, instanceId);
          return ports.lifecycle.complete(hook, instanceId);
        },
      },
    })),
  },
  {
    name: 'an action that is announced during a drain is forgotten',
    promise: 6,
    change: change((ports) => ({
      claims: {
        ...ports.claims,
        saveIf: (claim, version, now) =>
          ports.claims.saveIf(
            version === 'absent' || claim.cause === 'lifecycle' ? claim : { ...claim, hooks: [] },
            version,
            now,
          ),
      },
    })),
  },
  {
    name: 'cordons are not recorded',
    promise: 7,
    change: change((ports) => ({
      trail: { record: (made) => ports.trail.record(made.filter(({ action }) => action !== 'cordon')) },
    })),
  },
  {
    name: 'pods are evicted one after the other',
    promise: 8,
    change: change((ports) => ({
      cluster: {
        ...ports.cluster,
        podsOn: async (node) => {
          const pods = await ports.cluster.podsOn(node);
          const first = pods.find((pod) => pod.controller?.kind !== 'DaemonSet');
          return first ? [first] : [];
        },
      },
    })),
  },
  {
    name: 'what an admission webhook denies counts as refused by RBAC',
    promise: 6,
    shownBy: 89,
    says: /pods on it, while there was time/,
    change: change((ports) => ({
      cluster: {
        ...ports.cluster,
        evict: async (pod, graceSeconds) => {
          const reply = await ports.cluster.evict(pod, graceSeconds);
          return isDenied(reply) ? { ...reply, isRefusedByRbac: true } : reply;
        },
      },
    })),
  },
  {
    name: 'what an admission webhook denies is not forced',
    promise: 8,
    shownBy: 38,
    says: /never asked/,
    change: change((ports) => {
      const denied = new Set<string>();
      return {
        cluster: {
          ...ports.cluster,
          evict: async (pod, graceSeconds) => {
            const reply = await ports.cluster.evict(pod, graceSeconds);
            if (isDenied(reply)) denied.add(pod.uid);
            return reply;
          },
          remove: async (pod, graceSeconds) =>
            denied.has(pod.uid) ? BUSY : ports.cluster.remove(pod, graceSeconds),
        },
      };
    }),
  },
  {
    name: 'a dead node counts as Ready',
    promise: 3,
    shownBy: 124,
    says: /dead node/,
    change: change((ports) => ({
      cluster: {
        ...ports.cluster,
        nodeNamed: async (name, instanceId) => {
          const node = await ports.cluster.nodeNamed(name, instanceId);
          return node && { ...node, readySince: node.readySince ?? new Date(0) };
        },
      },
    })),
  },
  {
    name: 'the day of an announced change is not read',
    promise: 3,
    says: /cordoned for a change/,
    change: change((ports) => ({ settings: { ...ports.settings, onScheduledChange: 'drain' } })),
  },
  {
    name: 'a recommendation makes an announced change forgotten',
    promise: 3,
    shownBy: 150,
    says: /is not drained for the change/,
    change: change((ports) => ({
      claims: {
        ...ports.claims,
        saveIf: ({ announced: _, ...claim }, version, now) => ports.claims.saveIf(claim, version, now),
      },
    })),
  },
  {
    name: 'an action is completed with volumes attached',
    promise: 6,
    shownBy: 26,
    says: /volumes attached/,
    change: change((ports) => ({ cluster: { ...ports.cluster, volumesOn: async () => [] } })),
  },
  {
    name: 'a reply in the wrong form counts as an empty list',
    promise: 6,
    shownBy: 25,
    says: /pods on it, while there was time/,
    change: change((ports) => ({
      cluster: { ...ports.cluster, podsOn: async (node) => ports.cluster.podsOn(node).catch(() => []) },
    })),
  },
  {
    name: 'errors are logged and not reported',
    promise: 9,
    change: { mutatePass: (pass) => pass().catch(() => undefined) },
  },
];

const BUSY: Reply = { status: 503, reason: '', causes: [], detail: 'busy' };

function isDenied({ status, detail }: Reply): boolean {
  return status !== 201 && detail.startsWith('admission webhook');
}

function change(edit: (ports: Ports, process: Process) => Partial<Ports>): Pick<DrainOptions, 'mutate'> {
  return { mutate: (process) => ({ ...process.ports, ...edit(process.ports, process) }) };
}

type Claims = Awaited<ReturnType<Ports['claims']['all']>>;

function without({ claims, corrupt }: Claims, cause: string): Claims {
  return { claims: claims.filter(({ value }) => value.cause !== cause), corrupt };
}
