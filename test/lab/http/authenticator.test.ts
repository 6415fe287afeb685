import { describe, expect, it } from 'vitest';
import { createTokenSource } from '#functions/adapters/kubernetes/token.ts';
import { createAuthenticator } from '#lab/http/authenticator.ts';
import { account, aWorld, region } from '../aws/world.ts';

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
  it('is known again, and an access entry that came or changed in between counts at once', async () => {
    const { world, token, authenticate } = await aCaller();
    expect(authenticate(token)).toBeUndefined();
    world.aws.addAccessEntry(world.cluster, { principalArn: ROLE, kubernetesGroups: ['drainers'] });
    expect(authenticate(token)).toMatchObject({ groups: ['drainers'] });
    expect(authenticate(token)).toEqual(authenticate(token));
    world.cluster.accessEntries.delete(ROLE);
    expect(authenticate(token)).toBeUndefined();
  });

  it('is refused when its fifteen minutes are over, and so is another of the same form', async () => {
    const { world, token, authenticate } = await aCaller();
    world.aws.addAccessEntry(world.cluster, { principalArn: ROLE, kubernetesGroups: ['drainers'] });
    await world.pass(14 * 60 + 30);
    expect(authenticate(token)).toBeDefined();
    expect(authenticate(`${token}A`)).toBeUndefined();
    await world.pass(31);
    expect(authenticate(token)).toBeUndefined();
  });
});
