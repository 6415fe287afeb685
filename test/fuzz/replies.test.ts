import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createArgocdServer } from '#functions/adapters/argocd/server.ts';
import { createKubernetesClient, type KubernetesClient } from '#functions/adapters/kubernetes/client.ts';
import { createDrainCluster } from '#functions/adapters/kubernetes/drain-cluster.ts';
import type { Argocd } from '#functions/branch-deploy/ports.ts';
import { NightshiftError } from '#functions/shared/errors.ts';
import {
  type Answer,
  type ScriptedServer,
  startScriptedServer,
} from '#test/functions/adapters/kubernetes/scripted-server.ts';
import { anyBody } from './mutations.ts';

const STATUS = fc.constantFrom(200, 200, 201, 204, 301, 400, 401, 403, 404, 409, 410, 422, 429, 500, 503);
const APPLICATION = {
  metadata: { name: 'api', resourceVersion: '1' },
  spec: {
    project: 'default',
    source: { repoURL: 'https://github.com/example/api', targetRevision: 'develop' },
  },
  operation: { info: [{ name: 'nightshift-deploy', value: 'x' }], initiatedBy: { username: 'ana' } },
  status: {
    sync: { status: 'Synced', revision: 'abc' },
    health: { status: 'Healthy', message: 'fine' },
    reconciledAt: '2026-08-27T03:00:00Z',
    operationState: {
      operation: { info: [{ name: 'nightshift-deploy', value: 'x' }] },
      phase: 'Succeeded',
      message: 'done',
      startedAt: '2026-08-27T03:00:00Z',
      syncResult: { revision: 'abc' },
    },
    resources: [{ kind: 'Deployment', name: 'api', health: { status: 'Degraded', message: 'no' } }],
  },
} as const;
const NODES = {
  metadata: {},
  items: [
    {
      metadata: { name: 'ip-10-0-0-1', uid: 'u', labels: { a: 'b' }, annotations: {}, resourceVersion: '1' },
      spec: { providerID: 'aws:///ap-northeast-1a/i-0123456789abcdef0' },
      status: { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-08-27T03:00:00Z' }] },
    },
  ],
} as const;
const REFUSAL = {
  kind: 'Status',
  status: 'Failure',
  message: 'no',
  reason: 'TooManyRequests',
  code: 429,
  details: {
    causes: [{ reason: 'DisruptionBudget', message: 'The disruption budget web' }],
    retryAfterSeconds: 1,
  },
} as const;

let server: ScriptedServer;
let reply: Answer = {};
let kubernetes: KubernetesClient;
let argocd: Argocd & { close(): void };
beforeAll(async () => {
  server = await startScriptedServer(() => reply);
  kubernetes = createKubernetesClient({
    cluster: 'develop',
    region: 'ap-northeast-1',
    describeCluster: async () => ({ endpoint: server.url, ca: server.ca }),
    token: async () => 'token',
  });
  argocd = createArgocdServer({
    argocd: { url: server.url, ca: server.ca },
    token: { read: async () => 'token', readAgain: async () => 'token' },
  });
});
afterAll(async () => {
  kubernetes.close();
  argocd.close();
  await server.close();
});

/** Whatever comes back, it is an answer or an error of ours. */
async function isOurs(call: () => Promise<unknown>): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (!(error instanceof NightshiftError)) throw error;
    expect(error.message).not.toBe('');
  }
}

const retryAfter = fc.constantFrom(
  {},
  { 'retry-after': '3' },
  { 'retry-after': 'soon' },
  { 'retry-after': '-1' },
);

describe('any reply of the Kubernetes API server', () => {
  test('a list ends in items or in an error of ours', async () => {
    await fc.assert(
      fc.asyncProperty(STATUS, anyBody(NODES), retryAfter, async (status, body, headers) => {
        reply = { status, body, headers };
        await isOurs(() => kubernetes.list('/api/v1/nodes'));
      }),
      { numRuns: 250 },
    );
  });

  test('an eviction is answered with data', async () => {
    const pod = { namespace: 'default', name: 'web', uid: 'u' } as never;
    await fc.assert(
      fc.asyncProperty(STATUS, anyBody(REFUSAL), retryAfter, async (status, body, headers) => {
        reply = { status, body, headers };
        await isOurs(async () => {
          const answer = await createDrainCluster(kubernetes).evict(pod);
          expect(Array.isArray(answer.causes)).toBe(true);
          expect(typeof answer.detail).toBe('string');
        });
      }),
      { numRuns: 250 },
    );
  });
});

describe('any reply of the Argo CD server', () => {
  const api = { name: 'api', project: 'default', prune: false, syncOptions: [] };

  test('is a view of the application or a failure with a kind', async () => {
    await fc.assert(
      fc.asyncProperty(
        STATUS,
        anyBody(APPLICATION),
        retryAfter,
        fc.boolean(),
        async (status, body, headers, syncs) => {
          reply = { status, body, headers };
          const answer = await (syncs ? argocd.sync(api, 'x') : argocd.read(api));
          if (answer.ok) expect(Array.isArray(answer.value.revisions)).toBe(true);
          else expect(typeof answer.error.detail).toBe('string');
        },
      ),
      { numRuns: 400 },
    );
  });
});
