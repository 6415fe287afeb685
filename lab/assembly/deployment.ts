/** A stack as the lab deploys it: what its template says of everything that has a meaning at run time. */
import type { Stack } from './assembly.ts';
import { AssemblyError } from './errors.ts';
import { compileExpression } from './expressions.ts';
import type { AsyncSettings, FunctionSpec } from './function-runner.ts';
import { isObject, type Json, type JsonObject } from './intrinsics.ts';
import { compilePattern, type Matcher } from './pattern.ts';
import { createStackScope, type Resource } from './stack-scope.ts';

/** Known, and without effect on what the lab runs. Everything that is not here and not read below is an error. */
const WITHOUT_RUN_TIME = new Set([
  'AWS::CDK::Metadata',
  'AWS::CloudWatch::Alarm',
  'AWS::CloudWatch::CompositeAlarm',
  'AWS::CloudWatch::Dashboard',
  'AWS::Logs::LogGroup',
  'AWS::Logs::MetricFilter',
  'AWS::SNS::TopicPolicy',
  'AWS::SNS::Subscription',
  'AWS::SQS::QueuePolicy',
  'AWS::Scheduler::ScheduleGroup',
]);

export interface Statement {
  readonly effect: 'Allow' | 'Deny';
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions: JsonObject;
}

export interface RoleSpec {
  readonly name: string;
  readonly arn: string;
  readonly account: string;
  /** Services that may take the role. */
  readonly trusted: readonly string[];
  readonly statements: readonly Statement[];
  readonly managedPolicies: readonly string[];
}

export interface ScheduleSpec {
  readonly name: string;
  readonly arn: string;
  readonly expression: string;
  readonly timeZone: string;
  readonly enabled: boolean;
  readonly target: TargetSpec;
}

export interface RuleSpec {
  readonly name: string;
  readonly arn: string;
  readonly account: string;
  readonly region: string;
  readonly enabled: boolean;
  readonly matches?: Matcher;
  readonly expression?: string;
  readonly targets: readonly TargetSpec[];
}

export interface TargetSpec {
  readonly functionArn: string;
  /** Whom EventBridge Scheduler calls as. */
  readonly roleArn?: string;
  /** A constant that is sent instead of the event. */
  readonly input?: string;
  readonly deadLetterArn?: string;
}

export interface TableSpec {
  readonly name: string;
  readonly arn: string;
  readonly keys: readonly { readonly name: string; readonly type: string; readonly kind: string }[];
  readonly ttlAttribute?: string;
}

export interface AccessEntrySpec {
  readonly cluster: string;
  readonly principalArn: string;
  readonly type: string;
  readonly kubernetesGroups: readonly string[];
  readonly username?: string;
}

export interface Deployment {
  readonly stack: Stack;
  readonly functions: readonly FunctionSpec[];
  readonly schedules: readonly ScheduleSpec[];
  readonly rules: readonly RuleSpec[];
  readonly tables: readonly TableSpec[];
  readonly roles: readonly RoleSpec[];
  readonly queues: readonly { readonly name: string; readonly arn: string }[];
  readonly topics: readonly { readonly name: string; readonly arn: string }[];
  readonly accessEntries: readonly AccessEntrySpec[];
  readonly codeBuildProjects: readonly Resource[];
}

export function readDeployment(stack: Stack): Deployment {
  const scope = createStackScope(stack);
  const resources = scope.resources();
  const ofType = (type: string) => resources.filter((resource) => resource.type === type);
  const known = new Set([...WITHOUT_RUN_TIME, ...READ]);
  for (const resource of resources) {
    if (!known.has(resource.type)) {
      throw new AssemblyError(
        `${stack.name} holds ${resource.logicalId}, a ${resource.type}, which the lab does not know: add it to lab/assembly/deployment.ts`,
      );
    }
  }

  const roles = ofType('AWS::IAM::Role').map((resource) =>
    readRole(
      stack,
      resource,
      scope.physicalName(resource.logicalId),
      scope.arn(resource.logicalId),
      resources,
    ),
  );
  const functions = ofType('AWS::Lambda::Function').map((resource) => {
    const name = scope.physicalName(resource.logicalId);
    const arn = scope.arn(resource.logicalId);
    return readFunction(stack, resource, { name, arn, roles, resources });
  });
  const rules = ofType('AWS::Events::Rule').map((resource) =>
    readRule(stack, resource, scope.physicalName(resource.logicalId), scope.arn(resource.logicalId)),
  );
  const schedules = ofType('AWS::Scheduler::Schedule').map((resource) =>
    readSchedule(resource, scope.physicalName(resource.logicalId), scope.arn(resource.logicalId)),
  );
  checkTargets(stack, { functions, rules, schedules, roles, resources });

  return {
    stack,
    functions,
    schedules,
    rules,
    roles,
    tables: ofType('AWS::DynamoDB::Table').map((resource) =>
      readTable(resource, scope.physicalName(resource.logicalId), scope.arn(resource.logicalId)),
    ),
    queues: ofType('AWS::SQS::Queue').map((resource) => ({
      name: scope.physicalName(resource.logicalId),
      arn: scope.arn(resource.logicalId),
    })),
    topics: ofType('AWS::SNS::Topic').map((resource) => ({
      name: scope.physicalName(resource.logicalId),
      arn: scope.arn(resource.logicalId),
    })),
    accessEntries: ofType('AWS::EKS::AccessEntry').map(readAccessEntry),
    codeBuildProjects: ofType('AWS::CodeBuild::Project'),
  };
}

