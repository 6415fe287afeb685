/** AWS Step Functions, API version 2016-11-23: StartExecution, of the state machines of the assembly. */
import { type Execution, type ExecutionServices, startExecution } from '#lab/assembly/executions.ts';
import { isObject, type JsonObject } from '#lab/assembly/intrinsics.ts';
import type { StateMachineSpec } from '#lab/assembly/state-machines.ts';
import type { WorldContext } from '#lab/world/interfaces.ts';
import { AwsError } from '../world/aws/error.ts';
import { parametersOf } from './aws/parameters.ts';
import { type AwsService, unknownOperation } from './aws/service.ts';

const LONGEST_INPUT = 262_144;

export interface StepFunctions extends AwsService {
  readonly executions: readonly Execution[];
  /** As EventBridge does, which has no name for an execution either. */
  start(machineArn: string, input: string): Execution;
}

export function createStepFunctions(
  machines: readonly StateMachineSpec[],
  world: { readonly context: WorldContext; readonly services: ExecutionServices },
): StepFunctions {
  const executions: Execution[] = [];
  const start = (arn: string, input: string) => {
    const machine = machines.find((one) => one.arn === arn);
    if (!machine) throw new AwsError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`);
    const execution = startExecution(machine, inputOf(input), world);
    executions.push(execution);
    return execution;
  };
  return {
    executions,
    start,
    service: 'states',
    protocol: 'json-1.0',
    target: 'AWSStepFunctions',
    resource: ({ parameters }) => String(parameters['stateMachineArn'] ?? '*'),
    handle(request) {
      if (request.operation !== 'StartExecution') return unknownOperation;
      const parameters = parametersOf(request, 'ValidationException');
      const arn = parameters.text('stateMachineArn');
      if (parameters.optionalText('name') !== undefined)
        throw new AwsError('InvalidName', 'the lab names executions itself');
      const execution = start(arn, parameters.optionalText('input') ?? '{}');
      return { executionArn: execution.arn, startDate: execution.startedAt / 1_000 };
    },
  };
}

function inputOf(text: string): JsonObject {
  if (Buffer.byteLength(text) > LONGEST_INPUT)
    throw new AwsError(
      'ValidationException',
      `Value at 'input' must have length less than or equal to ${LONGEST_INPUT}`,
    );
  try {
    const input: unknown = JSON.parse(text);
    if (isObject(input)) return input;
  } catch (cause) {
    throw new AwsError('InvalidExecutionInput', `Invalid State Machine Execution Input: ${String(cause)}`);
  }
  throw new AwsError('InvalidExecutionInput', 'the lab takes an object as the input of an execution');
}
