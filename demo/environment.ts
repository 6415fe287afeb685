/** One environment of the lab: its cluster with nodes and Kubernetes, its Argo CD, its builds. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
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
import { createKubernetes, type Kubernetes } from '@nightshift/lab/world/kubernetes/index.ts';
import { scaleOutOf } from '@nightshift/lab/world/scale-out.ts';
import type { Principal, WorldContext } from '@nightshift/lab/world/seams.ts';
import { parseAllDocuments } from 'yaml';
import type { EnvironmentConfig, NightshiftConfig } from '#model/config.ts';
import { LabError } from './errors.ts';
import {
  ARGOCD,
  addApplications,
  addBuildProjects,
  addGroups,
  productionBuilds,
  projectsOf,
} from './sample/furnish.ts';

export interface LabEnvironment {
  readonly name: string;
  readonly config: EnvironmentConfig;
  readonly cluster: EksCluster;
  readonly kubernetes: Kubernetes;
  readonly kubernetesEndpoint: KubernetesEndpoint;
  /** Production's too, where somebody builds for it: nothing of ours has its token. */
  readonly argocd?: ArgocdWorld;
  readonly argocdEndpoint?: ArgocdEndpoint;
  /** An administrator of the account. */
  readonly operator: Principal;
  /** The file's path. */
  readonly kubeconfig: string;
}

/** The operator's group, for tokens made by `aws eks get-token`. EKS lets no access entry name `system:masters`. */
const OPERATORS = 'lab:operators';
const operatorsBinding = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name: 'lab-operators' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
  subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: OPERATORS }],
};

const argocdNamespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: ARGOCD.namespace } };

/** What an environment is built on. */
export interface Site {
  readonly context: WorldContext;
  readonly config: NightshiftConfig;
  readonly aws: AwsWorld;
  readonly codebuild: CodebuildWorld;
  readonly ca: CertificateAuthority;
  readonly directory: string;
  readonly closers: (() => Promise<unknown>)[];
  /** Where the lab's AWS answers, once it does. */
  readonly awsUrl: () => string | undefined;
  readonly route: (authority: string, port: number) => void;
  /** What the stacks of the account and region make of its build projects. */
  readonly buildProjects: (at: { account: string; region: string }) => readonly BuildProjectSpec[];
}

export type RaisedCluster = Omit<LabEnvironment, 'argocd' | 'argocdEndpoint'>;

export async function raiseCluster(
  site: Site,
  name: string,
  environment: EnvironmentConfig,
): Promise<RaisedCluster> {
  const { aws, context, closers } = site;
  const { account, region, cluster: clusterName } = environment;
  const cluster = aws.addCluster({ account, region, name: clusterName });
  const kubernetes = createKubernetes(context, {
    cluster: clusterName,
    account,
    region,
    scaleOut: scaleOutOf(aws, cluster),
  });
  aws.attachNodes(cluster, kubernetes);
  kubernetes.applyObjects([argocdNamespace, ...(await readManifests()), operatorsBinding]);
  addGroups(aws, cluster, environment);

  const operatorToken = `lab-${context.hex(40)}`;
  const kubernetesEndpoint = await serveKubernetes({
    kubernetes,
    context,
    ca: site.ca,
    authenticate: createAuthenticator(aws, cluster, site.awsUrl),
    operatorToken,
  });
  closers.push(() => kubernetesEndpoint.close());
  aws.setClusterEndpoint(cluster, { endpoint: kubernetesEndpoint.url, ca: site.ca.pem });
  const operator = aws.addPrincipal({ arn: `arn:aws:iam::${account}:user/operator`, account, anyTime: true });
  aws.addAccessEntry(cluster, { principalArn: operator.arn, kubernetesGroups: [OPERATORS] });
  const file = path.join(site.directory, `${name}.kubeconfig`);
  await writeFile(
    file,
    kubeconfig({
      name,
      url: kubernetesEndpoint.url,
      caPem: site.ca.pem,
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

/** Argo CD in the environment's cluster with the applications of its builds, and the builds' projects. */
export async function raiseArgocd(
  site: Site,
  environment: EnvironmentConfig,
  kubernetes: Kubernetes,
): Promise<{ argocd: ArgocdWorld; argocdEndpoint?: ArgocdEndpoint } | undefined> {
  const { codebuild, aws, context } = site;
  const builds = environment.deploy?.builds ?? (environment.production ? productionBuilds(site.config) : []);
  if (builds.length === 0) return undefined;
  const argocd = createArgocd(context, {
    workloads: kubernetes,
    revisionOf: codebuild.git.revisionOf,
    onPush: codebuild.git.onPush,
    runsPods: () => podsCanRun(kubernetes.api),
    ...(environment.deploy ? { inCluster: ARGOCD } : {}),
  });
  serveApplications(context, argocd, kubernetes.api);
  addApplications(argocd, kubernetes, codebuild, builds);
  addBuildProjects(codebuild, environment, builds, site.buildProjects(environment));
  if (!environment.deploy) return { argocd };

  const { url, tokenSecret } = environment.deploy.argocd;
  const { protocol, hostname, port } = new URL(url);
  if (protocol !== 'https:') {
    throw new LabError(
      `Argo CD of the cluster ${environment.cluster} is at ${url}: the lab serves https only`,
    );
  }
  const argocdEndpoint = await serveArgocd({ argocd, ca: site.ca, host: hostname, now: context.clock.now });
  site.closers.push(() => argocdEndpoint.close());
  site.route(`${hostname}:${port || 443}`, argocdEndpoint.port);
  const value = tokenFor(argocd, projectsOf(builds));
  aws.putSecret({ account: environment.account, region: environment.region, name: tokenSecret, value });
  return { argocd, argocdEndpoint };
}

/** A project's own token where one project is enough, as the documentation advises; else one of an account. */
function tokenFor(argocd: ArgocdWorld, projects: readonly string[]): string {
  const [project, ...others] = projects;
  if (project !== undefined && others.length === 0) return argocd.addToken({ project, role: 'nightshift' });
  return argocd.addAccountToken({
    account: 'nightshift',
    policies: projects.flatMap((name) =>
      ['get', 'sync'].map((action) => `p, nightshift, applications, ${action}, ${name}/*, allow`),
    ),
  });
}

/** What an operator applies to each cluster before the stacks are deployed. */
async function readManifests(): Promise<readonly Record<string, unknown>[]> {
  const folder = path.join(import.meta.dirname, '..', 'manifests');
  const base = (await readdir(folder)).filter(
    (file) => file.endsWith('.yaml') && file !== 'kustomization.yaml',
  );
  // What branch-deploy needs where it goes through the Kubernetes API. The project beside it is made by the lab itself.
  const files = [...base.sort(), path.join('argocd', 'branch-deploy.yaml')];
  const texts = await Promise.all(files.map((file) => readFile(path.join(folder, file), 'utf8')));
  return texts
    .flatMap((text) => parseAllDocuments(text).map((document) => document.toJS() as unknown))
    .filter((object): object is Record<string, unknown> => typeof object === 'object' && object !== null);
}
