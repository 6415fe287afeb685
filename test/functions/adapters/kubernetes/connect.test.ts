import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { connectCluster } from '#functions/adapters/kubernetes/connect.ts';
import { type ScriptedServer, startScriptedServer } from './scripted-server.ts';

let server: ScriptedServer;
beforeEach(async () => {
  server = await startScriptedServer(() => ({ status: 200, body: { kind: 'Application' } }));
  vi.stubEnv('AWS_REGION', 'ap-northeast-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAIOSFODNN7EXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  // EKS is not asked: nothing answers here.
  vi.stubEnv('AWS_ENDPOINT_URL', 'http://127.0.0.1:1');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await server.close();
});

test('a cluster of another account is reached by endpoint and CA, with a token that is signed for it', async () => {
  const now = () => new Date('2026-11-25T05:00:00Z');
  const place = { cluster: 'hub', region: 'ap-northeast-1', endpoint: server.url, ca: server.ca };
  const client = connectCluster(place, now);
  expect((await client.request({ method: 'GET', path: '/apis' })).status).toBe(200);
  client.close();
  const token = String(server.asked[0]?.headers['authorization']).replace('Bearer k8s-aws-v1.', '');
  const url = new URL(Buffer.from(token, 'base64url').toString('utf8'));
  expect(url.host).toBe('sts.ap-northeast-1.amazonaws.com');
  expect(url.searchParams.get('X-Amz-SignedHeaders')).toContain('x-k8s-aws-id');
});
