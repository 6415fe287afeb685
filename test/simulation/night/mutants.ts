/**
 * The program with a mistake in it, one for each promise: what other tools got wrong, or what a careless change could
 * bring. The checkers must catch each of them; otherwise they prove nothing.
 */
import type { PromiseId } from '../outcome.ts';
import type { NightOptions } from './night.ts';

export interface Mutant {
  readonly name: string;
  readonly promise: PromiseId;
  readonly change: Pick<NightOptions, 'mutate' | 'mutatePass'>;
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'sizes are saved after the stop',
    promise: 1,
    change: {
      mutate(ports) {
        const late: (() => Promise<unknown>)[] = [];
        return {
          ...ports,
          store: {
            ...ports.store,
            async writeSaved(next, over) {
              if (next.phase !== 'stopping' || over !== 'absent') return ports.store.writeSaved(next, over);
              late.push(() => ports.store.writeSaved(next, over));
              return true;
            },
          },
          groups: {
            ...ports.groups,
            async resize(group, to, token) {
              const outcome = await ports.groups.resize(group, to, token);
              await late.shift()?.();
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
          async writeSaved(next, over) {
            const group = (await ports.groups.list()).find((one) => one.name === next.group);
            return ports.store.writeSaved(group ? { ...next, size: group.size } : next, over);
          },
        },
      }),
    },
  },
  {
    name: 'sizes are cleared when they were given back, whether or not a node came',
    promise: 1,
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
    name: 'min is not given back',
    promise: 1,
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
    name: 'it acts only within a minute of the edge',
    promise: 3,
    change: {
      mutate(ports, world) {
        const edges = world.edges();
        return {
          ...ports,
          groups: {
            ...ports.groups,
            resize: async (group, to, token) =>
              Math.abs(world.clock.now() / 60_000 - (to.desired === 0 ? edges.stop : edges.start)) < 1
                ? ports.groups.resize(group, to, token)
                : 'busy',
          },
        };
      },
    },
  },
  {
    name: 'a stop is confirmed when the size is zero, whatever still runs',
    promise: 4,
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
    name: 'stops are not explained',
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
    name: 'failures are logged and swallowed',
    promise: 9,
    change: { mutatePass: (pass) => pass().catch(() => undefined) },
  },
];
