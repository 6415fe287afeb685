/**
 * Lambda's asynchronous invocations: a failed invocation is retried after one, then two minutes,
 * up to the function's limits; a discarded event goes to the dead-letter queue.
 * Rules: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
 */
import type { WorldContext } from '#lab/world/interfaces.ts';
import type { Outcome } from './function-process.ts';
import type { FunctionRunner } from './function-runner.ts';

export interface QueueMessage {
  readonly queueArn: string;
  /** Virtual time, ms. */
  readonly at: number;
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
}

const WAITS_MS = [60_000, 120_000];

export interface AsyncInvocations {
  invoke(runner: FunctionRunner, payload: string): void;
  /** Invocations in progress or waiting for a retry. */
  pending(): number;
}

export function createAsyncInvocations(
  context: WorldContext,
  enqueue: (message: QueueMessage) => void,
): AsyncInvocations {
  let pending = 0;

  const attempt = async (job: Job, tried: number): Promise<void> => {
    const outcome = await job.runner.invoke(job.payload, job.requestId);
    if (outcome.ok) {
      pending--;
      return;
    }
    const { retries, maximumAgeSeconds } = job.runner.spec.async;
    const wait = WAITS_MS[Math.min(tried, WAITS_MS.length - 1)] ?? 0;
    const tooOld = context.clock.now() + wait - job.at > maximumAgeSeconds * 1000;
    if (tried < retries && !tooOld) {
      context.clock.after(wait, () => void attempt(job, tried + 1));
      return;
    }
    giveUp(job, outcome, tried + 1, tried < retries ? 'EventAgeExceeded' : 'RetriesExhausted');
  };

  const giveUp = (job: Job, outcome: Outcome & { ok: false }, attempts: number, condition: string) => {
    pending--;
    const { spec } = job.runner;
    const target = spec.async.deadLetter;
    if (!target) return;
    const at = context.clock.now();
    const plain = target.as === 'dead-letter';
    enqueue({
      queueArn: target.arn,
      at,
      body: plain ? job.payload : destinationRecord(job, outcome, { attempts, condition, at }),
      attributes: plain
        ? {
            RequestID: job.requestId,
            ErrorCode: '200',
            ErrorMessage: outcome.error.errorMessage.slice(0, 1024),
          }
        : {},
    });
  };

  return {
    pending: () => pending,
    invoke(runner, payload) {
      pending++;
      void attempt({ runner, payload, requestId: context.uuid(), at: context.clock.now() }, 0);
    },
  };
}

interface Job {
  readonly runner: FunctionRunner;
  readonly payload: string;
  readonly requestId: string;
  /** When the event was accepted. */
  readonly at: number;
}

function destinationRecord(
  job: Job,
  outcome: Outcome & { ok: false },
  { attempts, condition, at }: { attempts: number; condition: string; at: number },
): string {
  return JSON.stringify({
    version: '1.0',
    timestamp: new Date(at).toISOString(),
    requestContext: {
      requestId: job.requestId,
      functionArn: `${job.runner.spec.arn}:$LATEST`,
      condition,
      approximateInvokeCount: attempts,
    },
    requestPayload: JSON.parse(job.payload),
    responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
    responsePayload: outcome.error,
  });
}
