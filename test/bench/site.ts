/**
 * Where the benches measure: a lab with one environment, and the functions of a synthesized stack on it. Its schedules
 * and rules are disarmed unless a bench asks for them, so that what is counted is what the bench did.
 */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { readAssembly } from '@nightshift/lab/assembly/assembly.ts';
import { type Deployment, readDeployment } from '@nightshift/lab/assembly/deployment.ts';
import {
  createFunctionRunner,
  type FunctionSpec,
  type Invocation,
  type LogLine,
} from '@nightshift/lab/assembly/function-runner.ts';
import { createAuthorize } from '@nightshift/lab/assembly/permissions.ts';
import { type AwsEndpoint, serveAws } from '@nightshift/lab/http/aws/server.ts';
import { type AwsWorld, createAws, type EksCluster } from '@nightshift/lab/world/aws/index.ts';
import { createContext } from '@nightshift/lab/world/context.ts';
import type { WorldContext } from '@nightshift/lab/world/interfaces.ts';
import { type Lab, type LabEnvironment, type LabOptions, startLab } from '#demo/lab.ts';
import { synthesize } from '#demo/synthesize.ts';
import { createTable, type Table } from '#functions/adapters/dynamodb/table.ts';
import { loadConfig } from '#lib/config-file.ts';
import type { NightshiftConfig } from '#model/config.ts';
import type { Capability } from '#model/decision.ts';
import { type ScheduledTrigger, TRIGGER_SOURCE } from '#model/trigger.ts';

/** A Tuesday in Tokyo, in working hours. */
export const DAYTIME = new Date('2026-11-24T01:00:00Z');
export const MINUTE_MS = 60_000;
/**
 * The lab answers within a millisecond or two and AWS does not: a bench that reckons with AWS adds so much for each
 * call, as if no two were concurrent.
 */
export const CALL_MS = 25;

/** `develop` is a usual environment; the others have as many builds and applications. */
const office = { timeZone: 'Asia/Tokyo', up: ['Mon-Fri 08:00-22:00'] };
const CONFIG: NightshiftConfig = {
  schedules: { office },
  environments: {
    develop: environment('develop', ['api', 'web']),
    fifty: environment('fifty', applicationNames(50)),
    'five-hundred': environment('five-hundred', applicationNames(500), 5),
  },
};
export type SiteName = 'develop' | 'fifty' | 'five-hundred';

function applicationNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `app-${String(index + 1).padStart(2, '0')}`);
}

/** Each build deploys so many of the applications: their list has to fit into the function’s environment. */
function environment(name: string, applications: readonly string[], perBuild = 1) {
  return {
    account: '111111111111',
    region: 'ap-northeast-1',
    cluster: name,
    schedule: 'office',
    nodegroups: 'all',
    deploy: {
      argocd: { url: `https://argocd.${name}.example.com`, tokenSecret: `nightshift/argocd-${name}` },
      builds: applications
        .filter((_, index) => index % perBuild === 0)
        .map((application, index) => ({
          project: `${application}-${name}`,
          repository: `https://github.com/example/${application}`,
          branch: 'develop',
          applications: applications.slice(index * perBuild, (index + 1) * perBuild),
        })),
    },
  } as const;
}

/** What one invocation took of its process. */
export interface Consumption {
  /** User and system time of the process, from its start or the end of its last invocation. */
  readonly cpuMs: number;
  /** The most memory that the process ever had. */
  readonly memoryMb: number;
  /** From the handler's call to its result. */
  readonly handlerMs: number;
}

export interface Measured extends Invocation {
  readonly consumption: Consumption;
  /** Bytes of the lines that it logged. */
  readonly logged: number;
}

export interface FunctionUnderTest {
  /** Throws where the function failed: a figure of a failed invocation is none. */
  invoke(payload: unknown): Promise<Measured>;
  close(): Promise<void>;
}

/** An account with the deployed stack in it, and a cluster without a Kubernetes behind its endpoint. */
export interface AccountSite {
  readonly context: WorldContext;
  readonly aws: AwsWorld;
  readonly cluster: EksCluster;
  readonly front: AwsEndpoint;
  /** What the template has. */
  readonly stack: Deployment;
  /** As the template describes it. */
  specOf(capability: Capability): FunctionSpec;
  /** The deployed function, or `spec`, in processes of its own: one, or `concurrency` of them at most. */
  run(
    capability: Capability,
    options?: { readonly concurrency?: number; readonly spec?: FunctionSpec },
  ): FunctionUnderTest;
  /** Lets virtual time pass. */
  pass(ms: number): Promise<void>;
  /** The world goes on at ×1 for as long as this takes. */
  live<T>(doing: () => Promise<T>): Promise<T>;
  /** Calls to AWS by functions so far, DynamoDB's included. */
  calls(): number;
  close(): Promise<void>;
}

