/** A function of the assembly as Lambda runs it: as many processes as there are invocations at once, up to a bound. */
import type { WorldContext } from '#lab/world/interfaces.ts';
import {
  type FunctionError,
  type FunctionProcess,
  type Outcome,
  startFunctionProcess,
} from './function-process.ts';

export interface FunctionSpec {
  /** The stack, so that a physical name is unique in the lab. */
  readonly stack: string;
  readonly logicalId: string;
  readonly name: string;
  readonly arn: string;
  readonly account: string;
  readonly region: string;
  readonly roleArn: string;
  readonly roleName: string;
  /** The asset's folder. */
  readonly taskRoot: string;
  readonly handler: string;
  readonly timeoutSeconds: number;
  readonly memoryMb: number;
  /** As the template says. */
  readonly environment: Readonly<Record<string, string>>;
  readonly reservedConcurrency?: number;
  readonly async: AsyncSettings;
}

/** What Lambda does with an asynchronous invocation that failed. */
export interface AsyncSettings {
  readonly retries: number;
  readonly maximumAgeSeconds: number;
  /** ARN of the dead-letter queue. */
  readonly deadLetter?: { readonly arn: string; readonly as: 'dead-letter' | 'destination' };
}

export interface Invocation {
  readonly function: FunctionSpec;
  readonly requestId: string;
  /** Virtual time, ms. */
  readonly at: number;
  readonly durationMs: number;
  readonly payload: string;
  readonly outcome: Outcome;
}

export interface LogLine {
  readonly function: FunctionSpec;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

export interface RunnerOptions {
  readonly context: WorldContext;
  /** What the lab adds to every function: endpoints, proxy, credentials of its role. */
  readonly environment: Readonly<Record<string, string>>;
  readonly concurrency: number;
  readonly onLog: (line: LogLine) => void;
  readonly onInvocation: (invocation: Invocation) => void;
}

export interface FunctionRunner {
  readonly spec: FunctionSpec;
  /** Waits for a free process if all are busy. The clock runs at ×1 meanwhile. */
  invoke(payload: string, requestId?: string): Promise<Outcome>;
  /** As provisioned concurrency: starts so many processes, whose handlers are loaded when this resolves. */
  provision(count: number): Promise<void>;
  /** True where an invocation now would have to wait. */
  saturated(): boolean;
  /** Ids of its processes. */
  processes(): readonly number[];
  close(): Promise<void>;
}

const CLOSED: FunctionError = {
  errorType: 'Runtime.ExitError',
  errorMessage: 'the lab is closed',
  trace: [],
};

export function createFunctionRunner(spec: FunctionSpec, options: RunnerOptions): FunctionRunner {
  const { context } = options;
  const limit = Math.max(1, Math.min(options.concurrency, spec.reservedConcurrency ?? options.concurrency));
  const idle: FunctionProcess[] = [];
  const waiting: ((process: FunctionProcess | undefined) => void)[] = [];
  const all = new Set<FunctionProcess>();
  let busy = 0;
  let isClosed = false;
  /** Of the processes that run an invocation. */
  const activities = new Map<FunctionProcess, Activity>();
  const environment = { ...lambdaVariables(spec), ...spec.environment, ...options.environment };

  const start = (): FunctionProcess => {
    const process: FunctionProcess = startFunctionProcess({
      taskRoot: spec.taskRoot,
      handler: spec.handler,
      memoryMb: spec.memoryMb,
      environment,
      offset: () => Math.round(context.clock.offset()),
      log: (text, stream) => options.onLog({ function: spec, stream, text }),
      wait: (ms) => activities.get(process)?.wait(ms) ?? Promise.resolve(),
    });
    all.add(process);
    return process;
  };

  /** Undefined where the lab is closed meanwhile. */
  const take = (): Promise<FunctionProcess | undefined> => {
    if (busy >= limit) return new Promise((resolve) => waiting.push(resolve));
    busy++;
    return Promise.resolve(idleOrNew());
  };

  const idleOrNew = () => {
    for (let process = idle.pop(); process; process = idle.pop()) {
      if (process.alive()) return process;
      all.delete(process);
    }
    return start();
  };

  const release = (process: FunctionProcess) => {
    if (process.alive()) idle.push(process);
    else all.delete(process);
    const next = waiting.shift();
    if (next) next(idleOrNew());
    else busy--;
  };

  return {
    spec,
    saturated: () => busy >= limit,
    processes: () => [...all].flatMap((process) => process.pid ?? []),
    async provision(count) {
      const started = Array.from({ length: count }, start);
      await Promise.all(started.map((process) => process.ready));
      idle.push(...started);
    },
    async invoke(payload, requestId = context.uuid()) {
      if (isClosed) return { ok: false, error: CLOSED };
      const activity = createActivity(context, spec.name);
      try {
        const process = await take();
        if (!process) return { ok: false, error: CLOSED };
        activities.set(process, activity);
        const at = context.clock.now();
        const started = performance.now();
        const outcome = await process.invoke({
          id: requestId,
          payload,
          timeoutMs: spec.timeoutSeconds * 1000,
          context: contextOf(spec, requestId),
        });
        activities.delete(process);
        release(process);
        const durationMs = performance.now() - started + activity.skippedMs();
        options.onInvocation({ function: spec, requestId, at, durationMs, payload, outcome });
        return outcome;
      } finally {
        activity.end();
      }
    },
    async close() {
      isClosed = true;
      for (const next of waiting.splice(0)) next(undefined);
      await Promise.all([...all].map((process) => process.kill()));
      all.clear();
    },
  };
}

/** One invocation, as the clock sees it. */
interface Activity {
  /** The function does nothing for so long: the clock may jump. Where it stands still, the time passes in reality. */
  wait(ms: number): Promise<void>;
  /** By how much its waits were shorter in reality. */
  skippedMs(): number;
  end(): void;
}

function createActivity({ clock }: WorldContext, name: string): Activity {
  let leave: (() => void) | undefined = clock.enter(name);
  let isOver = false;
  let skipped = 0;
  return {
    wait: (ms) =>
      new Promise((resolve) => {
        const began = performance.now();
        const wake = () => {
          clearTimeout(real);
          timer.cancel();
          skipped += Math.max(0, ms - (performance.now() - began));
          // Of several waits at once the first that is over was enough.
          if (!isOver) leave ??= clock.enter(name);
          resolve();
        };
        const real = setTimeout(wake, ms);
        const timer = clock.after(ms, wake);
        leave?.();
        leave = undefined;
      }),
    skippedMs: () => skipped,
    end() {
      isOver = true;
      leave?.();
    },
  };
}

/** The variables that Lambda sets itself: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html */
function lambdaVariables(spec: FunctionSpec): Record<string, string> {
  return {
    AWS_REGION: spec.region,
    AWS_DEFAULT_REGION: spec.region,
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_LAMBDA_FUNCTION_NAME: spec.name,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(spec.memoryMb),
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${spec.name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: '[$LATEST]lab',
    LANG: 'en_US.UTF-8',
    TZ: 'UTC',
  };
}

function contextOf(spec: FunctionSpec, requestId: string): Record<string, unknown> {
  return {
    awsRequestId: requestId,
    functionName: spec.name,
    functionVersion: '$LATEST',
    invokedFunctionArn: spec.arn,
    memoryLimitInMB: String(spec.memoryMb),
    logGroupName: `/aws/lambda/${spec.name}`,
    logStreamName: '[$LATEST]lab',
  };
}
