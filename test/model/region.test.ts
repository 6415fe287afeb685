import { expect, test } from 'vitest';
import { ecrRepository, imageRepositories } from '#model/image-repository.ts';
import { domainOf, partitionOf } from '#model/region.ts';

test.each([
  ['ap-northeast-1', 'aws', 'amazonaws.com'],
  ['us-east-1', 'aws', 'amazonaws.com'],
  ['cn-north-1', 'aws-cn', 'amazonaws.com.cn'],
  ['us-gov-west-1', 'aws-us-gov', 'amazonaws.com'],
  ['eusc-de-east-1', 'aws-eusc', 'amazonaws.eu'],
  ['xx-cn-1', 'aws', 'amazonaws.com'],
  ['x-us-gov-1-eusc-', 'aws', 'amazonaws.com'],
])('%s is in %s, with hosts under %s', (region, partition, domain) => {
  expect([partitionOf(region), domainOf(region)]).toEqual([partition, domain]);
});

const ECR = '111111111111.dkr.ecr.ap-northeast-1.amazonaws.com';

test('a repository of ECR is known by its registry', () => {
  const own = { account: '111111111111', region: 'ap-northeast-1', name: 'team/api' };
  expect(ecrRepository(`${ECR}/team/api`)).toEqual(own);
  expect(ecrRepository(`${ECR.replace('.ecr.', '.ecr-fips.')}/team/api`)).toEqual(own);
  expect(ecrRepository(`${ECR}.cn/team/api`)).toEqual(own);
  for (const other of [
    '',
    'ghcr.io/team/api',
    ECR,
    `${ECR}/`,
    `x${ECR}/api`,
    `1${ECR}/api`,
    `${ECR.slice(1)}/api`,
    `${ECR}.org/api`,
    ECR.replace('.ap-northeast-1', '.'),
  ])
    expect(ecrRepository(other)).toBeUndefined();
});

test('images are looked for in the own account and region only, in each repository once', () => {
  const image = (repository: string) => ({ repository, tag: '{sha7}', helmParameter: 'image.tag' });
  const application = (...repositories: string[]) => ({ name: 'api', images: repositories.map(image) });
  const builds = [
    {
      applications: [
        application(`${ECR}/api`, `${ECR}/web`, `${ECR}/api`, 'ghcr.io/team/other'),
        { name: 'plain' },
        application(
          `${ECR.replace('111111111111', '222222222222')}/foreign`,
          `${ECR.replace('ap-northeast-1', 'eu-west-1')}/far`,
        ),
      ],
    },
  ] as unknown as Parameters<typeof imageRepositories>[0]['builds'];
  expect(imageRepositories({ builds, account: '111111111111', region: 'ap-northeast-1' })).toEqual([
    'api',
    'web',
  ]);
});
