/** The ports of night-schedule in memory: as strict as the services behind the real ones, with a crash on demand. */
import { createNightStore } from '#functions/adapters/dynamodb/night-store.ts';
import { LEDGER } from '#functions/adapters/dynamodb/table-keys.ts';
import type {
  Autoscaler,
  AutoscalerView,
  ConfiguredSize,
  CronJobs,
  CronJobView,
  Group,
  Groups,
  NodeClaimView,
  Nodes,
  NodeView,
  Store,
} from '#functions/night-schedule/ports.ts';
import {
  entriesOf,
  type LedgerEntry,
  type LedgerRecord,
  type SavedAutoscaler,
  type Size,
} from '#functions/night-schedule/records.ts';
import type { Decision } from '#model/decision.ts';
import { createMemoryTable, type MemoryTable } from '#test/simulation/table.ts';

export class CrashError extends Error {
  override name = 'CrashError';
}

export interface World {
  readonly groups: Map<string, Group>;
  readonly calls: string[];
  readonly decisions: Decision[];
  ledger(): readonly LedgerEntry[];
  autoscaler: AutoscalerView | undefined;
  /** What EKS says where it differs from the Auto Scaling group. */
  /** Nodes besides those of the groups. */
  nodes: readonly NodeView[];
  readonly configured: Map<string, ConfiguredSize>;
  /** By `<namespace>/<name>`; the selector of the config selects all of them. */
  readonly cronJobs: Map<string, CronJobView>;
  /** Called before (`true`) and after (`false`) each port call; may throw. */
  hook: (call: string, before: boolean) => void;
  readonly ports: {
    groups: Groups;
    nodes: Nodes;
    store: Store;
    autoscaler: Autoscaler;
    cronJobs: CronJobs;
    trail: { record(decisions: readonly Decision[]): Promise<void> };
  };
  /** Instances come and go as the sizes say. */
  settle(): void;
  size(name: string): Size;
  readonly table: MemoryTable;
}

