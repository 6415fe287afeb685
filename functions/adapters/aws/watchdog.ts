/** The watchdog of spot-drain: an execution of its state machine, which waits and invokes the function again. */
import type { HttpReply } from '#functions/adapters/http.ts';
import { NightshiftError } from '#functions/shared/errors.ts';
import type { Watchdog } from '#functions/spot-drain/ports.ts';
import type { AwsCredentials } from './signature.ts';
import { createSignedRequests, jsonRequest } from './signed-requests.ts';

export interface WatchdogOptions {
  /** Absent in a dry run, which sends nothing. */
  readonly stateMachineArn: string | undefined;
  readonly region: string;
  readonly credentials: () => Promise<AwsCredentials>;
  readonly now: () => Date;
  /** Instead of the host of Step Functions: `AWS_ENDPOINT_URL`. */
  readonly endpoint?: string | undefined;
}

const TIMEOUT_MS = 2_000;
const MOST_ATTEMPTS = 3;
const START_EXECUTION = 'AWSStepFunctions.StartExecution';

export function createWatchdog({ stateMachineArn, ...options }: WatchdogOptions): Watchdog {
  if (stateMachineArn === undefined) return { send: async () => undefined };
  const request = createSignedRequests({ ...options, service: 'states' });

  return {
    async send(check, delay) {
      const delaySeconds = Math.max(0, Math.ceil(delay));
      const input = { stateMachineArn, input: JSON.stringify({ delaySeconds, check }) };
      const call = jsonRequest(START_EXECUTION, input, { version: '1.0', timeoutMs: TIMEOUT_MS });
      for (let attempts = 1; ; attempts++) {
        const outcome = await request(call).catch((error: unknown) => ({ error }));
        if ('status' in outcome && outcome.status === 200) return;
        if (!isTransient(outcome) || attempts >= MOST_ATTEMPTS) throw refusal(outcome);
      }
    },
  };
}

type Failed = HttpReply | { readonly error: unknown };

/** Step Functions throttles with a 400. */
function isTransient(outcome: Failed): boolean {
  return (
    'error' in outcome || outcome.status >= 500 || outcome.status === 429 || /Throttl/.test(outcome.body)
  );
}

function refusal(outcome: Failed): Error {
  if ('error' in outcome)
    return new NightshiftError('the watchdog could not be sent', { cause: outcome.error });
  const text = outcome.body.slice(0, 200);
  return new NightshiftError(`states answered ${outcome.status} to the watchdog: ${text}`);
}
