/** The removal of a stack on the lab: CloudFormation's requests to the synthesized function, in virtual time. */
import { setTimeout } from 'node:timers/promises';
import { createAuthorize } from '@nightshift/lab/assembly/permissions.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cloud, createCloud } from '#cli/cloud.ts';
import type { NightshiftConfig } from '#model/config.ts';
import { aRunningLab, type RunningLab } from '#test/a-running-lab.ts';

/** 21:55 on Tuesday in Tokyo. */
const START = new Date('2026-11-24T12:55:00Z');
const PHYSICAL_ID = 'nightshift-develop-night';

const config: NightshiftConfig = {
  schedules: { office: { timeZone: 'Asia/Tokyo', up: ['Mon-Fri 08:00-22:00'] } },
  environments: {
    develop: {
      account: '111111111111',
      region: 'ap-northeast-1',
      cluster: 'develop',
      schedule: 'office',
      autoscaler: {
        kind: 'cluster-autoscaler',
        namespace: 'kube-system',
        deployment: 'cluster-autoscaler',
        hostGroup: 'system',
      },
    },
  },
};

let running: RunningLab;
/** Calls that the policies of the functions deny. */
const denied: string[] = [];

beforeAll(async () => {
  running = await aRunningLab({
    config,
    start: START,
    onAuthorize: (_call, refusal) => {
      if (refusal !== undefined) denied.push(refusal);
    },
  });
});

afterAll(() => running?.close());

const replicas = () =>
  running.lab.environments[0]!.kubernetes.api.get('deployments.apps', 'kube-system', 'cluster-autoscaler')
    ?.spec?.['replicas'];

function isAlive(id: number): boolean {
  try {
    return process.kill(id, 0);
  } catch {
    return false;
  }
}

async function ledgerOf(): ReturnType<Cloud['ledger']> {
  running.actAsOperator();
  const cloud = await createCloud('develop', config.environments['develop']!, running.now);
  return cloud.ledger('2026-11-24');
}

/** Virtual time waits until they have ended: a retry must not reach a process that is already killed. */
async function killAll(): Promise<void> {
  const leave = running.lab.context.clock.enter('processes are killed');
  const killed = running.lab.assembly.processes();
  for (const id of killed) process.kill(id, 'SIGKILL');
  while (killed.some(isAlive)) await setTimeout(5);
  await setTimeout(50);
  leave();
}

/** As soon as the groups have their sizes again, which the function has yet to confirm. */
function killWhenRequested(before: ReturnType<RunningLab['sizes']>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (JSON.stringify(running.sizes()) !== JSON.stringify(before)) return;
      clearInterval(timer);
      resolve(killAll());
    }, 50);
  });
}

test('a removal at night that is killed in the middle restores everything', async () => {
  const before = running.sizes();
  expect(
    await running.lab.assembly.requestCustomResources('Nightshift-develop', { RequestType: 'Create' }),
  ).toEqual([{ status: 'SUCCESS', physicalId: PHYSICAL_ID, reason: 'done' }]);

  await running.pass(20);
  expect(running.sizes()).not.toEqual(before);
  expect(replicas()).toBe(0);
  const asleep = running.sizes();

  const update = {
    RequestType: 'Update',
    OldResourceProperties: { cluster: 'develop', dryRun: 'true' },
  } as const;
  const [accepted] = await running.lab.assembly.requestCustomResources(
    'Nightshift-develop',
    update,
    PHYSICAL_ID,
  );
  expect(accepted?.status).toBe('SUCCESS');
  expect(running.sizes()).toEqual(asleep);

  const killed = killWhenRequested(before);
  const [answer] = await running.lab.assembly.requestCustomResources(
    'Nightshift-develop',
    { RequestType: 'Delete' },
    PHYSICAL_ID,
  );
  await killed;
  expect(answer).toEqual({
    status: 'SUCCESS',
    physicalId: PHYSICAL_ID,
    reason: 'every saved size is restored',
  });
  expect(running.sizes()).toEqual(before);
  expect(replicas()).toBe(1);
  expect(denied).toEqual([]);
  // The last night is in the ledger, with nothing but observed minutes. The host group slept last, and not for long yet.
  const entries = await ledgerOf();
  expect(entries.map(({ group, nodes, gapMinutes }) => [group, nodes, gapMinutes])).toEqual(
    expect.arrayContaining([
      ['develop-batch', 2, 0],
      ['workers', 3, 0],
    ]),
  );
  for (const { asleepMinutes } of entries) expect(asleepMinutes).toBeGreaterThan(5);

  // The ticks went first: the cluster stays up although it is night.
  await running.pass(10);
  expect(running.sizes()).toEqual(before);

  // The same removal again, with nothing saved: as by day.
  const [again] = await running.lab.assembly.requestCustomResources(
    'Nightshift-develop',
    { RequestType: 'Delete' },
    PHYSICAL_ID,
  );
  expect(again?.status).toBe('SUCCESS');
  expect(running.sizes()).toEqual(before);
});

test('the function may invoke itself, for a restore that takes longer than one invocation', () => {
  const at = { account: '111111111111', region: 'ap-northeast-1' };
  const { spec } = running.lab.assembly.find({ ...at, function: 'nightshift-develop-night-schedule' })!;
  const principal = running.lab.aws.addPrincipal({
    arn: spec.roleArn,
    account: at.account,
    sessionName: spec.name,
  });
  const authorize = createAuthorize(running.lab.assembly.deployments, running.lab.aws);
  const invoke = (name: string) =>
    authorize({
      principal,
      action: 'lambda:InvokeFunction',
      resource: spec.arn,
      region: at.region,
      parameters: { FunctionName: name },
    });
  expect(invoke(spec.name)).toBeUndefined();
  expect(invoke('nightshift-develop-spot-drain')).toBeDefined();
});
