/** The ports of night-schedule in memory: as strict as the services behind the real ones, with a crash on demand. */
import type {
  Autoscaler,
  AutoscalerView,
  Group,
  Groups,
  LedgerEntry,
  Memory,
  Nodes,
  SavedAutoscaler,
  Size,
  Store,
  Versioned,
} from '#functions/night-schedule/ports.ts';
import type { Decision } from '#model/decision.ts';

export class CrashError extends Error {
  override name = 'CrashError';
}

export interface World {
  readonly groups: Map<string, Group>;
  readonly calls: string[];
  readonly decisions: Decision[];
  readonly ledger: Map<string, LedgerEntry>;
  autoscaler: AutoscalerView | undefined;
  /** Called before (`true`) and after (`false`) each port call; may throw. */
  hook: (call: string, before: boolean) => void;
  readonly ports: {
    groups: Groups;
    nodes: Nodes;
    store: Store;
    autoscaler: Autoscaler;
    trail: { record(decisions: readonly Decision[]): Promise<void> };
  };
  /** Instances come and go as the sizes say. */
  settle(): void;
  size(name: string): Size;
  readonly memory: {
    items: Map<string, Versioned<unknown>>;
  };
}

export function aWorld(groups: readonly Group[], autoscaler?: AutoscalerView): World {
  const items = new Map<string, Versioned<unknown>>();
  let serial = 0;
  const world: World = {
    groups: new Map(groups.map((group) => [group.name, group])),
    calls: [],
    decisions: [],
    ledger: new Map(),
    autoscaler,
    hook: () => undefined,
    memory: { items },
    settle() {
      for (const [name, group] of world.groups) {
        const kept = group.instances.slice(0, group.size.desired);
        const fresh = Array.from({ length: group.size.desired - kept.length }, () => ({
          id: `i-new${serial++}`,
          inService: true,
        }));
        world.groups.set(name, { ...group, instances: [...kept, ...fresh] });
      }
    },
    size(name) {
      const group = world.groups.get(name);
      if (!group) throw new Error(`no group ${name}`);
      return group.size;
    },
    ports: undefined as never,
  };

  const call = async <T>(name: string, act: () => T): Promise<T> => {
    world.hook(name, true);
    world.calls.push(name);
    const result = act();
    world.hook(name, false);
    return result;
  };
  const write = (key: string, value: unknown, over: number | undefined): boolean => {
    if (items.get(key)?.version !== over) return false;
    items.set(key, { value: structuredClone(value), version: (over ?? 0) + 1 });
    return true;
  };
  const remove = (key: string, over: number): boolean => {
    if (items.get(key)?.version !== over) return false;
    return items.delete(key);
  };
  const find = <T>(key: string) => items.get(key) as Versioned<T> | undefined;

  const ports: World['ports'] = {
    groups: {
      list: () => call('groups.list', () => [...world.groups.values()]),
      resize: (group, to) =>
        call(`groups.resize ${group.name} ${to.min}/${to.desired}/${to.max}`, () => {
          const there = world.groups.get(group.name);
          if (!there) return 'gone';
          if (there.kind === 'managed' && to.max < 1)
            throw new Error("InvalidParameterException: Requested max capacity can't be less than 1");
          if (to.min > to.desired || to.desired > to.max)
            throw new Error('InvalidParameterException: min ≤ desired ≤ max');
          world.groups.set(group.name, { ...there, size: to });
          return 'accepted';
        }),
      trouble: () => call('groups.trouble', () => 'Could not launch Spot Instances. UnfulfillableCapacity'),
    },
    nodes: {
      ready: () =>
        call(
          'nodes.ready',
          () =>
            new Set(
              [...world.groups.values()].flatMap((group) =>
                group.instances.filter((instance) => instance.inService).map((instance) => instance.id),
              ),
            ),
        ),
    },
    autoscaler: {
      observe: () =>
        call('autoscaler.observe', () => {
          if (!world.autoscaler) throw new Error('no autoscaler');
          return world.autoscaler;
        }),
      pause: (view) =>
        call('autoscaler.pause', () => {
          world.autoscaler =
            view.kind === 'cluster-autoscaler'
              ? { kind: view.kind, replicas: 0 }
              : {
                  kind: view.kind,
                  claims: view.claims,
                  pools: Object.fromEntries(
                    Object.entries(view.pools).map(([name, pool]) => [
                      name,
                      pool.replicas === null
                        ? { ...pool, limits: { ...pool.limits, cpu: '0' } }
                        : { ...pool, replicas: 0 },
                    ]),
                  ),
                };
        }),
      resume: (saved: SavedAutoscaler) =>
        call('autoscaler.resume', () => {
          world.autoscaler =
            saved.kind === 'cluster-autoscaler'
              ? { kind: saved.kind, replicas: saved.replicas }
              : { kind: saved.kind, claims: 0, pools: saved.pools };
        }),
    },
    store: {
      load: () =>
        call('store.load', () => {
          const saved: Memory['saved'] = new Map(
            [...items]
              .filter(([key]) => key.startsWith('saved#'))
              .map(([key, item]) => [key.slice(6), item as never]),
          );
          const state = find<NonNullable<Memory['state']>['value']>('state');
          const memo = find<NonNullable<Memory['memo']>['value']>('memo');
          const held = find<SavedAutoscaler>('autoscaler');
          const override = find<NonNullable<Memory['override']>>('override');
          return {
            saved,
            corrupt: [],
            ...(state ? { state } : {}),
            ...(memo ? { memo } : {}),
            ...(held ? { autoscaler: held } : {}),
            ...(override ? { override: override.value } : {}),
          };
        }),
      writeState: (next, over) => call(`store.writeState ${next.phase}`, () => write('state', next, over)),
      writeSaved: (next, over) =>
        call(`store.writeSaved ${next.group} ${next.phase}`, () => write(`saved#${next.group}`, next, over)),
      clearSaved: (group, over) => call(`store.clearSaved ${group}`, () => remove(`saved#${group}`, over)),
      writeAutoscaler: (next, over) => call('store.writeAutoscaler', () => write('autoscaler', next, over)),
      clearAutoscaler: (over) => call('store.clearAutoscaler', () => remove('autoscaler', over)),
      writeMemo: (next, over) => call('store.writeMemo', () => write('memo', next, over)),
      writeLedger: (entries) =>
        call('store.writeLedger', () => {
          for (const entry of entries) world.ledger.set(`${entry.date}#${entry.group}#${entry.from}`, entry);
        }),
    },
    trail: {
      record: async (decisions) => void world.decisions.push(...decisions),
    },
  };
  return Object.assign(world, { ports });
}
