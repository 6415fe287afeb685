/** What branch-deploy relies on of its table, whatever implements it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDesiredDeploys } from '#functions/adapters/dynamodb/desired-deploys.ts';
import { emptyRecord } from '#functions/branch-deploy/record.ts';
import type { TableSubject } from './table.ts';

const now = new Date('2026-11-25T05:00:00Z');
const api = { name: 'api', project: 'default' };

export function desiredDeploysContract(open: () => Promise<TableSubject>): void {
  let subject: TableSubject;
  beforeAll(async () => {
    subject = await open();
  });
  afterAll(() => subject.close());

  test('of two first writers one wins', async () => {
    const deploys = createDesiredDeploys(subject.table);
    const saved = await Promise.all([1, 2].map(() => deploys.saveIf(emptyRecord(api), 'absent')));
    expect(saved.filter((version) => version !== undefined)).toHaveLength(1);
  });

  test('a write over an old version is refused', async () => {
    const deploys = createDesiredDeploys(subject.table);
    const before = await deploys.get(api);
    expect(
      await deploys.saveIf({ ...emptyRecord(api), lastReport: 'one' }, before?.version ?? 0),
    ).toBeDefined();
    expect(
      await deploys.saveIf({ ...emptyRecord(api), lastReport: 'two' }, before?.version ?? 0),
    ).toBeUndefined();
    expect((await deploys.get(api))?.value.lastReport).toBe('one');
  });

  test('one query finds the records and the mark of the night, and none of the builds', async () => {
    const deploys = createDesiredDeploys(subject.table);
    await deploys.markNight({ since: now.toISOString() });
    await deploys.markKnown('api-develop:1', now);
    const { records, night } = await deploys.all();
    expect(records.map(({ value }) => value.name)).toEqual(['api']);
    expect(night).toEqual({ since: now.toISOString() });
    await deploys.clearNight();
    expect((await deploys.all()).night).toBeUndefined();
  });

  test('a build is known to its own project only, and marked once', async () => {
    const deploys = createDesiredDeploys(subject.table);
    expect(await deploys.markKnown('web:1', now)).toBe(true);
    expect(await deploys.markKnown('web:1', now)).toBe(false);
    expect(await deploys.isKnown('web:1')).toBe(true);
    expect(await deploys.isKnown('web:2')).toBe(false);
    expect([...(await deploys.known('web'))]).toEqual(['web:1']);
    expect([...(await deploys.known('we'))]).toEqual([]);
  });
}
