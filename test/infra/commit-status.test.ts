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
