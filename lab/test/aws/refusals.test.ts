import {
  CompleteLifecycleActionCommand,
  DescribeAutoScalingGroupsCommand,
  DescribeLifecycleHooksCommand,
  DescribeScalingActivitiesCommand,
  DescribeTagsCommand,
  PutLifecycleHookCommand,
  RecordLifecycleActionHeartbeatCommand,
  ResumeProcessesCommand,
  SuspendProcessesCommand,
  TerminateInstanceInAutoScalingGroupCommand,
} from '@aws-sdk/client-auto-scaling';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import {
  DescribeInstancesCommand,
  DescribeSubnetsCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import {
  DeleteNodegroupCommand,
  DescribeAccessEntryCommand,
  DescribeUpdateCommand,
  ListNodegroupsCommand,
  ListUpdatesCommand,
  UpdateNodegroupConfigCommand,
} from '@aws-sdk/client-eks';
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  PutSecretValueCommand,
} from '@aws-sdk/client-secrets-manager';
import { describe, expect, test } from 'vitest';
import { anEndpoint } from './endpoint.ts';
import { account, aGroup, aNodegroup, region, scope } from './world.ts';

const named = (name: string) => ({ AutoScalingGroupName: name });

describe('Auto Scaling', () => {
  test('narrows activities by time and status, in pages', async () => {
    const { world, autoScaling } = await anEndpoint();
    aGroup(world);
    await world.pass(120);
    world.aws.resizeAsPerson(world.aws.autoScaling.group(scope, 'workers'), { min: 0, desired: 0 });
    await world.pass(120);
    const ask = async (input: object) =>
      (await autoScaling.send(new DescribeScalingActivitiesCommand(input))).Activities!.length;
    expect(await ask({})).toBe(6);
    expect(await ask(named('workers'))).toBe(6);
    const since = (Name: string) => ({ Filters: [{ Name, Values: ['2026-11-24T00:02:00Z'] }] });
    expect(await ask({ ...named('workers'), ...since('StartTimeLowerBound') })).toBe(3);
    expect(await ask({ ...named('workers'), ...since('StartTimeUpperBound') })).toBe(3);
    expect(await ask({ ...named('workers'), Filters: [{ Name: 'Status', Values: ['Failed'] }] })).toBe(0);
    expect(await ask({ ...named('workers'), MaxRecords: 2 })).toBe(2);
    for (const input of [
      named('gone'),
      { Filters: [{ Name: 'Status', Values: ['Failed'] }] },
      { Filters: [{ Name: 'StartTimeLowerBound', Values: ['yesterday'] }] },
      { Filters: [{ Name: 'Cause', Values: ['x'] }] },
    ]) {
      await expect(ask(input)).rejects.toMatchObject({ name: 'ValidationError' });
    }
  });

  test('wants a lifecycle action to be named by its hook and by its token or instance', async () => {
    const { world, autoScaling } = await anEndpoint();
    aGroup(world, { lifecycleHooks: [{ name: 'drain' }] });
    const beat = (input: object) =>
      autoScaling.send(
        new RecordLifecycleActionHeartbeatCommand({
          ...named('workers'),
          LifecycleHookName: 'drain',
          ...input,
        }),
      );
    await expect(beat({})).rejects.toThrow('Either LifecycleActionToken or InstanceId must be specified');
    await expect(beat({ LifecycleActionToken: 'short' })).rejects.toThrow('Member must have length 36');
    await expect(beat({ LifecycleHookName: 'other', InstanceId: 'i-1' })).rejects.toThrow(
      'No Lifecycle Hook found',
    );
    await expect(beat({ InstanceId: 'i-1' })).rejects.toThrow(
      'No active Lifecycle Action found with instance ID i-1',
    );
    await expect(
      autoScaling.send(
        new CompleteLifecycleActionCommand({
          ...named('workers'),
          LifecycleHookName: 'drain',
          LifecycleActionToken: '00000000-0000-4000-8000-000000000000',
          LifecycleActionResult: 'CONTINUE',
        }),
      ),
    ).rejects.toThrow('No active Lifecycle Action found with token 00000000-0000-4000-8000-000000000000');
  });

  test('creates a lifecycle hook, changes it, and refuses what AWS refuses', async () => {
    const { world, autoScaling } = await anEndpoint();
    aGroup(world);
    const put = (input: object) =>
      autoScaling.send(
        new PutLifecycleHookCommand({ ...named('workers'), LifecycleHookName: 'drain', ...input }),
      );
    await expect(put({})).rejects.toThrow('lifecycleTransition');
    await put({ LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING', DefaultResult: 'CONTINUE' });
    await put({ HeartbeatTimeout: 300 });
    const { LifecycleHooks } = await autoScaling.send(new DescribeLifecycleHooksCommand(named('workers')));
    expect(LifecycleHooks).toMatchObject([
      { LifecycleHookName: 'drain', HeartbeatTimeout: 300, GlobalTimeout: 30_000, DefaultResult: 'CONTINUE' },
    ]);
    for (const wrong of [
      { HeartbeatTimeout: 29 },
      { DefaultResult: 'MAYBE' },
      { LifecycleHookName: 'a b' },
      { NotificationMetadata: '' },
      { RoleARN: 'arn:aws:iam::111111111111:role/x' },
    ])
      await expect(put(wrong)).rejects.toMatchObject({ name: 'ValidationError' });
  });

  test('describes the tags of its groups, by key, value and group', async () => {
    const { world, autoScaling } = await anEndpoint();
    aGroup(world);
    aNodegroup(world);
    const by = async (Name: string, ...Values: string[]) =>
      (await autoScaling.send(new DescribeTagsCommand({ Filters: [{ Name, Values }] }))).Tags ?? [];
    expect((await by('key', 'eks:nodegroup-name')).map(({ Value }) => Value)).toEqual(['app']);
    expect((await by('value', 'owned')).length).toBeGreaterThanOrEqual(2);
    expect(new Set((await by('auto-scaling-group', 'workers')).map(({ ResourceId }) => ResourceId))).toEqual(
      new Set(['workers']),
    );
    expect(await by('propagate-at-launch', 'false')).toEqual([]);
    await expect(by('wrong', 'x')).rejects.toMatchObject({ name: 'ValidationError' });
  });

  test('suspends and resumes processes, and lists them in the description', async () => {
    const { world, autoScaling } = await anEndpoint();
    aGroup(world);
    const suspended = async () =>
      (
        await autoScaling.send(new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: ['workers'] }))
      ).AutoScalingGroups![0]!.SuspendedProcesses!.map(({ ProcessName }) => ProcessName);
    await autoScaling.send(
      new SuspendProcessesCommand({ ...named('workers'), ScalingProcesses: ['Launch'] }),
    );
    expect(await suspended()).toEqual(['Launch']);
    await autoScaling.send(new SuspendProcessesCommand(named('workers')));
    expect(await suspended()).toHaveLength(9);
    await autoScaling.send(new ResumeProcessesCommand(named('workers')));
    expect(await suspended()).toEqual([]);
  });

  test('does not terminate what is no member, or no longer', async () => {
    const { world, autoScaling } = await anEndpoint();
    const group = aGroup(world);
    await world.pass(120);
    const terminate = (InstanceId: string) =>
      autoScaling.send(
        new TerminateInstanceInAutoScalingGroupCommand({ InstanceId, ShouldDecrementDesiredCapacity: false }),
      );
    await expect(terminate('i-0123456789abcdef0')).rejects.toThrow('No managed instance found');
    const [id] = group.instances.keys();
    await terminate(id!);
    await expect(terminate(id!)).rejects.toThrow('is already being terminated');
  });
});

