/**
 * Starts the whole lab from a config: AWS, Kubernetes and Argo CD per cluster, a Git host and CodeBuild on the loopback,
 * and the functions of a synthesized assembly. Virtual time stands still until the clock is run.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Assembly, readAssembly } from '@nightshift/lab/assembly/assembly.ts';
import { type Deployment, readDeployment } from '@nightshift/lab/assembly/deployment.ts';
import type { Execution, ExecutionServices } from '@nightshift/lab/assembly/executions.ts';
import type { FunctionSpec, Invocation, LogLine } from '@nightshift/lab/assembly/function-runner.ts';
import { createAuthorize } from '@nightshift/lab/assembly/permissions.ts';
import { type AssemblyRun, runAssembly } from '@nightshift/lab/assembly/run.ts';
import type { Delivery } from '@nightshift/lab/assembly/triggers.ts';
import { type AwsEndpoint, type AwsExchange, serveAws } from '@nightshift/lab/http/aws/server.ts';
import type { Authorize } from '@nightshift/lab/http/aws/service.ts';
import { codebuildService } from '@nightshift/lab/http/codebuild.ts';
import { ecrService } from '@nightshift/lab/http/ecr.ts';
import { serveFunctionUrls } from '@nightshift/lab/http/function-urls.ts';
import { createLambdaService } from '@nightshift/lab/http/lambda.ts';
import { startProxy } from '@nightshift/lab/http/proxy.ts';
import type { SignInListener } from '@nightshift/lab/http/sign-in-listener.ts';
import { createStepFunctions, type StepFunctions } from '@nightshift/lab/http/step-functions.ts';
import { createCertificateAuthority } from '@nightshift/lab/http/tls.ts';
import { type AwsWorld, createAws } from '@nightshift/lab/world/aws/index.ts';
import { type CodebuildWorld, createCodebuild } from '@nightshift/lab/world/codebuild/index.ts';
import { createContext } from '@nightshift/lab/world/context.ts';
import type { WorldContext } from '@nightshift/lab/world/interfaces.ts';
import { createImageRegistry, type ImageRegistry } from '@nightshift/lab/world/registry/registry.ts';
import type { NightshiftConfig } from '#model/config.ts';
import type { Decision } from '#model/decision.ts';
import { decisionIn } from './decisions.ts';
import {
  createCluster,
  createClusterArgocd,
  type EnvironmentCluster,
  type LabEnvironment,
  type LabServices,
} from './environment.ts';
import { addPlatformWorkloads } from './platform/create-platform.ts';
import { readPlatform } from './platform/platform.ts';
import { addSystemWorkloads } from './sample/resources.ts';
import { type SignInParts, serveSignIns } from './sign-ins.ts';

export type { LabEnvironment } from './environment.ts';

export interface LabOptions {
  /** A config that `loadConfig` has checked. */
  readonly config: NightshiftConfig;
  /** `cdk.out`, synthesized from the same config. */
  readonly assemblyDir: string;
  /**
   * The folder that Argo CD reads. With it the clusters are those that the assembly's templates and these manifests describe,
   * not the sample's own.
   */
  readonly gitops?: string;
  /** Virtual time at which the functions start. The clusters start half an hour earlier. */
  readonly start: Date;
  /** The same seed gives the same ids and random choices. Default 1. */
  readonly seed?: number;
  /** Where the CA and the kubeconfigs are written. Default: a temporary folder, removed by `close`. */
  readonly directory?: string;
  /** Processes per function. */
  readonly concurrency?: number;
  readonly delivery?: Delivery;
  readonly onDecision?: (decision: Decision, spec: FunctionSpec) => void;
  readonly onInvocation?: (invocation: Invocation) => void;
  readonly onLog?: (line: LogLine) => void;
  /** Every AWS call before its reply, and why the IAM policies deny it, if they do. */
  readonly onAuthorize?: (call: Parameters<Authorize>[0], refusal: string | undefined, aws: AwsWorld) => void;
  /** Every AWS call with the bytes of request and reply. */
  readonly onExchange?: (exchange: AwsExchange) => void;
}

