/** The SDK clients of our functions, so that no handler imports the SDK. What a function does not call is not bundled. */
import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { EKSClient } from '@aws-sdk/client-eks';
import { awsClientDefaults } from './aws-client.ts';
import { onDemand } from './on-demand/client.ts';

export const createAutoScalingClient = () => new AutoScalingClient(awsClientDefaults());
export const createDynamoDbClient = () => new DynamoDBClient(awsClientDefaults());

/** Most invocations ask nothing of EKS: its client, a sixth of a bundle, is loaded with the first question. */
export const createEksClient = (): Pick<EKSClient, 'send'> =>
  onDemand(async () => {
    const { EKSClient } = await import('./on-demand/eks-client.ts');
    return new EKSClient(awsClientDefaults());
  });
