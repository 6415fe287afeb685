/** Access to one environment in AWS: its table and its night-schedule function. A command uses only the permissions it needs. */
import { errorName } from '#functions/adapters/aws/errors.ts';
import type { SignedLink } from '#functions/adapters/aws/keep-up-links.ts';
import { createDesiredDeploys } from '#functions/adapters/dynamodb/desired-deploys.ts';
import { createClaims } from '#functions/adapters/dynamodb/drain-claims.ts';
import { createLedger } from '#functions/adapters/dynamodb/ledger.ts';
import { revokeLinks } from '#functions/adapters/dynamodb/link-generation.ts';
import { createOverrides } from '#functions/adapters/dynamodb/night.ts';
import { createNightStore } from '#functions/adapters/dynamodb/night-store.ts';
import { createTable, type Table } from '#functions/adapters/dynamodb/table.ts';
import { DECISION } from '#functions/adapters/dynamodb/table-keys.ts';
import type { ApplicationRecord } from '#functions/branch-deploy/record.ts';
import type {
  DryRunNote,
  LedgerEntry,
  Morning,
  Notes,
  SavedSize,
} from '#functions/night-schedule/records.ts';
import { readSettings } from '#functions/shared/settings.ts';
import { type AnnouncedChange, announcedChanges } from '#functions/spot-drain/announced-changes.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import type { EnvironmentConfig } from '#model/config.ts';
import { type Decision, decisionSchema } from '#model/decision.ts';
import { functionNameOf, tableNameOf } from '#model/names.ts';
import { effectiveOverride } from '#model/override.ts';
import { isValid } from '#model/record-schema.ts';
import type { Override, Pause } from '#model/schedule.ts';
import { type ScheduledTrigger, TRIGGER_SOURCE } from '#model/trigger.ts';
import { clientAccess, type SessionCredentials } from './account-access.ts';
import { callAws } from './aws-call.ts';
import { type AwsClock, createAwsClock } from './aws-clock.ts';
import { CloudError } from './errors.ts';

/** What night-schedule stored about the cluster. */
export interface Night {
  readonly state?: ClusterState;
  /** The override in force. */
  readonly override?: Override;
  readonly overrides: readonly Override[];
  /** The last one, ended or not. */
  readonly pause?: Pause;
  /** ISO 8601: since then the stack is being removed, and night-schedule does nothing. */
  readonly retiredSince?: string;
  readonly saved: readonly SavedSize[];
  /** Unreadable items: `night | saved#develop/web`. */
  readonly corrupt: readonly string[];
  /** ISO 8601: when night-schedule last ran, stored every few minutes. */
  readonly seenAt?: string;
  /** The same note, with the times without an observation since the ledger was last written. */
  readonly seen?: Notes['seen'];
  /** The last starts, newest last. */
  readonly mornings?: readonly Morning[];
  /** What a dry run left in place of a state; older than the state where the environment is no dry run any more. */
  readonly dryRun?: DryRunNote;
}

export interface Cloud {
  /** The time of AWS after the first response: the wrong clock of this machine must not date an override. */
  now(): Date;
  night(): Promise<Night>;
  /** The override in force now. */
  override(): Promise<Override | undefined>;
  /** All that can be read, ended or not. */
  overrides(): Promise<readonly Override[]>;
  /** Whom AWS takes the credentials of this shell for: `assumed-role/Developer/ana`. Needs no permission. */
  caller(): Promise<string>;
  /** Adds it; with `replace` it removes all others, otherwise those of its author, and those of the other state. */
  setOverride(override: Override, replace: boolean): Promise<void>;
  clearOverrides(): Promise<void>;
  /** The last pause, ended or not. */
  pause(): Promise<Pause | undefined>;
  setPause(pause: Pause): Promise<void>;
  /** Every self-service link that was sent so far is refused from now on. Returns the generation of the next ones. */
  revokeLinks(author: string): Promise<number>;
  /** Self-service links to hand on, by the deployed settings. Undefined where no page is deployed. */
  signLinks(): Promise<readonly SignedLink[] | undefined>;
  /**
   * With a mark night-schedule does nothing from now on, without one it works again. False where it was not retired.
   */
  retire(mark: { readonly restoresNothing: boolean } | undefined): Promise<boolean>;
  /** Invokes night-schedule asynchronously. `id` appears in the decisions as the trigger. */
  invokeNightSchedule(id: string): Promise<void>;
  /** Decisions from `since` on, oldest first. */
  decisions(since: Date): Promise<readonly Decision[]>;
  /** The settings with which night-schedule was deployed; undefined when it is not deployed. */
  deployedSettings(): Promise<Readonly<Record<string, unknown>> | undefined>;
  /** The deploy record of each application. */
  applications(): Promise<readonly ApplicationRecord[]>;
  /** What AWS announced for instances of the cluster and has not begun, the earliest first. */
  announcedChanges(): Promise<readonly AnnouncedChange[]>;
  /** Ledger entries from `firstDate` (ISO) on, oldest first. */
  ledger(firstDate: string): Promise<readonly LedgerEntry[]>;
}

