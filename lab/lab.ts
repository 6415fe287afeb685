/**
 * The whole lab: an AWS, a Kubernetes per cluster, Argo CD, a git host and CodeBuild, made from a config, served on the
 * loopback, with a synthesized assembly running on it. Nothing happens until its clock is run.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { EnvironmentConfig, NightshiftConfig } from '#model/config.ts';
import type { Decision } from '#model/decision.ts';
import { readAssembly } from './assembly/assembly.ts';
import { type Deployment, readDeployment } from './assembly/deployment.ts';
import type { FunctionSpec, Invocation, LogLine } from './assembly/function-runner.ts';
import { createAuthorize } from './assembly/permissions.ts';
import { type AssemblyRun, runAssembly } from './assembly/run.ts';
import type { Delivery } from './assembly/triggers.ts';
import { type ArgocdEndpoint, serveArgocd } from './http/argocd/server.ts';
import { createAuthenticator } from './http/authenticator.ts';
import { type AwsEndpoint, serveAws } from './http/aws/server.ts';
import type { Authorize } from './http/aws/service.ts';
import { codebuildService } from './http/codebuild.ts';
import { kubeconfig } from './http/kubernetes/kubeconfig.ts';
import { type KubernetesEndpoint, serveKubernetes } from './http/kubernetes/server.ts';
import { createLambdaService } from './http/lambda.ts';
import { startProxy } from './http/proxy.ts';
import { type CertificateAuthority, createCertificateAuthority } from './http/tls.ts';
import {
  ARGOCD,
  addApplications,
  addBuildProjects,
  addGroups,
  addSystemWorkloads,
  productionBuilds,
  projectsOf,
} from './sample/furnish.ts';
import { scaleOutOf } from './scale-out.ts';
import { type ArgocdWorld, createArgocd, podsCanRun, serveApplications } from './world/argocd/index.ts';
import { type AwsWorld, createAws, type EksCluster } from './world/aws/index.ts';
import { type CodebuildWorld, createCodebuild } from './world/codebuild/index.ts';
import { createContext } from './world/context.ts';
import { createKubernetes, type Kubernetes } from './world/kubernetes/index.ts';
import type { Principal, WorldContext } from './world/seams.ts';

export interface LabOptions {
  /** A config that `loadConfig` has checked. */
  readonly config: NightshiftConfig;
  /** `cdk.out`, synthesized from the same config. */
  readonly assemblyDir: string;
  /** Virtual time at which the functions begin; the world is built a while before. */
  readonly start: Date;
  /** The same seed gives the same world. Default 1. */
  readonly seed?: number;
  /** Where the CA and the kubeconfigs are written. Default: a folder of the lab's own, removed at the end. */
  readonly directory?: string;
  /** Processes per function. */
  readonly concurrency?: number;
  readonly delivery?: Delivery;
  readonly onDecision?: (decision: Decision, spec: FunctionSpec) => void;
  readonly onInvocation?: (invocation: Invocation) => void;
  readonly onLog?: (line: LogLine) => void;
  /** Every AWS call before it is answered, and why the roles' policies refuse it where they do. */
  readonly onAuthorize?: (call: Parameters<Authorize>[0], refusal: string | undefined, aws: AwsWorld) => void;
}

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

export interface Lab {
  readonly context: WorldContext;
  readonly config: NightshiftConfig;
  readonly aws: AwsWorld;
  readonly codebuild: CodebuildWorld;
  readonly environments: readonly LabEnvironment[];
  readonly front: AwsEndpoint;
  readonly assembly: AssemblyRun;
  readonly proxyUrl: string;
  /** PEM file of the lab's CA. */
  readonly caFile: string;
  close(): Promise<void>;
}

/** So long the world runs before the functions do: first the nodes join, then the workloads come and start on them. */
const WARM_UP_MS = 30 * 60_000;
const NODES_JOIN_MS = 10 * 60_000;

