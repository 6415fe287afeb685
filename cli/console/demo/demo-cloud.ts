/** An environment of the recorded day: the console reads it as it reads an account, and may override its schedule. */
import { createDesiredDeploys } from '#functions/adapters/dynamodb/desired-deploys.ts';
import { createLedger } from '#functions/adapters/dynamodb/ledger.ts';
import { createOverrides } from '#functions/adapters/dynamodb/night.ts';
import { createNightStore } from '#functions/adapters/dynamodb/night-store.ts';
import { DECISION, decisionKey, NIGHT, noteKey, STATE_KEY } from '#functions/adapters/dynamodb/table-keys.ts';
import type { Decision } from '#model/decision.ts';
import { effectiveOverride } from '#model/override.ts';
import type { Schedule } from '#model/schedule.ts';
import type { Cloud, Night } from '../../cloud.ts';
import { CloudError } from '../../errors.ts';
import { nextStep } from './demo-night.ts';
import { MemoryTable } from './memory-table.ts';
import type { RecordedWrite } from './recorded-day.ts';

export interface DemoEnvironment {
  readonly name: string;
  readonly cluster: string;
  readonly schedule: Schedule | undefined;
  /** In the order of time. */
  readonly writes: readonly RecordedWrite[];
  readonly now: () => Date;
}

export function createDemoCloud(environment: DemoEnvironment): Cloud {
  const { cluster, now } = environment;
  const table = new MemoryTable();
  const overrides = createOverrides(table);
  const play = createPlayer(environment, table);
  return {
    now,
    async night() {
      await play();
      const memory = await createNightStore(table, cluster).load();
      const override = effectiveOverride(memory.overrides, now());
      return {
        saved: [...memory.saved.values()].map(({ value }) => value),
        overrides: memory.overrides,
        corrupt: memory.corrupt.map(({ item }) => item),
        ...(memory.state ? { state: memory.state.value } : {}),
        ...(override ? { override } : {}),
        ...(memory.notes.seen ? { seenAt: memory.notes.seen.value.at, seen: memory.notes.seen.value } : {}),
      } satisfies Night;
    },
    caller: async () => 'you',
    pause: async () => undefined,
    async setPause() {
      throw new CloudError('the demonstration has no pauses');
    },
    async revokeLinks() {
      throw new CloudError('the demonstration sends no links');
    },
    async signLinks() {
      throw new CloudError('the demonstration has no page of self-service');
    },
    async retire() {
      throw new CloudError('the demonstration has no stack to remove');
    },
    announcedChanges: async () => [],
    override: async () => effectiveOverride(await overrides.all(), now()),
    overrides: () => overrides.all(),
    async setOverride(override) {
      for (const { id } of await overrides.all()) await overrides.remove(id);
      await overrides.add(override);
    },
    async clearOverrides() {
      for (const { id } of await overrides.all()) await overrides.remove(id);
    },
    invokeNightSchedule: () => play({ takeOver: true }),
    async decisions(since) {
      await play();
      const rows = await table.list(DECISION, { after: since.toISOString() });
      return rows.map(({ value }) => value as Decision);
    },
    deployedSettings: async () => undefined,
    async applications() {
      const { records } = await createDesiredDeploys(table).all();
      return records.map(({ value }) => value);
    },
    ledger: async (firstDate) => (await createLedger(table).since(firstDate)).entries,
  };
}

/** Writes what was recorded up to now. Once taken over, the night is the demonstration's own. */
function createPlayer(environment: DemoEnvironment, table: MemoryTable) {
  const { writes, now } = environment;
  const last = writes.at(-1)?.at ?? '';
  let played = 0;
  let isOwn = false;
  return async ({ takeOver = false } = {}): Promise<void> => {
    const until = now().toISOString();
    for (let next = writes[played]; next && next.at <= until; next = writes[++played]) {
      if (isOwn && isOfNight(next)) continue;
      if (next.value === undefined) await table.remove(next.partition, next.key);
      else table.write(next.partition, next.key, next.value);
    }
    isOwn ||= takeOver || until > last;
    if (isOwn) await step(environment, table);
  };
}

function isOfNight({ partition, value }: RecordedWrite): boolean {
  return partition === NIGHT || (value as Partial<Decision> | undefined)?.capability === 'night-schedule';
}

async function step({ name, cluster, schedule, now }: DemoEnvironment, table: MemoryTable): Promise<void> {
  const memory = await createNightStore(table, cluster).load();
  if (!schedule || !memory.state) return;
  const at = now();
  table.write(NIGHT, noteKey('seen'), { at: at.toISOString(), gaps: [] });
  const made = nextStep(memory.state.value, schedule, memory.overrides, at);
  if (!made) return;
  table.write(NIGHT, STATE_KEY, made.state);
  const time = at.toISOString();
  const groups = new Set((await table.list(DECISION)).flatMap(({ value }) => groupOf(value as Decision)));
  for (const target of groups)
    for (const decision of made.decisions)
      table.write(DECISION, decisionKey(time, 'night-schedule', target), {
        ...decision,
        time,
        environment: name,
        capability: 'night-schedule',
        target,
        trigger: 'demonstration',
      });
}

function groupOf({ capability, action, target }: Decision): readonly string[] {
  return capability === 'night-schedule' && action === 'confirm-stop' ? [target] : [];
}
