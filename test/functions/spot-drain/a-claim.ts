import type { ClaimRequest } from '#functions/spot-drain/claim.ts';
import type { Claim, ClaimedHook } from '#functions/spot-drain/records.ts';
import { INSTANCE } from './a-cluster.ts';

export const NOW = new Date('2026-08-27T03:00:10Z');
export const WORKER = { owner: 'me', leaseUntil: new Date('2026-08-27T03:03:00Z') };

export function aHook(overrides: Partial<ClaimedHook> = {}): ClaimedHook {
  return {
    group: 'workers',
    name: 'drain',
    token: 'token-1',
    startedAt: '2026-08-27T03:00:00Z',
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

export function aRequest(overrides: Overrides<ClaimRequest> = {}): ClaimRequest {
  return {
    instanceId: INSTANCE,
    node: 'node',
    cause: 'spot-terminate',
    task: 'drain',
    force: true,
    nightlyStop: false,
    deadline: at(115),
    drainUntil: at(115),
    trigger: 'event-2',
    noticeTime: at(0),
    hooks: [],
    ...overrides,
  } as ClaimRequest;
}

export function aClaim(overrides: Overrides<Claim> = {}): Claim {
  return {
    ...aRequest(),
    trigger: 'event-1',
    owner: 'other',
    leaseUntil: '2026-08-27T03:03:00Z',
    state: 'working',
    attempts: 1,
    claimedAt: at(1),
    ...(overrides.state === 'done' ? { doneAt: at(5) } : {}),
    ...overrides,
  } as Claim;
}