export async function startLab(options: LabOptions): Promise<Lab> {
  const closers: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    return await build(options, closers, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function build(
  options: LabOptions,
  closers: (() => Promise<unknown>)[],
  close: () => Promise<void>,
): Promise<Lab> {
  const { config } = options;
  const assembly = await readAssembly(options.assemblyDir);
  const deployments = assembly.stacks.map(readDeployment);
  const directory = options.directory ?? (await temporary(closers));
  const context = createContext({
    start: new Date(options.start.getTime() - WARM_UP_MS),
    seed: options.seed ?? 1,
  });
  const ca = await createCertificateAuthority();
  const caFile = path.join(directory, 'ca.pem');
  await writeFile(caFile, ca.pem);
  const aws = createAws(context);
  const codebuild = createCodebuild(context, { phaseEvents: true });
  const proxy = await startProxy();
  closers.push(() => proxy.close());
  const site: Site = { context, aws, codebuild, ca, directory, closers, config, route: proxy.route };

  const clusters: RaisedCluster[] = [];
  for (const [name, environment] of Object.entries(config.environments)) {
    clusters.push(await raiseCluster(site, name, environment));
  }
  await context.clock.runUntil(context.clock.now() + NODES_JOIN_MS);
  const environments: LabEnvironment[] = [];
  for (const raised of clusters) {
    addSystemWorkloads(raised.kubernetes, raised.config);
    environments.push({ ...raised, ...(await raiseArgocd(site, raised.config, raised.kubernetes)) });
  }
  registerStacks(aws, deployments);
  const authorize = createAuthorize(deployments, aws);
  const front = await serveAws({
    aws,
    services: [codebuildService(codebuild)],
    authorize(call) {
      const refusal = authorize(call);
      options.onAuthorize?.(call, refusal, aws);
      return refusal;
    },
  });
  closers.push(() => front.close());
  for (const { stack, tables } of deployments) {
    for (const { name } of tables) {
      await front.createTable({ account: stack.account, region: stack.region, name });
    }
  }

  await context.clock.runUntil(options.start.getTime());
  const run = await runAssembly({
    assembly,
    context,
    environmentOf: (spec) => functionVariables(spec, { aws, front, proxyUrl: proxy.url, caFile }),
    onDeadLetter: ({ queueArn, body, attributes }) => {
      const [, , , region = '', account = '', queue = ''] = queueArn.split(':');
      aws.messaging.send({ account, region }, queue, { body, attributes });
    },
    ...(options.concurrency === undefined ? {} : { concurrency: options.concurrency }),
    ...(options.delivery ? { delivery: options.delivery } : {}),
    ...(options.onDecision ? { onDecision: options.onDecision } : {}),
    ...(options.onInvocation ? { onInvocation: options.onInvocation } : {}),
    ...(options.onLog ? { onLog: options.onLog } : {}),
  });
  closers.push(() => run.close());
  front.addService(createLambdaService(run));
  return {
    context,
    config,
    aws,
    codebuild,
    environments,
    front,
    assembly: run,
    proxyUrl: proxy.url,
    caFile,
    close,
  };
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
interface Site {
  readonly context: WorldContext;
  readonly config: NightshiftConfig;
  readonly aws: AwsWorld;
  readonly codebuild: CodebuildWorld;
  readonly ca: CertificateAuthority;
  readonly directory: string;
  readonly closers: (() => Promise<unknown>)[];
  readonly route: (authority: string, port: number) => void;
}

type RaisedCluster = Omit<LabEnvironment, 'argocd' | 'argocdEndpoint'>;

async function raiseCluster(
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
    authenticate: createAuthenticator(aws, cluster),
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
async function raiseArgocd(
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
  addBuildProjects(codebuild, environment, builds);
  if (!environment.deploy) return { argocd };

  const { url, tokenSecret } = environment.deploy.argocd;
  const { protocol, hostname, port } = new URL(url);
  if (protocol !== 'https:') {
    throw new Error(`Argo CD of the cluster ${environment.cluster} is at ${url}: the lab serves https only`);
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

/** What the stacks bring into the account beside functions and tables: access entries, queues and topics. */
function registerStacks(aws: AwsWorld, deployments: readonly Deployment[]): void {
  for (const { stack, accessEntries, queues, topics } of deployments) {
    const at = { account: stack.account, region: stack.region };
    for (const { name } of queues) aws.addQueue({ ...at, name });
    for (const { name } of topics) aws.addTopic({ ...at, name });
    for (const { name } of topics) aws.addTopic({ ...at, name });
    for (const entry of accessEntries) {
      aws.addAccessEntry(aws.eks.cluster(at, entry.cluster), {
        principalArn: entry.principalArn,
        kubernetesGroups: entry.kubernetesGroups,
        ...(entry.username ? { username: entry.username } : {}),
      });
    }
  }
}

function functionVariables(
  spec: FunctionSpec,
  lab: { aws: AwsWorld; front: AwsEndpoint; proxyUrl: string; caFile: string },
): Record<string, string> {
  const { accessKeyId, secretAccessKey, sessionToken } = lab.aws.addPrincipal({
    arn: spec.roleArn,
    account: spec.account,
    sessionName: spec.name,
  });
  return {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    ...(sessionToken ? { AWS_SESSION_TOKEN: sessionToken } : {}),
    AWS_ENDPOINT_URL: lab.front.url,
    HTTPS_PROXY: lab.proxyUrl,
    NO_PROXY: '127.0.0.1,localhost',
    NODE_EXTRA_CA_CERTS: lab.caFile,
  };
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

async function temporary(closers: (() => Promise<unknown>)[]): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'nightshift-lab-'));
  closers.push(() => rm(directory, { recursive: true, force: true }));
  return directory;
}
