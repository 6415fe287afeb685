/**
 * What the commands ask of AWS, environment by environment: its table, and its night-schedule function. Only the
 * permissions that a command needs are used, and the one that is missing is named.
 */

import { errorName } from '#functions/adapters/aws-client.ts';
import { createDesiredDeploys } from '#functions/adapters/dynamodb/desired-deploys.ts';
import { createLedger } from '#functions/adapters/dynamodb/ledger.ts';
import { createNightStore } from '#functions/adapters/dynamodb/night-store.ts';
import { createOverrides } from '#functions/adapters/dynamodb/overrides.ts';
import { createTable } from '#functions/adapters/dynamodb/table.ts';
import { DECISION } from '#functions/adapters/dynamodb/table-keys.ts';
import type { ApplicationRecord } from '#functions/branch-deploy/record.ts';
import type { LedgerEntry, SavedSize } from '#functions/night-schedule/records.ts';
import { NightshiftError } from '#functions/shared/errors.ts';
import { readSettings } from '#functions/shared/settings.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import type { EnvironmentConfig } from '#model/config.ts';
import { type Decision, decisionSchema } from '#model/decision.ts';
import { functionNameOf, tableNameOf } from '#model/names.ts';
import { effectiveOverride } from '#model/override.ts';
import { isValid } from '#model/record-schema.ts';
import type { Override } from '#model/schedule.ts';
import { type ScheduledTrigger, TRIGGER_SOURCE } from '#model/trigger.ts';
import { CloudError } from './io.ts';

export interface Night {
  readonly state?: ClusterState;
  /** The one that counts. */
  readonly override?: Override;
  readonly overrides: readonly Override[];
  readonly saved: readonly SavedSize[];
  /** Items that cannot be read: `night | saved#develop/web`. */
  readonly corrupt: readonly string[];
  /** ISO 8601: the last mark that a pass of night-schedule left, every few minutes. */
  readonly seenAt?: string;
}

export interface Cloud {
  /** The time as AWS said it with its last answer: a wrong clock of this machine must not date an override. */
  now(): Date;
  night(): Promise<Night>;
  /** The override that counts now. */
  override(): Promise<Override | undefined>;
  /** Replaces the others. */
  setOverride(override: Override): Promise<void>;
  clearOverrides(): Promise<void>;
  /** Asks night-schedule for a pass now; does not wait for it. */
  wakeFunction(cause: string): Promise<void>;
  /** Decided at `since` or later, oldest first. */
  decisions(since: Date): Promise<readonly Decision[]>;
  /** With what night-schedule was deployed; undefined where it is not. */
  deployedSettings(): Promise<Readonly<Record<string, unknown>> | undefined>;
  /** The applications that were ever deployed, and what waits. */
  applications(): Promise<readonly ApplicationRecord[]>;
  /** Of the dates from `firstDate` (ISO) on, oldest first. */
  ledger(firstDate: string): Promise<readonly LedgerEntry[]>;
}

/** Instead of what the shell says. */
export interface CloudAccess {
  readonly endpoint?: string;
  readonly credentials?: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
}