/** Overrides the endpoint and credentials of the shell. */
export interface CloudAccess {
  readonly endpoint?: string;
  readonly profile?: string;
  readonly credentials?: SessionCredentials | (() => Promise<SessionCredentials>);
}

interface Target {
  readonly environmentName: string;
  readonly environment: EnvironmentConfig;
  readonly access: CloudAccess;
  readonly clock: AwsClock;
}

/** Clients with the credentials that the config or this shell names, for the region of the environment. Loads the SDK only when called. */
export async function createCloud(
  environmentName: string,
  environment: EnvironmentConfig,
  localNow: () => Date,
  access: CloudAccess = {},
): Promise<Cloud> {
  const clock = createAwsClock(localNow);
  const own = clientAccess(environmentName, environment.region, environment);
  const target = { environmentName, environment, access: { ...own, ...access }, clock };
  const table = await openTable(target);
  return {
    now: clock.now,
    ...createReports(table, environment.cluster, clock),
    ...createOverrideStore(table, clock),
    retire: (mark) => retire(table, environment.cluster, clock, mark),
    ...createNightScheduleFunction(target, table),
    caller: () => callerOf(target),
  };
}

async function callerOf({ environmentName, environment, access }: Target): Promise<string> {
  const { GetCallerIdentityCommand, STSClient } = await import('@aws-sdk/client-sts');
  const { region } = environment;
  const sts = new STSClient({ region, maxAttempts: 3, ...access });
  const permission = 'sts:GetCallerIdentity';
  const resource = `the token service of ${region}`;
  try {
    const call = { permission, resourceArn: '*', resource, environment, environmentName };
    const { Arn } = await callAws(call, () => sts.send(new GetCallerIdentityCommand({})));
    // arn:aws:sts::111111111111:assumed-role/Developer/ana
    const principal = Arn?.split(':').slice(5).join(':');
    if (!principal) throw new CloudError(`${environmentName}: AWS did not say whose credentials these are`);
    return principal;
  } finally {
    sts.destroy();
  }
}

/** The environment's table, with errors that name the missing permission. */
async function openTable({ environmentName, environment, access, clock }: Target): Promise<Table> {
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
    get: (...key) => call('dynamodb:GetItem', () => table.get(...key)),
    list: (...range) => call('dynamodb:Query', () => table.list(...range)),
    count: (...range) => call('dynamodb:Query', () => table.count(...range)),
    save: (...item) => call('dynamodb:PutItem', () => table.save(...item)),
    saveIf: (...item) => call('dynamodb:PutItem', () => table.saveIf(...item)),
    remove: (...key) => call('dynamodb:DeleteItem', () => table.remove(...key)),
    removeIf: (...key) => call('dynamodb:DeleteItem', () => table.removeIf(...key)),
  };
}