export function aWorld(groups: readonly Group[], autoscaler?: AutoscalerView): World {
  const table = createMemoryTable();
  const store = createNightStore(table.through(), 'develop');
  let serial = 0;
  const world: World = {
    groups: new Map(groups.map((group) => [group.name, group])),
    calls: [],
    decisions: [],
    autoscaler,
    configured: new Map(),
    cronJobs: new Map(),
    nodes: [],
    hook: () => undefined,
    table,
    ledger: () => table.all<LedgerRecord>(LEDGER).flatMap(entriesOf),
    settle() {
      for (const [name, group] of world.groups) {
        const kept = group.instances.slice(0, group.size.desired);
        const fresh = Array.from({ length: group.size.desired - kept.length }, () => ({
          id: `i-new${serial++}`,
          inService: true,
        }));
        const pool = group.warmPool;
        const warmInstances = pool
          ? Math.max(pool.min, (pool.maxPrepared ?? group.size.max) - group.size.desired, 0)
          : (group.warmInstances ?? 0);
        world.groups.set(name, { ...group, instances: [...kept, ...fresh], warmInstances });
      }
    },
    size(name) {
      const group = world.groups.get(name);
      if (!group) throw new Error(`no group ${name}`);
      return group.size;
    },
    ports: undefined as never,
  };

  const call = async <T>(name: string, act: () => T | Promise<T>): Promise<T> => {
    world.hook(name, true);
    world.calls.push(name);
    const result = await act();
    world.hook(name, false);
    return result;
  };
  const setSuspended = ({ namespace, name, uid }: Omit<CronJobView, 'isSuspended'>, isSuspended: boolean) => {
    const job = world.cronJobs.get(`${namespace}/${name}`);
    if (job?.uid !== uid) return false;
    world.cronJobs.set(`${namespace}/${name}`, { ...job, isSuspended });
    return true;
  };
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
      setWarmPool: (group, to) =>
        call(`groups.setWarmPool ${group.name} ${to === 'off' ? to : to.state}`, () => {
          const there = world.groups.get(group.name);
          if (!there) return 'gone';
          const { warmPool: _before, ...rest } = there;
          world.groups.set(group.name, {
            ...rest,
            ...(to === 'off' ? { warmInstances: 0 } : { warmPool: to }),
          });
          return 'accepted';
        }),
      configuredSize: (group) =>
        call(`groups.configuredSize ${group.name}`, () =>
          group.kind === 'managed'
            ? (world.configured.get(group.name) ?? { size: group.size, isUpdating: false })
            : undefined,
        ),
      lastScalingFailure: () =>
        call('groups.lastScalingFailure', () => 'Could not launch Spot Instances. UnfulfillableCapacity'),
    },
    nodes: {
      all: () => call('nodes.all', () => world.nodes),
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
              ? { ...view, replicas: 0 }
              : {
                  kind: view.kind,
                  claims: view.claims,
                  ...(view.malformed ? { malformed: view.malformed } : {}),
                  pools: Object.fromEntries(
                    Object.entries(view.pools).map(([name, pool]) => [
                      name,
                      pool.replicas === null
                        ? { ...pool, limits: { ...pool.limits, cpu: '0' } }
                        : { ...pool, replicas: 0 },
                    ]),
                  ),
                };
          return [];
        }),
      deleteClaims: (claims) =>
        call('autoscaler.deleteClaims', () => {
          const isDeleted = ({ name }: NodeClaimView) => claims.some((claim) => claim.name === name);
          if (world.autoscaler?.kind !== 'karpenter') return [];
          const { unlaunched = [], ...view } = world.autoscaler;
          const left = unlaunched.filter((claim) => !isDeleted(claim));
          world.autoscaler = {
            ...view,
            claims: view.claims.filter((claim) => !isDeleted(claim)),
            ...(left.length > 0 ? { unlaunched: left } : {}),
          };
          return [];
        }),
      resume: (saved: SavedAutoscaler) =>
        call('autoscaler.resume', () => {
          if (saved.kind === 'cluster-autoscaler') {
            const { kind, deployment, replicas } = saved;
            world.autoscaler = { kind, deployment, replicas };
          } else if (saved.kind === 'karpenter') {
            const view = world.autoscaler?.kind === 'karpenter' ? world.autoscaler : undefined;
            const malformed = view?.malformed?.filter((name) => name !== saved.nodePool);
            if (!view || !(saved.nodePool in view.pools || view.malformed?.includes(saved.nodePool)))
              return 'gone' as const;
            const uid = view.pools[saved.nodePool]?.uid;
            if ((saved.setting.uid ?? uid) !== uid) return 'gone' as const;
            const pools = {
              ...view.pools,
              [saved.nodePool]: { ...saved.setting, ...(uid === undefined ? {} : { uid }) },
            };
            world.autoscaler = {
              kind: saved.kind,
              claims: [],
              pools,
              ...(malformed?.length ? { malformed } : {}),
            };
          }
          return 'resumed' as const;
        }),
    },
    cronJobs: {
      list: () => call('cronJobs.list', () => [...world.cronJobs.values()]),
      suspend: (job) => call(`cronJobs.suspend ${job.name}`, () => setSuspended(job, true)),
      resume: (saved) =>
        call(`cronJobs.resume ${saved.name}`, () => (setSuspended(saved, false) ? 'resumed' : 'gone')),
    },
    store: {
      load: () => call('store.load', store.load),
      writeState: (next, over) => call(`store.writeState ${next.phase}`, () => store.writeState(next, over)),
      writeSaved: (next, over) =>
        call(`store.writeSaved ${next.group} ${next.phase}`, () => store.writeSaved(next, over)),
      clearSaved: (group, over) => call(`store.clearSaved ${group}`, () => store.clearSaved(group, over)),
      writeAutoscaler: (next, over) => call('store.writeAutoscaler', () => store.writeAutoscaler(next, over)),
      clearAutoscaler: (object, over) =>
        call('store.clearAutoscaler', () => store.clearAutoscaler(object, over)),
      writeCronJob: (next, over) => call('store.writeCronJob', () => store.writeCronJob(next, over)),
      clearCronJob: (object, over) => call('store.clearCronJob', () => store.clearCronJob(object, over)),
      writeNote: (what, next, over) =>
        call(`store.writeNote ${what}`, () => store.writeNote(what, next, over)),
      addOverride: (override) => call('store.addOverride', () => store.addOverride(override)),
      writeLedger: (entries) => call('store.writeLedger', () => store.writeLedger(entries)),
    },
    trail: {
      record: async (decisions) => void world.decisions.push(...decisions),
    },
  };
  return Object.assign(world, { ports });
}