export interface Lab {
  readonly context: WorldContext;
  readonly config: NightshiftConfig;
  readonly aws: AwsWorld;
  readonly codebuild: CodebuildWorld;
  /** ECR. */
  readonly images: ImageRegistry;
  readonly environments: readonly LabEnvironment[];
  readonly front: AwsEndpoint;
  readonly assembly: AssemblyRun;
  /** Of the state machines, in the order of their start. */
  readonly executions: readonly Execution[];
  /** As a rule starts a state machine, with an input (JSON). */
  startExecution(machineArn: string, input: string): void;
  /** In the order of the log. */
  readonly decisions: readonly Decision[];
  readonly proxyUrl: string;
  /** PEM file of the lab's CA. */
  readonly caFile: string;
  /** By the environments whose page is behind a load balancer. */
  readonly signIns: ReadonlyMap<string, SignInListener>;
  /** What a platform describes and the lab does not play, as lines. */
  readonly notPlayed: readonly string[];
  close(): Promise<void>;
}

/** Time before the functions start: first the nodes join, then the workloads are created and start. */
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
  const { assembly, platform } = await readStacks(options);
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
  const images = createImageRegistry(context);
  const proxy = await startProxy();
  closers.push(() => proxy.close());
  let awsUrl: string | undefined;
  const parts = { context, aws, codebuild, images, ca, directory, closers, config, platform };
  const services: LabServices = {
    ...parts,
    awsUrl: () => awsUrl,
    route: proxy.route,
    buildProjects: (at) => buildProjectsOf(deployments, at),
  };

  const environments = await createEnvironments(services);
  registerStacks(aws, deployments);
  const front = await serveFront({ aws, codebuild, images, deployments, options });
  closers.push(() => front.close());
  awsUrl = front.url;
  await createTables(front, deployments);

  await context.clock.runUntil(options.start.getTime());
  const decisions: Decision[] = [];
  const { run, machines } = await runStacks({
    assembly,
    context,
    aws,
    front,
    proxyUrl: proxy.url,
    caFile,
    decisions,
    options,
  });
  closers.push(() => run.close());
  front.addService(createLambdaService(run));
  front.addService(machines);
  const signIns = await servePages({ run, ca, proxy, context, config, closers });
  return {
    context,
    config,
    aws,
    codebuild,
    images,
    environments,
    front,
    assembly: run,
    executions: machines.executions,
    startExecution: (arn, input) => void machines.start(arn, input),
    decisions,
    proxyUrl: proxy.url,
    caFile,
    signIns,
    notPlayed: platform?.notPlayed ?? [],
    close,
  };
}

async function createTables(front: AwsEndpoint, deployments: readonly Deployment[]): Promise<void> {
  for (const { stack, tables } of deployments)
    for (const { name } of tables)
      await front.createTable({ account: stack.account, region: stack.region, name });
}

/** The stacks of nightshift, and the clusters that the others describe. */
async function readStacks({ assemblyDir, config, gitops }: LabOptions) {
  const assembly = await readAssembly(assemblyDir);
  if (gitops === undefined) return { assembly, platform: undefined };
  const platform = readPlatform(assembly, config, gitops);
  return { assembly: platform.assembly, platform };
}

/** Function URLs, by their host names through the proxy; and the load balancers of those that have a sign-in instead. */
async function servePages(parts: SignInParts): Promise<Lab['signIns']> {
  const { run, ca, proxy, context, closers } = parts;
  const pages = await serveFunctionUrls({ run, ca, context });
  closers.push(() => pages.close());
  for (const url of pages.urls.values()) proxy.route(`${new URL(url).hostname}:443`, pages.port);
  return serveSignIns(parts);
}

function buildProjectsOf(deployments: readonly Deployment[], at: { account: string; region: string }) {
  return deployments
    .filter(({ stack }) => stack.account === at.account && stack.region === at.region)
    .flatMap(({ buildProjects }) => buildProjects);
}

/** Creates the clusters, lets their nodes join, and creates the workloads and Argo CD on them. */
async function createEnvironments(services: LabServices): Promise<readonly LabEnvironment[]> {
  const { config, context } = services;
  const clusters: EnvironmentCluster[] = [];
  for (const [name, environment] of Object.entries(config.environments)) {
    clusters.push(await createCluster(services, name, environment));
  }
  await context.clock.runUntil(context.clock.now() + NODES_JOIN_MS);
  const environments: LabEnvironment[] = [];
  for (const cluster of clusters) {
    const described = services.platform?.clusters.get(cluster.name);
    if (described) addPlatformWorkloads(cluster.kubernetes, services.images, described);
    else addSystemWorkloads(cluster.kubernetes, cluster.config);
    environments.push({ ...cluster, ...(await createClusterArgocd(services, cluster)) });
  }
  return environments;
}

