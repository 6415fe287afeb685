/** Access to one environment in AWS: its table and its night-schedule function. A command uses only the permissions it needs. */
import { errorName } from '#functions/adapters/aws/errors.ts';
import { createTable, type Table } from '#functions/adapters/dynamodb/table.ts';
import {
  DECISION,
  DEPLOY,
  LEDGER,
  NIGHT,
  OVERRIDE_KEY,
  STATE_KEY,
  savedKey,
} from '#functions/adapters/dynamodb/table-keys.ts';
import type { ApplicationRecord } from '#functions/branch-deploy/record.ts';
import type { LedgerEntry, Memo, SavedSize } from '#functions/night-schedule/ports.ts';
import { readSettings } from '#functions/shared/settings.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import type { EnvironmentConfig } from '#model/config.ts';
import type { Decision } from '#model/decision.ts';
import { functionNameOf, tableNameOf } from '#model/names.ts';
import type { Override } from '#model/schedule.ts';
import { type ScheduledTrigger, TRIGGER_SOURCE } from '#model/trigger.ts';
import { callAws } from './aws-call.ts';
import { type AwsClock, createAwsClock } from './aws-clock.ts';
import { CloudError } from './errors.ts';

const MEMO_KEY = 'note#memo';
const APPLICATIONS = 'app#';

/** What night-schedule stored about the cluster. */
export interface Night {
  readonly state?: ClusterState;
  readonly override?: Override;
  readonly saved: readonly SavedSize[];
  /** ISO 8601: when night-schedule last ran, stored every few minutes. */
  readonly seenAt?: string;
}

export interface Cloud {
  /** The time of AWS after the first response: the wrong clock of this machine must not date an override. */
  now(): Date;
  night(): Promise<Night>;
  /** The stored override, expired or not. */
  override(): Promise<Override | undefined>;
  setOverride(override: Override): Promise<void>;
  clearOverride(): Promise<void>;
  /** Invokes night-schedule asynchronously. `id` appears in the decisions as the trigger. */
  invokeNightSchedule(id: string): Promise<void>;
  /** Decisions from `since` on, oldest first. */
  decisions(since: Date): Promise<readonly Decision[]>;
  /** The settings with which night-schedule was deployed; undefined when it is not deployed. */
  deployedSettings(): Promise<Readonly<Record<string, unknown>> | undefined>;
  /** The deploy record of each application. */
  applications(): Promise<readonly ApplicationRecord[]>;
  /** Ledger entries from `firstDate` (ISO) on, oldest first. */
  ledger(firstDate: string): Promise<readonly LedgerEntry[]>;
}

/** Overrides the endpoint and credentials of the shell. */
export interface CloudAccess {
  readonly endpoint?: string;
  readonly credentials?: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
}

interface Target {
  readonly environmentName: string;
  readonly environment: EnvironmentConfig;
  readonly access: CloudAccess;
  readonly clock: AwsClock;
}

/** Clients with the credentials of this shell, for the region of the environment. Loads the SDK only when called. */
export async function createCloud(
  environmentName: string,
  environment: EnvironmentConfig,
  localNow: () => Date,
  access: CloudAccess = {},
): Promise<Cloud> {
  const clock = createAwsClock(localNow);
  const target = { environmentName, environment, access, clock };
  const table = await openTable(target);
  return {
    now: clock.now,
    ...createReports(table),
    ...createOverrideStore(table, environmentName),
    ...createNightScheduleFunction(target),
  };
}

/** The environment's table, with errors that name the missing permission. */
type CheckedTable = Pick<Table, 'get' | 'list' | 'put' | 'remove'>;

async function openTable({ environmentName, environment, access, clock }: Target): Promise<CheckedTable> {
  const { DynamoDBClient } = await import('@aws-sdk/client-dynamodb');
  const { region, account } = environment;
  const name = tableNameOf(environmentName);
  const client = new DynamoDBClient({ region, maxAttempts: 3, ...access });
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      clock.synchronize(result.response);
      return result;
    },
    { step: 'deserialize', name: 'serverTime', priority: 'low' },
  );
  const table = createTable(client, name);
  const call = <T>(permission: string, send: () => Promise<T>) => {
    const resourceArn = `arn:aws:dynamodb:${region}:${account}:table/${name}`;
    return callAws(
      { permission, resourceArn, resource: `the table ${name}`, environment, environmentName },
      send,
    );
  };
  return {
    get: <T>(...key: Parameters<Table['get']>) => call('dynamodb:GetItem', () => table.get<T>(...key)),
    list: <T>(...range: Parameters<Table['list']>) => call('dynamodb:Query', () => table.list<T>(...range)),
    put: (...item) => call('dynamodb:PutItem', () => table.put(...item)),
    remove: (...key) => call('dynamodb:DeleteItem', () => table.remove(...key)),
  };
}

