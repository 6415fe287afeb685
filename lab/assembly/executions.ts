/** Runs executions of state machines on the virtual clock, with the permissions of the machine's role. */
import type { WorldContext } from '#lab/world/interfaces.ts';
import { isObject, type Json, type JsonObject } from './intrinsics.ts';
import { refusal } from './permissions.ts';
import type { State, StateMachineSpec, Task } from './state-machines.ts';

export interface ExecutionServices {
  /** Throws where there is no such function. */
  invokeAsync(functionArn: string, payload: string): void;
  /** Throws where there is no such queue. */
  sendMessage(queueUrl: string, body: string): void;
}

export interface Execution {
  readonly name: string;
  readonly arn: string;
  /** Virtual ms. */
  readonly startedAt: number;
  /** Virtual ms; absent while it runs. */
  endedAt?: number;
  readonly input: JsonObject;
  /** Entered, in order: what AWS bills of a standard workflow. */
  readonly states: string[];
  status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT';
  cause?: string;
}

type TaskState = Extract<State, { readonly kind: 'task' }>;

interface Running {
  readonly machine: StateMachineSpec;
  readonly execution: Execution;
  readonly context: WorldContext;
  readonly services: ExecutionServices;
}

/** An Express workflow has no more. */
const EXPRESS_MS = 5 * 60_000;

/** `name`: as the caller chose it. */
export function startExecution(
  machine: StateMachineSpec,
  { input, name }: { readonly input: JsonObject; readonly name?: string | undefined },
  { context, services }: Pick<Running, 'context' | 'services'>,
): Execution {
  const execution = newExecution(machine, input, { context, name: name ?? context.uuid() });
  const running = { machine, execution, context, services };
  if (machine.type === 'EXPRESS')
    context.clock.after(EXPRESS_MS, () => end(running, 'TIMED_OUT', 'the execution took five minutes'));
  enter(running, machine.startAt, input);
  return execution;
}

/** Several executions of an Express workflow may have one name: their ARNs differ. */
function newExecution(
  { arn, type }: StateMachineSpec,
  input: JsonObject,
  { context, name }: { readonly context: WorldContext; readonly name: string },
): Execution {
  const isExpress = type === 'EXPRESS';
  const base = arn.replace(':stateMachine:', isExpress ? ':express:' : ':execution:');
  return {
    name,
    arn: isExpress ? `${base}:${name}:${context.uuid()}` : `${base}:${name}`,
    startedAt: context.clock.now(),
    input,
    states: [],
    status: 'RUNNING',
  };
}

function enter(running: Running, name: string, input: JsonObject): void {
  const { machine, execution, context } = running;
  if (execution.status !== 'RUNNING') return;
  const state = machine.states[name] as State;
  execution.states.push(name);
  if (state.kind === 'task') {
    attempt(running, state, input, 0);
    return;
  }
  const seconds = find(input, state.secondsPath);
  if (typeof seconds === 'number' && Number.isInteger(seconds) && seconds >= 0)
    context.clock.after(seconds * 1_000, () => leave(running, state.next, input));
  else
    end(
      running,
      'FAILED',
      `The SecondsPath parameter ${state.secondsPath} does not reference a valid integer`,
    );
}

function leave(running: Running, next: string | undefined, output: JsonObject): void {
  if (next === undefined) end(running, 'SUCCEEDED');
  else enter(running, next, output);
}

function attempt(running: Running, state: TaskState, input: JsonObject, failures: number): void {
  const { execution, context } = running;
  if (execution.status !== 'RUNNING') return;
  const { retry, caught } = state;
  const cause = causeOfFailure(running, state, input);
  if (cause === undefined) {
    leave(running, state.next, input);
  } else if (retry && failures < retry.maxAttempts) {
    const seconds = Math.min(retry.maxDelaySeconds, retry.intervalSeconds * retry.backoffRate ** failures);
    context.clock.after(seconds * 1_000, () => attempt(running, state, input, failures + 1));
  } else if (caught) {
    const output = { [caught.resultPath.replace('$.', '')]: { Error: 'States.TaskFailed', Cause: cause } };
    enter(running, caught.next, { ...input, ...output });
  } else {
    end(running, 'FAILED', cause);
  }
}

function causeOfFailure(running: Running, state: TaskState, input: JsonObject): string | undefined {
  try {
    perform(running, state.task, resolve(state.parameters, input, running.execution) as JsonObject);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function perform({ machine, services }: Running, task: Task, parameters: JsonObject): void {
  const [action, resource] =
    task === 'lambda:invoke'
      ? (['lambda:InvokeFunction', String(parameters['FunctionName'])] as const)
      : (['sqs:SendMessage', arnOfQueue(String(parameters['QueueUrl']))] as const);
  const refused = refusal(machine.role, action, { resources: [resource] });
  if (refused)
    throw new Error(`${machine.role.arn} is not authorized to perform: ${action}, because ${refused}`);
  if (task === 'lambda:invoke') services.invokeAsync(resource, JSON.stringify(parameters['Payload'] ?? {}));
  else services.sendMessage(String(parameters['QueueUrl']), JSON.stringify(parameters['MessageBody']));
}

/** `https://sqs.<region>.amazonaws.com/<account>/<name>` */
function arnOfQueue(url: string): string {
  const { hostname, pathname } = new URL(url);
  const [, account, name] = pathname.split('/');
  return `arn:aws:sqs:${hostname.split('.')[1]}:${account}:${name}`;
}

function end({ execution, context }: Running, status: Execution['status'], cause?: string): void {
  if (execution.status !== 'RUNNING') return;
  execution.status = status;
  execution.endedAt = context.clock.now();
  if (cause !== undefined) execution.cause = cause;
}

/** `key.$` takes its value by path: from the input, or with `$$` from the context of the execution. */
function resolve(value: Json, input: JsonObject, execution: Execution): Json {
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) =>
      key.endsWith('.$')
        ? [key.slice(0, -2), byPath(String(inner), input, execution)]
        : [key, resolve(inner, input, execution)],
    ),
  );
}

function byPath(path: string, input: JsonObject, { name, arn }: Execution): Json {
  if (!path.startsWith('$$')) return at(input, path);
  return at({ Execution: { Name: name, Id: arn } }, path.slice(1));
}

/** `$` and `$.a.b` only. */
function find(input: JsonObject, path: string): Json | undefined {
  let found: Json | undefined = input;
  for (const key of path.split('.').slice(1)) found = isObject(found) ? found[key] : undefined;
  return found;
}

function at(input: JsonObject, path: string): Json {
  const found = find(input, path);
  if (found === undefined)
    throw new Error(`The JSONPath '${path}' could not be found in the input '${JSON.stringify(input)}'`);
  return found;
}
