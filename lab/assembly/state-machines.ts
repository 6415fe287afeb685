/** State machines of a template, in the part of the Amazon States Language (JSONPath) that the lab runs. */
import { AssemblyError } from './errors.ts';
import { isObject, type JsonObject } from './intrinsics.ts';
import type { RoleSpec } from './roles.ts';
import type { Resource } from './stack-scope.ts';

/** Of an Express one the executions have no unique names and at most five minutes. */
export type StateMachineType = 'STANDARD' | 'EXPRESS';

export interface StateMachineSpec {
  readonly name: string;
  readonly arn: string;
  readonly type: StateMachineType;
  readonly role: RoleSpec;
  readonly startAt: string;
  readonly states: Readonly<Record<string, State>>;
}

/** Without `next` it is the last. */
export type State =
  | { readonly kind: 'wait'; readonly secondsPath: string; readonly next?: string }
  | {
      readonly kind: 'task';
      readonly task: Task;
      readonly parameters: JsonObject;
      readonly retry?: Retry;
      readonly caught?: { readonly next: string; readonly resultPath: string };
      readonly next?: string;
    };

export type Task = 'lambda:invoke' | 'sqs:sendMessage';

export interface Retry {
  readonly intervalSeconds: number;
  readonly backoffRate: number;
  readonly maxDelaySeconds: number;
  readonly maxAttempts: number;
}

export function readStateMachine(
  { properties, logicalId }: Resource,
  { name, arn, roles }: { name: string; arn: string; roles: readonly RoleSpec[] },
): StateMachineSpec {
  const where = `the state machine ${name}`;
  const type = properties['StateMachineType'] ?? 'STANDARD';
  if (type !== 'STANDARD' && type !== 'EXPRESS')
    throw new AssemblyError(`${where} is ${String(type)}: there are STANDARD and EXPRESS ones`);
  const role = roles.find((candidate) => candidate.arn === properties['RoleArn']);
  if (!role?.trusted.includes('states.amazonaws.com'))
    throw new AssemblyError(`${where} has no role that states.amazonaws.com may take`);
  const definition = definitionOf(properties['DefinitionString'], logicalId);
  const described = isObject(definition['States']) ? definition['States'] : {};
  const states = Object.fromEntries(
    Object.entries(described).map(([state, value]) => [
      state,
      readState(`the state ${state} of ${where}`, value),
    ]),
  );
  const startAt = String(definition['StartAt']);
  for (const next of [startAt, ...Object.values(states).flatMap(nextOf)])
    if (!states[next]) throw new AssemblyError(`${where} has no state ${next}`);
  return { name, arn, type, role, startAt, states };
}

function nextOf(state: State): readonly string[] {
  const caught = state.kind === 'task' && state.caught ? [state.caught.next] : [];
  return state.next === undefined ? caught : [state.next, ...caught];
}

function definitionOf(text: unknown, logicalId: string): JsonObject {
  try {
    const definition: unknown = JSON.parse(String(text));
    if (isObject(definition)) return definition;
  } catch (cause) {
    throw new AssemblyError(`the DefinitionString of ${logicalId} is no JSON: ${String(cause)}`);
  }
  throw new AssemblyError(`the DefinitionString of ${logicalId} is no object`);
}

const KNOWN: Readonly<Record<string, readonly string[]>> = {
  Wait: ['Type', 'SecondsPath', 'Next', 'End'],
  Task: ['Type', 'Resource', 'Parameters', 'Retry', 'Catch', 'Next', 'End'],
};

function readState(where: string, value: unknown): State {
  if (!isObject(value)) throw new AssemblyError(`${where} is no object`);
  const type = String(value['Type']);
  const unknown = Object.keys(value).find((key) => !KNOWN[type]?.includes(key));
  if (unknown)
    throw new AssemblyError(`${where} is a ${type} with ${unknown}, which the lab does not support`);
  if ((value['Next'] === undefined) === (value['End'] !== true))
    throw new AssemblyError(`${where} needs either Next or End`);
  const next = value['Next'] === undefined ? {} : { next: String(value['Next']) };
  if (type === 'Wait') return { kind: 'wait', secondsPath: String(value['SecondsPath']), ...next };
  const task = String(value['Resource']).split(':states:::')[1];
  if (task !== 'lambda:invoke' && task !== 'sqs:sendMessage')
    throw new AssemblyError(
      `${where} has the resource ${value['Resource']}: the lab supports lambda:invoke and sqs:sendMessage`,
    );
  const parameters = value['Parameters'];
  if (!isObject(parameters)) throw new AssemblyError(`${where} has no Parameters`);
  if (task === 'lambda:invoke' && parameters['InvocationType'] !== 'Event')
    throw new AssemblyError(
      `${where} waits for its function: the lab supports the InvocationType Event only`,
    );
  return {
    kind: 'task',
    task,
    parameters,
    ...readRetry(where, value['Retry']),
    ...readCatch(where, value['Catch']),
    ...next,
  };
}

function readRetry(where: string, value: unknown): { readonly retry?: Retry } {
  const retry = forEveryError(where, value);
  if (!retry) return {};
  const number = (key: string, otherwise: number) => Number(retry[key] ?? otherwise);
  return {
    retry: {
      intervalSeconds: number('IntervalSeconds', 1),
      backoffRate: number('BackoffRate', 2),
      maxDelaySeconds: number('MaxDelaySeconds', Number.POSITIVE_INFINITY),
      maxAttempts: number('MaxAttempts', 3),
    },
  };
}

function readCatch(where: string, value: unknown) {
  const caught = forEveryError(where, value);
  return caught
    ? { caught: { next: String(caught['Next']), resultPath: String(caught['ResultPath'] ?? '$') } }
    : {};
}

/** The one entry of a Retry or Catch, for `States.ALL`. */
function forEveryError(where: string, value: unknown): JsonObject | undefined {
  if (value === undefined) return undefined;
  const [first, ...others] = Array.isArray(value) ? value.filter(isObject) : [];
  if (!first || others.length > 0 || JSON.stringify(first['ErrorEquals']) !== '["States.ALL"]')
    throw new AssemblyError(`${where} needs one entry for States.ALL in its Retry or Catch`);
  return first;
}
