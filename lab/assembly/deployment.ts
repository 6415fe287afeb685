/** A stack as the lab deploys it: the resources of its template that matter at run time. */
import type { Stack } from './assembly.ts';
import { type ChatChannel, readChannels } from './chat-actions.ts';
import { AssemblyError } from './errors.ts';
import type { FunctionSpec } from './function-runner.ts';
import { readFunction } from './functions.ts';
import { isObject, type JsonObject } from './intrinsics.ts';
import { objects, strings } from './properties.ts';
import { type RoleSpec, readRole } from './roles.ts';
import { createStackScope, type Resource } from './stack-scope.ts';
import { readStateMachine, type StateMachineSpec } from './state-machines.ts';
import { readTargetGroup, type TargetGroupSpec } from './target-groups.ts';
import { checkTargets, type RuleSpec, readRule, readSchedule, type ScheduleSpec } from './trigger-specs.ts';

export type { RoleSpec, Statement } from './roles.ts';
export type { RuleSpec, ScheduleSpec, TargetSpec } from './trigger-specs.ts';

/** Known, and without effect on what the lab runs. Everything that is not here and not read below is an error. */
const WITHOUT_RUN_TIME = new Set([
  'AWS::CDK::Metadata',
  'AWS::Chatbot::MicrosoftTeamsChannelConfiguration',
  'AWS::Chatbot::SlackChannelConfiguration',
  'AWS::CloudWatch::Alarm',
  'AWS::CloudWatch::CompositeAlarm',
  'AWS::CloudWatch::Dashboard',
  'AWS::KMS::Alias',
  'AWS::Logs::LogGroup',
  'AWS::Logs::MetricFilter',
  'AWS::SNS::TopicPolicy',
  'AWS::SQS::QueuePolicy',
  'AWS::Scheduler::ScheduleGroup',
]);

export interface TableSpec {
  readonly name: string;
  readonly arn: string;
  readonly keys: readonly { readonly name: string; readonly type: string; readonly kind: string }[];
  readonly ttlAttribute?: string;
}

/** A key for message authentication codes. Keys that encrypt have no effect in the lab. */
export interface MacKeySpec {
  /** A UUID. */
  readonly id: string;
}

/** The public address of a function. */
export interface FunctionUrlSpec {
  readonly account: string;
  readonly region: string;
  readonly functionName: string;
  /** `https://<id>.lambda-url.<region>.on.aws/` */
  readonly url: string;
  readonly authType: string;
  /** Anybody may use it: the function's policy has both permissions that Lambda demands since October 2025. */
  readonly isPublic: boolean;
}

export interface AccessEntrySpec {
  readonly cluster: string;
  readonly principalArn: string;
  readonly type: string;
  readonly kubernetesGroups: readonly string[];
  readonly username?: string;
}

/** A CodeBuild project of the stack; the lab needs its webhook filters only. */
export interface BuildProjectSpec {
  readonly name: string;
  readonly filterGroups: readonly (readonly {
    readonly type: string;
    readonly pattern: string;
    readonly excludeMatchedPattern: boolean;
  }[])[];
}

/** A custom resource whose function is in the stack. */
export interface CustomResourceSpec {
  readonly logicalId: string;
  /** ARN of the function. */
  readonly serviceToken: string;
  readonly serviceTimeoutSeconds: number;
  readonly properties: JsonObject;
}

export interface Deployment {
  readonly stack: Stack;
  readonly functions: readonly FunctionSpec[];
  readonly schedules: readonly ScheduleSpec[];
  readonly rules: readonly RuleSpec[];
  readonly tables: readonly TableSpec[];
  readonly roles: readonly RoleSpec[];
  readonly queues: readonly { readonly name: string; readonly arn: string }[];
  readonly stateMachines: readonly StateMachineSpec[];
  readonly topics: readonly { readonly name: string; readonly arn: string }[];
  readonly subscriptions: readonly { readonly topic: string; readonly endpoint: string }[];
  readonly accessEntries: readonly AccessEntrySpec[];
  readonly buildProjects: readonly BuildProjectSpec[];
  readonly customResources: readonly CustomResourceSpec[];
  readonly macKeys: readonly MacKeySpec[];
  readonly functionUrls: readonly FunctionUrlSpec[];
  readonly targetGroups: readonly (TargetGroupSpec & { readonly arn: string })[];
  readonly channels: readonly ChatChannel[];
}

