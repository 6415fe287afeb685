/** The rules of the doorbell on the lab's load balancer, through whole passes, with a kill at each step. */
import { describe, expect, test } from 'vitest';
import { noteKey, NIGHT as PARTITION } from '#functions/adapters/dynamodb/table-keys.ts';
import { customResourceRequestOf } from '#functions/night-schedule/custom-resource-request.ts';
import { aSite, HEALTHY, HOST, MINUTE, NOT_YET, scope } from './a-site.ts';
import { MORNING, NIGHT } from './builders.ts';
import { CrashError } from './memory-ports.ts';

describe('the rules of the doorbell', () => {
  test('are in place when the stop is confirmed, and gone when the application has healthy targets again', async () => {
    const site = await aSite();
    await site.pass(NIGHT);
    expect(site.route()).toBe(site.application.arn);
    site.targets([]);
    await site.passes(new Date(NIGHT.getTime() + MINUTE), 4);
    expect(site.route()).toBe(site.doorbell.arn);
    expect(site.ours().map(({ priority }) => priority)).toEqual([1]);

    site.targets(NOT_YET);
    await site.passes(MORNING, 6);
    expect(site.route()).toBe(site.doorbell.arn);
    site.targets(HEALTHY);
    await site.passes(new Date(MORNING.getTime() + 6 * MINUTE), 3);
    expect(site.ours()).toEqual([]);
    expect(site.route()).toBe(site.application.arn);
    expect(site.switches()).toEqual([
      "the cluster sleeps: requests get the doorbell's page (rule of priority 1)",
      'the cluster is awake; the application has healthy targets: requests go to it again',
    ]);
    expect(site.failures()).toEqual([]);
  });

  test('cost no call of the load balancer while the cluster sleeps or is up without a change', async () => {
    const site = await aSite();
    await site.passes(NIGHT, 6);
    const asleep = site.elbCalls().length;
    await site.passes(new Date(NIGHT.getTime() + 10 * MINUTE), 5);
    expect(site.elbCalls().length).toBe(asleep);
    await site.passes(MORNING, 8);
    const awake = site.elbCalls().length;
    await site.passes(new Date(MORNING.getTime() + 30 * MINUTE), 5);
    expect(site.elbCalls().length).toBe(awake);
  });

  test('go to an application that never answers after ten minutes, with the reason', async () => {
    const site = await aSite();
    site.targets([]);
    await site.passes(NIGHT, 6);
    site.targets([{ id: 'i-2', state: 'unhealthy', reason: 'Target.ResponseCodeMismatch' }]);
    await site.passes(MORNING, 8);
    expect(site.ours()).toHaveLength(1);
    await site.passes(new Date(MORNING.getTime() + 8 * MINUTE), 10);
    expect(site.ours()).toEqual([]);
    expect(site.switches().at(-1)).toContain('no healthy target after 10 min');
  });

  test('go after ten minutes also where the health of the targets cannot be read', async () => {
    const site = await aSite();
    site.targets([]);
    await site.passes(NIGHT, 6);
    site.endpoint.faults.add({
      service: 'elasticloadbalancing',
      operation: 'DescribeTargetHealth',
      kind: 'access-denied',
      times: Infinity,
    });
    // Each pass fails and says so, until the rules are late.
    for (let minute = 0; minute < 18; minute++)
      await site.pass(new Date(MORNING.getTime() + minute * MINUTE)).catch(() => undefined);
    expect(site.failures()).toContainEqual(expect.stringContaining('DescribeTargetHealth'));
    expect(site.ours()).toEqual([]);
    expect(site.route()).toBe(site.application.arn);
  });

  test('leave a rule that somebody else put on a priority of the range alone, and take the next', async () => {
    const site = await aSite();
    const foreign = site.aws.loadBalancers.createRule(scope, site.listener, {
      priority: 1,
      conditions: [{ field: 'path-pattern', values: ['/health'] }],
      targetGroups: [site.application.arn],
    });
    await site.passes(NIGHT, 6);
    expect(site.ours().map(({ priority }) => priority)).toEqual([2]);
    site.targets(HEALTHY);
    await site.passes(MORNING, 8);
    expect(site.ours()).toEqual([]);
    expect(site.aws.loadBalancers.rules(scope, site.listener).map(({ arn }) => arn)).toContain(foreign.arn);
  });

  test('are reported once where no priority of the range is free', async () => {
    const site = await aSite({ range: [1, 1] });
    site.aws.loadBalancers.createRule(scope, site.listener, {
      priority: 1,
      conditions: [{ field: 'path-pattern', values: ['/health'] }],
      targetGroups: [site.application.arn],
    });
    await site.passes(NIGHT, 10);
    expect(site.failures()).toEqual([
      `no waiting page: no priority is free for ${HOST}: somebody else's rules use the range, choose another in doorbell.rules.priorities`,
    ]);
    expect(site.world.size('workers').desired).toBe(0);
  });

  test.each([
    ['listenerTags', 'ingress.k8s.aws/stack'],
    ['listenerTags', 'elbv2.k8s.aws/cluster'],
    ['listenerTags', 'ingress.eks.amazonaws.com/resource'],
    ['listenerTags', 'gateway.eks.amazonaws.com.alb/stack'],
    ['balancerTags', 'elbv2.k8s.aws/cluster'],
  ] as const)('are refused with the reason where the %s have %s', async (where, tag) => {
    const site = await aSite({ [where]: { [tag]: 'develop' } });
    await site.passes(NIGHT, 8);
    expect(site.ours()).toEqual([]);
    expect(site.failures()).toEqual([
      `no waiting page: the listener has the tag ${tag}: its controller deletes the rules of others; use doorbell.ingress instead`,
    ]);
  });

  test('are refused where the listener is gone, and the night goes on', async () => {
    const site = await aSite();
    site.aws.loadBalancers.removeListener(site.listener);
    await site.passes(NIGHT, 8);
    expect(site.failures()).toEqual([
      'no waiting page: the listener does not exist: correct doorbell.rules.listener in the config',
    ]);
    await site.passes(MORNING, 8);
    expect(site.world.size('workers').desired).toBeGreaterThan(0);
    expect(site.failures()).toHaveLength(1);
  });

  test('are refused where the target group is of another region', async () => {
    const site = await aSite({ targetRegion: 'us-east-1' });
    await site.passes(NIGHT, 8);
    expect(site.failures()).toEqual([expect.stringContaining("is not of the listener's region")]);
    expect(site.elbCalls()).not.toContain('CreateRule');
  });

  test('are refused where the rules of the application come first', async () => {
    const site = await aSite({ range: [200, 220] });
    await site.passes(NIGHT, 8);
    expect(site.failures()).toEqual([
      expect.stringContaining('the rule of priority 100 takes the requests of'),
    ]);
  });

  test('are reported where the quota of rules is used', async () => {
    const site = await aSite();
    for (let n = 0; n < 99; n++)
      site.aws.loadBalancers.createRule(scope, site.listener, {
        priority: 1000 + n,
        conditions: [{ field: 'path-pattern', values: [`/${n}`] }],
        targetGroups: [site.application.arn],
      });
    await site.passes(NIGHT, 8);
    expect(site.failures()).toEqual([
      expect.stringContaining('the quota of rules of the load balancer is used'),
    ]);
  });

  test('move with the config while the cluster sleeps', async () => {
    const site = await aSite({ hosts: [HOST, 'api.develop.example.com'], range: [1, 5] });
    await site.passes(NIGHT, 6);
    expect(site.ours().map(({ priority }) => priority)).toEqual([1, 2]);
    site.configure({ from: 50, to: 60, hosts: [HOST] });
    await site.passes(new Date(NIGHT.getTime() + 10 * MINUTE), 4);
    expect(site.ours().map(({ priority }) => priority)).toEqual([50]);
    site.targets(HEALTHY);
    await site.passes(MORNING, 8);
    expect(site.ours()).toEqual([]);
  });

  test('are found again where the note about them cannot be read', async () => {
    const site = await aSite();
    await site.passes(NIGHT, 6);
    await site.world.table.through().save(PARTITION, noteKey('doorbell'), { phase: 'nonsense' });
    site.targets(HEALTHY);
    await site.passes(MORNING, 8);
    expect(site.ours()).toEqual([]);
    const calls = site.elbCalls().length;
    await site.pass(new Date(MORNING.getTime() + 20 * MINUTE));
    expect(site.elbCalls().length).toBe(calls);
  });

  test('stay while a start is given up for another stop', async () => {
    const site = await aSite();
    site.targets([]);
    await site.passes(NIGHT, 6);
    expect(site.ours()).toHaveLength(1);
    await site.pass(MORNING);
    await site.passes(new Date(NIGHT.getTime() + 24 * 60 * MINUTE), 6);
    expect(site.ours()).toHaveLength(1);
  });
});