function createReports(table: CheckedTable): Pick<Cloud, 'night' | 'decisions' | 'applications' | 'ledger'> {
  return {
    async night() {
      const items = await table.list<unknown>(NIGHT);
      const valueAt = <T>(key: string) => items.find((item) => item.key === key)?.value as T | undefined;
      const state = valueAt<ClusterState>(STATE_KEY);
      const override = valueAt<Override>(OVERRIDE_KEY);
      const seenAt = valueAt<Memo>(MEMO_KEY)?.seenAt;
      return {
        saved: items
          .filter((item) => item.key.startsWith(savedKey('')))
          .map((item) => item.value as SavedSize),
        ...(state ? { state } : {}),
        ...(override ? { override } : {}),
        ...(seenAt ? { seenAt } : {}),
      };
    },

    async decisions(since) {
      const items = await table.list<Decision>(DECISION, { after: since.toISOString() });
      return items.map((item) => item.value);
    },

    async applications() {
      const items = await table.list<ApplicationRecord>(DEPLOY, { prefix: APPLICATIONS });
      // The sleep marker has the same prefix, but no slash in its key.
      return items.filter(({ key }) => key.includes('/')).map((item) => item.value);
    },

    async ledger(firstDate) {
      const items = await table.list<LedgerEntry>(LEDGER, { after: firstDate });
      return items.map((item) => item.value);
    },
  };
}

function createOverrideStore(
  table: CheckedTable,
  environmentName: string,
): Pick<Cloud, 'override' | 'setOverride' | 'clearOverride'> {
  const stored = () => table.get<Override>(NIGHT, OVERRIDE_KEY);
  const conflict = () =>
    new CloudError(
      `${environmentName}: the override was changed by somebody else at the same time: check "nightshift status ${environmentName}" and try again`,
    );
  return {
    async override() {
      return (await stored())?.value;
    },

    async setOverride(override) {
      const before = await stored();
      const written = await table.put(NIGHT, OVERRIDE_KEY, override, { if: before?.version ?? 'absent' });
      if (written === undefined) throw conflict();
    },

    async clearOverride() {
      const before = await stored();
      if (!before) return;
      const removed = await table.remove(NIGHT, OVERRIDE_KEY, before.version);
      if (!removed) throw conflict();
    },
  };
}

function createNightScheduleFunction({
  environmentName,
  environment,
  access,
  clock,
}: Target): Pick<Cloud, 'deployedSettings' | 'invokeNightSchedule'> {
  const { region, account } = environment;
  const FunctionName = functionNameOf(environmentName, 'night-schedule');
  const options = { region, maxAttempts: 3, ...access };
  const callFor = (permission: string) => ({
    permission,
    resourceArn: `arn:aws:lambda:${region}:${account}:function:${FunctionName}`,
    resource: `the function ${FunctionName}`,
    environment,
    environmentName,
  });
  return {
    async deployedSettings() {
      const { GetFunctionConfigurationCommand, LambdaClient } = await import('@aws-sdk/client-lambda');
      const lambda = new LambdaClient(options);
      return callAws(callFor('lambda:GetFunctionConfiguration'), async () => {
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

    async invokeNightSchedule(id) {
      const { InvokeCommand, LambdaClient } = await import('@aws-sdk/client-lambda');
      const trigger: ScheduledTrigger = {
        source: TRIGGER_SOURCE,
        trigger: 'override',
        schedule: 'override',
        id,
        time: clock.now().toISOString(),
      };
      const command = new InvokeCommand({
        FunctionName,
        InvocationType: 'Event',
        Payload: new TextEncoder().encode(JSON.stringify(trigger)),
      });
      await callAws(callFor('lambda:InvokeFunction'), () => new LambdaClient(options).send(command));
    },
  };
}
