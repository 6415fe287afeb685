import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { discover } from '#cli/discover.ts';
import { CloudError } from '#cli/errors.ts';
import type { FoundCluster } from '#cli/init/found.ts';
import { loadConfig } from '#lib/config-file.ts';

const [ONE, TWO] = ['111111111111', '222222222222'];
const ROLE = `arn:aws:iam::${TWO}:role/reader`;
let folder: string;
let output: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nightshift-discover-'));
  output = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

const aCluster = (given: Partial<FoundCluster> = {}): FoundCluster => ({
  name: 'develop',
  account: ONE,
  region: 'eu-west-1',
  nodegroups: [],
  tags: { nightshift: 'office' },
  ...given,
});

function written(change: object = {}): string {
  const path = join(folder, 'nightshift.config.json');
  const config = {
    schedules: { office: { timeZone: 'Europe/Paris', up: ['Mon-Fri 08:00-20:00'] } },
    discover: {
      tag: 'nightshift=office',
      accounts: [
        { account: ONE, regions: ['eu-west-1'] },
        { account: TWO, regions: ['eu-west-1'], roleArn: ROLE },
      ],
    },
    environments: {},
    ...change,
  };
  writeFileSync(path, JSON.stringify(config));
  return path;
}

const lock = () => JSON.parse(readFileSync(join(folder, 'nightshift.lock.json'), 'utf8'));

/** `found`: what each account has, or why it is unreachable. */
const run = (path: string, ...found: (readonly FoundCluster[] | Error)[]) => {
  const left = [...found];
  return discover(path, {
    out: (text) => output.push(text),
    err: (text) => output.push(text),
    async listClusters() {
      const next = left.shift() ?? [];
      if (next instanceof Error) throw next;
      return next;
    },
  });
};

describe('discovery by tag', () => {
  test('writes the clusters that have the tag, and the config has them as environments', async () => {
    const path = written();
    const complete = await run(
      path,
      [
        aCluster(),
        aCluster({ name: 'other', tags: { nightshift: 'none' } }),
        aCluster({ name: 'shop-prod' }),
      ],
      [aCluster({ name: 'data', account: TWO })],
    );
    expect(complete).toBe(true);
    expect(lock().clusters.map(({ environment }: { environment: string }) => environment)).toEqual([
      'develop',
      'shop-prod',
      'data',
    ]);
    const { environments } = (await loadConfig(path)).config;
    expect(environments['develop']).toEqual({
      account: ONE,
      region: 'eu-west-1',
      cluster: 'develop',
      schedule: 'office',
    });
    expect(environments['data']).toMatchObject({ roleArn: ROLE, schedule: 'office' });
    expect(environments['shop-prod']).toMatchObject({ production: true });
  });

  test('keeps what an account that is unreachable has in the file, and is not complete', async () => {
    const path = written();
    await run(path, [aCluster()], [aCluster({ name: 'data', account: TWO })]);
    const before = lock();
    expect(await run(path, [aCluster()], new CloudError('AWS denied sts:AssumeRole'))).toBe(false);
    expect(lock()).toEqual(before);
    expect(output.join('\n')).toContain('AWS denied sts:AssumeRole; what the lock file has of it stays');
    expect(output.at(-1)).toContain('no change');
  });

  test('shows what was added and removed', async () => {
    const path = written();
    await run(path, [aCluster()]);
    await run(path, [aCluster({ name: 'develop2' })]);
    expect(output.at(-1)).toContain(`+ develop2  ${ONE}  eu-west-1  office\n- develop  ${ONE}`);
  });

  test('refuses the clusters of another account', async () => {
    expect(await run(written(), [aCluster({ account: TWO })])).toBe(false);
    expect(output.join('\n')).toContain(`these credentials are of ${TWO}: set profile or roleArn`);
  });

  test('lets an environment change what was discovered', async () => {
    const path = written({ environments: { develop: { warnMinutes: 5 } } });
    await run(path, [aCluster()]);
    expect((await loadConfig(path)).config.environments['develop']).toMatchObject({
      cluster: 'develop',
      warnMinutes: 5,
    });
  });

  test.for([
    [{}, undefined, 'there is no nightshift.lock.json beside the config: run "nightshift discover"'],
    [{}, '{"tag":"nightshift=all","clusters":[]}', 'was written for "nightshift=all"'],
    [{}, '{"clusters":3}', 'it is not as "nightshift discover" writes it'],
    [{ discover: { tag: 'x' } }, undefined, 'discover.accounts: it is missing'],
  ] as const)('%j with the lock file %s is refused in one line', async ([change, text, message]) => {
    const path = written(change);
    if (text !== undefined) writeFileSync(join(folder, 'nightshift.lock.json'), text);
    await expect(loadConfig(path)).rejects.toThrow(message);
  });

  test('without discover in the config says what to add', async () => {
    await expect(run(written({ discover: undefined }))).rejects.toThrow('add discover: { tag:');
  });
});