describe('EKS', () => {
  test('refuses updates, pages and names that do not exist', async () => {
    const { world, eks } = await anEndpoint();
    aNodegroup(world);
    const notFound = expect.objectContaining({ name: 'ResourceNotFoundException' });
    const invalid = expect.objectContaining({ name: 'InvalidParameterException' });
    const of = { name: 'develop', nodegroupName: 'app' };
    await expect(eks.send(new DescribeUpdateCommand({ ...of, updateId: 'x' }))).rejects.toEqual(notFound);
    await expect(eks.send(new DescribeUpdateCommand({ name: 'develop', updateId: 'x' }))).rejects.toEqual(
      notFound,
    );
    expect((await eks.send(new ListUpdatesCommand({ name: 'develop' }))).updateIds).toEqual([]);
    await expect(
      eks.send(
        new DescribeAccessEntryCommand({ clusterName: 'develop', principalArn: 'arn:aws:iam::1:role/x' }),
      ),
    ).rejects.toEqual(notFound);
    await expect(
      eks.send(new ListNodegroupsCommand({ clusterName: 'develop', maxResults: 101 })),
    ).rejects.toEqual(invalid);
    await expect(
      eks.send(new ListNodegroupsCommand({ clusterName: 'develop', nextToken: 'made up' })),
    ).rejects.toEqual(invalid);
    const change = { clusterName: 'develop', nodegroupName: 'app' };
    await expect(eks.send(new UpdateNodegroupConfigCommand(change))).rejects.toEqual(invalid);
    await expect(
      eks.send(
        new UpdateNodegroupConfigCommand({
          ...change,
          taints: { addOrUpdateTaints: [{ key: 'a', value: 'b', effect: 'NO_SCHEDULE' }] },
        }),
      ),
    ).rejects.toThrow("the lab's UpdateNodegroupConfig does not know taints");
    await expect(
      eks.send(
        new UpdateNodegroupConfigCommand({ ...change, updateConfig: { maxUnavailablePercentage: 101 } }),
      ),
    ).rejects.toThrow('does not know maxUnavailablePercentage');
  });

  test('changes labels, and deletes a nodegroup only while nothing else happens to it', async () => {
    const { world, eks } = await anEndpoint();
    const nodegroup = aNodegroup(world, { labels: { old: '1' } });
    const of = { clusterName: 'develop', nodegroupName: 'app' };
    await eks.send(
      new UpdateNodegroupConfigCommand({
        ...of,
        labels: { addOrUpdateLabels: { team: 'video' }, removeLabels: ['old'] },
        updateConfig: { maxUnavailable: 2 },
      }),
    );
    await expect(eks.send(new DeleteNodegroupCommand(of))).rejects.toMatchObject({
      name: 'ResourceInUseException',
    });
    await world.pass(30);
    expect(nodegroup).toMatchObject({ labels: { team: 'video' }, maxUnavailable: 2, status: 'ACTIVE' });
    const { nodegroup: deleted } = await eks.send(new DeleteNodegroupCommand(of));
    expect(deleted?.status).toBe('DELETING');
  });
});

