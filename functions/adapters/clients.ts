/** The SDK clients of our functions, so that no handler imports the SDK. What a function does not call is not bundled. */
import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { CodeBuildClient } from '@aws-sdk/client-codebuild';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EKSClient } from '@aws-sdk/client-eks';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { awsClientDefaults } from './aws-client.ts';

export const createAutoScalingClient = () => new AutoScalingClient(awsClientDefaults());
export const createCodeBuildClient = () => new CodeBuildClient(awsClientDefaults());
export const createDynamoDbClient = () => new DynamoDBClient(awsClientDefaults());
export const createEksClient = () => new EKSClient(awsClientDefaults());
export const createSecretsManagerClient = () => new SecretsManagerClient(awsClientDefaults());
