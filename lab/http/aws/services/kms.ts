/** AWS KMS, API version 2014-11-01: GenerateMac and VerifyMac. */
import { AwsError, type AwsWorld } from '../../../world/aws/index.ts';
import { parametersOf } from '../parameters.ts';
import { type AwsRequest, type AwsService, unknownOperation } from '../service.ts';

const LONGEST_MESSAGE_BYTES = 4096;
const LONGEST_MAC_BYTES = 6144;

export function kmsService(aws: AwsWorld): AwsService {
  return {
    service: 'kms',
    protocol: 'json-1.1',
    target: 'TrentService',
    resource(request) {
      const id = request.parameters['KeyId'];
      if (typeof id !== 'string') return undefined;
      return id.startsWith('arn:') ? id : `arn:aws:kms:${request.region}:${request.account}:key/${id}`;
    },
    handle(request) {
      if (request.operation !== 'GenerateMac' && request.operation !== 'VerifyMac') return unknownOperation;
      const input = parametersOf(request, 'ValidationException');
      const keyId = input.text('KeyId');
      const algorithm = input.text('MacAlgorithm');
      const message = blobOf(request, 'Message', LONGEST_MESSAGE_BYTES);
      const named = { KeyId: aws.macKeys.arnOf(request, keyId) ?? keyId, MacAlgorithm: algorithm };
      if (request.operation === 'GenerateMac')
        return { ...named, Mac: aws.macKeys.generate(request, keyId, algorithm, message).toString('base64') };
      aws.macKeys.verify(request, keyId, algorithm, message, blobOf(request, 'Mac', LONGEST_MAC_BYTES));
      return { ...named, MacValid: true };
    },
  };
}

/** Base64 as the service reads it: no other alphabet, whole groups of four. */
function blobOf(request: AwsRequest, name: string, most: number): Buffer {
  const value = request.parameters[name];
  const constraint = (what: string) =>
    new AwsError(
      'ValidationException',
      `1 validation error detected: Value at '${name.charAt(0).toLowerCase()}${name.slice(1)}' failed to satisfy constraint: ${what}`,
    );
  if (value === undefined || value === null) throw constraint('Member must not be null');
  if (
    typeof value !== 'string' ||
    !/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(value)
  )
    throw new AwsError('SerializationException', `${name} is not base64`);
  const bytes = Buffer.from(value, 'base64');
  if (bytes.length < 1) throw constraint('Member must have length greater than or equal to 1');
  if (bytes.length > most) throw constraint(`Member must have length less than or equal to ${most}`);
  return bytes;
}
