/** AWS Secrets Manager, API version 2017-10-17: reading. */
import { AwsError, type AwsWorld } from '../../../world/aws/index.ts';
import { parametersOf } from '../parameters.ts';
import { type AwsService, unknownOperation } from '../service.ts';

export function secretsManagerService(aws: AwsWorld): AwsService {
  return {
    service: 'secretsmanager',
    protocol: 'json-1.1',
    target: 'secretsmanager',
    resource(request) {
      const id = request.parameters['SecretId'];
      if (typeof id !== 'string') return undefined;
      if (id.startsWith('arn:')) return id;
      return (
        aws.secrets.find(request, id)?.arn ??
        `arn:aws:secretsmanager:${request.region}:${request.account}:secret:${id}`
      );
    },
    handle(request) {
      const input = parametersOf(request, 'InvalidParameterException');
      switch (request.operation) {
        case 'GetSecretValue': {
          const secret = aws.secrets.get(request, input.text('SecretId'));
          const stage = input.optionalText('VersionStage') ?? 'AWSCURRENT';
          const version = input.optionalText('VersionId');
          if (stage !== 'AWSCURRENT') throw noVersion(`staging label: ${stage}`);
          if (version !== undefined && version !== secret.versionId) throw noVersion(`VersionId: ${version}`);
          return {
            ARN: secret.arn,
            Name: secret.name,
            VersionId: secret.versionId,
            SecretString: secret.value,
            VersionStages: ['AWSCURRENT'],
            CreatedDate: secret.changedAt / 1000,
          };
        }
        case 'DescribeSecret': {
          const secret = aws.secrets.get(request, input.text('SecretId'));
          return {
            ARN: secret.arn,
            Name: secret.name,
            CreatedDate: secret.createdAt / 1000,
            LastChangedDate: secret.changedAt / 1000,
            VersionIdsToStages: { [secret.versionId]: ['AWSCURRENT'] },
          };
        }
        default:
          return unknownOperation;
      }
    },
  };
}

function noVersion(what: string) {
  return new AwsError(
    'ResourceNotFoundException',
    `Secrets Manager can't find the specified secret value for ${what}`,
  );
}
