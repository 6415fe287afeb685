/** Lambda's Invoke, GetFunctionConfiguration and GetAccountSettings. */
import type { FunctionRunner, FunctionSpec } from '#lab/assembly/function-runner.ts';
import type { AssemblyRun } from '#lab/assembly/run.ts';
import { AwsError } from '../world/aws/error.ts';
import { type AwsRequest, type AwsService, RawReply, type Reply, unknownOperation } from './aws/service.ts';

/** A synchronous payload may be 6 MB long, an asynchronous one 1 MB. */
const LIMIT_BYTES = { RequestResponse: 6 * 1024 * 1024, DryRun: 6 * 1024 * 1024, Event: 1024 * 1024 };

export function createLambdaService(
  run: Pick<AssemblyRun, 'find' | 'functions' | 'invokeAsync'>,
): AwsService {
  return {
    service: 'lambda',
    protocol: 'rest-json',
    routes: [
      { operation: 'ListFunctions', method: 'GET', path: '/2015-03-31/functions' },
      { operation: 'ListFunctions', method: 'GET', path: '/2015-03-31/functions/' },
      {
        operation: 'Invoke',
        method: 'POST',
        path: '/2015-03-31/functions/{FunctionName}/invocations',
        rawBody: true,
      },
      {
        operation: 'GetFunctionConfiguration',
        method: 'GET',
        path: '/2015-03-31/functions/{FunctionName}/configuration',
      },
      { operation: 'GetAccountSettings', method: 'GET', path: '/2016-08-19/account-settings' },
      { operation: 'GetAccountSettings', method: 'GET', path: '/2016-08-19/account-settings/' },
    ],
    resource: ({ account, region, parameters }) => {
      const name = String(parameters['FunctionName']);
      return name.startsWith('arn:') ? name : `arn:aws:lambda:${region}:${account}:function:${name}`;
    },
    handle(request) {
      if (request.operation === 'Invoke') return invoke(run, request);
      if (request.operation === 'ListFunctions')
        return { Functions: run.functions(request).map(configurationOf) };
      if (request.operation === 'GetFunctionConfiguration') return configurationOf(find(run, request).spec);
      if (request.operation === 'GetAccountSettings') return accountSettings(run.functions(request).length);
      return unknownOperation;
    },
  };
}

/** Of an account that Lambda knows for a while; a new one begins with 10. */
function accountSettings(functions: number): Reply {
  return {
    AccountLimit: {
      TotalCodeSize: 80_530_636_800,
      CodeSizeUnzipped: 262_144_000,
      CodeSizeZipped: 52_428_800,
      ConcurrentExecutions: 1_000,
      UnreservedConcurrentExecutions: 1_000,
    },
    AccountUsage: { TotalCodeSize: 0, FunctionCount: functions },
  };
}

function configurationOf(spec: FunctionSpec): Reply {
  return {
    FunctionName: spec.name,
    FunctionArn: spec.arn,
    Runtime: 'nodejs24.x',
    Role: spec.roleArn,
    Handler: spec.handler,
    Timeout: spec.timeoutSeconds,
    MemorySize: spec.memoryMb,
    Version: '$LATEST',
    Environment: { Variables: spec.environment },
    State: 'Active',
    LastUpdateStatus: 'Successful',
    PackageType: 'Zip',
    Architectures: ['arm64'],
  };
}

function find(run: Pick<AssemblyRun, 'find'>, request: AwsRequest): FunctionRunner {
  const name = String(request.parameters['FunctionName']);
  const runner = run.find({ account: request.account, region: request.region, function: name });
  if (runner) return runner;
  throw new AwsError(
    'ResourceNotFoundException',
    `Function not found: arn:aws:lambda:${request.region}:${request.account}:function:${name}`,
    { status: 404, members: { Type: 'User' } },
  );
}

async function invoke(run: Pick<AssemblyRun, 'find' | 'invokeAsync'>, request: AwsRequest): Promise<Reply> {
  const runner = find(run, request);
  const type = String(request.headers['x-amz-invocation-type'] ?? 'RequestResponse');
  if (type !== 'RequestResponse' && type !== 'Event' && type !== 'DryRun') {
    throw new AwsError('InvalidParameterValueException', `InvocationType '${type}' is not valid`);
  }
  const payload = payloadOf(request, LIMIT_BYTES[type]);
  if (type === 'DryRun') return new RawReply('', { status: 204 });
  if (type === 'Event') {
    run.invokeAsync(runner, payload);
    return new RawReply('', { status: 202 });
  }
  if (runner.saturated()) {
    throw new AwsError('TooManyRequestsException', 'Rate Exceeded.', {
      status: 429,
      members: { Reason: 'ConcurrentInvocationLimitExceeded', Type: 'User' },
    });
  }
  const outcome = await runner.invoke(payload, request.requestId);
  const headers = { 'content-type': 'application/json', 'x-amz-executed-version': '$LATEST' };
  return outcome.ok
    ? new RawReply(outcome.payload, { headers })
    : new RawReply(JSON.stringify(outcome.error), {
        headers: { ...headers, 'x-amz-function-error': 'Unhandled' },
      });
}

function payloadOf(request: AwsRequest, limit: number): string {
  if (request.body.length > limit) {
    throw new AwsError(
      'RequestTooLargeException',
      `${request.body.length} byte payload is too large for the RequestResponse invocation type (limit ${limit} bytes)`,
      { status: 413 },
    );
  }
  const text = request.body.toString('utf8') || '{}';
  try {
    JSON.parse(text);
  } catch (cause) {
    throw new AwsError('InvalidRequestContentException', 'Could not parse request body into json.', {
      cause,
    });
  }
  return text;
}
