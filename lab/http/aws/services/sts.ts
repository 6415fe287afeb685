/** AWS Security Token Service, API version 2011-06-15: who am I. */
import type { AwsWorld } from '../../../world/aws/index.ts';
import { type AwsService, unknownOperation } from '../service.ts';

export function stsService(aws: AwsWorld): AwsService {
  return {
    service: 'sts',
    protocol: 'query',
    namespace: 'https://sts.amazonaws.com/doc/2011-06-15/',
    handle(request) {
      if (request.operation !== 'GetCallerIdentity') return unknownOperation;
      const caller = aws.principals.byAccessKey(request.principal.accessKeyId);
      return { Arn: caller?.callerArn, UserId: caller?.userId, Account: caller?.account };
    },
  };
}
