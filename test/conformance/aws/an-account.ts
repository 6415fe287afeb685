/** An account of the AWS that AWS_ENDPOINT_URL names, for the length of a test file: each gets one of its own. */
import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import * as autoscaling from '@aws-sdk/client-auto-scaling';
import { CodeBuildClient } from '@aws-sdk/client-codebuild';
import { CreateTableCommand, DeleteTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EC2Client } from '@aws-sdk/client-ec2';
import {
  CreateClusterCommand,
  DeleteClusterCommand,
  DeleteNodegroupCommand,
  EKSClient,
  ListClustersCommand,
  ListNodegroupsCommand,
} from '@aws-sdk/client-eks';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { STSClient } from '@aws-sdk/client-sts';
import type { Size } from '#functions/night-schedule/records.ts';

export const REGION = 'ap-northeast-1';

const endpoint = process.env['AWS_ENDPOINT_URL'] ?? '';
let software = 'not reached';

/** Name and version of what answers at AWS_ENDPOINT_URL: call it once before the tests. */
export async function recognise(): Promise<void> {
  const reply = await fetch(new URL('/moto-api/', endpoint));
  software = reply.ok && (await reply.text()).includes('Moto') ? `moto ${motoVersion()}` : endpoint;
}

export const softwareName = () => software;

/** The server does not tell it: that of the Python on the PATH, which most likely started it. */
function motoVersion(): string {
  try {
    const question = 'from importlib.metadata import version; print(version("moto"))';
    return execFileSync('python3', ['-c', question], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return 'of an unknown version';
  }
}

/** One that nothing was made in yet: moto goes by a header of its own, which others ignore. */
export function anAccount() {
  const account = String(randomInt(100_000_000_000, 999_999_999_999));
  const config = {
    endpoint,
    region: REGION,
    credentials: { accessKeyId: 'conformance', secretAccessKey: 'secret' },
    maxAttempts: 1,
  };
  const clients = {
    eks: new EKSClient(config),
    autoScaling: new autoscaling.AutoScalingClient(config),
    ec2: new EC2Client(config),
    sts: new STSClient(config),
    secrets: new SecretsManagerClient(config),
    dynamo: new DynamoDBClient(config),
    codebuild: new CodeBuildClient(config),
  };
  for (const client of Object.values(clients)) inAccount(client, account);
  return { account, endpoint, credentials: config.credentials, ...clients };
}

function inAccount(
  client: { readonly middlewareStack: { add(...middleware: never[]): void } },
  account: string,
) {
  const add =
    (next: (args: unknown) => unknown) => (args: { request: { headers: Record<string, string> } }) => {
      args.request.headers['x-moto-account-id'] = account;
      return next(args);
    };
  client.middlewareStack.add(...([add, { step: 'build', name: 'account' }] as never[]));
}

export type Account = ReturnType<typeof anAccount>;

/** As the stack makes it. */
export async function aTableOf(
  { dynamo }: Pick<Account, 'dynamo'>,
  name: string,
): Promise<() => Promise<void>> {
  await dynamo.send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'sk', AttributeType: 'S' },
      ],
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
    }),
  );
  return async () => {
    await dynamo.send(new DeleteTableCommand({ TableName: name }));
  };
}

const LAUNCH = 'conformance';

/** A group of on-demand instances with these tags. */
export async function aGroupOf(
  { autoScaling }: Account,
  name: string,
  size: Size,
  tags: Readonly<Record<string, string>>,
): Promise<void> {
  await autoScaling
    .send(
      new autoscaling.CreateLaunchConfigurationCommand({
        LaunchConfigurationName: LAUNCH,
        ImageId: 'ami-12c6146b',
        InstanceType: 'm6i.large',
      }),
    )
    .catch((error: Error) => {
      if (!error.name.startsWith('AlreadyExists')) throw error;
    });
  await autoScaling.send(
    new autoscaling.CreateAutoScalingGroupCommand({
      AutoScalingGroupName: name,
      LaunchConfigurationName: LAUNCH,
      MinSize: size.min,
      MaxSize: size.max,
      DesiredCapacity: size.desired,
      AvailabilityZones: [`${REGION}a`],
      Tags: Object.entries(tags).map(([Key, Value]) => ({
        ResourceId: name,
        ResourceType: 'auto-scaling-group',
        Key,
        Value,
        PropagateAtLaunch: true,
      })),
    }),
  );
}

/** Takes away what an earlier test made: a new account costs moto seconds, and an empty one nothing. */
export async function emptied(account: Account): Promise<Account> {
  const { autoScaling, eks } = account;
  const names: (string | undefined)[] = [];
  for await (const page of autoscaling.paginateDescribeAutoScalingGroups({ client: autoScaling }, {}))
    names.push(...(page.AutoScalingGroups ?? []).map(({ AutoScalingGroupName }) => AutoScalingGroupName));
  for (const AutoScalingGroupName of names)
    await autoScaling.send(
      new autoscaling.DeleteAutoScalingGroupCommand({ AutoScalingGroupName, ForceDelete: true }),
    );
  const { clusters = [] } = await eks.send(new ListClustersCommand({}));
  for (const name of clusters) {
    const { nodegroups = [] } = await eks.send(new ListNodegroupsCommand({ clusterName: name }));
    for (const nodegroupName of nodegroups)
      await eks.send(new DeleteNodegroupCommand({ clusterName: name, nodegroupName }));
    await eks.send(new DeleteClusterCommand({ name }));
  }
  return account;
}

/** Its nodegroups have no instances in moto. */
export async function aCluster({ eks }: Account, name: string): Promise<void> {
  await eks.send(
    new CreateClusterCommand({
      name,
      roleArn: 'arn:aws:iam::123456789012:role/cluster',
      resourcesVpcConfig: { subnetIds: ['subnet-1'] },
    }),
  );
}