describe('EC2', () => {
  test('filters by state, type, name, address and tag, with wildcards', async () => {
    const { world, ec2 } = await anEndpoint();
    aNodegroup(world);
    aGroup(world, { instanceTypes: ['m6g.large'], spotPercent: 0, tags: { team: 'video' } });
    await world.pass(120);
    const [any] = world.aws.instances(world.cluster);
    const count = async (Name: string, ...Values: string[]) =>
      (await ec2.send(new DescribeInstancesCommand({ Filters: [{ Name, Values }] }))).Reservations!.length;
    expect(await count('instance-state-name', 'running')).toBe(6);
    expect(await count('instance-state-code', '16')).toBe(6);
    expect(await count('instance-lifecycle', 'spot')).toBe(3);
    expect(await count('instance-type', 'm6?.large')).toBe(6);
    expect(await count('availability-zone', 'ap-northeast-1a')).toBe(2);
    expect(await count('private-dns-name', any!.view.privateDnsName)).toBe(1);
    expect(await count('private-ip-address', any!.view.privateIp)).toBe(1);
    expect(await count('instance-id', any!.id)).toBe(1);
    expect(await count('subnet-id', any!.subnet.id)).toBe(2);
    expect(await count('vpc-id', any!.subnet.vpc)).toBe(6);
    expect(await count('tag:team', 'video')).toBe(3);
    expect(await count('tag:aws:autoscaling:groupName', 'eks-app-*')).toBe(3);
    await expect(count('colour', 'red')).rejects.toMatchObject({ name: 'InvalidParameterValue' });
    expect(world.aws.view(any!.id)?.labels['kubernetes.io/arch']).toBe('amd64');
    const arm = world.aws.instances(world.cluster).find(({ view }) => view.type === 'm6g.large');
    expect(arm?.view.labels['kubernetes.io/arch']).toBe('arm64');
  });

  test('starts what was stopped, and does not bring back what was terminated', async () => {
    const { world, ec2 } = await anEndpoint();
    const group = aGroup(world);
    await world.pass(120);
    world.aws.autoScaling.suspend(scope, 'workers', ['HealthCheck']);
    const [first, second] = [...group.instances.values()];
    const InstanceIds = [first!.id];
    await ec2.send(new StopInstancesCommand({ InstanceIds }));
    await expect(ec2.send(new StartInstancesCommand({ InstanceIds }))).rejects.toMatchObject({
      name: 'IncorrectInstanceState',
    });
    await world.pass(120);
    expect(first!.state).toBe('stopped');
    await ec2.send(new StartInstancesCommand({ InstanceIds }));
    await world.pass(60);
    expect(first!.state).toBe('running');
    expect(world.running.filter(({ id }) => id === first!.id)).toHaveLength(2);
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [second!.id] }));
    await expect(ec2.send(new StopInstancesCommand({ InstanceIds: [second!.id] }))).rejects.toMatchObject({
      name: 'IncorrectInstanceState',
    });
  });

  test('forgets a terminated instance after an hour', async () => {
    const { world } = await anEndpoint();
    const group = aGroup(world);
    await world.pass(120);
    const [id] = group.instances.keys();
    world.aws.terminateInstance(id!);
    await world.pass(1800);
    expect(world.aws.ec2.describe(scope, [id!])[0]!.state).toBe('terminated');
    await world.pass(3600);
    expect(() => world.aws.ec2.describe(scope, [id!])).toThrow(`The instance ID '${id}' does not exist`);
  });

  test('wants ids that exist, and pages of a sensible size', async () => {
    const { ec2 } = await anEndpoint();
    await expect(ec2.send(new DescribeSubnetsCommand({ SubnetIds: ['subnet-1'] }))).rejects.toMatchObject({
      name: 'InvalidSubnetID.NotFound',
    });
    await expect(ec2.send(new TerminateInstancesCommand({ InstanceIds: [] }))).rejects.toMatchObject({
      name: 'MissingParameter',
    });
    for (const command of [
      new DescribeInstancesCommand({ MaxResults: 4 }),
      new DescribeSubnetsCommand({ MaxResults: 4 }),
      new DescribeSubnetsCommand({ MaxResults: 1001 }),
    ])
      await expect(ec2.send(command as never)).rejects.toMatchObject({ name: 'InvalidParameterValue' });
    await expect(
      ec2.send(new DescribeInstancesCommand({ InstanceIds: ['i-0123456789abcdef0', 'i-0123456789abcdef1'] })),
    ).rejects.toThrow("The instance IDs 'i-0123456789abcdef0, i-0123456789abcdef1' do not exist");
  });
});

