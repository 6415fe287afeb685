/** Observes clusters, groups, autoscalers, Argo CD and CodeBuild projects of one region. Read-only. */
import { BatchGetProjectsCommand, CodeBuildClient, paginateListProjects } from '@aws-sdk/client-codebuild';
import {
  type Cluster,
  DescribeClusterCommand,
  EKSClient,
  ListCapabilitiesCommand,
  paginateListClusters,
  paginateListNodegroups,
} from '@aws-sdk/client-eks';
import type { Deployment } from 'kubernetes-types/apps/v1.js';
import type { Node, Pod } from 'kubernetes-types/core/v1.js';
import { describeCluster } from '#functions/adapters/aws/eks-cluster.ts';
import { createKubernetesClient, type KubernetesClient } from '#functions/adapters/kubernetes/client.ts';
import { createTokenSource } from '#functions/adapters/kubernetes/token.ts';
import type { ClientAccess } from '../account-access.ts';
import { observe } from '../doctor/observe/observe.ts';
import { CloudError } from '../errors.ts';
import type { Found, FoundArgocd, FoundAutoscaler, FoundCluster, FoundProject } from './found.ts';

/** CodeBuild describes so many projects at once. */
const PROJECTS_AT_ONCE = 100;
const NODEGROUP_LABEL = 'eks.amazonaws.com/nodegroup';
/** A cluster whose API is not reachable from here is not waited for. */
const KUBERNETES_TIMEOUT_MS = 5_000;

/** Throws a `CloudError` where no request can succeed: credentials are missing or rejected. */
export async function observeAccount(region: string, access: ClientAccess, now: () => Date): Promise<Found> {
  const eks = new EKSClient({ region, maxAttempts: 3, ...access });
  const codeBuild = new CodeBuildClient({ region, maxAttempts: 3, ...access });
  const unseen: string[] = [];
  const see = async <T>(what: string, permission: string, read: () => Promise<T>): Promise<T | undefined> => {
    const seen = await observe(permission, read);
    if ('value' in seen) return seen.value;
    unseen.push(`${what}: ${seen.missing.reason}`);
    return undefined;
  };
  try {
    const names = await see(`clusters of ${region}`, 'eks:ListClusters', () => clusterNames(eks));
    const clusters: FoundCluster[] = [];
    for (const name of names ?? []) {
      const cluster = await observeCluster({ name, region, eks, see, now });
      if (cluster) clusters.push(cluster);
    }
    const projects = await see(`CodeBuild projects of ${region}`, 'codebuild:ListProjects', () =>
      listProjects(codeBuild, region),
    );
    return { clusters, projects: projects ?? [], unseen };
  } finally {
    eks.destroy();
    codeBuild.destroy();
  }
}

/** The clusters of a region with their tags. Throws a `CloudError` where one cannot be seen. */
export async function listTaggedClusters(
  region: string,
  access: ClientAccess,
): Promise<readonly FoundCluster[]> {
  const eks = new EKSClient({ region, maxAttempts: 3, ...access });
  const need = async <T>(permission: string, read: () => Promise<T>): Promise<T> => {
    const seen = await observe(permission, read);
    if ('value' in seen) return seen.value;
    throw new CloudError(`clusters of ${region}: ${seen.missing.reason}`);
  };
  try {
    const names = await need('eks:ListClusters', () => clusterNames(eks));
    const clusters: FoundCluster[] = [];
    for (const name of names) {
      const { cluster } = await need('eks:DescribeCluster', () =>
        eks.send(new DescribeClusterCommand({ name })),
      );
      const account = accountOf(cluster);
      if (!cluster || account === undefined)
        throw new CloudError(`clusters of ${region}: EKS returned no ARN of ${name}`);
      clusters.push({ name, account, region, nodegroups: [], tags: cluster.tags ?? {} });
    }
    return clusters;
  } finally {
    eks.destroy();
  }
}

async function clusterNames(eks: EKSClient): Promise<readonly string[]> {
  const all: string[] = [];
  for await (const { clusters = [] } of paginateListClusters({ client: eks }, {})) all.push(...clusters);
  return all;
}

type See = <T>(what: string, permission: string, read: () => Promise<T>) => Promise<T | undefined>;

interface ClusterQuery {
  readonly name: string;
  readonly region: string;
  readonly eks: EKSClient;
  readonly see: See;
  readonly now: () => Date;
}