describe('after a kill', () => {
  // Two hosts: two rules are created and removed.
  const steps = { list: 3, create: 2, remove: 2, note: 3 };
  const cases = Object.entries(steps).flatMap(([step, times]) =>
    [true, false].flatMap((before) =>
      Array.from({ length: times }, (_, skip) => [step, before, skip] as const),
    ),
  );
  test.each(cases)(
    'at %s (before: %s, after %i others) no rule is left behind',
    async (step, before, skip) => {
      const site = await aSite({ hosts: [HOST, 'api.develop.example.com'], range: [1, 5] });
      let left = skip;
      let kills = 0;
      let isDead = false;
      site.world.hook = (call, isBefore) => {
        // Nothing that the killed process does takes effect any more.
        if (isDead) throw new CrashError(call);
        const isStep = step === 'note' ? /note.*doorbell/i.test(call) : call === `rules.${step}`;
        if (kills > 0 || !isStep || isBefore !== before || left-- > 0) return;
        kills++;
        isDead = true;
        throw new CrashError(call);
      };
      const killable = async (from: Date) => {
        for (let minute = 0; minute < 10; minute++) {
          isDead = false;
          await site.pass(new Date(from.getTime() + minute * MINUTE)).catch(() => undefined);
        }
      };
      site.targets([]);
      await killable(NIGHT);
      expect(
        site
          .ours()
          .map((rule) => rule.conditions[0]?.values[0])
          .sort(),
      ).toEqual(['api.develop.example.com', HOST]);
      site.targets(HEALTHY);
      await killable(MORNING);
      expect(kills).toBe(1);
      expect(site.ours()).toEqual([]);
      expect(site.route()).toBe(site.application.arn);
      const calls = site.elbCalls().length;
      await site.pass(new Date(MORNING.getTime() + 20 * MINUTE));
      expect(site.elbCalls().length).toBe(calls);
    },
  );
});