describe('Secrets Manager', () => {
  test('has the current version and the one before', async () => {
    const { world, secrets } = await anEndpoint();
    const put = (value: string) => world.aws.putSecret({ ...scope, name: 'token', value });
    const oldest = put('first').versionId;
    const first = put('a').versionId;
    const { versionId } = put('b');
    const get = (input: object) => secrets.send(new GetSecretValueCommand({ SecretId: 'token', ...input }));
    expect(await get({ VersionId: versionId })).toMatchObject({
      SecretString: 'b',
      VersionStages: ['AWSCURRENT'],
    });
    expect(await get({ VersionId: first })).toMatchObject({ SecretString: 'a' });
    expect(await get({ VersionStage: 'AWSPREVIOUS' })).toMatchObject({
      SecretString: 'a',
      VersionId: first,
      VersionStages: ['AWSPREVIOUS'],
    });
    await expect(get({ VersionId: oldest })).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    await expect(get({ VersionStage: 'AWSPENDING' })).rejects.toThrow('staging label: AWSPENDING');
  });

  test('creates secrets and versions, with their request tokens as ids', async () => {
    const { secrets } = await anEndpoint();
    const token = '0'.repeat(32);
    const made = await secrets.send(new CreateSecretCommand({ Name: 'a/b', SecretString: 'one' }));
    await secrets.send(
      new PutSecretValueCommand({ SecretId: 'a/b', SecretString: 'two', ClientRequestToken: token }),
    );
    expect(await secrets.send(new GetSecretValueCommand({ SecretId: made.ARN }))).toMatchObject({
      SecretString: 'two',
      VersionId: token,
    });
    const listed = await secrets.send(new ListSecretsCommand({}));
    expect(listed.SecretList?.map(({ Name }) => Name)).toEqual(['a/b']);
    await expect(
      secrets.send(new CreateSecretCommand({ Name: 'a/b', SecretString: 'x' })),
    ).rejects.toMatchObject({ name: 'ResourceExistsException' });
  });
});

