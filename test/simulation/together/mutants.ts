/** Mistakes that only show where the three functions meet. The checkers must catch each. */

import type { BranchDeployPorts } from '#functions/branch-deploy/ports.ts';
import type { Ports } from '#functions/spot-drain/ports.ts';
import type { PromiseId } from '../outcome.ts';
import type { NightPorts } from './night-function.ts';
import type { TogetherOptions } from './story.ts';

type NightSeen = Awaited<ReturnType<BranchDeployPorts['night']['read']>>;

export interface TogetherMutant {
  readonly name: string;
  readonly promise: PromiseId;
  /** Matches the violation, where the promise can be broken in more than one way. */
  readonly says?: RegExp;
  readonly change: Pick<TogetherOptions, 'mutateNight' | 'mutateDrain' | 'mutateDeploy' | 'mutatePass'>;
}

export const TOGETHER_MUTANTS: readonly TogetherMutant[] = [
  {
    name: 'a deploy ignores the state of the cluster and follows the schedule',
    promise: 3,
    change: deploying((ports) => ({
      night: {
        ...ports.night,
        async read() {
          const { state: _, ...seen } = await ports.night.read();
          return seen;
        },
      },
    })),
  },
  {
    name: 'a deploy ignores a person’s override and wakes the cluster',
    promise: 2,
    says: /overruled the override of/,
    change: deploying(({ night }) => ({
      night: { ...night, read: async () => withoutPeople(await night.read()) },
    })),
  },
  {
    name: 'a deploy wakes the cluster in place of a person’s override',
    promise: 2,
    says: /overwrote the override of/,
    change: deploying(({ night }) => ({
      night: {
        read: async () => withoutPeople(await night.read()),
        async addOverride(override) {
          const { overrides } = await night.read();
          const person = overrides.find(({ author }) => author !== 'branch-deploy');
          return night.addOverride({ ...override, id: person?.id ?? override.id });
        },
      },
    })),
  },
  {
    name: 'night-schedule ignores the override of a deploy',
    promise: 3,
    change: nightly((ports) => ({
      store: {
        ...ports.store,
        async load() {
          const { overrides, ...memory } = await ports.store.load();
          return { ...memory, overrides: overrides.filter(({ author }) => author !== 'branch-deploy') };
        },
      },
    })),
  },
  {
    name: 'a stop is not recorded until it is over',
    promise: 3,
    change: nightly((ports) => ({
      store: {
        ...ports.store,
        writeState: async (next, expected) =>
          next.phase === 'stopping' || ports.store.writeState(next, expected),
      },
    })),
  },
  {
    name: 'the end of the night is not recorded',
    promise: 3,
    change: nightly((ports) => ({
      store: {
        ...ports.store,
        writeState: async (next, expected) =>
          next.desired === 'awake' || ports.store.writeState(next, expected),
      },
    })),
  },
  {
    name: 'a drain at night takes its full hour',
    promise: 3,
    change: draining(({ night }) => ({ night: { ...night, state: async () => undefined } })),
  },
  {
    name: 'drains of the nightly stop count as losses',
    promise: 4,
    change: draining((ports) => ({
      claims: {
        ...ports.claims,
        saveIf: (claim, version, now) => ports.claims.saveIf({ ...claim, nightlyStop: false }, version, now),
      },
    })),
  },
  {
    name: 'drains of the day count as part of the nightly stop',
    promise: 4,
    change: draining((ports) => ({
      night: {
        ...ports.night,
        async state() {
          const state = await ports.night.state();
          return state && { ...state, phase: 'stopping', groups: ['workers', 'managed'] };
        },
      },
    })),
  },
  {
    name: 'NodeClaims and built-in NodePools do not count',
    promise: 3,
    change: nightly((ports) => ({
      autoscaler: {
        ...ports.autoscaler,
        async observe() {
          const view = await ports.autoscaler.observe();
          return view.kind === 'karpenter' ? { kind: view.kind, pools: view.pools, claims: [] } : view;
        },
        pause: async () => [],
      },
    })),
  },
  {
    name: 'in the morning the pods of a deploy are not looked at',
    promise: 4,
    says: /is deployed, and Argo CD never showed that/,
    change: deploying((ports) => ({
      argocd: {
        ...ports.argocd,
        async pods(application) {
          const read = await ports.argocd.pods(application);
          return read.ok ? { ok: true, value: read.value.slice(0, 1) } : read;
        },
      },
    })),
  },
  {
    name: 'a NodePool is resumed without a request',
    promise: 1,
    change: nightly(({ autoscaler }) => ({ autoscaler: { ...autoscaler, resume: async () => 'gone' } })),
  },
  {
    name: 'NodeClaims that cannot launch are left',
    promise: 3,
    says: /has no node in the morning/,
    change: nightly(({ autoscaler }) => ({ autoscaler: { ...autoscaler, deleteClaims: async () => [] } })),
  },
  {
    name: 'the sizes of a rollout are saved',
    promise: 1,
    change: nightly(({ groups }) => ({ groups: { ...groups, configuredSize: async () => undefined } })),
  },
  {
    name: 'warm pools stay on',
    promise: 3,
    says: /of its warm pool/,
    change: nightly(({ groups }) => ({
      groups: {
        ...groups,
        list: async () =>
          (await groups.list()).map(({ warmPool: _pool, warmInstances: _instances, ...group }) => group),
      },
    })),
  },
  {
    name: 'a warm pool is not restored',
    promise: 1,
    says: /had the warm pool/,
    change: nightly(({ groups }) => ({
      groups: {
        ...groups,
        setWarmPool: async (group, to, token) =>
          to === 'off' ? groups.setWarmPool(group, to, token) : 'gone',
      },
    })),
  },
  {
    name: 'a build of the night that failed is forgotten',
    promise: 9,
    says: /whose build failed, and no decision says so/,
    change: deploying((ports) => ({
      deploys: {
        ...ports.deploys,
        saveIf: ({ failedBuilds: _, ...record }, expected) => ports.deploys.saveIf(record, expected),
      },
    })),
  },
  {
    name: 'errors are logged and not reported',
    promise: 9,
    change: { mutatePass: (pass) => pass().catch(() => undefined) },
  },
];

function withoutPeople(seen: NightSeen): NightSeen {
  return { ...seen, overrides: seen.overrides.filter(({ author }) => author === 'branch-deploy') };
}

function nightly(edit: (ports: NightPorts) => Partial<NightPorts>): TogetherMutant['change'] {
  return { mutateNight: (ports) => ({ ...ports, ...edit(ports) }) };
}

function draining(edit: (ports: Ports) => Partial<Ports>): TogetherMutant['change'] {
  return { mutateDrain: ({ ports }) => ({ ...ports, ...edit(ports) }) };
}

function deploying(edit: (ports: BranchDeployPorts) => Partial<BranchDeployPorts>): TogetherMutant['change'] {
  return { mutateDeploy: ({ ports, settings }) => ({ settings, ports: { ...ports, ...edit(ports) } }) };
}