export function readDeployment(stack: Stack): Deployment {
  const scope = createStackScope(stack);
  const resources = scope.resources();
  const ofType = (type: string) => resources.filter((resource) => resource.type === type);
  const named = ({ logicalId }: Resource) => ({
    name: scope.physicalName(logicalId),
    arn: scope.arn(logicalId),
  });
  const known = new Set([...WITHOUT_RUN_TIME, ...READ]);
  for (const resource of resources) {
    if (!known.has(resource.type) && !isCustom(resource)) {
      throw new AssemblyError(
        `${stack.name} contains ${resource.logicalId}, a ${resource.type}, which the lab does not support: add it to lab/assembly/deployment.ts`,
      );
    }
  }

  const roles = ofType('AWS::IAM::Role').map((resource) =>
    readRole(stack, resource, {
      name: scope.physicalName(resource.logicalId),
      arn: scope.arn(resource.logicalId),
      resources,
    }),
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
  const stateMachines = ofType('AWS::StepFunctions::StateMachine').map((resource) =>
    readStateMachine(resource, { ...named(resource), roles }),
  );
  checkTargets(stack, { functions, machines: stateMachines, rules, schedules, roles, resources });

  return {
    stack,
    functions,
    schedules,
    rules,
    roles,
    tables: ofType('AWS::DynamoDB::Table').map((resource) =>
      readTable(resource, scope.physicalName(resource.logicalId), scope.arn(resource.logicalId)),
    ),
    queues: ofType('AWS::SQS::Queue').map(named),
    stateMachines,
    topics: ofType('AWS::SNS::Topic').map(named),
    subscriptions: ofType('AWS::SNS::Subscription').map(({ properties }) => ({
      topic: String(properties['TopicArn']),
      endpoint: String(properties['Endpoint']),
    })),
    accessEntries: ofType('AWS::EKS::AccessEntry').map(readAccessEntry),
    buildProjects: ofType('AWS::CodeBuild::Project').map((resource) =>
      readBuildProject(resource, scope.physicalName(resource.logicalId)),
    ),
    macKeys: ofType('AWS::KMS::Key')
      .filter(({ properties }) => isMacKey(stack, properties))
      .map(({ logicalId }) => ({ id: String(scope.ref(logicalId)) })),
    functionUrls: ofType('AWS::Lambda::Url').map((resource) =>
      readFunctionUrl(stack, resource, {
        url: String(scope.attribute(resource.logicalId, 'FunctionUrl')),
        resources,
      }),
    ),
    targetGroups: ofType('AWS::ElasticLoadBalancingV2::TargetGroup').map((resource) => ({
      ...readTargetGroup(stack, resource, resources),
      arn: scope.arn(resource.logicalId),
    })),
    channels: readChannels(resources, roles, scope.arn),
    customResources: resources
      .filter(isCustom)
      .map((resource) => readCustomResource(stack, resource, new Set(functions.map(({ arn }) => arn)))),
  };
}

function isCustom({ type }: Resource): boolean {
  return type === 'AWS::CloudFormation::CustomResource' || type.startsWith('Custom::');
}

function readCustomResource(
  stack: Stack,
  { logicalId, properties }: Resource,
  functions: ReadonlySet<string>,
): CustomResourceSpec {
  const serviceToken = String(properties['ServiceToken']);
  if (!functions.has(serviceToken))
    throw new AssemblyError(
      `the custom resource ${logicalId} of ${stack.name} has the service token ${serviceToken}: the lab runs functions of the stack only`,
    );
  const timeout = properties['ServiceTimeout'] ?? 3600;
  if (typeof timeout !== 'number' || timeout < 1 || timeout > 3600)
    throw new AssemblyError(
      `the custom resource ${logicalId} of ${stack.name} has the ServiceTimeout ${JSON.stringify(timeout)}: CloudFormation takes a number from 1 to 3600`,
    );
  return { logicalId, serviceToken, serviceTimeoutSeconds: timeout, properties };
}

function isMacKey({ name }: Stack, { KeyUsage, KeySpec }: JsonObject): boolean {
  if (KeyUsage !== 'GENERATE_VERIFY_MAC') return false;
  if (KeySpec === 'HMAC_256') return true;
  throw new AssemblyError(`${name} has a key of the spec ${String(KeySpec)}: the lab has HMAC_256`);
}

function readFunctionUrl(
  stack: Stack,
  { properties }: Resource,
  { url, resources }: { readonly url: string; readonly resources: readonly Resource[] },
): FunctionUrlSpec {
  const target = String(properties['TargetFunctionArn']);
  const functionName = target.split(':').at(-1) ?? target;
  const authType = String(properties['AuthType']);
  const permissions = resources
    .filter(({ type }) => type === 'AWS::Lambda::Permission')
    .map((permission) => permission.properties)
    .filter(
      ({ FunctionName, Principal }) =>
        Principal === '*' && (FunctionName === target || FunctionName === functionName),
    );
  return {
    account: stack.account,
    region: stack.region,
    functionName,
    url,
    authType,
    isPublic:
      permissions.some(
        ({ Action, FunctionUrlAuthType }) =>
          Action === 'lambda:InvokeFunctionUrl' && FunctionUrlAuthType === authType,
      ) &&
      permissions.some(
        ({ Action, InvokedViaFunctionUrl }) =>
          Action === 'lambda:InvokeFunction' && InvokedViaFunctionUrl === true,
      ),
  };
}

const READ = [
  'AWS::Chatbot::CustomAction',
  'AWS::ElasticLoadBalancingV2::TargetGroup',
  'AWS::IAM::ManagedPolicy',
  'AWS::IAM::Role',
  'AWS::IAM::Policy',
  'AWS::Lambda::Function',
  'AWS::Lambda::Permission',
  'AWS::Lambda::Url',
  'AWS::KMS::Key',
  'AWS::Lambda::EventInvokeConfig',
  'AWS::StepFunctions::StateMachine',
  'AWS::Events::Rule',
  'AWS::Scheduler::Schedule',
  'AWS::DynamoDB::Table',
  'AWS::SQS::Queue',
  'AWS::SNS::Topic',
  'AWS::SNS::Subscription',
  'AWS::EKS::AccessEntry',
  'AWS::CodeBuild::Project',
];

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

function readBuildProject({ properties }: Resource, name: string): BuildProjectSpec {
  const triggers = properties['Triggers'];
  const groups =
    isObject(triggers) && Array.isArray(triggers['FilterGroups']) ? triggers['FilterGroups'] : [];
  return {
    name,
    filterGroups: groups.map((group) =>
      objects(group).map((filter) => ({
        type: String(filter['Type']),
        pattern: String(filter['Pattern']),
        excludeMatchedPattern: filter['ExcludeMatchedPattern'] === true,
      })),
    ),
  };
}
