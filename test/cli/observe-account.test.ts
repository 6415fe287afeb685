/** What `init` and `discover` see of an account. */
import { BatchGetProjectsCommand, CodeBuildClient, ListProjectsCommand } from '@aws-sdk/client-codebuild';
import {
  DescribeClusterCommand,
  EKSClient,
  ListCapabilitiesCommand,
  ListClustersCommand,
  ListNodegroupsCommand,
} from '@aws-sdk/client-eks';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest';
import { listTaggedClusters, observeAccount } from '#cli/init/observe-account.ts';

const eks = mockClient(EKSClient);
const codeBuild = mockClient(CodeBuildClient);
// Other files run in this process.
afterAll(() => {
  eks.restore();
  codeBuild.restore();
});
const denied = Object.assign(new Error('denied'), { name: 'AccessDeniedException', $metadata: {} });
const clusterOf = (name: string, more: object = {}) => ({
  cluster: {
    name,
    arn: `arn:aws:eks:eu-west-1:111111111111:cluster/${name}`,
    tags: { nightshift: 'office' },
    // Nothing answers at this port of the loopback.
    endpoint: 'https://127.0.0.1:9',
    certificateAuthority: { data: Buffer.from('-----BEGIN CERTIFICATE-----').toString('base64') },
    ...more,
  },
});

beforeEach(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'a');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'b');
  eks.reset();
  codeBuild.reset();
  eks.on(ListClustersCommand, {}).resolves({ clusters: ['develop'], nextToken: 'more' });
  eks.on(ListClustersCommand, { nextToken: 'more' }).resolves({ clusters: ['auto'] });
  eks.on(DescribeClusterCommand, { name: 'develop' }).resolves(clusterOf('develop') as never);
  eks
    .on(DescribeClusterCommand, { name: 'auto' })
    .resolves(clusterOf('auto', { computeConfig: { enabled: true } }) as never);
  eks.on(ListNodegroupsCommand).resolves({ nodegroups: ['web'] });
  eks.on(ListCapabilitiesCommand).rejects(denied);
  eks.on(ListCapabilitiesCommand, { clusterName: 'auto' }).resolves({
    capabilities: [{ capabilityName: 'argocd', type: 'ARGOCD' }],
  } as never);
  codeBuild.on(ListProjectsCommand).resolves({ projects: ['api', 'local'] });
  codeBuild.on(BatchGetProjectsCommand).resolves({
    projects: [
      { name: 'api', source: { type: 'GITHUB', location: 'https://github.com/example/api.git' } },
      { name: 'local', source: { type: 'S3', location: 'bucket/source.zip' } },
    ],
  });
});
afterEach(() => vi.unstubAllEnvs());

const now = () => new Date('2026-11-24T00:00:00Z');

test('an account is observed page by page, and what was not seen has its reason', async () => {
  const { clusters, projects, unseen } = await observeAccount('eu-west-1', {}, now);
  expect(clusters).toMatchObject([
    { name: 'develop', account: '111111111111', nodegroups: ['web'] },
    { name: 'auto', autoscaler: { kind: 'auto-mode' }, argocd: { kind: 'capability', capability: 'argocd' } },
  ]);
  expect(projects).toEqual([
    { name: 'api', region: 'eu-west-1', repository: 'https://github.com/example/api' },
  ]);
  expect(unseen).toContain('Argo CD capability of develop: AWS denied eks:ListCapabilities');
  expect(unseen.some((line) => line.startsWith('autoscaler and Argo CD in develop: '))).toBe(true);
});

test('projects that may not be listed hide no cluster', async () => {
  codeBuild.on(ListProjectsCommand).rejects(denied);
  const { clusters, unseen } = await observeAccount('eu-west-1', {}, now);
  expect(clusters).toHaveLength(2);
  expect(unseen).toContain('CodeBuild projects of eu-west-1: AWS denied codebuild:ListProjects');
});

test('discovery lists every cluster with its tags, or says why it cannot', async () => {
  expect((await listTaggedClusters('eu-west-1', {})).map(({ name, tags }) => [name, tags])).toEqual([
    ['develop', { nightshift: 'office' }],
    ['auto', { nightshift: 'office' }],
  ]);
  eks.on(DescribeClusterCommand, { name: 'auto' }).rejects(denied);
  await expect(listTaggedClusters('eu-west-1', {})).rejects.toThrow(
    'clusters of eu-west-1: AWS denied eks:DescribeCluster',
  );
});
