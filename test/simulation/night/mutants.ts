/** night-schedule with a deliberate mistake, at least one for each promise that its story checks. The checkers must catch each. */
import type { PromiseId } from '../outcome.ts';
import type { NightOptions } from './night.ts';

export interface Mutant {
  readonly name: string;
  readonly promise: PromiseId;
  /** A seed that is known to show it: the search begins there. */
  readonly shownBy?: number;
  readonly change: Pick<NightOptions, 'mutate' | 'mutatePass'>;
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'sizes are saved after the stop',
    promise: 1,
    change: {
      mutate(ports) {
        const delayed: (() => Promise<unknown>)[] = [];
        return {
          ...ports,
          store: {
            ...ports.store,
            async writeSaved(next, expected) {
              if (next.phase !== 'stopping' || expected !== 'absent')
                return ports.store.writeSaved(next, expected);
              delayed.push(() => ports.store.writeSaved(next, expected));
              return true;
            },
          },
          groups: {
            ...ports.groups,
            async resize(group, to, token) {
              const outcome = await ports.groups.resize(group, to, token);
              await delayed.shift()?.();
              return outcome;
            },
          },
        };
      },
    },
  },
  {
    name: 'a second stop saves the sizes again',
    promise: 1,
    change: {
      mutate: (ports) => ({
        ...ports,
        store: {
          ...ports.store,
          async writeSaved(next, expected) {
            const group = (await ports.groups.list()).find((one) => one.name === next.group);
            return ports.store.writeSaved(group ? { ...next, size: group.size } : next, expected);
          },
        },
      }),
    },
  },
  {
    name: 'saved sizes are cleared before the nodes are Ready',
    promise: 1,
    shownBy: 8,
    change: {
      mutate: (ports) => ({
        ...ports,
        nodes: {
          ...ports.nodes,
          ready: async () =>
            new Set((await ports.groups.list()).flatMap((group) => group.instances.map((one) => one.id))),
        },
        groups: {
          ...ports.groups,
          list: async () =>
            (await ports.groups.list()).map((group) => ({
              ...group,
              instances: Array.from(
                { length: group.size.desired },
                (_, index) => group.instances[index] ?? { id: '', inService: true },
              ).map((one) => ({ ...one, inService: true })),
            })),
        },
      }),
    },
  },
  {
    name: 'min is not restored',
    promise: 1,
    shownBy: 5,
    change: {
      mutate: (ports) => ({
        ...ports,
        groups: {
          ...ports.groups,
          list: async () =>
            (await ports.groups.list()).map((group) =>
              group.size.desired > 0 ? { ...group, size: { ...group.size, min: 0 } } : group,
            ),
        },
      }),
    },
  },
  {
    name: 'warm pools stay on',
    promise: 3,
    change: {
      mutate: (ports) => ({
        ...ports,
        groups: {
          ...ports.groups,
          list: async () =>
            (await ports.groups.list()).map(
              ({ warmPool: _pool, warmInstances: _instances, ...group }) => group,
            ),
        },
      }),
    },
  },
  {
    name: 'a warm pool is restored as it was left at night',
    promise: 1,
    change: {
      mutate: (ports) => ({
        ...ports,
        groups: {
          ...ports.groups,
          setWarmPool: async (group, to, token) =>
            to === 'off' ? ports.groups.setWarmPool(group, to, token) : 'accepted',
          list: async () =>
            (await ports.groups.list()).map((group) =>
              group.size.desired > 0
                ? { ...group, warmPool: { min: 1, state: 'Stopped', reuse: false } as const }
                : group,
            ),
        },
      }),
    },
  },
  {
    name: 'groups are resized only within a minute of the transition',
    promise: 3,
    change: {
      mutate(ports, world) {
        const transitions = world.transitions();
        return {
          ...ports,
          groups: {
            ...ports.groups,
            resize: async (group, to, token) =>
              Math.abs(
                world.clock.now() / 60_000 - (to.desired === 0 ? transitions.stop : transitions.start),
              ) < 1
                ? ports.groups.resize(group, to, token)
                : 'busy',
          },
        };
      },
    },
  },
  {
    name: 'a stop is confirmed at size zero while instances still run',
    promise: 4,
    shownBy: 24,
    change: {
      mutate: (ports) => ({
        ...ports,
        groups: {
          ...ports.groups,
          list: async () =>
            (await ports.groups.list()).map((group) =>
              group.size.desired === 0 ? { ...group, instances: [] } : group,
            ),
        },
      }),
    },
  },
  {
    name: 'a start is confirmed when the instances are InService',
    promise: 4,
    shownBy: 160,
    change: {
      mutate: (ports) => ({
        ...ports,
        nodes: {
          ...ports.nodes,
          ready: async () =>
            new Set((await ports.groups.list()).flatMap((group) => group.instances.map((one) => one.id))),
        },
      }),
    },
  },
  {
    name: 'stops are not recorded',
    promise: 7,
    change: {
      mutate: (ports) => ({
        ...ports,
        trail: {
          record: (made) => ports.trail.record(made.filter((decision) => decision.action !== 'stop')),
        },
      }),
    },
  },
  {
    name: 'the first group that fails ends the pass',
    promise: 8,
    shownBy: 12,
    change: {
      mutate(ports, world) {
        return {
          ...ports,
          groups: {
            ...ports.groups,
            list: async () => {
              const groups = await ports.groups.list();
              if (groups.some((group) => world.plans.get(group.name)?.broken))
                throw new Error('one group is degraded');
              return groups;
            },
          },
        };
      },
    },
  },
  {
    name: 'a NodePool is resumed without a request',
    promise: 1,
    change: {
      mutate: (ports) => ({ ...ports, autoscaler: { ...ports.autoscaler, resume: async () => 'gone' } }),
    },
  },
  {
    name: 'a NodePool that was created again gets the limits of its predecessor',
    promise: 1,
    shownBy: 45,
    change: {
      mutate: (ports) => ({
        ...ports,
        autoscaler: {
          ...ports.autoscaler,
          async observe() {
            const view = await ports.autoscaler.observe();
            if (view.kind !== 'karpenter') return view;
            const pools = Object.entries(view.pools).map(
              ([name, { uid: _, ...pool }]) => [name, pool] as const,
            );
            return { ...view, pools: Object.fromEntries(pools) };
          },
        },
      }),
    },
  },
  {
    name: 'NodePools are closed before their limits are saved',
    promise: 1,
    change: {
      mutate: (ports) => ({ ...ports, store: { ...ports.store, writeAutoscaler: async () => true } }),
    },
  },
  {
    name: 'the built-in NodePools stay on',
    promise: 3,
    shownBy: 5,
    change: {
      mutate: (ports) => ({
        ...ports,
        autoscaler: {
          ...ports.autoscaler,
          async observe() {
            const view = await ports.autoscaler.observe();
            if (view.kind !== 'karpenter') return view;
            const { builtIn: _, ...rest } = view;
            return rest;
          },
        },
      }),
    },
  },
  {
    name: 'NodeClaims that cannot launch are left',
    promise: 3,
    change: {
      mutate: (ports) => ({ ...ports, autoscaler: { ...ports.autoscaler, deleteClaims: async () => [] } }),
    },
  },
  {
    name: 'the sizes of a rollout are saved',
    promise: 1,
    change: {
      mutate: (ports) => ({ ...ports, groups: { ...ports.groups, configuredSize: async () => undefined } }),
    },
  },
  {
    name: 'a list that lacks a group is taken for the whole',
    promise: 4,
    shownBy: 102,
    change: {
      mutate(ports) {
        let listed: ReturnType<typeof ports.groups.list>;
        return {
          ...ports,
          nodes: { ...ports.nodes, all: async () => [] },
          groups: {
            ...ports.groups,
            list: () => {
              listed = ports.groups.list();
              return listed;
            },
          },
          store: {
            ...ports.store,
            async load() {
              const memory = await ports.store.load();
              const names = (await listed).map(({ name }) => name);
              const saved = [...memory.saved].filter(([name]) => names.includes(name));
              return { ...memory, saved: new Map(saved) };
            },
          },
        };
      },
    },
  },
  {
    name: 'NodeClaims that are being deleted do not count',
    promise: 4,
    change: {
      mutate: (ports) => ({
        ...ports,
        autoscaler: {
          ...ports.autoscaler,
          async observe() {
            const view = await ports.autoscaler.observe();
            if (view.kind !== 'karpenter') return view;
            return { ...view, claims: view.claims.filter(({ isDeleting }) => !isDeleting) };
          },
        },
      }),
    },
  },
  {
    name: 'drains are not forced at night',
    promise: 3,
    change: {
      mutate: (ports) => ({
        ...ports,
        autoscaler: { ...ports.autoscaler, pause: (view) => ports.autoscaler.pause(view) },
      }),
    },
  },
  {
    name: 'CronJobs are suspended before that is written down',
    promise: 1,
    shownBy: 4,
    change: {
      mutate: (ports) => ({ ...ports, store: { ...ports.store, writeCronJob: async () => true } }),
    },
  },
  {
    name: 'CronJobs that somebody suspended are resumed too',
    promise: 1,
    shownBy: 6,
    change: {
      mutate: (ports) => ({
        ...ports,
        cronJobs: {
          ...ports.cronJobs,
          list: async () => (await ports.cronJobs.list()).map((job) => ({ ...job, isSuspended: false })),
        },
      }),
    },
  },
  {
    name: 'errors are logged and not reported',
    promise: 9,
    change: { mutatePass: (pass) => pass().catch(() => undefined) },
  },
];
