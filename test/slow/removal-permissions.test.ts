/** Least privilege of a removal: as test/slow/run-time-permissions.test.ts, while CloudFormation removes stacks that sleep. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readAssembly } from '@nightshift/lab/assembly/assembly.ts';
import { readDeployment } from '@nightshift/lab/assembly/deployment.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Lab, startLab } from '#demo/lab.ts';
import { NightshiftApp } from '#lib/nightshift-app.ts';
import type { NightshiftConfig } from '#model/config.ts';
import { addGroups, config as hour, MINUTE, START } from '../permissions/an-hour.ts';
import { keepLedger, unusedOf } from '../permissions/used.ts';

const NAMES = ['develop', 'staging'] as const;
const { develop, staging } = hour.environments;
if (!develop || !staging) throw new Error('the hour has other environments');
/** An evening. */
const config: NightshiftConfig = {
  schedules: { short: { timeZone: 'Asia/Tokyo', up: ['Mon-Fri 08:00-10:10'] } },
  environments: { develop, staging },
};

const directory = mkdtempSync(join(tmpdir(), 'nightshift-removal-permissions-'));
let lab: Lab | undefined;

beforeAll(() => {
  process.env['CDK_VALIDATION'] = 'false';
});

afterAll(async () => {
  await lab?.close();
  rmSync(directory, { recursive: true });
});

function desiredOf({ aws, environments }: Lab): Readonly<Record<string, number>> {
  const groups = environments.flatMap(({ cluster }) => aws.groups(cluster));
  return Object.fromEntries(groups.map(({ name, desired }) => [name, desired]));
}

test('the removal of stacks that sleep restores them, and makes no call that a policy denies', async () => {
  const assemblyDir = join(directory, 'out');
  new NightshiftApp({ config, now: START, outdir: assemblyDir }).synth();
  const { stacks } = await readAssembly(assemblyDir);
  const { ledgers, note } = keepLedger(stacks.map(readDeployment));
  const running = await startLab({ config, assemblyDir, start: START, onAuthorize: note });
  lab = running;
  addGroups(running);
  await running.context.clock.runUntil(START.getTime() + 5 * MINUTE);
  const before = desiredOf(running);
  await running.context.clock.runUntil(START.getTime() + 24 * MINUTE);
  const asleep = desiredOf(running);
  const slept = Object.keys(before).filter((name) => asleep[name] === 0 && before[name] !== 0);
  expect(slept.length).toBeGreaterThanOrEqual(4);

  // Over several invocations: each removal waits a minute and a half of real time for what EKS may still apply.
  const answers: string[] = [];
  for (const name of NAMES)
    for (const { status, reason } of await running.assembly.requestCustomResources(
      `Nightshift-${name}`,
      { RequestType: 'Delete' },
      `nightshift-${name}-night`,
    ))
      answers.push(`${name}: ${status}: ${reason}`);
  expect(answers).toEqual([
    'develop: SUCCESS: every saved size is restored',
    'staging: SUCCESS: every saved size is restored',
  ]);
  const after = desiredOf(running);
  expect(slept.map((name) => [name, after[name]])).toEqual(slept.map((name) => [name, before[name]]));

  const all = ledgers();
  expect(all.flatMap(({ name, refused }) => refused.map((call) => `${name} ${call}`))).toEqual([]);
  const unused = all.flatMap((one) => unusedOf(one).map((part) => `${one.name} ${part}`));
  expect(unused.filter((part) => part.includes('lambda:InvokeFunction'))).toEqual([]);
});