describe('the removal of the stack at night', () => {
  const aRequest = () =>
    customResourceRequestOf({
      RequestType: 'Delete',
      ResponseURL: 'https://bucket.example.com/answer?signature=x',
      RequestId: 'request-1',
      StackId: 'stack',
      LogicalResourceId: 'Restore',
      PhysicalResourceId: 'nightshift-develop-night',
      ResourceProperties: { cluster: 'develop', dryRun: 'false' },
    })!;

  test.each([false, true])(
    'removes the rules before CloudFormation deletes their target group (retired without restore: %s)',
    async (restoresNothing) => {
      const site = await aSite();
      await site.passes(NIGHT, 6);
      expect(site.ours()).toHaveLength(1);
      if (restoresNothing)
        await site.world.ports.store.writeNote(
          'retired',
          { since: NIGHT.toISOString(), restoresNothing: true },
          'absent',
        );
      expect(await site.remove(aRequest())).toMatchObject([{ status: 'SUCCESS' }]);
      expect(site.ours()).toEqual([]);
    },
  );

  test('fails with the reason where a rule cannot be removed', async () => {
    const site = await aSite();
    await site.passes(NIGHT, 6);
    site.endpoint.faults.add({
      service: 'elasticloadbalancing',
      operation: 'DeleteRule',
      kind: 'access-denied',
    });
    const [reply] = await site.remove(aRequest());
    expect(reply?.status).toBe('FAILED');
    expect(reply?.reason).toContain('the rules of the doorbell on');
    expect(await site.remove({ ...aRequest(), id: 'request-2' })).toMatchObject([{ status: 'SUCCESS' }]);
    expect(site.ours()).toEqual([]);
  });
});

describe('a deployment that takes the doorbell away', () => {
  const without = { cluster: 'develop', dryRun: 'false' };
  const anUpdate = (properties: Record<string, string>, old: Record<string, string>) =>
    customResourceRequestOf({
      RequestType: 'Update',
      ResponseURL: 'https://bucket.example.com/answer?signature=x',
      RequestId: 'request-1',
      StackId: 'stack',
      LogicalResourceId: 'Restore',
      PhysicalResourceId: 'nightshift-develop-night',
      ResourceProperties: properties,
      OldResourceProperties: old,
    })!;

  test.each([
    ['removes it', without],
    ['moves it to another listener', { ...without, doorbell: 'another' }],
    ['makes the environment a dry run', { ...without, dryRun: 'true' }],
  ])('is refused while a rule leads to it, where it %s', async (_, properties) => {
    const site = await aSite();
    await site.passes(NIGHT, 6);
    const [reply] = await site.remove(anUpdate(properties, { ...without, doorbell: site.listener }));
    expect(reply?.status).toBe('FAILED');
    expect(reply?.reason).toMatch(/wake (develop )?(it )?first \(nightshift wake develop --for 2h\)/);
    expect(site.ours()).toHaveLength(1);
  });

  test('is refused where what is on the listener is not known', async () => {
    const site = await aSite();
    await site.passes(NIGHT, 6);
    await site.world.table.through().save(PARTITION, noteKey('doorbell'), { phase: 'nonsense' });
    const [reply] = await site.remove(anUpdate(without, { ...without, doorbell: site.listener }));
    expect(reply).toMatchObject({
      status: 'FAILED',
      reason: `rules of the doorbell may be on ${site.listener}: wake develop first (nightshift wake develop --for 2h), and deploy when status shows that they are removed`,
    });
  });

  test('goes through while no rule is there, and so does the way back after a refusal', async () => {
    const site = await aSite();
    const withRules = { ...without, doorbell: site.listener };
    expect(await site.remove(anUpdate(without, withRules))).toMatchObject([{ status: 'SUCCESS' }]);
    await site.passes(NIGHT, 6);
    expect(await site.remove(anUpdate(withRules, without))).toMatchObject([{ status: 'SUCCESS' }]);
    expect(await site.remove(anUpdate(withRules, withRules))).toMatchObject([{ status: 'SUCCESS' }]);
    site.targets(HEALTHY);
    await site.passes(MORNING, 8);
    expect(await site.remove(anUpdate(without, withRules))).toMatchObject([{ status: 'SUCCESS' }]);
  });
});