/** The lab's AWS on the loopback. */
function serveFront({
  aws,
  codebuild,
  images,
  deployments,
  options,
}: {
  readonly aws: AwsWorld;
  readonly codebuild: CodebuildWorld;
  readonly images: ImageRegistry;
  readonly deployments: readonly Deployment[];
  readonly options: LabOptions;
}): Promise<AwsEndpoint> {
  const authorize = createAuthorize(deployments, aws);
  return serveAws({
    aws,
    services: [codebuildService(codebuild), ecrService(images)],
    authorize(call) {
      const refusal = authorize(call);
      options.onAuthorize?.(call, refusal, aws);
      return refusal;
    },
    ...(options.onExchange ? { onExchange: options.onExchange } : {}),
  });
}

/** The functions and the state machines, which invoke each other. */
async function runStacks(
  lab: Omit<Parameters<typeof runFunctions>[0], 'startExecution'>,
): Promise<{ readonly run: AssemblyRun; readonly machines: StepFunctions }> {
  let machines: StepFunctions | undefined;
  const startExecution = (arn: string, input: string) => void machines?.start(arn, input);
  const run = await runFunctions({ ...lab, startExecution });
  machines = createMachines(lab.context, lab.aws, run);
  return { run, machines };
}

function runFunctions(lab: {
  readonly startExecution: (machineArn: string, input: string) => void;
  readonly assembly: Assembly;
  readonly context: WorldContext;
  readonly aws: AwsWorld;
  readonly front: AwsEndpoint;
  readonly proxyUrl: string;
  readonly caFile: string;
  readonly decisions: Decision[];
  readonly options: LabOptions;
}): Promise<AssemblyRun> {
  const { options, aws } = lab;
  return runAssembly({
    assembly: lab.assembly,
    context: lab.context,
    startExecution: lab.startExecution,
    onLog(line) {
      options.onLog?.(line);
      const decision = decisionIn(line.text);
      if (!decision) return;
      lab.decisions.push(decision);
      options.onDecision?.(decision, line.function);
    },
    environmentOf: (spec) => functionVariables(spec, lab),
    onDeadLetter: ({ queueArn, body, attributes }) => {
      const [, , , region = '', account = '', queue = ''] = queueArn.split(':');
      aws.messaging.send({ account, region }, queue, { body, attributes });
    },
    ...(options.concurrency === undefined ? {} : { concurrency: options.concurrency }),
    ...(options.delivery ? { delivery: options.delivery } : {}),
    ...(options.onInvocation ? { onInvocation: options.onInvocation } : {}),
  });
}

/** The state machines of the stacks, whose tasks invoke their functions and write to their queues. */
function createMachines(context: WorldContext, aws: AwsWorld, run: AssemblyRun): StepFunctions {
  const place = (arn: string) => {
    const [, , , region = '', account = ''] = arn.split(':');
    return { account, region };
  };
  const services: ExecutionServices = {
    invokeAsync(functionArn, payload) {
      const runner = run.find({ ...place(functionArn), function: functionArn });
      if (!runner) throw new Error(`Function not found: ${functionArn}`);
      run.invokeAsync(runner, payload);
    },
    sendMessage(queueUrl, body) {
      const { hostname, pathname } = new URL(queueUrl);
      const scope = { region: hostname.split('.')[1] ?? '', account: pathname.split('/')[1] ?? '' };
      aws.messaging.send(scope, queueUrl, { body });
    },
  };
  const machines = run.deployments.flatMap(({ stateMachines }) => stateMachines);
  return createStepFunctions(machines, { context, services });
}

/** Creates the other resources of the stacks: access entries, queues and topics. */
function registerStacks(aws: AwsWorld, deployments: readonly Deployment[]): void {
  for (const { stack, accessEntries, queues, topics, subscriptions, macKeys, targetGroups } of deployments) {
    const at = { account: stack.account, region: stack.region };
    for (const { name } of queues) aws.addQueue({ ...at, name });
    for (const { name } of topics) aws.addTopic({ ...at, name });
    for (const { id } of macKeys) aws.macKeys.add({ ...at, id });
    for (const group of targetGroups) aws.loadBalancers.addTargetGroup({ ...at, ...group, type: 'lambda' });
    for (const { topic, endpoint } of subscriptions) aws.messaging.subscribe(topic, endpoint);
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

async function temporary(closers: (() => Promise<unknown>)[]): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'nightshift-lab-'));
  closers.push(() => rm(directory, { recursive: true, force: true }));
  return directory;
}
