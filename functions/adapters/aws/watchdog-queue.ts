/** The queue of the watchdog, for spot-drain: one small signed request. */
import type { HttpReply } from '#functions/adapters/http.ts';
import type { TokenCredentials } from '#functions/adapters/kubernetes/token.ts';
import { NightshiftError } from '#functions/shared/errors.ts';
import type { Watchdog } from '#functions/spot-drain/ports.ts';
import { TRIGGER_SOURCE } from '#model/trigger.ts';
import { createSignedRequests } from './signed-requests.ts';

export interface WatchdogQueueOptions {
  /** `https://sqs.<region>.amazonaws.com/<account>/<name>`. Absent in a dry run, which sends nothing. */
  readonly queueUrl: string | undefined;
  readonly region: string;
  readonly credentials: () => Promise<TokenCredentials>;
  readonly now: () => Date;
  /** Instead of the queue's own host: `AWS_ENDPOINT_URL`. */
  readonly endpoint?: string | undefined;
}

const TIMEOUT_MS = 2_000;
const MOST_ATTEMPTS = 3;
/** SQS delays a message by 15 minutes at most. */
const LONGEST_DELAY_SECONDS = 900;

export function createWatchdogQueue(options: WatchdogQueueOptions): Watchdog {
  const { queueUrl } = options;
  if (queueUrl === undefined) return { send: async () => undefined };
  const request = createSignedRequests({
    service: 'sqs',
    region: options.region,
    credentials: options.credentials,
    now: options.now,
    url: options.endpoint ?? queueUrl,
  });
  const post = (body: string) =>
    request({
      method: 'POST',
      path: '/',
      headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'AmazonSQS.SendMessage' },
      body,
      timeoutMs: TIMEOUT_MS,
    });

  return {
    async send(check, delaySeconds) {
      const message = { source: TRIGGER_SOURCE, trigger: 'watchdog', ...check };
      const body = JSON.stringify({
        QueueUrl: queueUrl,
        MessageBody: JSON.stringify(message),
        DelaySeconds: Math.min(LONGEST_DELAY_SECONDS, Math.max(0, Math.ceil(delaySeconds))),
      });
      for (let attempts = 1; ; attempts++) {
        const outcome = await post(body).catch((error: unknown) => ({ error }));
        if ('status' in outcome && outcome.status === 200) return;
        const isFinal = 'status' in outcome && outcome.status < 500 && outcome.status !== 429;
        if (isFinal || attempts >= MOST_ATTEMPTS) throw refusal(outcome);
      }
    },
  };
}

function refusal(outcome: HttpReply | { readonly error: unknown }): Error {
  if ('error' in outcome)
    return new NightshiftError('the watchdog could not be sent', { cause: outcome.error });
  const text = outcome.body.slice(0, 200);
  return new NightshiftError(`sqs answered ${outcome.status} to the watchdog: ${text}`);
}
