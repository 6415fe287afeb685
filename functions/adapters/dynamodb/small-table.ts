/**
 * The environment's table by signed requests, without the SDK's client: that is 160 KB, which every cold start would load.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html
 */
import { setTimeout as wait } from 'node:timers/promises';
import {
  createSignedRequests,
  jsonRequest,
  type SignedRequestsOptions,
} from '#functions/adapters/aws/signed-requests.ts';
import { type HttpReply, UnreachableError } from '#functions/adapters/http.ts';
import { NightshiftError } from '#functions/shared/errors.ts';
import { backoffMs } from '#functions/shared/retry.ts';
import { isRecord } from '#model/record-schema.ts';
import { ConditionFailedError, createTableOver, type Item, type TableReply } from './table-over.ts';
import type { Table } from './table-port.ts';

export interface SmallTableOptions extends Pick<SignedRequestsOptions, 'region' | 'credentials' | 'now'> {
  readonly name: string;
  /** Instead of DynamoDB's own host: `AWS_ENDPOINT_URL_DYNAMODB` or `AWS_ENDPOINT_URL`. */
  readonly endpoint?: string | undefined;
  /** Of each attempt. */
  readonly timeoutMs: number;
  /** So many requests at once at most. */
  readonly maxSockets: number;
}

const MOST_ATTEMPTS = 4;
const BACKOFF = { firstMs: 50, longestMs: 1_000 };
/** Capacity comes back by the second. */
const BACKOFF_OF_THROTTLED_MS = 500;
/** What DynamoDB answers with a status of 400 although the same request may succeed later: as the SDK repeats it. */
const THROTTLED =
  /^(ProvisionedThroughputExceeded|RequestLimitExceeded|LimitExceeded|Throttl|RequestThrottled|TooManyRequests)/;
const TRANSIENT = /^(ItemCollectionSizeLimitExceeded|TransactionInProgress|RequestTimeout)/;

/** Marked as the SDK marks an error of the server: the same request may succeed later. */
class TableUnavailableError extends NightshiftError {
  override name = 'TableUnavailableError';
  readonly $fault = 'server';
}

export function createSmallTable(options: SmallTableOptions): Table {
  const { name, timeoutMs } = options;
  const request = createSignedRequests({ ...options, service: 'dynamodb' });
  return createTableOver(async (operation, input) => {
    const target = `DynamoDB_20120810.${operation}`;
    const call = jsonRequest(target, input, { version: '1.0', timeoutMs });
    for (let attempts = 1; ; attempts++) {
      const outcome = await request(call).catch((error: unknown) => {
        if (!(error instanceof UnreachableError)) throw error;
        return error;
      });
      const fields = outcome instanceof UnreachableError ? undefined : fieldsOf(outcome);
      if (fields && !(outcome instanceof UnreachableError) && outcome.status === 200)
        return fields as TableReply;
      const code = codeOf(fields);
      if (code === 'ConditionalCheckFailedException')
        throw new ConditionFailedError(fields?.['Item'] as Item | undefined, attempts);
      const isThrottled =
        !(outcome instanceof UnreachableError) && (outcome.status === 429 || THROTTLED.test(code));
      const mayPass =
        outcome instanceof UnreachableError ||
        outcome.status >= 500 ||
        fields === undefined ||
        isThrottled ||
        TRANSIENT.test(code);
      if (!mayPass) throw new NightshiftError(refusal(operation, outcome, fields));
      if (attempts >= MOST_ATTEMPTS)
        throw new TableUnavailableError(
          refusal(operation, outcome, fields),
          outcome instanceof UnreachableError ? { cause: outcome } : {},
        );
      await wait(pauseMs(attempts, isThrottled, Math.random()));
    }
  }, name);
}

/** `random` is in [0, 1). Throttled requests return one by one, like those of the SDK: together they are throttled again. */
export function pauseMs(attempts: number, isThrottled: boolean, random: number): number {
  return isThrottled
    ? random * BACKOFF_OF_THROTTLED_MS * 2 ** (attempts - 1)
    : backoffMs(attempts, random, BACKOFF);
}

/** Undefined for a body that is none of DynamoDB's: from a proxy in between. */
function fieldsOf({ body }: HttpReply): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** `com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException` */
function codeOf(fields: Readonly<Record<string, unknown>> | undefined): string {
  const type = fields?.['__type'];
  return typeof type === 'string' ? (type.split('#').at(-1) ?? '') : '';
}

function refusal(
  operation: string,
  outcome: HttpReply | UnreachableError,
  fields: Readonly<Record<string, unknown>> | undefined,
): string {
  if (outcome instanceof UnreachableError) return `dynamodb could not be reached for ${operation}`;
  const message = fields?.['message'] ?? fields?.['Message'];
  const detail = [codeOf(fields), typeof message === 'string' ? message : ''].filter(Boolean).join(': ');
  return `dynamodb answered ${outcome.status} to ${operation}${detail ? `: ${detail}` : ''}`;
}
