/** Functions of a template, as the lab runs them. */
import type { Stack } from './assembly.ts';
import { AssemblyError } from './errors.ts';
import type { AsyncSettings, FunctionSpec } from './function-runner.ts';
import { isObject, type Json, type JsonObject } from './intrinsics.ts';
import type { RoleSpec } from './roles.ts';
import type { Resource } from './stack-scope.ts';

export function readFunction(
  stack: Stack,
  resource: Resource,
  known: { name: string; arn: string; roles: readonly RoleSpec[]; resources: readonly Resource[] },
): FunctionSpec {
  const { properties, logicalId } = resource;
  const where = `the function ${logicalId} of ${stack.name}`;
  const runtime = String(properties['Runtime']);
  if (runtime !== 'nodejs24.x') {
    throw new AssemblyError(`${where} has the runtime '${runtime}': the lab runs nodejs24.x`);
  }
  // A VPC has no effect: everything is on the loopback.
  for (const unsupported of ['Layers', 'ImageConfig', 'FileSystemConfigs']) {
    if (properties[unsupported] !== undefined) {
      throw new AssemblyError(`${where} has ${unsupported}, which the lab does not run`);
    }
  }
  const key = isObject(properties['Code']) ? properties['Code']['S3Key'] : undefined;
  const taskRoot = typeof key === 'string' ? stack.assetPath(key) : undefined;
  if (!taskRoot) throw new AssemblyError(`${where} has code that is not an asset of the assembly`);
  const role = known.roles.find((candidate) => candidate.arn === properties['Role']);
  if (!role) throw new AssemblyError(`${where} has a role that is not in the stack: ${properties['Role']}`);
  if (!role.trusted.includes('lambda.amazonaws.com')) {
    throw new AssemblyError(`${where} has a role that Lambda may not take: ${role.name}`);
  }
  const reserved = properties['ReservedConcurrentExecutions'];
  return {
    stack: stack.name,
    logicalId,
    name: known.name,
    arn: known.arn,
    account: stack.account,
    region: stack.region,
    roleArn: role.arn,
    roleName: role.name,
    taskRoot,
    handler: String(properties['Handler']),
    timeoutSeconds: Number(properties['Timeout'] ?? 3),
    memoryMb: Number(properties['MemorySize'] ?? 128),
    environment: readEnvironment(where, properties['Environment']),
    ...(typeof reserved === 'number' ? { reservedConcurrency: reserved } : {}),
    async: readAsync(known.name, properties, known.resources),
  };
}

/** Lambda's limit for all variables of a function together. */
const ENVIRONMENT_LIMIT_BYTES = 4096;

function readEnvironment(where: string, environment: Json | undefined): Record<string, string> {
  const variables = isObject(environment) ? environment['Variables'] : undefined;
  const result = Object.fromEntries(
    Object.entries(isObject(variables) ? variables : {}).map(([name, value]) => [name, String(value)]),
  );
  const size = Object.entries(result).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value),
    0,
  );
  if (size > ENVIRONMENT_LIMIT_BYTES) {
    throw new AssemblyError(
      `${where} has ${size} bytes of variables; Lambda allows ${ENVIRONMENT_LIMIT_BYTES}`,
    );
  }
  return result;
}

function readAsync(name: string, properties: JsonObject, resources: readonly Resource[]): AsyncSettings {
  const config = resources.find(
    (resource) =>
      resource.type === 'AWS::Lambda::EventInvokeConfig' && resource.properties['FunctionName'] === name,
  )?.properties;
  const destinations = isObject(config?.['DestinationConfig']) ? config['DestinationConfig'] : {};
  const onFailure = isObject(destinations['OnFailure'])
    ? destinations['OnFailure']['Destination']
    : undefined;
  const letters = isObject(properties['DeadLetterConfig'])
    ? properties['DeadLetterConfig']['TargetArn']
    : undefined;
  return {
    retries: Number(config?.['MaximumRetryAttempts'] ?? 2),
    maximumAgeSeconds: Number(config?.['MaximumEventAgeInSeconds'] ?? 6 * 3600),
    ...(typeof onFailure === 'string'
      ? { deadLetter: { arn: onFailure, as: 'destination' as const } }
      : typeof letters === 'string'
        ? { deadLetter: { arn: letters, as: 'dead-letter' as const } }
        : {}),
  };
}
