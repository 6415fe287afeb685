/**
 * The SDK clients of branch-deploy alone, which a tick with nothing pending does without. Not in `clients.ts`: what can
 * be loaded on demand is bundled with everything that imports the file.
 */
import type { CodeBuildClient } from '@aws-sdk/client-codebuild';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { awsClientDefaults } from './aws-client.ts';
import { onDemand } from './on-demand/client.ts';

export const createCodeBuildClient = (): Pick<CodeBuildClient, 'send'> =>
  onDemand(async () => {
    const { CodeBuildClient } = await import('./on-demand/codebuild.ts');
    return new CodeBuildClient(awsClientDefaults());
  });

export const createSecretsManagerClient = (): Pick<SecretsManagerClient, 'send'> =>
  onDemand(async () => {
    const { SecretsManagerClient } = await import('./on-demand/secrets-manager.ts');
    return new SecretsManagerClient(awsClientDefaults());
  });
