/** The records that so many days leave in a table: an environment with seven groups and ten deploys a day. */
import pMap from 'p-map';
import { saveDecisions } from '#functions/adapters/dynamodb/decision-log.ts';
import type { Table } from '#functions/adapters/dynamodb/table.ts';
import { LEDGER, ledgerKey, NIGHT, noteKey, STATE_KEY } from '#functions/adapters/dynamodb/table-keys.ts';
import type { LedgerRecord, Morning } from '#functions/night-schedule/records.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import type { Action, Capability, Decision } from '#model/decision.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#model/duration.ts';

const GROUPS = ['web', 'api', 'batch', 'search', 'jobs', 'cache', 'tools'];
const DEPLOYS_A_DAY = 10;
/** Decisions expire after 90 days, and 60 mornings are kept. */
const DECISION_DAYS = 90;
const MORNINGS = 60;

export interface Records {
  readonly state: ClusterState;
  readonly mornings: readonly Morning[];
  readonly ledger: readonly LedgerRecord[];
  readonly decisions: readonly Decision[];
}

export function recordsOfDays(environment: string, now: Date, days: number): Records {
  const midnights = Array.from({ length: days }, (_, index) => {
    const today = Math.floor(now.getTime() / DAY_MS) * DAY_MS;
    return today - (days - index) * DAY_MS;
  });
  return {
    state: {
      phase: 'awake',
      desired: 'awake',
      reason: 'within the window Mon-Fri 08:00-22:00',
      since: new Date(now.getTime() - HOUR_MS).toISOString(),
      groups: [],
    },
    mornings: midnights.slice(-MORNINGS).map((midnight) => ({
      asked: instant(midnight, 7, 52),
      promised: instant(midnight, 8),
      seconds: { instances: 95, nodes: 160, applications: 410 },
    })),
    ledger: midnights.flatMap(ledgerOf),
    decisions: midnights.slice(-DECISION_DAYS).flatMap((midnight) => decisionsOf(environment, midnight)),
  };
}

/** Writes them as the functions do. */
export async function fillTable(table: Table, records: Records): Promise<void> {
  const { state, mornings, ledger, decisions } = records;
  await table.save(NIGHT, STATE_KEY, state);
  await table.save(NIGHT, noteKey('mornings'), mornings);
  const save = saveDecisions(table);
  await pMap(ledger, (one) => table.save(LEDGER, ledgerKey(one.date, one.group), one), { concurrency: 20 });
  await pMap(decisions, (one) => save([one]), { concurrency: 20 });
}

function ledgerOf(midnight: number): LedgerRecord[] {
  const date = new Date(midnight).toISOString().slice(0, 10);
  const stretch = {
    from: instant(midnight, 0),
    to: instant(midnight, 8),
    nodes: 3,
    asleepMinutes: 480,
    gapMinutes: 0,
    nodeMinutesSaved: 1_440,
  };
  return GROUPS.map((group) => ({ date, group, stretches: [stretch] }));
}

function decisionsOf(environment: string, midnight: number): Decision[] {
  const made: Decision[] = [];
  const add = (capability: Capability, target: string, action: Action, at: number, reason: string) =>
    made.push({
      time: new Date(at).toISOString(),
      environment,
      capability,
      target,
      action,
      reason,
      trigger: 'tick',
    });
  const at = (hour: number, minute = 0) => midnight + hour * HOUR_MS + minute * MINUTE_MS;
  for (const group of GROUPS) {
    add('night-schedule', group, 'start', at(7, 52), 'the schedule starts the cluster at 08:00: 0 → 3 nodes');
    add('night-schedule', group, 'stop', at(22), 'the schedule stops the cluster at 22:00: 3 → 0 nodes');
  }
  add('night-schedule', environment, 'confirm-start', at(7, 56), '21 of 21 nodes are Ready');
  add('night-schedule', environment, 'confirm-stop', at(22, 12), 'no instance is left in 7 groups');
  for (let deploy = 0; deploy < DEPLOYS_A_DAY; deploy++) {
    const [begun, ended] = [at(9 + deploy), at(9 + deploy, 3)];
    add('branch-deploy', 'api', 'sync', begun, `build ${deploy + 1} of api-${environment} succeeded`);
    add('branch-deploy', 'api', 'wait', begun + MINUTE_MS, '2 of 3 pods run the new image');
    add('branch-deploy', 'api', 'deployed', ended, 'Synced and Healthy, 3 of 3 pods run the new image');
  }
  for (const hour of [11, 15]) {
    const node = `ip-10-0-${hour}-7.ec2.internal`;
    add(
      'spot-drain',
      node,
      'cordon',
      at(hour, 20),
      'spot interruption: AWS takes the instance in two minutes',
    );
    add('spot-drain', node, 'evict', at(hour, 20) + 900, '14 pods');
    add('spot-drain', node, 'drain', at(hour, 21), 'evicted 14 pods');
  }
  return made;
}

function instant(midnight: number, hour: number, minute = 0): string {
  return new Date(midnight + hour * HOUR_MS + minute * MINUTE_MS).toISOString();
}
