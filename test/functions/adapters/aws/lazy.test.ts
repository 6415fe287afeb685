/** The adapters that are loaded with their first call, over the wire to the lab's AWS. */

import { type AwsEndpoint, type AwsExchange, serveAws } from '@nightshift/lab/http/aws/server.ts';
import { account, aWorld, region } from '@nightshift/lab/test/aws/world.ts';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { lazySecret } from '#functions/adapters/aws/lazy-clients.ts';
import { clusterEndpointOf } from '#functions/adapters/kubernetes/connect.ts';

let world: ReturnType<typeof aWorld>;
let front: AwsEndpoint;
let exchanges: AwsExchange[];

beforeEach(async () => {
  world = aWorld();
  exchanges = [];
  front = await serveAws({ aws: world.aws, onExchange: (exchange) => exchanges.push(exchange) });
  const role = world.aws.addPrincipal({ account, arn: `arn:aws:iam::${account}:role/a`, anyTime: true });
  vi.stubEnv('AWS_REGION', region);
  vi.stubEnv('AWS_ACCESS_KEY_ID', role.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', role.secretAccessKey);
  vi.stubEnv('AWS_SESSION_TOKEN', role.sessionToken);
  vi.stubEnv('AWS_ENDPOINT_URL', front.url);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await front.close();
});

const endpointOf = (cluster: string) =>
  clusterEndpointOf({ cluster, region }, () => new Date(world.context.clock.now()));

test('a secret is read once, and again when it is asked for again', async () => {
  world.aws.putSecret({ account, region, name: 'nightshift/argocd', value: 'old' });
  const secret = lazySecret('nightshift/argocd');
  expect(exchanges).toHaveLength(0);
  expect([await secret.read(), await secret.read()]).toEqual(['old', 'old']);
  expect(exchanges).toHaveLength(1);
  world.aws.putSecret({ account, region, name: 'nightshift/argocd', value: 'new' });
  expect([await secret.readAgain(), await secret.read()]).toEqual(['new', 'new']);
  expect(exchanges).toHaveLength(2);
});

test('the endpoint of the cluster is described again with each call', async () => {
  const endpoint = endpointOf('develop');
  for (const server of [
    { endpoint: 'https://127.0.0.1:1', ca: 'old' },
    { endpoint: 'https://127.0.0.1:2', ca: 'new' },
  ]) {
    world.aws.setClusterEndpoint(world.cluster, server);
    expect(await endpoint()).toEqual(server);
  }
  expect(exchanges).toHaveLength(2);
});

test('a cluster that does not exist is an error that names it', async () => {
  await expect(endpointOf('nowhere')()).rejects.toThrow(/nowhere/);
});
