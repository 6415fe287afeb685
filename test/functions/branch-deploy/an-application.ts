import type { ApplicationView } from '#functions/branch-deploy/ports.ts';
import type { ApplicationRecord, RequestedBuild, SyncAttempt } from '#functions/branch-deploy/record.ts';

export const OURS = 'a'.repeat(40);
export const OLD = 'b'.repeat(40);
export const NEWER = 'c'.repeat(40);
export const REPOSITORY = 'https://github.com/example/api';
export const now = new Date('2026-11-25T05:01:00Z');
export const ago = (seconds: number) => new Date(now.getTime() - seconds * 1000);

export function aBuild(overrides: Partial<RequestedBuild> = {}): RequestedBuild {
  return {
    project: 'api-develop',
    build: 'api-develop:1',
    number: 1,
    repository: REPOSITORY,
    branch: 'develop',
    sha: OURS,
    recordedAt: ago(60).toISOString(),
    trigger: 'event',
    ...overrides,
  };
}

export function anAttempt(overrides: Partial<SyncAttempt> = {}): SyncAttempt {
  return {
    deployId: 'api-develop:1#1',
    builds: ['api-develop:1'],
    tries: 1,
    requestedAt: ago(50).toISOString(),
    acceptedAt: ago(50).toISOString(),
    watchedSince: ago(50).toISOString(),
    ...overrides,
  };
}

export function aRecord(overrides: Partial<ApplicationRecord> = {}): ApplicationRecord {
  return {
    name: 'api',
    project: 'default',
    requested: [aBuild()],
    newest: {},
    attempt: anAttempt(),
    ...overrides,
  };
}

export function anOperation(overrides: Partial<NonNullable<ApplicationView['operation']>> = {}) {
  return {
    deployIds: ['api-develop:1#1'],
    by: 'nightshift',
    automated: false,
    phase: 'Succeeded' as const,
    message: '',
    startedAt: ago(50),
    finishedAt: ago(40),
    revisions: [OURS],
    ...overrides,
  };
}

/** Everything as it is after a deploy that went well. */
export function aView(overrides: Partial<ApplicationView> = {}): ApplicationView {
  return {
    sources: [{ repository: `${REPOSITORY}.git`, targetRevision: 'develop' }],
    deleting: false,
    operation: anOperation(),
    sync: 'Synced',
    revisions: [OURS],
    health: 'Healthy',
    healthMessage: '',
    reconciledAt: ago(30),
    ...overrides,
  };
}

/** A record that has asked for nothing yet. */
export function unasked(overrides: Partial<ApplicationRecord> = {}): ApplicationRecord {
  const { attempt: _, ...rest } = aRecord(overrides);
  return rest;
}