const READ = [
  'AWS::IAM::Role',
  'AWS::IAM::Policy',
  'AWS::Lambda::Function',
  'AWS::Lambda::Permission',
  'AWS::Lambda::EventInvokeConfig',
  'AWS::Events::Rule',
  'AWS::Scheduler::Schedule',
  'AWS::DynamoDB::Table',
  'AWS::SQS::Queue',
  'AWS::SNS::Topic',
  'AWS::EKS::AccessEntry',
  'AWS::CodeBuild::Project',
];

function readFunction(
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
  for (const unsupported of ['Layers', 'VpcConfig', 'ImageConfig', 'FileSystemConfigs']) {
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

function readRole(
  stack: Stack,
  resource: Resource,
  name: string,
  arn: string,
  resources: readonly Resource[],
): RoleSpec {
  const attached = resources.filter(
    (other) => other.type === 'AWS::IAM::Policy' && strings(other.properties['Roles']).includes(name),
  );
  const inline = Array.isArray(resource.properties['Policies']) ? resource.properties['Policies'] : [];
  const documents = [
    ...attached.map((policy) => policy.properties['PolicyDocument']),
    ...inline.map((policy) => (isObject(policy) ? policy['PolicyDocument'] : undefined)),
  ];
  return {
    name,
    arn,
    account: stack.account,
    trusted: statementsOf(resource.properties['AssumeRolePolicyDocument']).flatMap((statement) =>
      isObject(statement['Principal']) ? strings(statement['Principal']['Service']) : [],
    ),
    statements: documents.flatMap(statementsOf).map((statement) => readStatement(name, statement)),
    managedPolicies: strings(resource.properties['ManagedPolicyArns']),
  };
}

function readStatement(role: string, statement: JsonObject): Statement {
  const { Effect, Action, Resource, Condition } = statement;
  if ((Effect !== 'Allow' && Effect !== 'Deny') || Action === undefined || Resource === undefined) {
    throw new AssemblyError(
      `a policy of ${role} holds a statement that the lab does not know: ${JSON.stringify(statement)}`,
    );
  }
  return {
    effect: Effect,
    actions: strings(Action),
    resources: strings(Resource),
    conditions: isObject(Condition) ? Condition : {},
  };
}

function statementsOf(document: Json | undefined): readonly JsonObject[] {
  const statement = isObject(document) ? document['Statement'] : undefined;
  return (Array.isArray(statement) ? statement : [statement]).filter(isObject);
}

function readRule(stack: Stack, resource: Resource, name: string, arn: string): RuleSpec {
  const { properties } = resource;
  const bus = properties['EventBusName'];
  if (bus !== undefined && bus !== 'default') {
    throw new AssemblyError(
      `the rule ${name} is on the event bus '${bus}': the lab has the default bus only`,
    );
  }
  const pattern = properties['EventPattern'];
  const expression = properties['ScheduleExpression'];
  if ((pattern === undefined) === (expression === undefined)) {
    throw new AssemblyError(`the rule ${name} needs either an EventPattern or a ScheduleExpression`);
  }
  const targets = Array.isArray(properties['Targets']) ? properties['Targets'] : [];
  if (typeof expression === 'string') compileExpression(expression, { timeZone: 'UTC', from: 0 });
  return {
    name,
    arn,
    account: stack.account,
    region: stack.region,
    enabled: (properties['State'] ?? 'ENABLED') === 'ENABLED',
    ...(pattern === undefined ? {} : { matches: compilePattern(pattern) }),
    ...(expression === undefined ? {} : { expression: String(expression) }),
    targets: targets.filter(isObject).map((target) => readTarget(`the rule ${name}`, target)),
  };
}

function readSchedule(resource: Resource, name: string, arn: string): ScheduleSpec {
  const { properties } = resource;
  const window = properties['FlexibleTimeWindow'];
  if (!isObject(window) || window['Mode'] !== 'OFF') {
    throw new AssemblyError(`the schedule ${name} has a flexible time window: the lab knows OFF only`);
  }
  for (const unsupported of ['StartDate', 'EndDate']) {
    if (properties[unsupported] !== undefined) {
      throw new AssemblyError(`the schedule ${name} has a ${unsupported}, which the lab does not know`);
    }
  }
  const expression = String(properties['ScheduleExpression']);
  const timeZone = String(properties['ScheduleExpressionTimezone'] ?? 'UTC');
  compileExpression(expression, { timeZone, from: 0 });
  const target = properties['Target'];
  if (!isObject(target)) throw new AssemblyError(`the schedule ${name} has no target`);
  return {
    name,
    arn:
      typeof properties['GroupName'] === 'string'
        ? arn.replace('/default/', `/${properties['GroupName']}/`)
        : arn,
    expression,
    timeZone,
    enabled: (properties['State'] ?? 'ENABLED') === 'ENABLED',
    target: readTarget(`the schedule ${name}`, target),
  };
}

function readTarget(where: string, target: JsonObject): TargetSpec {
  const known = new Set(['Id', 'Arn', 'RoleArn', 'Input', 'RetryPolicy', 'DeadLetterConfig']);
  const unknown = Object.keys(target).find((key) => !known.has(key));
  if (unknown) throw new AssemblyError(`${where} has a target with ${unknown}, which the lab does not know`);
  const letters = isObject(target['DeadLetterConfig']) ? target['DeadLetterConfig']['Arn'] : undefined;
  return {
    functionArn: String(target['Arn']),
    ...(target['RoleArn'] === undefined ? {} : { roleArn: String(target['RoleArn']) }),
    ...(target['Input'] === undefined ? {} : { input: String(target['Input']) }),
    ...(typeof letters === 'string' ? { deadLetterArn: letters } : {}),
  };
}

/** A rule or schedule that may not invoke its function does nothing in AWS, so it is an error here. */
function checkTargets(
  stack: Stack,
  known: {
    functions: readonly FunctionSpec[];
    rules: readonly RuleSpec[];
    schedules: readonly ScheduleSpec[];
    roles: readonly RoleSpec[];
    resources: readonly Resource[];
  },
): void {
  const arns = new Set(known.functions.map((spec) => spec.arn));
  const permissions = known.resources.filter((resource) => resource.type === 'AWS::Lambda::Permission');
  for (const rule of known.rules) {
    for (const { functionArn } of rule.targets) {
      if (!arns.has(functionArn)) {
        throw new AssemblyError(
          `the rule ${rule.name} of ${stack.name} has the target ${functionArn}: the lab runs functions of the stack only`,
        );
      }
      const name = functionArn.split(':').at(-1);
      const allowed = permissions.some(
        ({ properties }) =>
          [functionArn, name].includes(String(properties['FunctionName'])) &&
          properties['Principal'] === 'events.amazonaws.com' &&
          properties['Action'] === 'lambda:InvokeFunction' &&
          (properties['SourceArn'] === undefined || properties['SourceArn'] === rule.arn),
      );
      if (!allowed) {
        throw new AssemblyError(
          `the rule ${rule.name} of ${stack.name} may not invoke ${name}: no AWS::Lambda::Permission says so`,
        );
      }
    }
  }
  for (const schedule of known.schedules) {
    const { functionArn } = schedule.target;
    if (!arns.has(functionArn)) {
      throw new AssemblyError(
        `the schedule ${schedule.name} of ${stack.name} has the target ${functionArn}: the lab runs functions of the stack only`,
      );
    }
    const role = known.roles.find((candidate) => candidate.arn === schedule.target.roleArn);
    const allowed =
      role?.trusted.includes('scheduler.amazonaws.com') &&
      role.statements.some(
        (statement) =>
          statement.effect === 'Allow' &&
          statement.actions.includes('lambda:InvokeFunction') &&
          statement.resources.some((pattern) => pattern === functionArn || pattern === '*'),
      );
    if (!allowed) {
      throw new AssemblyError(
        `the schedule ${schedule.name} of ${stack.name} may not invoke ${functionArn}: its role does not allow it`,
      );
    }
  }
}

function readTable(resource: Resource, name: string, arn: string): TableSpec {
  const { properties } = resource;
  const definitions = new Map(
    objects(properties['AttributeDefinitions']).map((definition) => [
      String(definition['AttributeName']),
      String(definition['AttributeType']),
    ]),
  );
  for (const unsupported of ['GlobalSecondaryIndexes', 'LocalSecondaryIndexes', 'StreamSpecification']) {
    if (properties[unsupported] !== undefined) {
      throw new AssemblyError(`the table ${name} has ${unsupported}, which the lab does not create`);
    }
  }
  const ttl = properties['TimeToLiveSpecification'];
  return {
    name,
    arn,
    keys: objects(properties['KeySchema']).map((key) => ({
      name: String(key['AttributeName']),
      kind: String(key['KeyType']),
      type: definitions.get(String(key['AttributeName'])) ?? 'S',
    })),
    ...(isObject(ttl) ? { ttlAttribute: String(ttl['AttributeName']) } : {}),
  };
}

function readAccessEntry(resource: Resource): AccessEntrySpec {
  const { properties } = resource;
  const username = properties['Username'];
  return {
    cluster: String(properties['ClusterName']),
    principalArn: String(properties['PrincipalArn']),
    type: String(properties['Type'] ?? 'STANDARD'),
    kubernetesGroups: strings(properties['KubernetesGroups']),
    ...(typeof username === 'string' ? { username } : {}),
  };
}

function strings(value: Json | undefined): readonly string[] {
  if (value === undefined || value === null) return [];
  return (Array.isArray(value) ? value : [value]).map(String);
}

function objects(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