async function observeCluster(query: ClusterQuery): Promise<FoundCluster | undefined> {
  const { name, region, eks, see } = query;
  const cluster = await see(`cluster ${name}`, 'eks:DescribeCluster', async () => {
    const { cluster } = await eks.send(new DescribeClusterCommand({ name }));
    return cluster;
  });
  const account = accountOf(cluster);
  if (!cluster || account === undefined) return undefined;
  const nodegroups = await see(`nodegroups of ${name}`, 'eks:ListNodegroups', async () => {
    const all: string[] = [];
    for await (const page of paginateListNodegroups({ client: eks }, { clusterName: name }))
      all.push(...(page.nodegroups ?? []));
    return all;
  });
  const capability = await see(`Argo CD capability of ${name}`, 'eks:ListCapabilities', async () => {
    const { capabilities = [] } = await eks.send(new ListCapabilitiesCommand({ clusterName: name }));
    return capabilities.find(({ type }) => type === 'ARGOCD')?.capabilityName;
  });
  const inside = await observeInside(query);
  const autoscaler: FoundAutoscaler | undefined = cluster.computeConfig?.enabled
    ? { kind: 'auto-mode' }
    : inside.autoscaler;
  const argocd: FoundArgocd | undefined =
    capability === undefined ? inside.argocd : { kind: 'capability', capability };
  return {
    name,
    account,
    region,
    nodegroups: nodegroups ?? [],
    tags: cluster.tags ?? {},
    ...(autoscaler ? { autoscaler } : {}),
    ...(argocd ? { argocd } : {}),
  };
}

/** `arn:aws:eks:<region>:<account>:cluster/<name>` */
export function accountOf(cluster: Cluster | undefined): string | undefined {
  return cluster?.arn?.split(':')[4];
}

/** What only the Kubernetes API knows: which autoscaler runs, and an Argo CD of one's own. */
async function observeInside({
  name,
  region,
  eks,
  see,
  now,
}: ClusterQuery): Promise<{ readonly autoscaler?: FoundAutoscaler; readonly argocd?: FoundArgocd }> {
  const client = createKubernetesClient({
    cluster: name,
    region,
    describeCluster: () => describeCluster(eks, name),
    token: createTokenSource({ cluster: name, region, credentials: () => eks.config.credentials(), now }),
  });
  try {
    const deployments = await see(`autoscaler and Argo CD in ${name}`, 'list deployments', () =>
      client.list<Deployment>('/apis/apps/v1/deployments', {}, { timeoutMs: KUBERNETES_TIMEOUT_MS }),
    );
    const argocd = deployments?.find((one) => labelOf(one) === 'argocd-server');
    const scaler = deployments?.find((one) => ['karpenter', 'cluster-autoscaler'].includes(kindOf(one)));
    return {
      ...(argocd ? { argocd: { kind: 'own', namespace: argocd.metadata?.namespace ?? 'argocd' } } : {}),
      ...(scaler ? { autoscaler: await autoscalerOf(scaler, client, see) } : {}),
    };
  } finally {
    client.close();
  }
}

async function autoscalerOf(
  deployment: Deployment,
  client: KubernetesClient,
  see: See,
): Promise<FoundAutoscaler> {
  const { name = '', namespace = '' } = deployment.metadata ?? {};
  const labels = Object.entries(deployment.spec?.selector.matchLabels ?? {});
  const hostGroup = await see(`the nodegroup of ${namespace}/${name}`, 'list pods and nodes', async () => {
    const pods = await client.list<Pod>(`/api/v1/namespaces/${namespace}/pods`, {
      labelSelector: labels.map(([key, value]) => `${key}=${value}`).join(','),
    });
    const nodeName = pods.find(({ spec }) => spec?.nodeName)?.spec?.nodeName;
    if (nodeName === undefined) return undefined;
    const { body } = await client.request<Node>({ method: 'GET', path: `/api/v1/nodes/${nodeName}` });
    return body.metadata?.labels?.[NODEGROUP_LABEL];
  });
  const kind = kindOf(deployment) === 'karpenter' ? 'karpenter' : 'cluster-autoscaler';
  return { kind, namespace, deployment: name, ...(hostGroup === undefined ? {} : { hostGroup }) };
}

function labelOf({ metadata }: Deployment): string {
  return metadata?.labels?.['app.kubernetes.io/name'] ?? metadata?.name ?? '';
}

/** Helm charts name the Cluster Autoscaler `aws-cluster-autoscaler`, or `<release>-aws-cluster-autoscaler`. */
function kindOf(deployment: Deployment): string {
  const label = labelOf(deployment);
  const name = deployment.metadata?.name ?? '';
  if (label === 'karpenter') return 'karpenter';
  return /cluster-autoscaler/.test(`${label} ${name}`) ? 'cluster-autoscaler' : label;
}

async function listProjects(client: CodeBuildClient, region: string): Promise<FoundProject[]> {
  const names: string[] = [];
  for await (const { projects = [] } of paginateListProjects({ client }, {})) names.push(...projects);
  const found: FoundProject[] = [];
  for (let at = 0; at < names.length; at += PROJECTS_AT_ONCE) {
    const { projects = [] } = await client.send(
      new BatchGetProjectsCommand({ names: names.slice(at, at + PROJECTS_AT_ONCE) }),
    );
    for (const { name, source } of projects)
      if (name && source?.location?.startsWith('https://'))
        found.push({ name, region, repository: source.location.replace(/\.git$/, '') });
  }
  return found;
}
