/** The Argo CD that EKS runs, over the wire: its address from the lab's EKS, then the lab's Argo CD. */
import { EKSClient } from '@aws-sdk/client-eks';
import { type ArgocdEndpoint, serveArgocd } from '@nightshift/lab/http/argocd/server.ts';
import { type AwsEndpoint, serveAws } from '@nightshift/lab/http/aws/server.ts';
import { type CertificateAuthority, createCertificateAuthority } from '@nightshift/lab/http/tls.ts';
import { account, aWorld, region } from '@nightshift/lab/test/aws/world.ts';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { createArgocdCapability } from '#functions/adapters/argocd/capability.ts';
import { anApplication, anArgocdLab } from './contract.ts';

let ca: CertificateAuthority;
const opened: { close(): unknown }[] = [];
beforeAll(async () => {
  ca = await createCertificateAuthority();
});
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

async function aCapability(options: { type?: 'ARGOCD' | 'ACK'; hasAddress?: boolean } = {}) {
  const world = aWorld();
  const lab = anArgocdLab();
  const front: AwsEndpoint = await serveAws({ aws: world.aws });
  const endpoint: ArgocdEndpoint = await serveArgocd({ argocd: lab.argocd, ca, host: 'argocd.example.com' });
  opened.push(front, endpoint);
  const { hasAddress = true, type = 'ARGOCD' } = options;
  const capability = world.aws.addCapability(world.cluster, {
    name: 'argocd',
    type,
    status: hasAddress ? 'ACTIVE' : 'CREATING',
    argoCd: { namespace: 'argocd', ...(hasAddress ? { serverUrl: endpoint.url } : {}) },
  });
  const role = world.aws.addPrincipal({ account, arn: `arn:aws:iam::${account}:role/a`, anyTime: true });
  const client = new EKSClient({ endpoint: front.url, region, credentials: role, maxAttempts: 1 });
  const token = lab.argocd.addToken({ project: 'default', role: 'nightshift' });
  const connect = (name = 'argocd') =>
    createArgocdCapability({
      cluster: world.cluster.name,
      capability: name,
      client,
      ca: ca.pem,
      token: { read: async () => token, readAgain: async () => token },
    });
  const described = () => front.counts()['eks:DescribeCapability'] ?? 0;
  return { lab, endpoint, capability, connect, described };
}

const api = anApplication({ namespace: 'argocd' });

test('is asked where EKS says that it answers, once', async () => {
  const { connect, described, endpoint } = await aCapability();
  const argocd = connect();
  expect(described()).toBe(0);
  expect(await argocd.read(api)).toMatchObject({ ok: true });
  expect(await argocd.sync(api, 'deploy-1')).toMatchObject({ ok: true });
  expect(described()).toBe(1);
  expect(
    endpoint.requests.every(({ query, method }) => method === 'POST' || /appNamespace=argocd/.test(query)),
  ).toBe(true);
});

test('is asked at its new address after the old one is silent', async () => {
  const { connect, described, endpoint, lab, capability } = await aCapability();
  const argocd = connect();
  await argocd.read(api);
  await endpoint.close();
  expect(await argocd.read(api)).toMatchObject({ ok: false, error: { kind: 'transient' } });
  const moved = await serveArgocd({ argocd: lab.argocd, ca, host: 'argocd.example.com' });
  opened.push(moved);
  if (capability.argoCd) capability.argoCd.serverUrl = moved.url;
  expect(await argocd.read(api)).toMatchObject({ ok: true });
  expect(described()).toBe(2);
});

test('that does not exist, is of another type or has no address yet is named', async () => {
  const none = await aCapability();
  expect(await none.connect('argo').read(api)).toMatchObject({
    ok: false,
    error: { kind: 'missing', detail: expect.stringContaining('the capability argo of cluster develop') },
  });
  const ack = await aCapability({ type: 'ACK' });
  expect(await ack.connect().read(api)).toMatchObject({
    ok: false,
    error: { kind: 'permanent', detail: expect.stringContaining('of the type ACK') },
  });
  const young = await aCapability({ hasAddress: false });
  expect(await young.connect().read(api)).toMatchObject({
    ok: false,
    error: { kind: 'transient', detail: expect.stringContaining('CREATING') },
  });
});
