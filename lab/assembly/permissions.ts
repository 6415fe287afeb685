/**
 * Evaluates the IAM policies of an assembly's roles. A function of the lab is denied what it would be
 * denied in AWS. A principal that is no role of the assembly (the operator) is an administrator.
 */
import type { Authorize } from '#lab/http/aws/service.ts';
import type { AwsWorld } from '#lab/world/aws/index.ts';
import type { Deployment, RoleSpec, Statement } from './deployment.ts';
import { AssemblyError } from './errors.ts';
import { isObject } from './intrinsics.ts';

type Parameters = Readonly<Record<string, unknown>>;

/** What an action touches: every resource must be allowed. Keys that are absent from `context` are null to IAM. */
interface Touched {
  readonly resources: readonly string[];
  readonly context?: Readonly<Record<string, readonly string[]>>;
}

interface Where {
  readonly account: string;
  readonly region: string;
  readonly aws: AwsWorld;
}

export function createAuthorize(deployments: readonly Deployment[], aws: AwsWorld): Authorize {
  const roles = new Map(
    deployments.flatMap((deployment) => deployment.roles).map((role) => [role.arn, role]),
  );
  return ({ principal, action, region, parameters }) => {
    const role = roles.get(principal.arn);
    if (!role || action === 'sts:GetCallerIdentity') return undefined;
    const named = action === 'lambda:Invoke' ? 'lambda:InvokeFunction' : action;
    const where = { account: principal.account, region, aws };
    // Each event is authorized on its own.
    const entries = named === 'events:PutEvents' ? parameters['Entries'] : undefined;
    for (const one of Array.isArray(entries) ? entries.filter(isObject) : [parameters]) {
      const refused = refusal(role, named, touchedBy(named, one, where));
      if (refused) return refused;
    }
    return undefined;
  };
}

/** Undefined where every resource is allowed. */
export function refusal(role: RoleSpec, action: string, touched: Touched): string | undefined {
  for (const resource of touched.resources) {
    const applying = role.statements.filter((statement) => applies(statement, action, resource, touched));
    if (applying.some((statement) => statement.effect === 'Deny')) {
      return 'of an explicit deny in an identity-based policy';
    }
    if (applying.length === 0) {
      return `no identity-based policy allows the ${action} action`;
    }
  }
  return undefined;
}

function applies(statement: Statement, action: string, resource: string, touched: Touched): boolean {
  return (
    statement.actions.some((pattern) => like(pattern.toLowerCase(), action.toLowerCase())) &&
    statement.resources.some((pattern) => like(pattern, resource)) &&
    Object.entries(statement.conditions).every(([operator, keys]) =>
      Object.entries(isObject(keys) ? keys : {}).every(([key, wanted]) =>
        holds(operator, (Array.isArray(wanted) ? wanted : [wanted]).map(String), touched.context?.[key]),
      ),
    )
  );
}

function holds(operator: string, wanted: readonly string[], given: readonly string[] | undefined): boolean {
  switch (operator) {
    case 'StringEquals':
      return given?.some((value) => wanted.includes(value)) ?? false;
    case 'Bool':
      return given?.some((value) => wanted.includes(value.toLowerCase())) ?? false;
    case 'StringLike':
      return given?.some((value) => wanted.some((pattern) => like(pattern, value))) ?? false;
    case 'ForAllValues:StringEquals':
      return (given ?? []).every((value) => wanted.includes(value));
    case 'Null':
      return wanted.includes(String(given === undefined));
    default:
      throw new AssemblyError(`the condition operator ${operator} of a policy is not known to the lab`);
  }
}

/** IAM's wildcards: `*` for any text, `?` for one character. */
function like(pattern: string, value: string): boolean {
  let expression = expressions.get(pattern);
  if (!expression) {
    expression = compileWildcards(pattern);
    expressions.set(pattern, expression);
  }
  return expression.test(value);
}

const expressions = new Map<string, RegExp>();

function compileWildcards(pattern: string): RegExp {
  const source = pattern
    .replace(/[\\^$.+()[\]{}|]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '.');
  return new RegExp(`^${source}$`, 's');
}

