/** The front door in front of a test's world, and SDK clients whose clock is the world's. */
import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EC2Client } from '@aws-sdk/client-ec2';
import { EKSClient } from '@aws-sdk/client-eks';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { STSClient } from '@aws-sdk/client-sts';
import { onTestFinished } from 'vitest';
import { type ServeAwsOptions, serveAws } from '#lab/http/aws/server.ts';
import type { Principal } from '#lab/world/seams.ts';
import { account, aWorld, region } from './world.ts';

export async function anEndpoint(options: Partial<ServeAwsOptions> = {}) {
  const world = aWorld();
  const endpoint = await serveAws({ aws: world.aws, ...options });
  onTestFinished(() => endpoint.close());
  const principal = world.aws.addPrincipal({
    account,
    arn: `arn:aws:iam::${account}:role/service/night-schedule`,
    sessionName: 'nightshift',
  });
  const config = (by: Principal = principal, changes: object = {}) => ({
    endpoint: endpoint.url,
    region,
    credentials: by,
    systemClockOffset: world.context.clock.offset(),
    maxAttempts: 1,
    ...changes,
  });
  return {
    world,
    endpoint,
    principal,
    config,
    eks: new EKSClient(config()),
    autoScaling: new AutoScalingClient(config()),
    ec2: new EC2Client(config()),
    sts: new STSClient(config()),
    secrets: new SecretsManagerClient(config()),
    dynamo: new DynamoDBClient(config()),
  };
}
