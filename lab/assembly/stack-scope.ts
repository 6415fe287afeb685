/** Resolves the resources of a template: physical names, ARNs and attributes. */
import { createHash } from 'node:crypto';
import type { Stack } from './assembly.ts';
import { AssemblyError } from './errors.ts';
import {
  evaluateCondition,
  isObject,
  type Json,
  type JsonObject,
  resolve,
  type Scope,
} from './intrinsics.ts';

export interface Resource {
  readonly logicalId: string;
  readonly type: string;
  /** With every intrinsic function resolved. */
  readonly properties: JsonObject;
}

export interface StackScope extends Scope {
  /** Every resource whose condition holds, resolved. */
  resources(): readonly Resource[];
  physicalName(logicalId: string): string;
  arn(logicalId: string): string;
}

interface TypeRules {
  /** The property that holds a name of the user's choice. */
  readonly nameProperty: string;
  readonly maximumLength: number;
  readonly arn: (at: { account: string; region: string; name: string }) => string;
  /** What `Ref` gives, where it is not the name. */
  readonly ref?: (at: { account: string; region: string; name: string }) => string;
  /** The name that AWS gives, where nobody can choose it; from a hash of stack and logical id. */
  readonly generated?: (hash: string) => string;
  /** `Fn::GetAtt` beside `Arn`. */
  readonly attributes?: Readonly<
    Record<string, (at: { account: string; region: string; name: string }) => string>
  >;
}

const queueUrl = (at: { account: string; region: string; name: string }) =>
  `https://sqs.${at.region}.amazonaws.com/${at.account}/${at.name}`;

const stateMachineArn = (at: { account: string; region: string; name: string }) =>
  `arn:aws:states:${at.region}:${at.account}:stateMachine:${at.name}`;

/** Its id is known once it is created: the lab's world has it from here. */
const targetGroupArn = (at: { account: string; region: string; name: string }) =>
  `arn:aws:elasticloadbalancing:${at.region}:${at.account}:targetgroup/${at.name}/${createHash('sha256').update(at.name).digest('hex').slice(0, 16)}`;

const customActionArn = (at: { account: string; name: string }) =>
  `arn:aws:chatbot::${at.account}:custom-action/${at.name}`;

const TYPES: Readonly<Record<string, TypeRules>> = {
  'AWS::Lambda::Function': {
    nameProperty: 'FunctionName',
    maximumLength: 64,
    arn: (at) => `arn:aws:lambda:${at.region}:${at.account}:function:${at.name}`,
  },
  'AWS::IAM::Role': {
    nameProperty: 'RoleName',
    maximumLength: 64,
    arn: (at) => `arn:aws:iam::${at.account}:role/${at.name}`,
  },
  'AWS::IAM::ManagedPolicy': {
    nameProperty: 'ManagedPolicyName',
    maximumLength: 128,
    arn: (at) => `arn:aws:iam::${at.account}:policy/${at.name}`,
    ref: (at) => `arn:aws:iam::${at.account}:policy/${at.name}`,
  },
  'AWS::ElasticLoadBalancingV2::TargetGroup': {
    nameProperty: 'Name',
    maximumLength: 32,
    arn: targetGroupArn,
    ref: targetGroupArn,
  },
  'AWS::Chatbot::CustomAction': {
    nameProperty: 'ActionName',
    maximumLength: 64,
    arn: customActionArn,
    attributes: { CustomActionArn: customActionArn },
  },
  'AWS::DynamoDB::Table': {
    nameProperty: 'TableName',
    maximumLength: 255,
    arn: (at) => `arn:aws:dynamodb:${at.region}:${at.account}:table/${at.name}`,
  },
  'AWS::SQS::Queue': {
    nameProperty: 'QueueName',
    maximumLength: 80,
    arn: (at) => `arn:aws:sqs:${at.region}:${at.account}:${at.name}`,
    ref: queueUrl,
    attributes: { QueueName: (at) => at.name, QueueUrl: queueUrl },
  },
  'AWS::KMS::Key': {
    nameProperty: '',
    maximumLength: 36,
    generated: (hash) => hash.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-4$3-8$4-$5'),
    arn: (at) => `arn:aws:kms:${at.region}:${at.account}:key/${at.name}`,
    attributes: { KeyId: (at) => at.name },
  },
  'AWS::Lambda::Url': {
    nameProperty: '',
    maximumLength: 32,
    generated: (hash) => hash.slice(0, 32),
    arn: (at) => `arn:aws:lambda:${at.region}:${at.account}:function-url:${at.name}`,
    attributes: { FunctionUrl: (at) => `https://${at.name}.lambda-url.${at.region}.on.aws/` },
  },
  'AWS::StepFunctions::StateMachine': {
    nameProperty: 'StateMachineName',
    maximumLength: 80,
    arn: stateMachineArn,
    ref: stateMachineArn,
    attributes: { Name: (at) => at.name },
  },
  'AWS::SNS::Topic': {
    nameProperty: 'TopicName',
    maximumLength: 256,
    arn: (at) => `arn:aws:sns:${at.region}:${at.account}:${at.name}`,
    ref: (at) => `arn:aws:sns:${at.region}:${at.account}:${at.name}`,
    attributes: {
      TopicName: (at) => at.name,
      TopicArn: (at) => `arn:aws:sns:${at.region}:${at.account}:${at.name}`,
    },
  },
  'AWS::Events::Rule': {
    nameProperty: 'Name',
    maximumLength: 64,
    arn: (at) => `arn:aws:events:${at.region}:${at.account}:rule/${at.name}`,
  },
  'AWS::Scheduler::ScheduleGroup': {
    nameProperty: 'Name',
    maximumLength: 64,
    arn: (at) => `arn:aws:scheduler:${at.region}:${at.account}:schedule-group/${at.name}`,
  },
  'AWS::Scheduler::Schedule': {
    nameProperty: 'Name',
    maximumLength: 64,
    arn: (at) => `arn:aws:scheduler:${at.region}:${at.account}:schedule/default/${at.name}`,
  },
  'AWS::Logs::LogGroup': {
    nameProperty: 'LogGroupName',
    maximumLength: 512,
    arn: (at) => `arn:aws:logs:${at.region}:${at.account}:log-group:${at.name}:*`,
  },
  'AWS::CloudWatch::Alarm': {
    nameProperty: 'AlarmName',
    maximumLength: 255,
    arn: (at) => `arn:aws:cloudwatch:${at.region}:${at.account}:alarm:${at.name}`,
  },
  'AWS::CloudWatch::Dashboard': {
    nameProperty: 'DashboardName',
    maximumLength: 255,
    arn: (at) => `arn:aws:cloudwatch::${at.account}:dashboard/${at.name}`,
  },
  'AWS::CodeBuild::Project': {
    nameProperty: 'Name',
    maximumLength: 255,
    arn: (at) => `arn:aws:codebuild:${at.region}:${at.account}:project/${at.name}`,
  },
};