function createReports(
  table: Table,
  cluster: string,
  clock: AwsClock,
): Pick<Cloud, 'night' | 'decisions' | 'applications' | 'announcedChanges' | 'ledger'> {
  return {
    async night() {
      const memory = await createNightStore(table, cluster).load();
      const override = effectiveOverride(memory.overrides, clock.now());
      const retiredSince = memory.notes.retired?.value.since;
      return {
        saved: [...memory.saved.values()].map(({ value }) => value),
        overrides: memory.overrides,
        corrupt: memory.corrupt.map(({ item }) => item),
        mornings: memory.notes.mornings?.value ?? [],
        ...(memory.state ? { state: memory.state.value } : {}),
        ...(override ? { override } : {}),
        ...(memory.pause ? { pause: memory.pause } : {}),
        ...(retiredSince ? { retiredSince } : {}),
        ...(memory.notes.seen ? { seenAt: memory.notes.seen.value.at, seen: memory.notes.seen.value } : {}),
        ...(memory.notes['dry-run'] ? { dryRun: memory.notes['dry-run'].value } : {}),
      };
    },

    async decisions(since) {
      const items = await table.list(DECISION, { after: since.toISOString() });
      return items.flatMap(({ value }) => (isValid(decisionSchema, value) ? [value] : []));
    },

    async applications() {
      const { records } = await createDesiredDeploys(table).all();
      return records.map(({ value }) => value);
    },

    async announcedChanges() {
      const { claims } = await createClaims(table).all();
      return announcedChanges(claims.map(({ value }) => value));
    },

    async ledger(firstDate) {
      return (await createLedger(table).since(firstDate)).entries;
    },
  };
}

function createOverrideStore(
  table: Table,
  clock: AwsClock,
): Pick<
  Cloud,
  'override' | 'overrides' | 'setOverride' | 'clearOverrides' | 'pause' | 'setPause' | 'revokeLinks'
> {
  const overrides = createOverrides(table);
  const removeAll = async (given: readonly Override[]) => {
    for (const { id } of given) await overrides.remove(id);
  };
  return {
    overrides: () => overrides.all(),
    pause: () => overrides.pause(),
    setPause: (pause) => overrides.savePause(pause),
    revokeLinks: (author) => revokeLinks(table, author, clock.now()),

    async override() {
      return effectiveOverride(await overrides.all(), clock.now());
    },

    async setOverride(override, replace) {
      const others = (await overrides.all()).filter(({ id }) => id !== override.id);
      await overrides.add(override);
      await removeAll(
        others.filter(
          ({ state, author }) => replace || state !== override.state || author === override.author,
        ),
      );
    },

    clearOverrides: () => overrides.removeAll(),
  };
}

async function retire(
  table: Table,
  cluster: string,
  clock: AwsClock,
  mark: { readonly restoresNothing: boolean } | undefined,
): Promise<boolean> {
  const store = createNightStore(table, cluster);
  const { retired } = (await store.load()).notes;
  if (!mark && retired?.value.since === undefined) return false;
  const { restoresNothing } = mark ?? {};
  const since = clock.now().toISOString();
  const next = mark ? { since, ...(restoresNothing ? { restoresNothing } : {}) } : {};
  if (await store.writeNote('retired', next, retired?.version ?? 'absent')) return true;
  throw new CloudError('the note "retired" was changed meanwhile: run the command again');
}

function createNightScheduleFunction(
  { environmentName, environment, access, clock }: Target,
  table: Table,
): Pick<Cloud, 'deployedSettings' | 'invokeNightSchedule' | 'signLinks'> {
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
  /** With the credentials that read them. Undefined where the function is not deployed. */
  const deployed = async () => {
    const { GetFunctionConfigurationCommand, LambdaClient } = await import('@aws-sdk/client-lambda');
    const lambda = new LambdaClient(options);
    return callAws(callFor('lambda:GetFunctionConfiguration'), async () => {
      try {
        const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
        return { variables: Environment?.Variables ?? {}, credentials: lambda.config.credentials };
      } catch (error) {
        if (errorName(error) === 'ResourceNotFoundException') return undefined;
        throw error;
      } finally {
        lambda.destroy();
      }
    });
  };
  return {
    async deployedSettings() {
      const found = await deployed();
      return found && readSettings<Record<string, unknown>>(found.variables).settings;
    },

    async signLinks() {
      const [found, { signDeployedLinks }] = await Promise.all([deployed(), import('./sign-links.ts')]);
      return found && signDeployedLinks(found, { environmentName, environment, access, clock, table });
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
