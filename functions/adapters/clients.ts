/** The SDK clients of our functions, so that no handler imports the SDK. What a function does not call is not bundled. */
import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { CodeBuildClient } from '@aws-sdk/client-codebuild';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { EKSClient } from '@aws-sdk/client-eks';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { awsClientDefaults } from './aws-client.ts';

export const createAutoScalingClient = () => new AutoScalingClient(awsClientDefaults());
export const createCodeBuildClient = () => new CodeBuildClient(awsClientDefaults());
export const createDynamoDbClient = () => new DynamoDBClient(awsClientDefaults());
export const createSecretsManagerClient = () => new SecretsManagerClient(awsClientDefaults());

/** Most invocations ask nothing of EKS: its client, a sixth of a bundle, is loaded with the first question. */
export function createEksClient(): Pick<EKSClient, 'send'> {
  let client: Promise<EKSClient> | undefined;
  const load = async () => {
    const { EKSClient } = await import('./on-demand/eks-client.ts');
    return new EKSClient(awsClientDefaults());
  };
  const send = async (...question: Parameters<EKSClient['send']>) => {
    client ??= load();
    return (await client).send(...question);
  };
  return { send } as Pick<EKSClient, 'send'>;
}
