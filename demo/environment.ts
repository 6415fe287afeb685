/** Creates one environment of the lab: its EKS cluster with Kubernetes, its Argo CD, its CodeBuild projects. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { BuildProjectSpec } from '@nightshift/lab/assembly/deployment.ts';
import { type ArgocdEndpoint, serveArgocd } from '@nightshift/lab/http/argocd/server.ts';
import { createAuthenticator } from '@nightshift/lab/http/authenticator.ts';
import { kubeconfig } from '@nightshift/lab/http/kubernetes/kubeconfig.ts';
import { type KubernetesEndpoint, serveKubernetes } from '@nightshift/lab/http/kubernetes/server.ts';
import type { CertificateAuthority } from '@nightshift/lab/http/tls.ts';
import {
  type ArgocdWorld,
  createArgocd,
  podsCanRun,
  serveApplications,
} from '@nightshift/lab/world/argocd/index.ts';
import type { AwsWorld, EksCluster } from '@nightshift/lab/world/aws/index.ts';
import type { CodebuildWorld } from '@nightshift/lab/world/codebuild/index.ts';
import type { Principal, WorldContext } from '@nightshift/lab/world/interfaces.ts';
import { createKubernetes, type Kubernetes } from '@nightshift/lab/world/kubernetes/index.ts';
import type { ImageRegistry } from '@nightshift/lab/world/registry/registry.ts';
import { scaleOutOf } from '@nightshift/lab/world/scale-out.ts';
import { parseAllDocuments } from 'yaml';
import type { BuildConfig, EnvironmentConfig, NightshiftConfig } from '#model/config.ts';
import { LabError } from './errors.ts';
import { addPlatformGroups, clusterOptionsOf } from './platform/create-platform.ts';
import type { Platform } from './platform/platform.ts';
import { addNodePools, autoModeOf, hasFleet } from './sample/compute.ts';
import { pushBuiltImages } from './sample/images.ts';
import {
  ARGOCD,
  addApplications,
  addBuildProjects,
  addGroups,
  addRepository,
  applicationOf,
  buildsIn,
  projectsOf,
} from './sample/resources.ts';

export interface LabEnvironment {
  readonly name: string;
  readonly config: EnvironmentConfig;
  readonly cluster: EksCluster;
  readonly kubernetes: Kubernetes;
  readonly kubernetesEndpoint: KubernetesEndpoint;
  /** Production has one too, if there are builds: the functions have no token for it. */
  readonly argocd?: ArgocdWorld;
  readonly argocdEndpoint?: ArgocdEndpoint;
  /** IAM user with administrator permissions. */
  readonly operator: Principal;
  /** The file's path. */
  readonly kubeconfig: string;
}

/** The operator's Kubernetes group. EKS accepts no access entry with `system:masters`. */
const OPERATORS = 'lab:operators';
const operatorsBinding = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name: 'lab-operators' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
  subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: OPERATORS }],
};

const argocdNamespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: ARGOCD.namespace } };

/** What the environments share. */
export interface LabServices {
  readonly context: WorldContext;
  readonly config: NightshiftConfig;
  readonly aws: AwsWorld;
  readonly codebuild: CodebuildWorld;
  readonly images: ImageRegistry;
  readonly ca: CertificateAuthority;
  readonly directory: string;
  readonly closers: (() => Promise<unknown>)[];
  /** Endpoint of the lab's AWS; undefined until it listens. */
  readonly awsUrl: () => string | undefined;
  readonly route: (authority: string, port: number) => void;
  /** The CodeBuild projects of the stacks in that account and region. */
  readonly buildProjects: (at: { account: string; region: string }) => readonly BuildProjectSpec[];
  /** In place of the sample's own clusters. */
  readonly platform: Platform | undefined;
}

export type EnvironmentCluster = Omit<LabEnvironment, 'argocd' | 'argocdEndpoint'>;

export async function createCluster(
  services: LabServices,
  name: string,
  environment: EnvironmentConfig,
): Promise<EnvironmentCluster> {
  const { aws, context, closers } = services;
  const { account, region, cluster: clusterName } = environment;
  const described = services.platform?.clusters.get(name);
  const autoMode = autoModeOf(environment);
  const cluster = aws.addCluster({
    account,
    region,
    name: clusterName,
    ...(autoMode ? { autoMode } : {}),
    ...(described ? clusterOptionsOf(described) : {}),
  });
  const kubernetes = createKubernetes(context, {
    cluster: clusterName,
    account,
    region,
    scaleOut: scaleOutOf(aws, cluster, hasFleet(environment)),
    autoMode: autoMode !== undefined,
    images: services.images,
  });
  aws.attachNodes(cluster, kubernetes);
  // A platform brings nightshift's manifests with its own.
  const manifests = described ? [] : await readManifests();
  kubernetes.applyObjects([argocdNamespace, ...manifests, operatorsBinding]);
  if (described) addPlatformGroups(aws, cluster, described);
  else addGroups(aws, cluster, environment, buildsIn(environment, services.config));
  addNodePools(context, cluster, kubernetes, environment);

  const operatorToken = `lab-${context.hex(40)}`;
  const kubernetesEndpoint = await serveKubernetes({
    kubernetes,
    context,
    ca: services.ca,
    authenticate: createAuthenticator(aws, cluster, services.awsUrl),
    operatorToken,
  });
  closers.push(() => kubernetesEndpoint.close());
  aws.setClusterEndpoint(cluster, { endpoint: kubernetesEndpoint.url, ca: services.ca.pem });
  const operator = aws.addPrincipal({ arn: `arn:aws:iam::${account}:user/operator`, account, anyTime: true });
  aws.addAccessEntry(cluster, { principalArn: operator.arn, kubernetesGroups: [OPERATORS] });
  const file = path.join(services.directory, `${name}.kubeconfig`);
  await writeFile(
    file,
    kubeconfig({
      name,
      url: kubernetesEndpoint.url,
      caPem: services.ca.pem,
      token: operatorToken,
    }),
    { mode: 0o600 },
  );
  return {
    name,
    config: environment,
    cluster,
    kubernetes,
    kubernetesEndpoint,
    operator,
    kubeconfig: file,
  };
}

