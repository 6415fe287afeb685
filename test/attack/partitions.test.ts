import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { EnvironmentConfig } from '#model/config.ts';
import { aDevelopment, aProduction, statementsOf, templateOf } from '#test/infra/environments.ts';

interface Statement {
  readonly Action: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

type Partitions = Readonly<Record<string, readonly string[]>>;

const keysOf = (condition: Statement['Condition']): readonly string[] => {
  const keys = condition?.['ForAllValues:StringEquals']?.['dynamodb:LeadingKeys'];
  return keys === undefined ? ['*'] : ([keys].flat() as string[]);
};

/** What a role may do with the table, by operation. */
function partitionsOf(environment: EnvironmentConfig, construct: string): Partitions {
  const found: { [operation: string]: readonly string[] } = {};
  for (const { policy, Action, Condition } of statementsOf(templateOf(environment))) {
    if (!policy.startsWith(construct)) continue;
    for (const action of [Action].flat().filter((name) => name.startsWith('dynamodb:')))
      found[action.replace('dynamodb:', '')] = keysOf(Condition);
  }
  return found;
}

const { argocd, builds } = aDevelopment().deploy!;
const waking = aDevelopment({ deploy: { argocd, builds, whenAsleep: 'wake' } });

/** The last column of the table layout: nobody else writes there. */
const WRITTEN_BY = {
  NightSchedule: ['decision', 'ledger', 'night'],
  SpotDrain: ['decision', 'drain'],
  BranchDeploy: ['decision', 'deploy', 'override'],
};

describe('a role writes only to the partitions of its capability', () => {
  test.for(Object.entries(WRITTEN_BY))('%s', ([construct, partitions]) => {
    const { PutItem = [], DeleteItem = [], ...others } = partitionsOf(waking, construct);
    expect([...PutItem].sort()).toEqual(partitions);
    expect(partitions).toEqual(expect.arrayContaining([...DeleteItem]));
    expect(Object.keys(others).sort()).toEqual(expect.not.arrayContaining(['UpdateItem', 'BatchWriteItem']));
  });

  test('a deploy that may not wake the cluster writes no override', () => {
    expect(partitionsOf(aDevelopment(), 'BranchDeploy')['PutItem']).not.toContain('override');
  });

  test('only overrides and decisions are removed by nobody but time and people', () => {
    for (const construct of Object.keys(WRITTEN_BY))
      for (const partition of ['override', 'decision', 'ledger'])
        expect(partitionsOf(waking, construct)['DeleteItem'] ?? []).not.toContain(partition);
  });

  test('production reads nothing of a night: whoever writes one there cannot make its drains wait', () => {
    const production = partitionsOf(aProduction(), 'SpotDrain');
    expect(Object.values(production).flat()).not.toContain('night');
    // Its pause is the one item that it reads of what people write.
    const reading = Object.keys(production).filter((action) => production[action]?.includes('override'));
    expect(reading).toEqual(['GetItem']);
  });
});

test('the policy for people in the docs writes overrides and nothing else', () => {
  const [, json = ''] = /```json\n([\s\S]*?)```/.exec(readFileSync('docs/permissions.md', 'utf8')) ?? [];
  const { Statement } = JSON.parse(json) as { Statement: readonly Statement[] };
  const writes = Statement.filter(({ Action }) => /PutItem|DeleteItem|Update|Batch|\*/.test(String(Action)));
  expect(writes.map(({ Condition }) => keysOf(Condition))).toEqual([['override'], ['override']]);
  expect(JSON.stringify(Statement)).not.toContain('*');
});