export interface Site extends AccountSite {
  readonly lab: Lab;
  readonly environment: LabEnvironment;
  /** The stack's table, as an operator reads and writes it. */
  readonly table: Table;
}

export interface SiteOptions
  extends Pick<LabOptions, 'onDecision' | 'onInvocation' | 'onLog' | 'concurrency' | 'delivery'> {
  readonly start?: Date;
  /** The stack's own schedules and rules fire as the clock moves. Default false. */
  readonly armed?: boolean;
}

/** For what needs AWS alone: thousands of groups without a kubelet for each of their instances. */
export async function raiseAccount(
  name: SiteName,
  { start = DAYTIME }: { readonly start?: Date } = {},
): Promise<AccountSite> {
  const directory = await mkdtemp(path.join(tmpdir(), 'nightshift-bench-'));
  const remove = () => rm(directory, { recursive: true, force: true });
  try {
    const { stacks } = await readAssembly(await assemblyOf(name, directory));
    const deployments = stacks.map(readDeployment);
    const context = createContext({ start, seed: 1 });
    const aws = createAws(context);
    const front = await serveAws({ aws, authorize: createAuthorize(deployments, aws) });
    const [stack] = deployments;
    if (!stack) throw new Error(`the assembly has no stack of ${name}`);
    const { account, region } = stack.stack;
    const cluster = aws.addCluster({ account, region, name });
    for (const { name: table } of stack.tables) await front.createTable({ account, region, name: table });
    return accountSite({ context, aws, cluster, front, stack, variables: {} }, async () => {
      await front.close();
      await remove();
    });
  } catch (error) {
    await remove();
    throw error;
  }
}

/** The whole lab with one environment. */
export async function raiseSite(name: SiteName, options: SiteOptions = {}): Promise<Site> {
  const directory = await mkdtemp(path.join(tmpdir(), 'nightshift-bench-'));
  const remove = () => rm(directory, { recursive: true, force: true });
  try {
    const { start = DAYTIME, armed = false, ...rest } = options;
    const config = await configOf(name);
    const assemblyDir = await assemblyOf(name, directory);
    const lab = await startLab({ config, assemblyDir, start, ...rest });
    if (!armed) await lab.assembly.close();
    const [environment] = lab.environments;
    const [stack] = lab.assembly.deployments;
    if (!environment || !stack) throw new Error(`the lab has no environment ${name}`);
    const variables = {
      HTTPS_PROXY: lab.proxyUrl,
      NO_PROXY: '127.0.0.1,localhost',
      NODE_EXTRA_CA_CERTS: lab.caFile,
    };
    const { context, aws, front } = lab;
    const account = accountSite(
      { context, aws, cluster: environment.cluster, front, stack, variables },
      async () => {
        await lab.close();
        await remove();
      },
    );
    return { ...account, lab, environment, table: tableOf(front, stack, environment) };
  } catch (error) {
    await remove();
    throw error;
  }
}

function tableOf(front: AwsEndpoint, { stack, tables }: Deployment, { operator }: LabEnvironment): Table {
  const [table] = tables;
  if (!table) throw new Error(`${stack.name} has no table`);
  const client = new DynamoDBClient({ endpoint: front.url, region: stack.region, credentials: operator });
  return createTable(client, table.name);
}

interface Ground extends Pick<AccountSite, 'context' | 'aws' | 'cluster' | 'front'> {
  readonly stack: Deployment;
  /** What a function needs in addition to the endpoint and its credentials. */
  readonly variables: Readonly<Record<string, string>>;
}

function accountSite(ground: Ground, close: () => Promise<void>): AccountSite {
  const { context, aws, cluster, front } = ground;
  const { clock } = context;
  const running: FunctionUnderTest[] = [];
  const specOf = (capability: Capability) => {
    const spec = ground.stack.functions.find(({ name }) => name.endsWith(`-${capability}`));
    if (!spec) throw new Error(`the stack of ${cluster.name} has no function ${capability}`);
    return spec;
  };
  const roles = new Set(ground.stack.functions.map(({ roleArn }) => roleArn));
  return {
    context,
    aws,
    cluster,
    front,
    stack: ground.stack,
    specOf,
    run(capability, { concurrency = 1, spec = specOf(capability) } = {}) {
      const one = functionUnderTest(ground, spec, concurrency);
      running.push(one);
      return one;
    },
    pass: (ms) => clock.runUntil(clock.now() + ms),
    async live(doing) {
      const leave = clock.enter('bench');
      const world = clock.runUntil(clock.now());
      try {
        return await doing();
      } finally {
        leave();
        await world;
      }
    },
    calls: () => front.calls.filter(({ principal }) => roles.has(principal ?? '')).length,
    async close() {
      await Promise.all(running.map((one) => one.close()));
      await close();
    },
  };
}