/** Argo CD in the environment's cluster with the applications of its builds, and their CodeBuild projects. */
export async function createClusterArgocd(
  services: LabServices,
  { name, config: environment, kubernetes }: EnvironmentCluster,
): Promise<{ argocd: ArgocdWorld; argocdEndpoint?: ArgocdEndpoint } | undefined> {
  const { codebuild, aws, context } = services;
  const builds = buildsIn(environment, services.config);
  if (builds.length === 0) return undefined;
  const argocd = createArgocd(context, {
    workloads: kubernetes,
    revisionOf: codebuild.git.revisionOf,
    onPush: codebuild.git.onPush,
    runsPods: () => podsCanRun(kubernetes.api),
    ...(environment.deploy && (services.platform?.clusters.get(name)?.argocdInCluster ?? true)
      ? { inCluster: ARGOCD }
      : {}),
  });
  serveApplications(context, argocd, kubernetes.api);
  for (const { repository, branch } of builds) addRepository(codebuild, repository, branch);
  pushBuiltImages(context, services, { ...environment, builds });
  addApplications(argocd, kubernetes, builds);
  addBuildProjects(codebuild, environment, builds, services.buildProjects(environment));
  if (!environment.deploy) return { argocd };

  const { url, tokenSecret } = environment.deploy.argocd;
  if (!url || !tokenSecret) return { argocd };
  const { protocol, hostname, port } = new URL(url);
  if (protocol !== 'https:') {
    throw new LabError(
      `unsupported Argo CD URL of the cluster ${environment.cluster}: ${url}: the lab serves https only`,
    );
  }
  const argocdEndpoint = await serveArgocd({
    argocd,
    ca: services.ca,
    host: hostname,
    now: context.clock.now,
  });
  services.closers.push(() => argocdEndpoint.close());
  services.route(`${hostname}:${port || 443}`, argocdEndpoint.port);
  const value = tokenFor(argocd, projectsOf(builds), rightsFor(builds));
  aws.putSecret({ account: environment.account, region: environment.region, name: tokenSecret, value });
  return { argocd, argocdEndpoint };
}

/** A project token for one project, as Argo CD's documentation recommends; an account token for several. */
function tokenFor(argocd: ArgocdWorld, projects: readonly string[], rights: readonly string[]): string {
  const [project, ...others] = projects;
  if (project !== undefined && others.length === 0)
    return argocd.addToken({ project, role: 'nightshift', policies: rights });
  return argocd.addAccountToken({
    account: 'nightshift',
    policies: projects.flatMap((name) =>
      rights.map((action) => `p, nightshift, applications, ${action}, ${name}/*, allow`),
    ),
  });
}

/** Which rights the way of the images needs, by docs/branch-deploy-images.md. */
function rightsFor(builds: readonly BuildConfig[]): readonly string[] {
  const ways = builds.flatMap(({ applications }) => applications.map((one) => applicationOf(one).bring));
  return [
    'get',
    'sync',
    ...(ways.includes('parameter') ? ['update'] : []),
    ...(ways.includes('restart') ? ['action/apps/Deployment/restart'] : []),
  ];
}

/** The manifests that an operator applies to each cluster before deploying the stacks. */
async function readManifests(): Promise<readonly Record<string, unknown>[]> {
  const folder = path.join(import.meta.dirname, '..', 'manifests');
  // For branch-deploy through the Kubernetes API. The AppProject in the same folder is created by the lab.
  const files = [
    'night-schedule/rbac.yaml',
    'spot-drain/rbac.yaml',
    'argocd/branch-deploy.yaml',
    'argocd/application-policy.yaml',
    'self-service/keep-up.yaml',
  ];
  const texts = await Promise.all(files.map((file) => readFile(path.join(folder, file), 'utf8')));
  return texts
    .flatMap((text) => parseAllDocuments(text).map((document) => document.toJS() as unknown))
    .filter((object): object is Record<string, unknown> => typeof object === 'object' && object !== null);
}
