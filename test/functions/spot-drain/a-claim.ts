import type { Wish } from '#functions/spot-drain/claim.ts';
import type { Claim, ClaimedHook } from '#functions/spot-drain/records.ts';
import { INSTANCE } from './a-cluster.ts';

export const NOW = new Date('2026-08-27T03:00:10Z');
export const WORKER = { owner: 'me', leaseUntil: new Date('2026-08-27T03:03:00Z') };

export function aHook(overrides: Partial<ClaimedHook> = {}): ClaimedHook {
  return {
    group: 'workers',
    name: 'drain',
    token: 'token-1',
    since: '2026-08-27T03:00:00Z',
    heartbeatSeconds: 300,
    completed: false,
    ...overrides,
  };
}

export function at(seconds: number): string {
  return new Date(Date.parse('2026-08-27T03:00:00Z') + seconds * 1_000).toISOString();
}

export function past(): string {
  return '2026-08-27T03:00:09Z';
}

export type Overrides<T> = { readonly [K in keyof T]?: T[K] | undefined };

export function aWish(overrides: Overrides<Wish> = {}): Wish {
  return {
    instanceId: INSTANCE,
    node: 'node',
    cause: 'spot-terminate',
    depth: 'drain',
    force: true,
    night: false,
    deadline: at(115),
    until: at(115),
    trigger: 'event-2',
    noticedAt: at(0),
    hooks: [],
    ...overrides,
  } as Wish;
}

export function aClaim(overrides: Overrides<Claim> = {}): Claim {
  return {
    ...aWish(),
    trigger: 'event-1',
    owner: 'other',
    leaseUntil: '2026-08-27T03:03:00Z',
    state: 'working',
    attempts: 1,
    since: at(1),
    ...(overrides.state === 'done' ? { doneAt: at(5) } : {}),
    ...overrides,
  } as Claim;
}
