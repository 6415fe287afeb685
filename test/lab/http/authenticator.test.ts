import { createAuthenticator } from '@nightshift/lab/http/authenticator.ts';
import { account, aWorld, region } from '@nightshift/lab/test/aws/world.ts';
import { Sha256 } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';
import { describe, expect, test } from 'vitest';
import { createTokenSource } from '#functions/adapters/kubernetes/token.ts';

const ROLE = `arn:aws:iam::${account}:role/nightshift-develop-spot-drain`;

async function aCaller() {
  const world = aWorld();
  const principal = world.aws.addPrincipal({ arn: ROLE, account, sessionName: 'drain' });
  const token = await createTokenSource({
    cluster: 'develop',
    region,
    credentials: async () => principal,
    now: () => world.context.clock.date(),
  })();
  return { world, token, authenticate: createAuthenticator(world.aws, world.cluster) };
}

describe('a token that was verified', () => {
  test('is known again, and an access entry that came or changed in between counts at once', async () => {
    const { world, token, authenticate } = await aCaller();
    expect(authenticate(token)).toBeUndefined();
    world.aws.addAccessEntry(world.cluster, { principalArn: ROLE, kubernetesGroups: ['drainers'] });
    expect(authenticate(token)).toMatchObject({ groups: ['drainers'] });
    expect(authenticate(token)).toEqual(authenticate(token));
    world.cluster.accessEntries.delete(ROLE);
    expect(authenticate(token)).toBeUndefined();
  });

  test('is refused with padding, of more than four kilobytes, and with another prefix', async () => {
    const { world, token, authenticate } = await aCaller();
    world.aws.addAccessEntry(world.cluster, { principalArn: ROLE, kubernetesGroups: ['drainers'] });
    expect(authenticate(token)).toBeDefined();
    const overlong = token + Buffer.from('&'.repeat(3_000)).toString('base64url');
    for (const wrong of [`${token}=`, overlong, token.replace('v1', 'v2')])
      expect(authenticate(wrong)).toBeUndefined();
  });

  test('is refused when its fifteen minutes are over, and so is another of the same form', async () => {
    const { world, token, authenticate } = await aCaller();
    world.aws.addAccessEntry(world.cluster, { principalArn: ROLE, kubernetesGroups: ['drainers'] });
    await world.pass(14 * 60 + 30);
    expect(authenticate(token)).toBeDefined();
    expect(authenticate(`${token}A`)).toBeUndefined();
    await world.pass(31);
    expect(authenticate(token)).toBeUndefined();
  });
});

describe('a token for the lab’s own STS', () => {
  const endpoint = 'http://127.0.0.1:4566';

  /** As `aws eks get-token` makes one where AWS_ENDPOINT_URL is set. */
  async function aTokenFor(url: string) {
    const world = aWorld();
    const principal = world.aws.addPrincipal({ arn: ROLE, account });
    world.aws.addAccessEntry(world.cluster, { principalArn: ROLE, kubernetesGroups: ['operators'] });
    const { protocol, hostname, port, host } = new URL(url);
    const signer = new SignatureV4({ service: 'sts', region, credentials: principal, sha256: Sha256 });
    const { query = {} } = await signer.presign(
      {
        method: 'GET',
        protocol,
        hostname,
        port: Number(port),
        path: '/',
        query: { Action: 'GetCallerIdentity', Version: '2011-06-15' },
        headers: { host, 'x-k8s-aws-id': 'develop' },
      },
      { expiresIn: 60, signingDate: world.context.clock.date() },
    );
    const text = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`);
    const token = `k8s-aws-v1.${Buffer.from(`${url}/?${text.join('&')}`).toString('base64url')}`;
    return { token, world };
  }

  test('is accepted where that STS answers, and nowhere else', async () => {
    const { token, world } = await aTokenFor(endpoint);
    const by = (sts: string | undefined) => createAuthenticator(world.aws, world.cluster, () => sts)(token);
    expect(by(endpoint)).toMatchObject({ groups: ['operators'] });
    expect(by(undefined)).toBeUndefined();
    expect(by('http://127.0.0.1:4567')).toBeUndefined();
  });
});