describe('a fault', () => {
  test('wears the words of its service', async () => {
    const { endpoint, eks, autoScaling, ec2, secrets, dynamo } = await anEndpoint();
    const calls: Record<string, () => Promise<unknown>> = {
      eks: () => eks.send(new ListNodegroupsCommand({ clusterName: 'develop' })),
      autoscaling: () => autoScaling.send(new DescribeAutoScalingGroupsCommand({})),
      ec2: () => ec2.send(new DescribeInstancesCommand({})),
      secretsmanager: () => secrets.send(new GetSecretValueCommand({ SecretId: 'x' })),
      dynamodb: () => dynamo.send(new GetItemCommand({ TableName: 'x', Key: { pk: { S: 'a' } } })),
    };
    const outcome = async (service: string, kind: 'throttle' | '500' | 'access-denied') => {
      endpoint.faults.add({ service, kind });
      const error = await calls[service]!().catch((failure: unknown) => failure);
      return (error as Error).name;
    };
    const all = (kind: Parameters<typeof outcome>[1]) =>
      Promise.all(Object.keys(calls).map((service) => outcome(service, kind)));
    expect(await all('throttle')).toEqual([
      'ThrottlingException',
      'Throttling',
      'RequestLimitExceeded',
      'ThrottlingException',
      'ThrottlingException',
    ]);
    expect(await all('500')).toEqual([
      'ServerException',
      'InternalFailure',
      'InternalError',
      'InternalFailure',
      'InternalServerError',
    ]);
    expect(await all('access-denied')).toEqual([
      'AccessDeniedException',
      'AccessDenied',
      'UnauthorizedOperation',
      'AccessDeniedException',
      'AccessDeniedException',
    ]);
  });

  test('can be removed, or limited to one caller', async () => {
    const { world, endpoint, eks, principal } = await anEndpoint();
    const list = () => eks.send(new ListNodegroupsCommand({ clusterName: 'develop' }));
    endpoint.faults.add({ kind: 'throttle', principal: `${principal.arn}x` });
    await expect(list()).resolves.toBeDefined();
    const takeBack = endpoint.faults.add({ kind: 'throttle', times: Number.POSITIVE_INFINITY });
    await expect(list()).rejects.toThrow('Rate exceeded');
    takeBack();
    await expect(list()).resolves.toBeDefined();
    endpoint.faults.add({ kind: '500' });
    endpoint.faults.clear();
    await expect(list()).resolves.toBeDefined();
    expect(world.aws.clusters()).toHaveLength(1);
  });
});

