import { BatchGetImageCommand, ECRClient } from '@aws-sdk/client-ecr';
import { createContext } from '@nightshift/lab/world/context.ts';
import { createImageRegistry } from '@nightshift/lab/world/registry/registry.ts';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, test } from 'vitest';
import { imageDigests } from '#functions/adapters/aws/ecr.ts';
import { createLabRegistry } from '#test/simulation/deploy/lab-registry.ts';

const PLACE = { account: '111111111111', region: 'ap-northeast-1' };
const HOST = '111111111111.dkr.ecr.ap-northeast-1.amazonaws.com';

function aRegistry() {
  const images = createImageRegistry(createContext({ start: new Date('2026-11-24T01:00:00Z'), seed: 1 }));
  images.addRepository(PLACE, 'team/api');
  return { images, registry: createLabRegistry(images, PLACE) };
}

describe('the digests of an image in ECR', () => {
  test('are those of its platforms too, by tag and by digest', async () => {
    const { images, registry } = aRegistry();
    const { digest, platforms } = images.push(PLACE, { name: 'team/api', tag: '1', platforms: 2 });
    const repository = `${HOST}/team/api`;
    expect(await registry.digests({ repository, version: '1' })).toEqual([digest, ...platforms]);
    expect(await registry.digests({ repository, version: digest })).toEqual([digest, ...platforms]);
    expect(await registry.digests({ repository, version: platforms[0] ?? '' })).toEqual([platforms[0]]);
  });

  test('are unknown where there is no such tag, digest or repository', async () => {
    const { registry } = aRegistry();
    const none = `sha256:${'0'.repeat(64)}`;
    expect(await registry.digests({ repository: `${HOST}/team/api`, version: '2' })).toBeUndefined();
    expect(await registry.digests({ repository: `${HOST}/team/api`, version: none })).toBeUndefined();
    expect(await registry.digests({ repository: `${HOST}/web`, version: '2' })).toBeUndefined();
  });

  test.each([
    'registry.example.com/api',
    '222222222222.dkr.ecr.ap-northeast-1.amazonaws.com/api',
    '111111111111.dkr.ecr.eu-west-1.amazonaws.com/api',
  ])('are not asked for of %s', (repository) => {
    expect(aRegistry().registry.has(repository)).toBe(false);
  });

  test('a reply without an image and without a reason is an error, not an unknown image', async () => {
    const client = mockClient(ECRClient);
    client.on(BatchGetImageCommand).resolves({ images: [], failures: [{ failureCode: 'KmsError' }] });
    const image = { registryId: PLACE.account, repositoryName: 'api', version: '1' };
    await expect(imageDigests(new ECRClient({}), image)).rejects.toThrow(
      /ECR did not return api:1: KmsError/,
    );
  });
});