function touchedBy(action: string, parameters: Parameters, where: Where): Touched {
  const { account, region, aws } = where;
  const arn = (service: string, rest: string) => `arn:aws:${service}:${region}:${account}:${rest}`;
  const text = (name: string) => String(parameters[name] ?? '');
  const [service = '', operation = ''] = action.split(':');
  if (service === 'dynamodb') {
    return { resources: [arn('dynamodb', `table/${text('TableName')}`)], context: leadingKeys(parameters) };
  }
  if (service === 'autoscaling' && !operation.startsWith('Describe')) {
    return group(text('AutoScalingGroupName'), where);
  }
  const cluster = String(parameters['clusterName'] ?? parameters['name'] ?? '');
  switch (action) {
    case 'eks:DescribeCluster':
    case 'eks:ListNodegroups':
      return { resources: [arn('eks', `cluster/${cluster}`)] };
    case 'eks:UpdateClusterConfig':
      return { resources: [arn('eks', `cluster/${cluster}`)], context: autoModeKeys(parameters) };
    case 'eks:DescribeNodegroup':
    case 'eks:UpdateNodegroupConfig': {
      const found = aws
        .clusters()
        .find((known) => known.account === account && known.region === region && known.name === cluster)
        ?.nodegroups.get(text('nodegroupName'));
      return { resources: [found?.arn ?? arn('eks', `nodegroup/${cluster}/${text('nodegroupName')}/none`)] };
    }
    case 'eks:DescribeCapability': {
      const name = text('capabilityName');
      const found = aws
        .clusters()
        .find((known) => known.account === account && known.region === region && known.name === cluster)
        ?.capabilities.get(name);
      return { resources: [found?.arn ?? arn('eks', `capability/${cluster}/argocd/${name}/none`)] };
    }
    case 'secretsmanager:GetSecretValue': {
      const id = text('SecretId');
      return { resources: [id.startsWith('arn:') ? id : secretArn(id, where)] };
    }
    case 'ecr:BatchGetImage': {
      const registry = String(parameters['registryId'] ?? account);
      return { resources: [`arn:aws:ecr:${region}:${registry}:repository/${text('repositoryName')}`] };
    }
    case 'codebuild:ListBuildsForProject':
      return { resources: [arn('codebuild', `project/${text('projectName')}`)] };
    case 'codebuild:BatchGetProjects': {
      const names = Array.isArray(parameters['names']) ? parameters['names'].map(String) : [];
      return { resources: names.map((name) => arn('codebuild', `project/${name}`)) };
    }
    case 'codebuild:BatchGetBuildBatches':
    case 'codebuild:BatchGetBuilds': {
      const ids = Array.isArray(parameters['ids']) ? parameters['ids'].map(String) : [];
      const projects = ids.map((id) => (id.split('/').at(-1) ?? id).split(':')[0] ?? '');
      return { resources: [...new Set(projects)].map((project) => arn('codebuild', `project/${project}`)) };
    }
    case 'lambda:InvokeFunction': {
      const name = text('FunctionName');
      return { resources: [name.startsWith('arn:') ? name : arn('lambda', `function:${name}`)] };
    }
    case 'events:PutEvents': {
      const bus = text('EventBusName') || 'default';
      return {
        resources: [bus.startsWith('arn:') ? bus : arn('events', `event-bus/${bus}`)],
        context: { 'events:source': [text('Source')], 'events:detail-type': [text('DetailType')] },
      };
    }
    case 'sqs:SendMessage':
      return { resources: [arn('sqs', text('QueueUrl').split('/').at(-1) ?? '')] };
    case 'kms:GenerateMac':
    case 'kms:VerifyMac': {
      const id = text('KeyId');
      return { resources: [id.startsWith('arn:') ? id : arn('kms', `key/${id}`)] };
    }
    case 'elasticloadbalancing:CreateRule':
      return { resources: [text('ListenerArn')] };
    case 'elasticloadbalancing:DeleteRule':
      return { resources: [text('RuleArn')] };
    case 'states:StartExecution':
      return { resources: [text('stateMachineArn')] };
    case 'sns:Publish':
      return { resources: [text('TopicArn')] };
    default:
      // Actions without a resource, or with one unknown to the lab: only a statement for all resources covers them.
      return { resources: ['*'] };
  }
}

function group(name: string, { account, region, aws }: Where): Touched {
  const found = aws
    .clusters()
    .filter((cluster) => cluster.account === account && cluster.region === region)
    .map((cluster) => cluster.groups.get(name))
    .find((candidate) => candidate !== undefined);
  const tags = Object.entries(found?.tags ?? {});
  return {
    resources: [
      found?.arn ??
        `arn:aws:autoscaling:${region}:${account}:autoScalingGroup:none:autoScalingGroupName/${name}`,
    ],
    context: Object.fromEntries(tags.map(([key, value]) => [`aws:ResourceTag/${key}`, [value]])),
  };
}

/** What a request says of EKS Auto Mode. */
function autoModeKeys(parameters: Parameters): Readonly<Record<string, readonly string[]>> {
  const at = (...path: string[]) =>
    path.reduce<unknown>((inner, key) => (isObject(inner) ? inner[key] : undefined), parameters);
  const flags = {
    'eks:computeConfigEnabled': at('computeConfig', 'enabled'),
    'eks:elasticLoadBalancingEnabled': at('kubernetesNetworkConfig', 'elasticLoadBalancing', 'enabled'),
    'eks:blockStorageEnabled': at('storageConfig', 'blockStorage', 'enabled'),
  };
  return Object.fromEntries(
    Object.entries(flags).flatMap(([key, flag]) => (flag === undefined ? [] : [[key, [String(flag)]]])),
  );
}

function secretArn(name: string, { account, region, aws }: Where): string {
  try {
    return aws.secrets.get({ account, region }, name).arn;
  } catch {
    return `arn:aws:secretsmanager:${region}:${account}:secret:${name}-000000`; // IAM looks at the name before the service does
  }
}

/** The partition keys that a request names: `dynamodb:LeadingKeys`. */
function leadingKeys(parameters: Parameters): Readonly<Record<string, readonly string[]>> {
  const at = (value: unknown, ...path: string[]) =>
    path.reduce<unknown>((inner, key) => (isObject(inner) ? inner[key] : undefined), value);
  const placeholder = /\bpk\s*=\s*(:\w+)/.exec(String(parameters['KeyConditionExpression'] ?? ''))?.[1];
  const keys = [
    at(parameters, 'Key', 'pk', 'S'),
    at(parameters, 'Item', 'pk', 'S'),
    placeholder ? at(parameters, 'ExpressionAttributeValues', placeholder, 'S') : undefined,
  ].filter((key): key is string => typeof key === 'string');
  return keys.length > 0 ? { 'dynamodb:LeadingKeys': keys } : {};
}
