import { expect, test } from 'vitest';
import { aDevelopment, statementsOf, templateOf } from './environments.ts';

const tokensOf = (environment: Parameters<typeof templateOf>[0]) =>
  statementsOf(templateOf(environment))
    .filter(({ Action }) => Action.includes('secretsmanager:GetSecretValue'))
    .flatMap(({ policy, Resource }) =>
      Resource.map((resource) => `${policy.replace(/Deploy.*/, '')} ${resource}`),
    );

test('only branch-deploy reads the token for commit statuses, and only when one is configured', () => {
  const deploy = aDevelopment().deploy;
  if (!deploy) throw new Error('the environment has no deploy');
  const withStatus = aDevelopment({
    deploy: {
      ...deploy,
      argocd: { ...deploy.argocd, through: 'kubernetes' },
      status: { github: { tokenSecret: 'nightshift/github' } },
    },
  });
  expect(tokensOf(withStatus)).toEqual([
    'Branch arn:aws:secretsmanager:ap-northeast-1:111111111111:secret:nightshift/github-??????',
  ]);
  expect(tokensOf(aDevelopment()).join()).not.toContain('github');
});

test('the token of each host is read, and no other secret', () => {
  const deploy = aDevelopment().deploy;
  if (!deploy) throw new Error('the environment has no deploy');
  const [build] = deploy.builds;
  if (!build) throw new Error('the environment has no build');
  const at = (host: string) => ({
    ...build,
    project: host.replaceAll('.', '-'),
    repository: `https://${host}/example/api`,
    applications: [host.replaceAll('.', '-')],
  });
  const status = {
    github: { tokenSecret: 'nightshift/github' },
    gitlab: { tokenSecret: 'nightshift/gitlab' },
    bitbucket: { tokenSecret: 'nightshift/bitbucket' },
  };
  const builds = ['github.com', 'gitlab.com', 'bitbucket.org'].map(at);
  const argocd = { ...deploy.argocd, through: 'kubernetes' as const };
  expect(tokensOf(aDevelopment({ deploy: { argocd, builds, status } })).sort()).toEqual(
    ['bitbucket', 'github', 'gitlab'].map(
      (forge) =>
        `Branch arn:aws:secretsmanager:ap-northeast-1:111111111111:secret:nightshift/${forge}-??????`,
    ),
  );
});
