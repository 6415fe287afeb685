/**
 * Mistakes that only show where the three functions meet: each works well by itself. The checkers must catch each.
 */

import type { BranchDeployPorts } from '#functions/branch-deploy/ports.ts';
import type { Ports } from '#functions/spot-drain/ports.ts';
import type { PromiseId } from '../outcome.ts';
import type { NightPorts } from './night-function.ts';
import type { TogetherOptions } from './together.ts';

export interface TogetherMutant {
  readonly name: string;
  readonly promise: PromiseId;
  readonly change: Pick<TogetherOptions, 'mutateNight' | 'mutateDrain' | 'mutateDeploy' | 'mutatePass'>;
}

export const TOGETHER_MUTANTS: readonly TogetherMutant[] = [
  {
    name: 'a deploy takes the schedule for the cluster',
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
    name: 'a deploy does not know what a person wants, and has the cluster woken all the same',
    promise: 2,
    change: deploying((ports) => ({
      night: {
        async read() {
          const { overrides, ...seen } = await ports.night.read();
          return { ...seen, overrides: overrides.filter(({ author }) => author === 'branch-deploy') };
        },
        async addOverride(override) {
          const { overrides } = await ports.night.read();
          const person = overrides.find(({ author }) => author !== 'branch-deploy');
          return ports.night.addOverride({ ...override, id: person?.id ?? override.id });
        },
      },
    })),
  },
  {
    name: 'a cluster is not woken by a deploy',
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
    name: 'a stop is told of when it is over',
    promise: 3,
    change: nightly((ports) => ({
      store: {
        ...ports.store,
        writeState: async (next, over) => next.phase === 'stopping' || ports.store.writeState(next, over),
      },
    })),
  },
  {
    name: 'the end of the night is not told of',
    promise: 3,
    change: nightly((ports) => ({
      store: {
        ...ports.store,
        writeState: async (next, over) => next.desired === 'awake' || ports.store.writeState(next, over),
      },
    })),
  },
  {
    name: 'a drain at night takes its full hour',
    promise: 3,
    change: draining(() => ({ night: { state: async () => undefined } })),
  },
  {
    name: 'what the stop takes counts as a loss',
    promise: 4,
    change: draining((ports) => ({
      claims: {
        ...ports.claims,
        saveIf: (claim, version, now) => ports.claims.saveIf({ ...claim, nightlyStop: false }, version, now),
      },
    })),
  },
  {
    name: 'the day is taken for the night',
    promise: 4,
    change: draining((ports) => ({
      night: {
        async state() {
          const state = await ports.night.state();
          return state && { ...state, phase: 'stopping', groups: ['workers', 'managed'] };
        },
      },
    })),
  },
  {
    name: 'failures are logged and swallowed',
    promise: 9,
    change: { mutatePass: (pass) => pass().catch(() => undefined) },
  },
];

function nightly(edit: (ports: NightPorts) => Partial<NightPorts>): TogetherMutant['change'] {
  return { mutateNight: (ports) => ({ ...ports, ...edit(ports) }) };
}

function draining(edit: (ports: Ports) => Partial<Ports>): TogetherMutant['change'] {
  return { mutateDrain: ({ ports }) => ({ ...ports, ...edit(ports) }) };
}

function deploying(edit: (ports: BranchDeployPorts) => Partial<BranchDeployPorts>): TogetherMutant['change'] {
  return { mutateDeploy: ({ ports, settings }) => ({ settings, ports: { ...ports, ...edit(ports) } }) };
}