describe('the authorizer', () => {
  test('gets the ARN of the resource of each call', async () => {
    const asked: string[] = [];
    const { world, eks, ec2, secrets, dynamo, autoScaling } = await anEndpoint({
      authorize: ({ resource }) => void asked.push(resource),
    });
    const nodegroup = aNodegroup(world);
    const group = aGroup(world);
    await world.pass(120);
    const principalArn = `arn:aws:iam::${account}:role/x`;
    const entry = world.aws.addAccessEntry(world.cluster, { principalArn, kubernetesGroups: ['team'] });
    const secret = world.aws.putSecret({ ...scope, name: 'token', value: 'x' });
    const [id] = group.instances.keys();
    const ignore = () => undefined;
    await eks.send(
      new UpdateNodegroupConfigCommand({
        clusterName: 'develop',
        nodegroupName: 'app',
        scalingConfig: { desiredSize: 2 },
      }),
    );
    await eks.send(new DescribeAccessEntryCommand({ clusterName: 'develop', principalArn }));
    await secrets.send(new GetSecretValueCommand({ SecretId: 'token' }));
    await secrets.send(new GetSecretValueCommand({ SecretId: 'gone' })).catch(ignore);
    await dynamo.send(new GetItemCommand({ TableName: 'state', Key: { pk: { S: 'a' } } })).catch(ignore);
    await autoScaling.send(
      new TerminateInstanceInAutoScalingGroupCommand({
        InstanceId: id!,
        ShouldDecrementDesiredCapacity: true,
      }),
    );
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [id!] }));
    await ec2.send(new DescribeInstancesCommand({}));
    expect(asked).toEqual([
      nodegroup.arn,
      entry.arn,
      secret.arn,
      `arn:aws:secretsmanager:${region}:${account}:secret:gone`,
      `arn:aws:dynamodb:${region}:${account}:table/state`,
      group.arn,
      `arn:aws:ec2:${region}:${account}:instance/${id}`,
      '*',
    ]);
  });
});

describe('whoever builds the world', () => {
  test('gets the reason', async () => {
    const { world } = await anEndpoint();
    const { aws, cluster } = world;
    expect(() => aws.addCluster({ ...scope, account: '1', name: 'x' })).toThrow(
      'account "1" is not twelve digits',
    );
    expect(() => aws.addCluster({ ...scope, name: 'develop' })).toThrow('Cluster already exists');
    expect(() => aGroup(world, { desired: 9 })).toThrow('needs 0 <= min <= desired <= max, not 1, 9, 6');
    expect(() => aGroup(world, { zones: ['eu-west-1a'] })).toThrow(
      'zone eu-west-1a is none of cluster develop',
    );
    aGroup(world);
    expect(() => aGroup(world)).toThrow('already exists');
    aNodegroup(world);
    expect(() => aNodegroup(world)).toThrow(
      'NodeGroup already exists with name app and cluster name develop',
    );
    expect(() => aws.addPrincipal({ account, arn: 'arn:aws:iam::222222222222:role/x' })).toThrow(
      'is no role or user of account 111111111111',
    );
    expect(() => aws.interruptSpot('i-0123456789abcdef0')).toThrow('unknown instance');
    expect(aws.groups(cluster).map(({ name }) => name.slice(0, 7))).toEqual(['workers', 'eks-app']);
  });
});
