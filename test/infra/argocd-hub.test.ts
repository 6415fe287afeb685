import { describe, expect, test } from 'vitest';
import { settingsOf } from '#lib/settings/settings.ts';
import type { ArgocdConfig } from '#model/config.ts';
import { aConfig, aDevelopment, NOW, statementsOf, templateOf } from './environments.ts';

const deploy = aDevelopment().deploy;
if (!deploy) throw new Error('the environment has no deploy');
const develop = (argocd: ArgocdConfig) => aDevelopment({ deploy: { ...deploy, argocd } });
const settings = (argocd: ArgocdConfig) =>
  settingsOf(aConfig({ develop: develop(argocd) }), 'develop', NOW).branchDeploy;

const CA = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----';
const elsewhere = {
  name: 'hub',
  endpoint: 'https://0123456789ABCDEF.gr7.ap-northeast-1.eks.amazonaws.com',
  ca: CA,
};

const entriesOf = (argocd: ArgocdConfig) =>
  Object.entries(templateOf(develop(argocd)).findResources('AWS::EKS::AccessEntry'))
    .filter(([id]) => id.startsWith('BranchDeploy'))
    .map(([, { Properties }]) => `${Properties.ClusterName} ${Properties.KubernetesGroups.join()}`);
const rightsOf = (argocd: ArgocdConfig) =>
  statementsOf(templateOf(develop(argocd)))
    .filter(
      ({ policy, Action }) =>
        policy.startsWith('BranchDeploy') && /^(eks|secretsmanager):/.test(Action.join()),
    )
    .flatMap(({ Action, Resource }) =>
      Resource.map((resource) => `${Action.join()} ${JSON.stringify(resource)}`),
    );

describe('the managed Argo CD', () => {
  test('is reached through the cluster, without a token, and applications always have a namespace', () => {
    const argocd = { capability: 'argocd' };
    expect(settings(argocd)?.argocd).toEqual({ through: 'kubernetes', capability: 'argocd' });
    expect(settings(argocd)?.builds[0]?.applications[0]).toMatchObject({ name: 'api', namespace: 'argocd' });
    expect(entriesOf(argocd)).toEqual(['develop nightshift:branch-deploy']);
    expect(rightsOf(argocd).join()).toContain('eks:DescribeCluster');
    expect(rightsOf(argocd).join()).not.toContain('secretsmanager');
  });

  test('is reached at its server with a token, and EKS is asked for the address', () => {
    const argocd = { capability: 'argocd', through: 'server', tokenSecret: 'nightshift/argocd' } as const;
    expect(entriesOf(argocd)).toEqual([]);
    const rights = rightsOf(argocd).join('\n');
    expect(rights).toContain('eks:DescribeCapability');
    expect(rights).toContain(':capability/develop/argocd/argocd/*');
    expect(rights).toContain('secret:nightshift/argocd-??????');
    expect(rights).not.toContain('eks:DescribeCluster');
  });
});

describe('a hub', () => {
  test('of the same account gets an access entry with a group of the environment, and the cluster none', () => {
    const argocd = { capability: 'argocd', cluster: 'hub' };
    expect(entriesOf(argocd)).toEqual(['hub nightshift:branch-deploy:develop']);
    expect(rightsOf(argocd).join()).toContain('cluster/hub');
    expect(rightsOf(argocd).join()).not.toContain('cluster/develop');
  });

  test('of another account is reached by endpoint and CA, and the stack names the role to give access to', () => {
    const argocd = { capability: 'argocd', cluster: elsewhere };
    expect(settings(argocd)?.argocd.hub).toEqual({ cluster: 'hub', endpoint: elsewhere.endpoint, ca: CA });
    expect(entriesOf(argocd)).toEqual([]);
    expect(rightsOf(argocd)).toEqual([]);
    const outputs = templateOf(develop(argocd)).findOutputs('*');
    const [, output] = Object.entries(outputs).find(([id]) => id.includes('HubPrincipal')) ?? [];
    expect(output?.['Description']).toContain('nightshift:branch-deploy:develop');
  });
});
