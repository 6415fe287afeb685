/** An ECR repository for each service, and the policy with which a build pushes to them. */
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Repository, TagMutability, TagStatus } from 'aws-cdk-lib/aws-ecr';
import { Effect, ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { accept, wildcardFinding } from './nag-reasons.ts';

export interface RegistryProps {
  readonly environment: string;
  readonly services: readonly string[];
}

export class Registry extends Construct {
  constructor(scope: Construct, id: string, { environment, services }: RegistryProps) {
    super(scope, id);
    const repositories = services.map(
      (service) =>
        new Repository(this, service, {
          repositoryName: service,
          // A tag that moves could roll out nothing, or something else.
          imageTagMutability: TagMutability.IMMUTABLE,
          imageScanOnPush: true,
          removalPolicy: RemovalPolicy.RETAIN,
          lifecycleRules: [
            {
              description: 'failed pushes',
              rulePriority: 1,
              tagStatus: TagStatus.UNTAGGED,
              maxImageAge: Duration.days(7),
            },
            { description: 'the last builds', rulePriority: 2, tagStatus: TagStatus.ANY, maxImageCount: 100 },
          ],
        }),
    );
    const policy = new ManagedPolicy(this, 'PushImages', {
      managedPolicyName: pushPolicyOf(environment),
      description: `pushes images of ${environment}`,
      statements: [
        new PolicyStatement({
          sid: 'LogIn',
          effect: Effect.ALLOW,
          actions: ['ecr:GetAuthorizationToken'],
          resources: ['*'],
        }),
        new PolicyStatement({
          sid: 'PushImages',
          effect: Effect.ALLOW,
          actions: [
            'BatchCheckLayerAvailability',
            'BatchGetImage',
            'CompleteLayerUpload',
            'GetDownloadUrlForLayer',
            'InitiateLayerUpload',
            'PutImage',
            'UploadLayerPart',
          ].map((name) => `ecr:${name}`),
          resources: repositories.map(({ repositoryArn }) => repositoryArn),
        }),
      ],
    });
    accept(policy, { [wildcardFinding('*')]: 'A token of ECR is for the whole registry of the account.' });
  }
}

/** Fixed: `create.policies` of nightshift's config names it. */
export function pushPolicyOf(environment: string): string {
  return `platform-${environment}-push-images`;
}
