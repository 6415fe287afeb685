/** Writes small cloud assemblies for the tests of the lab. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

export const ACCOUNT = '111111111111';
export const REGION = 'ap-northeast-1';

export interface AssemblyParts {
  readonly resources?: Readonly<Record<string, unknown>>;
  /** The source of `index.mjs`, by logical id of the function. */
  readonly functions?: Readonly<Record<string, string>>;
  /** Properties by logical id of the function. */
  readonly properties?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly environment?: string;
}

export async function anAssembly(parts: AssemblyParts) {
  const directory = await mkdtemp(path.join(tmpdir(), 'assembly-'));
  const resources: Record<string, unknown> = {
    Role: {
      Type: 'AWS::IAM::Role',
      Properties: {
        AssumeRolePolicyDocument: {
          Statement: [
            { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'lambda.amazonaws.com' } },
            { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'scheduler.amazonaws.com' } },
          ],
        },
        Policies: [
          {
            PolicyName: 'invoke',
            PolicyDocument: {
              Statement: [{ Effect: 'Allow', Action: 'lambda:InvokeFunction', Resource: '*' }],
            },
          },
        ],
      },
    },
    ...parts.resources,
  };
  const files: Record<string, unknown> = {};
  for (const [logicalId, source] of Object.entries(parts.functions ?? {})) {
    const folder = `asset.${logicalId}`;
    await mkdir(path.join(directory, folder));
    await writeFile(path.join(directory, folder, 'index.mjs'), source);
    files[logicalId] = {
      source: { path: folder, packaging: 'zip' },
      destinations: { current: { bucketName: 'assets', objectKey: `${logicalId}.zip` } },
    };
    resources[logicalId] = {
      Type: 'AWS::Lambda::Function',
      Properties: {
        Code: { S3Bucket: 'assets', S3Key: `${logicalId}.zip` },
        Handler: 'index.handler',
        Runtime: 'nodejs24.x',
        Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
        Timeout: 10,
        ...parts.properties?.[logicalId],
      },
    };
  }
  const write = (file: string, value: unknown) =>
    writeFile(path.join(directory, file), JSON.stringify(value));
  await write('manifest.json', {
    version: '48.0.0',
    artifacts: {
      Sample: {
        type: 'aws:cloudformation:stack',
        environment: parts.environment ?? `aws://${ACCOUNT}/${REGION}`,
        properties: { templateFile: 'Sample.template.json' },
      },
    },
  });
  await write('Sample.template.json', { Resources: resources });
  await write('Sample.assets.json', { version: '48.0.0', files });
  return { directory, remove: () => rm(directory, { recursive: true, force: true }) };
}

/** A schedule that calls the function of that logical id. */
export function aSchedule(target: string, overrides: Readonly<Record<string, unknown>> = {}) {
  const { Target, ...properties } = overrides as { Target?: Record<string, unknown> };
  return {
    Type: 'AWS::Scheduler::Schedule',
    Properties: {
      FlexibleTimeWindow: { Mode: 'OFF' },
      ScheduleExpression: 'rate(1 minute)',
      Target: {
        Arn: { 'Fn::GetAtt': [target, 'Arn'] },
        RoleArn: { 'Fn::GetAtt': ['Role', 'Arn'] },
        ...Target,
      },
      ...properties,
    },
  };
}

/** A rule with its permission, to be spread into the resources. */
export function aRule(id: string, target: string, properties: Readonly<Record<string, unknown>>) {
  return {
    [id]: {
      Type: 'AWS::Events::Rule',
      Properties: {
        Targets: [{ Id: 'Target0', Arn: { 'Fn::GetAtt': [target, 'Arn'] } }],
        ...properties,
      },
    },
    [`${id}Permission`]: {
      Type: 'AWS::Lambda::Permission',
      Properties: {
        Action: 'lambda:InvokeFunction',
        FunctionName: { 'Fn::GetAtt': [target, 'Arn'] },
        Principal: 'events.amazonaws.com',
        SourceArn: { 'Fn::GetAtt': [id, 'Arn'] },
      },
    },
  };
}

/** A rule that starts a state machine, which waits and invokes the function `Fn` with the whole event. */
export function aWatch({ mayStart = true } = {}) {
  const role = (service: string, actions: readonly string[]) => ({
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: {
        Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: service } }],
      },
      Policies: [
        {
          PolicyName: 'allowed',
          PolicyDocument: { Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }] },
        },
      ],
    },
  });
  const states = {
    Wait: { Type: 'Wait', SecondsPath: '$.delaySeconds', Next: 'Invoke' },
    Invoke: {
      Type: 'Task',
      Resource: 'arn:aws:states:::lambda:invoke',
      Parameters: {
        FunctionName: `arn:aws:lambda:${REGION}:${ACCOUNT}:function:fn`,
        InvocationType: 'Event',
        Payload: { 'check.$': '$.check' },
      },
      End: true,
    },
  };
  return {
    Waiter: role('states.amazonaws.com', ['lambda:InvokeFunction']),
    Starter: role('events.amazonaws.com', mayStart ? ['states:StartExecution'] : ['states:ListExecutions']),
    Machine: {
      Type: 'AWS::StepFunctions::StateMachine',
      Properties: {
        StateMachineName: 'later',
        RoleArn: { 'Fn::GetAtt': ['Waiter', 'Arn'] },
        DefinitionString: JSON.stringify({ StartAt: 'Wait', States: states }),
      },
    },
    Watch: {
      Type: 'AWS::Events::Rule',
      Properties: {
        EventPattern: { source: ['aws.ec2'] },
        Targets: [
          {
            Id: 'Target0',
            Arn: { Ref: 'Machine' },
            RoleArn: { 'Fn::GetAtt': ['Starter', 'Arn'] },
            InputTransformer: {
              InputTemplate: '{"delaySeconds":20,"check":{"event":<aws.events.event.json>}}',
            },
          },
        ],
      },
    },
  };
}
