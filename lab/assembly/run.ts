/** Runs a cloud assembly: deploys its stacks into the lab and invokes their functions by their triggers. */
import type { WorldContext } from '#lab/world/interfaces.ts';
import { type Assembly, hashFolder } from './assembly.ts';
import { createAsyncInvocations, type QueueMessage } from './async-invocations.ts';
import {
  type CustomResourceAnswer,
  type CustomResourceEvent,
  requestCustomResource,
} from './custom-resources.ts';
import { type Deployment, readDeployment, type TargetSpec } from './deployment.ts';
import { AssemblyError } from './errors.ts';
import {
  createFunctionRunner,
  type FunctionRunner,
  type FunctionSpec,
  type Invocation,
  type LogLine,
} from './function-runner.ts';
import { armTriggers, type Delivery } from './triggers.ts';

export interface AssemblyOptions {
  readonly assembly: Assembly;
  readonly context: WorldContext;
  /** What the lab adds to a function's variables: endpoints, proxy, the credentials of its role. */
  readonly environmentOf: (spec: FunctionSpec) => Readonly<Record<string, string>>;
  /** Processes per function; Lambda would start as many as there are invocations. Default 10. */
  readonly concurrency?: number;
  readonly delivery?: Delivery;
  /** Starts a state machine with an input (JSON). Without it, rules that name one are an error when they fire. */
  readonly startExecution?: (machineArn: string, input: string) => void;
  readonly onInvocation?: (invocation: Invocation) => void;
  readonly onLog?: (line: LogLine) => void;
  readonly onDeadLetter?: (message: QueueMessage) => void;
}

export interface AssemblyRun {
  readonly deployments: readonly Deployment[];
  /** What reached the queues of the assembly. */
  readonly deadLetters: readonly QueueMessage[];
  /** By account, region and name or ARN. */
  find(at: { account: string; region: string; function: string }): FunctionRunner | undefined;
  functions(at: { account: string; region: string }): readonly FunctionSpec[];
  invokeAsync(runner: FunctionRunner, payload: string): void;
  /** Asynchronous invocations that are not settled. */
  pending(): number;
  /** Compares each function's code with what it was when the assembly was loaded. */
  verifyCode(): Promise<readonly CodeCheck[]>;
  /** Ids of the functions' processes. */
  processes(): readonly number[];
  counts(): { readonly invocations: number; readonly failures: number };
  /**
   * What CloudFormation asks the custom resources of a stack, and what they answer; runs the clock meanwhile. Nothing is
   * asked when the lab starts: its stacks count as created. `Delete` disarms all triggers first.
   */
  requestCustomResources(
    stack: string,
    event: CustomResourceEvent,
    physicalId?: string,
  ): Promise<readonly CustomResourceAnswer[]>;
  /** No trigger fires until `arm`: time may pass in which nothing is to happen. Events of that time are lost. */
  disarm(): void;
  /** Triggers fire again, from now on. */
  arm(): void;
  /** Disarms the triggers and ends every process. */
  close(): Promise<void>;
}

export interface CodeCheck {
  readonly function: string;
  readonly path: string;
  readonly atStart: string;
  readonly now: string;
}

/** Triggers are armed when this returns; they fire as the clock moves. */
export async function runAssembly(options: AssemblyOptions): Promise<AssemblyRun> {
  const { context } = options;
  const deployments = options.assembly.stacks.map(readDeployment);
  checkNames(deployments);
  const deadLetters: QueueMessage[] = [];
  let invocations = 0;
  let failures = 0;

  const specs = deployments.flatMap((deployment) => deployment.functions);
  const runners = specs.map((spec) =>
    createFunctionRunner(spec, {
      context,
      environment: options.environmentOf(spec),
      concurrency: options.concurrency ?? 10,
      onLog: (line) => options.onLog?.(line),
      onInvocation(invocation) {
        invocations++;
        if (!invocation.outcome.ok) failures++;
        options.onInvocation?.(invocation);
      },
    }),
  );
  const byArn = new Map(runners.map((runner) => [runner.spec.arn, runner]));
  const hashes = new Map(
    await Promise.all(specs.map(async (spec) => [spec.arn, await hashFolder(spec.taskRoot)] as const)),
  );
  const machines = new Set(deployments.flatMap(({ stateMachines }) => stateMachines.map(({ arn }) => arn)));
  const invoker = createAsyncInvocations(context, (message) => {
    deadLetters.push(message);
    options.onDeadLetter?.(message);
  });
  const triggerOptions = {
    context,
    deliver(target: TargetSpec, payload: string) {
      const runner = byArn.get(target.arn);
      if (runner) return invoker.invoke(runner, payload);
      if (!machines.has(target.arn) || !options.startExecution)
        throw new AssemblyError(`a trigger has the unknown target ${target.arn}`);
      options.startExecution(target.arn, payload);
    },
    ...(options.delivery ? { delivery: options.delivery } : {}),
  };
  let triggers = armTriggers(deployments, triggerOptions);

  return {
    deployments,
    deadLetters,
    find: (at) =>
      runners.find(
        ({ spec }) =>
          spec.account === at.account &&
          spec.region === at.region &&
          [spec.name, spec.arn, `${spec.account}:function:${spec.name}`].includes(at.function),
      ),
    functions: (at) => specs.filter((spec) => spec.account === at.account && spec.region === at.region),
    invokeAsync: (runner, payload) => invoker.invoke(runner, payload),
    pending: () => invoker.pending(),
    processes: () => runners.flatMap((runner) => runner.processes()),
    counts: () => ({ invocations, failures }),
    verifyCode: () =>
      Promise.all(
        specs.map(async (spec) => ({
          function: spec.name,
          path: spec.taskRoot,
          atStart: hashes.get(spec.arn) ?? '',
          now: await hashFolder(spec.taskRoot),
        })),
      ),
    async requestCustomResources(stackName, event, physicalId) {
      if (event.RequestType === 'Delete') triggers.stop();
      const answers: CustomResourceAnswer[] = [];
      for (const { stack, customResources } of deployments) {
        if (stack.name !== stackName) continue;
        for (const spec of customResources) {
          const runner = byArn.get(spec.serviceToken);
          if (!runner) throw new AssemblyError(`${spec.logicalId} has an unknown service token`);
          const invoke = (payload: string) => invoker.invoke(runner, payload);
          const request = { stack, spec, event, ...(physicalId === undefined ? {} : { physicalId }) };
          answers.push(await requestCustomResource(context, invoke, request));
        }
      }
      return answers;
    },
    disarm: () => triggers.stop(),
    arm() {
      triggers.stop();
      triggers = armTriggers(deployments, triggerOptions);
    },
    async close() {
      triggers.stop();
      await Promise.all(runners.map((runner) => runner.close()));
    },
  };
}

/** Two stacks of one account and region cannot hold the same name: CloudFormation would fail to deploy the second. */
function checkNames(deployments: readonly Deployment[]): void {
  const seen = new Map<string, string>();
  for (const deployment of deployments) {
    for (const { arn } of [...deployment.functions, ...deployment.tables, ...deployment.roles]) {
      const other = seen.get(arn);
      if (other)
        throw new AssemblyError(`the stacks ${other} and ${deployment.stack.name} both create ${arn}`);
      seen.set(arn, deployment.stack.name);
    }
  }
}