/** Clients with the credentials of this shell, for the region of the environment. The SDK is only loaded here. */
export async function createCloud(
  name: string,
  environment: EnvironmentConfig,
  localNow: () => Date,
  access: CloudAccess = {},
): Promise<Cloud> {
  const { DynamoDBClient } = await import('@aws-sdk/client-dynamodb');
  const { region, account } = environment;
  const tableName = tableNameOf(name);
  const tableArn = `arn:aws:dynamodb:${region}:${account}:table/${tableName}`;
  const client = new DynamoDBClient({ region, maxAttempts: 3, ...access });
  const clock = createClock(localNow);
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      clock.hear(result.response);
      return result;
    },
    { step: 'deserialize', name: 'serverTime', priority: 'low' },
  );
  const table = createTable(client, tableName);

  const ask = <T>(permission: string, run: () => Promise<T>) =>
    asking({ permission, resource: tableArn, what: `the table ${tableName}`, environment, name }, run);
  const overrides = createOverrides(table);
  const standing = () => ask('dynamodb:Query', overrides.all);
  const removeAll = async (given: readonly Override[]) => {
    for (const { id } of given) await ask('dynamodb:DeleteItem', () => overrides.remove(id));
  };

  return {
    now: clock.now,

    async night() {
      const memory = await ask('dynamodb:Query', () => createNightStore(table, environment.cluster).load());
      const override = effectiveOverride(memory.overrides, clock.now());
      return {
        saved: [...memory.saved.values()].map(({ value }) => value),
        overrides: memory.overrides,
        corrupt: memory.corrupt.map(({ item }) => item),
        ...(memory.state ? { state: memory.state.value } : {}),
        ...(override ? { override } : {}),
        ...(memory.notes.seen ? { seenAt: memory.notes.seen.value.at } : {}),
      };
    },

    async override() {
      return effectiveOverride(await standing(), clock.now());
    },

    async setOverride(override) {
      const others = await standing();
      await ask('dynamodb:PutItem', () => overrides.add(override));
      await removeAll(others.filter(({ id }) => id !== override.id));
    },

    async clearOverrides() {
      await removeAll(await standing());
    },

    async deployedSettings() {
      const { GetFunctionConfigurationCommand, LambdaClient } = await import('@aws-sdk/client-lambda');
      const FunctionName = functionNameOf(name, 'night-schedule');
      const lambda = new LambdaClient({ region, maxAttempts: 3, ...access });
      const question = {
        permission: 'lambda:GetFunctionConfiguration',
        resource: `arn:aws:lambda:${region}:${account}:function:${FunctionName}`,
        what: `the function ${FunctionName}`,
        environment,
        name,
      };
      return asking(question, async () => {
        try {
          const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
          return readSettings<Record<string, unknown>>(Environment?.Variables ?? {}).settings;
        } catch (error) {
          if (errorName(error) === 'ResourceNotFoundException') return undefined;
          throw error;
        } finally {
          lambda.destroy();
        }
      });
    },

    async wakeFunction(cause) {
      const { InvokeCommand, LambdaClient } = await import('@aws-sdk/client-lambda');
      const functionName = functionNameOf(name, 'night-schedule');
      const trigger: ScheduledTrigger = {
        source: TRIGGER_SOURCE,
        trigger: 'override',
        schedule: 'override',
        id: cause,
        time: clock.now().toISOString(),
      };
      const lambda = new LambdaClient({ region, maxAttempts: 3, ...access });
      await asking(
        {
          permission: 'lambda:InvokeFunction',
          resource: `arn:aws:lambda:${region}:${account}:function:${functionName}`,
          what: `the function ${functionName}`,
          environment,
          name,
        },
        () =>
          lambda.send(
            new InvokeCommand({
              FunctionName: functionName,
              InvocationType: 'Event',
              Payload: new TextEncoder().encode(JSON.stringify(trigger)),
            }),
          ),
      );
    },

    async decisions(since) {
      const items = await ask('dynamodb:Query', () => table.list(DECISION, { after: since.toISOString() }));
      return items.flatMap(({ value }) => (isValid(decisionSchema, value) ? [value] : []));
    },

    async applications() {
      const { records } = await ask('dynamodb:Query', () => createDesiredDeploys(table).all());
      return records.map(({ value }) => value);
    },

    async ledger(firstDate) {
      return (await ask('dynamodb:Query', () => createLedger(table).since(firstDate))).entries;
    },
  };
}

/** Takes the time from the `Date` header of the answers; until there was one, the clock of this machine. */
function createClock(localNow: () => Date) {
  let ahead = 0;
  const hear = (response: unknown) => {
    const { headers } = response as { headers?: Record<string, string> };
    const told = Date.parse(headers?.['date'] ?? '');
    if (!Number.isNaN(told)) ahead = told - localNow().getTime();
  };
  // The header has whole seconds: what differs by less is the same time.
  const now = () => new Date(localNow().getTime() + (Math.abs(ahead) < 2_000 ? 0 : ahead));
  return { now, hear };
}

interface Question {
  readonly permission: string;
  readonly resource: string;
  readonly what: string;
  readonly name: string;
  readonly environment: EnvironmentConfig;
}

async function asking<T>(question: Question, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    const message = explain(question, cause);
    if (message === undefined) throw cause;
    throw new CloudError(message, { cause });
  }
}

/** The errors of AWS that a person can do something about; undefined for what is our own fault. */
function explain({ permission, resource, what, name, environment }: Question, cause: unknown) {
  if (!(cause instanceof Error)) return undefined;
  if (cause instanceof NightshiftError) return `${name}: ${cause.message}`;
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  const place = `account ${environment.account}, ${environment.region}`;
  switch (cause.name) {
    case 'AccessDeniedException':
    case 'AccessDenied':
      return `${name}: AWS refused ${permission} on ${resource}: allow it for ${whoIn(cause.message)}`;
    case 'CredentialsProviderError':
    case 'TokenProviderError':
      return `${name}: there are no AWS credentials: set AWS_PROFILE or AWS_ACCESS_KEY_ID for ${place}`;
    case 'ExpiredToken':
    case 'ExpiredTokenException':
    case 'UnrecognizedClientException':
    case 'InvalidSignatureException':
      return `${name}: AWS does not accept the credentials (${cause.message}): sign in again for ${place}`;
    case 'ResourceNotFoundException':
      return `${name}: ${what} is not there: deploy the stack, or use credentials of ${place}`;
    default:
  }
  const network = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ECONNRESET', 'ETIMEDOUT', 'EHOSTUNREACH'];
  if (network.includes(code) || cause.name === 'TimeoutError') {
    return `${name}: ${what} could not be asked (${code || cause.message}): check the network, and AWS_ENDPOINT_URL if it is set`;
  }
  const status = (cause as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
  return status === undefined ? undefined : `${name}: ${what} answered ${cause.name}: ${cause.message}`;
}

function whoIn(message: string): string {
  return /User: (\S+) is not/.exec(message)?.[1] ?? 'these credentials';
}
