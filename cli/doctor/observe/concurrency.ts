/** Observes how many invocations the account and region allow at once. */
import { GetAccountSettingsCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import type { ConcurrencyFacts } from '../facts.ts';
import type { Observation } from '../observation.ts';
import { observe } from './observe.ts';

export function observeConcurrency(lambda: LambdaClient): Promise<Observation<ConcurrencyFacts>> {
  return observe('lambda:GetAccountSettings', async () => {
    const { AccountLimit } = await lambda.send(new GetAccountSettingsCommand({}));
    const limit = AccountLimit?.ConcurrentExecutions;
    if (limit === undefined) throw new Error('lambda answered without the limit of the account');
    return { limit, unreserved: AccountLimit?.UnreservedConcurrentExecutions ?? limit };
  });
}
