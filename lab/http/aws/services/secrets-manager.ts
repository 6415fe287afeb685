/** AWS Secrets Manager, API version 2017-10-17: strings, written and read. */
import { AwsError, type AwsWorld, type Secret } from '../../../world/aws/index.ts';
import { type Parameters, parametersOf } from '../parameters.ts';
import { type AwsRequest, type AwsService, unknownOperation } from '../service.ts';

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
          const version = versionOf(secret, {
            stage: input.optionalText('VersionStage'),
            id: input.optionalText('VersionId'),
          });
          return {
            ARN: secret.arn,
            Name: secret.name,
            VersionId: version.versionId,
            SecretString: version.value,
            VersionStages: [version === secret.previous ? 'AWSPREVIOUS' : 'AWSCURRENT'],
            CreatedDate: version.changedAt / 1000,
          };
        }
        case 'DescribeSecret':
          return described(aws.secrets.get(request, input.text('SecretId')), 'VersionIdsToStages');
        case 'ListSecrets': {
          refuseUnknown(request, []);
          return {
            SecretList: aws.secrets.all(request).map((secret) => described(secret, 'SecretVersionsToStages')),
          };
        }
        case 'CreateSecret': {
          refuseUnknown(request, ['Name', 'SecretString', 'ClientRequestToken']);
          const name = input.text('Name');
          if (!/^[\w/+=.@-]{1,512}$/.test(name))
            throw invalid(
              'Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!',
            );
          if (aws.secrets.find(request, name)) {
            throw new AwsError(
              'ResourceExistsException',
              `The operation failed because the secret ${name} already exists.`,
            );
          }
          return created(aws.putSecret(newVersion(request, input, name)));
        }
        case 'PutSecretValue': {
          refuseUnknown(request, ['SecretId', 'SecretString', 'ClientRequestToken']);
          const { name } = aws.secrets.get(request, input.text('SecretId'));
          const secret = aws.putSecret(newVersion(request, input, name));
          return { ...created(secret), VersionStages: ['AWSCURRENT'] };
        }
        default:
          return unknownOperation;
      }
    },
  };
}

type Version = Pick<Secret, 'value' | 'versionId' | 'changedAt'>;

function versionOf(
  secret: Secret,
  wanted: { readonly stage: string | undefined; readonly id: string | undefined },
): Version {
  const stages: Readonly<Record<string, Version | undefined>> = {
    AWSCURRENT: secret,
    AWSPREVIOUS: secret.previous,
  };
  if (wanted.stage !== undefined) {
    const found = stages[wanted.stage];
    if (!found) throw noVersion(`staging label: ${wanted.stage}`);
    if (wanted.id !== undefined && wanted.id !== found.versionId) throw noVersion(`VersionId: ${wanted.id}`);
    return found;
  }
  if (wanted.id === undefined) return secret;
  const found = Object.values(stages).find((version) => version?.versionId === wanted.id);
  if (!found) throw noVersion(`VersionId: ${wanted.id}`);
  return found;
}

function described(secret: Secret, versions: 'VersionIdsToStages' | 'SecretVersionsToStages') {
  return {
    ARN: secret.arn,
    Name: secret.name,
    CreatedDate: secret.createdAt / 1000,
    LastChangedDate: secret.changedAt / 1000,
    [versions]: {
      [secret.versionId]: ['AWSCURRENT'],
      ...(secret.previous ? { [secret.previous.versionId]: ['AWSPREVIOUS'] } : {}),
    },
  };
}

function created(secret: Secret) {
  return { ARN: secret.arn, Name: secret.name, VersionId: secret.versionId };
}

/** The token of a request is the id of the version that it makes. */
function newVersion({ account, region }: AwsRequest, input: Parameters, name: string) {
  const versionId = input.optionalText('ClientRequestToken');
  if (versionId !== undefined && (versionId.length < 32 || versionId.length > 64))
    throw invalid(`ClientRequestToken must be 32 to 64 characters long, not ${versionId.length}`);
  const value = input.text('SecretString');
  return { account, region, name, value, ...(versionId === undefined ? {} : { versionId }) };
}

/** Parameters that the lab does not implement are refused, not ignored. */
function refuseUnknown(request: AwsRequest, known: readonly string[]): void {
  const other = Object.keys(request.parameters).find((name) => !known.includes(name));
  if (other !== undefined) throw invalid(`the lab's ${request.operation} does not know ${other}`);
}

function invalid(message: string) {
  return new AwsError('InvalidParameterException', message);
}

function noVersion(what: string) {
  return new AwsError(
    'ResourceNotFoundException',
    `Secrets Manager can't find the specified secret value for ${what}`,
  );
}
