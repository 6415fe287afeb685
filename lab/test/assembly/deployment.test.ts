import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { readAssembly } from '#lab/assembly/assembly.ts';
import { readDeployment } from '#lab/assembly/deployment.ts';
import { ACCOUNT, type AssemblyParts, anAssembly, aRule, aSchedule, aWatch, REGION } from './an-assembly.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

const functions = { Fn: 'export const handler = async () => 1;' };

async function deploy(parts: AssemblyParts) {
  const written = await anAssembly({ functions, ...parts });
  cleanups.push(written.remove);
  const { stacks } = await readAssembly(written.directory);
  const [stack] = stacks;
  if (!stack) throw new Error('no stack');
  return readDeployment(stack);
}

describe('a stack', () => {
  test('has physical names as CloudFormation gives them, or those of the template', async () => {
    const { functions } = await deploy({ properties: { Fn: { Description: 'x' } } });
    expect(functions[0]?.name).toMatch(/^Sample-Fn-[0-9A-F]{12}$/);
    expect(functions[0]?.arn).toBe(`arn:aws:lambda:${REGION}:${ACCOUNT}:function:${functions[0]?.name}`);
    expect(functions[0]?.timeoutSeconds).toBe(10);
    const named = await deploy({ properties: { Fn: { FunctionName: 'night' } } });
    expect(named.functions[0]?.name).toBe('night');
  });

  test('has its tables, access entries and policies read', async () => {
    const deployment = await deploy({
      resources: {
        Table: {
          Type: 'AWS::DynamoDB::Table',
          Properties: {
            TableName: 'nightshift',
            AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
            KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
            TimeToLiveSpecification: { AttributeName: 'expires', Enabled: true },
          },
        },
        Entry: {
          Type: 'AWS::EKS::AccessEntry',
          Properties: {
            ClusterName: 'develop',
            PrincipalArn: { 'Fn::GetAtt': ['Role', 'Arn'] },
            KubernetesGroups: ['nightshift:spot-drain'],
          },
        },
        Policy: {
          Type: 'AWS::IAM::Policy',
          Properties: {
            Roles: [{ Ref: 'Role' }],
            PolicyDocument: {
              Statement: [
                {
                  Effect: 'Allow',
                  Action: ['dynamodb:GetItem'],
                  Resource: { 'Fn::GetAtt': ['Table', 'Arn'] },
                },
              ],
            },
          },
        },
      },
    });
    expect(deployment.tables).toEqual([
      {
        name: 'nightshift',
        arn: `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/nightshift`,
        keys: [{ name: 'pk', kind: 'HASH', type: 'S' }],
        ttlAttribute: 'expires',
      },
    ]);
    expect(deployment.accessEntries[0]).toMatchObject({
      cluster: 'develop',
      principalArn: deployment.roles[0]?.arn,
      kubernetesGroups: ['nightshift:spot-drain'],
    });
    expect(deployment.roles[0]?.statements).toContainEqual({
      effect: 'Allow',
      actions: ['dynamodb:GetItem'],
      resources: [`arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/nightshift`],
      conditions: {},
    });
  });

  test.each<[string, AssemblyParts, string]>([
    ['a resource of an unknown type', { resources: { X: { Type: 'AWS::S3::Bucket' } } }, 'a AWS::S3::Bucket'],
    ['another runtime', { properties: { Fn: { Runtime: 'nodejs20.x' } } }, "'nodejs20.x'"],
    ['a function with layers', { properties: { Fn: { Layers: [] } } }, 'Layers'],
    ['code that is not an asset', { properties: { Fn: { Code: { ZipFile: 'x' } } } }, 'not an asset'],
    [
      'a role that is not in the stack',
      { properties: { Fn: { Role: 'arn:aws:iam::1:role/x' } } },
      'not in the stack',
    ],
    [
      'more variables than Lambda takes',
      { properties: { Fn: { Environment: { Variables: { A: 'x'.repeat(4096) } } } } },
      '4097 bytes',
    ],
    [
      'a reference to a resource that is not there',
      { properties: { Fn: { Description: { Ref: 'Nobody' } } } },
      "no resource 'Nobody'",
    ],
    [
      'an unknown attribute',
      { properties: { Fn: { Description: { 'Fn::GetAtt': ['Role', 'RoleId'] } } } },
      'Role.RoleId',
    ],
    [
      'a rule with a transformed input',
      {
        resources: aRule('R', 'Fn', {
          EventPattern: { source: ['a'] },
          Targets: [{ Id: 'T', Arn: { 'Fn::GetAtt': ['Fn', 'Arn'] }, InputTransformer: {} }],
        }),
      },
      'input transformer',
    ],
    [
      'a rule whose input is no JSON once the event is in it',
      {
        resources: aRule('R', 'Fn', {
          EventPattern: { source: ['a'] },
          Targets: [
            {
              Id: 'T',
              Arn: { 'Fn::GetAtt': ['Fn', 'Arn'] },
              InputTransformer: { InputTemplate: '{"event":"<aws.events.event.json>}' },
            },
          ],
        }),
      },
      'no JSON object',
    ],
    [
      'a rule whose variable is a path into the detail',
      {
        resources: aRule('R', 'Fn', {
          EventPattern: { source: ['a'] },
          Targets: [
            {
              Id: 'T',
              Arn: { 'Fn::GetAtt': ['Fn', 'Arn'] },
              InputTransformer: {
                InputPathsMap: { what: '$.detail.what' },
                InputTemplate: '{"what":<what>}',
              },
            },
          ],
        }),
      },
      'fields of the envelope only',
    ],
    [
      'a rule whose variable stands within quotes',
      {
        resources: aRule('R', 'Fn', {
          EventPattern: { source: ['a'] },
          Targets: [
            {
              Id: 'T',
              Arn: { 'Fn::GetAtt': ['Fn', 'Arn'] },
              InputTransformer: { InputPathsMap: { id: '$.id' }, InputTemplate: '{"id":"<id>"}' },
            },
          ],
        }),
      },
      'no JSON object',
    ],
    [
      'a rule that may not start its state machine',
      { resources: aWatch({ mayStart: false }), functions: { Fn: '' } },
      'may not start',
    ],
    [
      'a rule on another bus',
      { resources: aRule('R', 'Fn', { EventPattern: { source: ['a'] }, EventBusName: 'mine' }) },
      "bus 'mine'",
    ],
    ['a rule without a pattern', { resources: aRule('R', 'Fn', {}) }, 'either an EventPattern'],
    [
      'a rule whose pattern is not known',
      { resources: aRule('R', 'Fn', { EventPattern: { x: [{ cidr: '::/0' }] } }) },
      'cidr',
    ],
    [
      'a rule that may not invoke its function',
      { resources: { R: aRule('R', 'Fn', { EventPattern: { source: ['a'] } })['R'] } },
      'no AWS::Lambda::Permission',
    ],
    [
      'a schedule with a flexible window',
      { resources: { S: aSchedule('Fn', { FlexibleTimeWindow: { Mode: 'FLEXIBLE' } }) } },
      'flexible',
    ],
    [
      'a schedule whose expression is not known',
      { resources: { S: aSchedule('Fn', { ScheduleExpression: 'cron(0 8 ? * 2#1 *)' }) } },
      '2#1',
    ],
    [
      'a schedule whose role is not in the stack',
      { resources: { S: aSchedule('Fn', { Target: { RoleArn: 'arn:aws:iam::1:role/x' } }) } },
      'may not invoke',
    ],
    [
      'a schedule with a target that is no function of the stack',
      { resources: { S: aSchedule('Fn', { Target: { Arn: 'arn:aws:sqs:x' } }) } },
      'functions of the stack only',
    ],
  ])('that holds %s is refused', async (_, parts, message) => {
    await expect(deploy(parts)).rejects.toThrow(message);
  });
});

describe('an assembly', () => {
  test('that is not there is refused with what to do', async () => {
    await expect(readAssembly('/nowhere/cdk.out')).rejects.toThrow('run `npm run synth` first');
  });

  test('with a broken file is refused by its name', async () => {
    const written = await anAssembly({ functions });
    cleanups.push(written.remove);
    await writeFile(path.join(written.directory, 'Sample.template.json'), '{');
    await expect(readAssembly(written.directory)).rejects.toThrow(/Sample\.template\.json is not JSON/);
    await rm(path.join(written.directory, 'Sample.assets.json'));
    await writeFile(path.join(written.directory, 'Sample.template.json'), '{}');
    await expect(readAssembly(written.directory)).rejects.toThrow(/Sample\.assets\.json cannot be read/);
  });

  test('without account and region is refused', async () => {
    const written = await anAssembly({ functions, environment: 'aws://unknown-account/unknown-region' });
    cleanups.push(written.remove);
    await expect(readAssembly(written.directory)).rejects.toThrow(
      'needs a stack with an account and a region',
    );
  });
});
