/** Publishes to SNS. Loaded lazily by `notifications.ts`: most invocations notify nobody. */
import { PublishCommand, type PublishCommandInput, SNSClient } from '@aws-sdk/client-sns';
import { NightshiftError } from '#functions/shared/errors.ts';
import { awsClientDefaults } from './clients.ts';
import { errorName } from './errors.ts';
import { withTimeLimit } from './time-limit.ts';

/** A notification must not take the time that the work needs: it gives up sooner than the other clients. */
export function createSnsClient(): SNSClient {
  const defaults = awsClientDefaults();
  const client = new SNSClient({
    ...defaults,
    maxAttempts: 3,
    requestHandler: { ...defaults.requestHandler, connectionTimeout: 3_000, requestTimeout: 3_000 },
  });
  return withTimeLimit(client, { attemptMs: 3_000, callMs: 10_000 });
}

/** Throws `NightshiftError` with status and code where SNS refuses, and the SDK's error where it is not reached. */
export async function publish(client: Pick<SNSClient, 'send'>, input: PublishCommandInput): Promise<void> {
  try {
    await client.send(new PublishCommand(input));
  } catch (cause) {
    const { httpStatusCode } = (cause as { $metadata?: { httpStatusCode?: number } }).$metadata ?? {};
    if (httpStatusCode === undefined) throw cause;
    throw new NightshiftError(`SNS answered ${httpStatusCode} ${errorName(cause)}`, { cause });
  }
}