function section(stack: Stack, name: string): JsonObject {
  const value = stack.template[name];
  return isObject(value) ? value : {};
}

function pseudoParameters({ name, account, region }: Stack): Readonly<Record<string, string>> {
  const china = region.startsWith('cn-');
  return {
    'AWS::AccountId': account,
    'AWS::Region': region,
    'AWS::Partition': china ? 'aws-cn' : 'aws',
    'AWS::URLSuffix': china ? 'amazonaws.com.cn' : 'amazonaws.com',
    'AWS::StackName': name,
    'AWS::StackId': `arn:aws:cloudformation:${region}:${account}:stack/${name}/lab`,
  };
}

function resourceAt(stack: Stack, logicalId: string): JsonObject {
  const resource = section(stack, 'Resources')[logicalId];
  if (!isObject(resource)) throw new AssemblyError(`${stack.name} has no resource '${logicalId}'`);
  return resource;
}

function typeRulesOf(stack: Stack, logicalId: string): TypeRules {
  const type = String(resourceAt(stack, logicalId)['Type']);
  const rules = TYPES[type];
  if (!rules) {
    throw new AssemblyError(
      `${stack.name} refers to ${logicalId}, and the lab has no physical name for a ${type}`,
    );
  }
  return rules;
}

export function createStackScope(stack: Stack): StackScope {
  const resources = section(stack, 'Resources');
  const pseudo = pseudoParameters(stack);
  const rulesOf = (logicalId: string) => typeRulesOf(stack, logicalId);
  const placed = (logicalId: string) => ({
    account: stack.account,
    region: stack.region,
    name: scope.physicalName(logicalId),
  });

  const scope: StackScope = {
    ref(logicalId) {
      const known = pseudo[logicalId];
      if (known !== undefined) return known;
      const parameter = section(stack, 'Parameters')[logicalId];
      if (isObject(parameter)) {
        const value = parameter['Default'];
        if (value === undefined) {
          throw new AssemblyError(`${stack.name} has the parameter ${logicalId} without a default value`);
        }
        return value;
      }
      const at = placed(logicalId);
      return rulesOf(logicalId).ref?.(at) ?? at.name;
    },
    attribute(logicalId, name) {
      const rules = rulesOf(logicalId);
      if (name === 'Arn') return scope.arn(logicalId);
      const attribute = rules.attributes?.[name];
      if (!attribute) {
        throw new AssemblyError(`${stack.name} reads ${logicalId}.${name}, which the lab does not support`);
      }
      return attribute(placed(logicalId));
    },
    condition(name) {
      const condition = section(stack, 'Conditions')[name];
      if (condition === undefined) throw new AssemblyError(`${stack.name} has no condition '${name}'`);
      return evaluateCondition(condition, scope);
    },
    mapping(map, top, second) {
      const outer = section(stack, 'Mappings')[map];
      const inner = isObject(outer) ? outer[top] : undefined;
      const value = isObject(inner) ? inner[second] : undefined;
      if (value === undefined)
        throw new AssemblyError(`${stack.name} has no mapping ${map}.${top}.${second}`);
      return value;
    },
    physicalName(logicalId) {
      const { nameProperty, maximumLength, generated } = rulesOf(logicalId);
      const hash = createHash('sha256').update(`${stack.name}/${logicalId}`).digest('hex');
      if (generated) return generated(hash);
      const properties = resourceAt(stack, logicalId)['Properties'];
      const given = isObject(properties) ? properties[nameProperty] : undefined;
      if (given !== undefined) return String(resolve(given, scope));
      const suffix = hash.slice(0, 12).toUpperCase();
      return `${`${stack.name}-${logicalId}`.slice(0, maximumLength - 13)}-${suffix}`;
    },
    arn: (logicalId) => rulesOf(logicalId).arn(placed(logicalId)),
    resources: () =>
      Object.entries(resources).flatMap(([logicalId, resource]) => {
        if (!isObject(resource))
          throw new AssemblyError(`${stack.name} has an invalid resource '${logicalId}'`);
        const condition = resource['Condition'];
        if (typeof condition === 'string' && !scope.condition(condition)) return [];
        const properties: Json = resolve(resource['Properties'] ?? {}, scope);
        return [
          { logicalId, type: String(resource['Type']), properties: isObject(properties) ? properties : {} },
        ];
      }),
  };
  return scope;
}