/** The marker of the line in which the preloaded program reports what an invocation took. */
const CONSUMPTION = '"nightshift-bench"';

function functionUnderTest(ground: Ground, spec: FunctionSpec, concurrency: number): FunctionUnderTest {
  const { context, aws, front, variables } = ground;
  const principal = aws.addPrincipal({ arn: spec.roleArn, account: spec.account, sessionName: spec.name });
  const lines: LogLine[] = [];
  const done = new Map<string, Invocation>();
  const runner = createFunctionRunner(spec, {
    context,
    concurrency,
    environment: {
      ...variables,
      AWS_ACCESS_KEY_ID: principal.accessKeyId,
      AWS_SECRET_ACCESS_KEY: principal.secretAccessKey,
      AWS_SESSION_TOKEN: principal.sessionToken ?? '',
      AWS_ENDPOINT_URL: front.url,
      NODE_OPTIONS: `--import ${pathToFileURL(path.join(import.meta.dirname, 'consumption.mjs'))}`,
    },
    onLog: (line) => lines.push(line),
    onInvocation: (invocation) => done.set(invocation.requestId, invocation),
  });
  return {
    async invoke(payload) {
      const requestId = context.uuid();
      const outcome = await runner.invoke(JSON.stringify(payload), requestId);
      const invocation = done.get(requestId);
      // Another invocation may run at the same time: every line of the function carries the id of its own.
      const own = lines.filter(({ text }) => text.includes(requestId));
      const marked = own.find(({ text }) => text.includes(CONSUMPTION));
      if (!outcome.ok || !invocation || !marked) {
        const why = outcome.ok ? 'it reported no consumption' : outcome.error.errorMessage;
        throw new Error(`${spec.name} could not be measured: ${why}`);
      }
      const consumption = JSON.parse(marked.text) as Consumption;
      const logged = own
        .filter((line) => line !== marked)
        .reduce((sum, { text }) => sum + Buffer.byteLength(text) + 1, 0);
      for (const line of own) lines.splice(lines.indexOf(line), 1);
      done.delete(requestId);
      return { ...invocation, consumption, logged };
    },
    close: () => runner.close(),
  };
}

let synthesized: Promise<string> | undefined;

/** Synthesized once in this process, as `npm run synth` does it. */
function assembly(): Promise<string> {
  synthesized ??= (async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'nightshift-bench-cdk-'));
    const configPath = path.join(directory, 'nightshift.config.json');
    await writeFile(configPath, JSON.stringify(CONFIG));
    await synthesize({ configPath, directory: path.join(directory, 'cdk.out') });
    return directory;
  })();
  return synthesized;
}

/** Call it when no bench follows. */
export async function clearSites(): Promise<void> {
  const made = await synthesized?.catch(() => undefined);
  synthesized = undefined;
  if (made) await rm(made, { recursive: true, force: true });
}

/** The assembly with the stack of one environment alone. */
async function assemblyOf(name: SiteName, directory: string): Promise<string> {
  const whole = path.join(await assembly(), 'cdk.out');
  const part = path.join(directory, 'cdk.out');
  await cp(whole, part, { recursive: true });
  const manifest = JSON.parse(await readFile(path.join(whole, 'manifest.json'), 'utf8')) as {
    artifacts: Record<string, { type?: string }>;
  };
  const artifacts = Object.entries(manifest.artifacts).filter(
    ([id, { type }]) => type !== 'aws:cloudformation:stack' || id === `Nightshift-${name}`,
  );
  await writeFile(
    path.join(part, 'manifest.json'),
    JSON.stringify({ ...manifest, artifacts: Object.fromEntries(artifacts) }),
  );
  return part;
}

async function configOf(name: SiteName): Promise<NightshiftConfig> {
  const { config } = await loadConfig(path.join(await assembly(), 'nightshift.config.json'));
  const chosen = config.environments[name];
  if (!chosen) throw new Error(`the bench's config has no environment ${name}`);
  return { ...config, environments: { [name]: chosen } };
}

/** What EventBridge Scheduler gives to a function every minute. */
export function tickAt(at: number): ScheduledTrigger {
  const time = new Date(at).toISOString();
  return { source: TRIGGER_SOURCE, trigger: 'tick', schedule: 'tick', id: `bench-${time}`, time };
}
