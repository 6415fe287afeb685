import {
  AutoScalingClient,
  CompleteLifecycleActionCommand,
  DescribeAutoScalingGroupsCommand,
  DescribeAutoScalingInstancesCommand,
  DescribeLifecycleHooksCommand,
  DescribeScalingActivitiesCommand,
  DetachInstancesCommand,
  paginateDescribeAutoScalingGroups,
  RecordLifecycleActionHeartbeatCommand,
  SetDesiredCapacityCommand,
  TerminateInstanceInAutoScalingGroupCommand,
  UpdateAutoScalingGroupCommand,
} from '@aws-sdk/client-auto-scaling';
import { ConditionalCheckFailedException, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import {
  DescribeInstancesCommand,
  DescribeSubnetsCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import {
  CreateClusterCommand,
  DescribeAccessEntryCommand,
  DescribeClusterCommand,
  DescribeNodegroupCommand,
  DescribeUpdateCommand,
  EKSClient,
  ListAccessEntriesCommand,
  ListClustersCommand,
  ListUpdatesCommand,
  paginateListNodegroups,
  ResourceInUseException,
  ResourceNotFoundException,
  UpdateNodegroupConfigCommand,
} from '@aws-sdk/client-eks';
import { DescribeSecretCommand, GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { describe, expect, test } from 'vitest';
import { anEndpoint } from './endpoint.ts';
import { account, aGroup, aNodegroup, region, scope } from './world.ts';

describe('EKS', () => {
  test('describes clusters, nodegroups and access entries', async () => {
    const { world, eks } = await anEndpoint();
    aNodegroup(world, { labels: { team: 'video' } });
    const ca = '-----BEGIN CERTIFICATE-----\n…\n';
    world.aws.setClusterEndpoint(world.cluster, { endpoint: 'https://127.0.0.1:6443', ca });
    const principalArn = `arn:aws:iam::${account}:role/service/night-schedule`;
    world.aws.addAccessEntry(world.cluster, {
      principalArn,
      kubernetesGroups: ['nightshift:night-schedule'],
    });

    const { clusters } = await eks.send(new ListClustersCommand({}));
    expect(clusters).toEqual(['develop']);
    const { cluster } = await eks.send(new DescribeClusterCommand({ name: 'develop' }));
    expect(cluster).toMatchObject({
      arn: `arn:aws:eks:${region}:${account}:cluster/develop`,
      endpoint: 'https://127.0.0.1:6443',
      status: 'ACTIVE',
      accessConfig: { authenticationMode: 'API_AND_CONFIG_MAP' },
    });
    expect(Buffer.from(cluster!.certificateAuthority!.data!, 'base64').toString()).toBe(ca);
    expect(cluster!.createdAt).toEqual(new Date('2026-11-24T00:00:00Z'));

    const { nodegroup } = await eks.send(
      new DescribeNodegroupCommand({ clusterName: 'develop', nodegroupName: 'app' }),
    );
    expect(nodegroup).toMatchObject({
      status: 'ACTIVE',
      capacityType: 'SPOT',
      scalingConfig: { minSize: 1, desiredSize: 3, maxSize: 6 },
      labels: { team: 'video' },
      resources: { autoScalingGroups: [{ name: expect.stringMatching(/^eks-app-/) }] },
    });

    const { accessEntries } = await eks.send(new ListAccessEntriesCommand({ clusterName: 'develop' }));
    expect(accessEntries).toEqual([principalArn]);
    const { accessEntry } = await eks.send(
      new DescribeAccessEntryCommand({ clusterName: 'develop', principalArn }),
    );
    expect(accessEntry?.kubernetesGroups).toEqual(['nightshift:night-schedule']);
  });

  test('updates a nodegroup and returns the status of the update', async () => {
    const { world, eks } = await anEndpoint();
    aNodegroup(world);
    const at = { clusterName: 'develop', nodegroupName: 'app' };
    const sleep = new UpdateNodegroupConfigCommand({ ...at, scalingConfig: { minSize: 0, desiredSize: 0 } });
    const { update } = await eks.send(sleep);
    expect(update).toMatchObject({
      status: 'InProgress',
      type: 'ConfigUpdate',
      params: [
        { type: 'MinSize', value: '0' },
        { type: 'DesiredSize', value: '0' },
      ],
    });
    await expect(eks.send(sleep))
      .resolves.toBeDefined()
      .catch(() => undefined);
    await world.pass(30);
    const described = await eks.send(
      new DescribeUpdateCommand({ name: 'develop', nodegroupName: 'app', updateId: update!.id! }),
    );
    expect(described.update?.status).toBe('Successful');
    const { updateIds } = await eks.send(new ListUpdatesCommand({ name: 'develop', nodegroupName: 'app' }));
    expect(updateIds).toContain(update!.id);
    const { nodegroup } = await eks.send(new DescribeNodegroupCommand(at));
    expect(nodegroup?.scalingConfig).toEqual({ minSize: 0, desiredSize: 0, maxSize: 6 });
  });

  test('refuses with the modelled exceptions and their members', async () => {
    const { world, eks } = await anEndpoint();
    aNodegroup(world);
    const at = { clusterName: 'develop', nodegroupName: 'app' };
    await eks.send(new UpdateNodegroupConfigCommand({ ...at, scalingConfig: { desiredSize: 2 } }));
    const busy = await eks
      .send(new UpdateNodegroupConfigCommand({ ...at, scalingConfig: { desiredSize: 4 } }))
      .catch((error: unknown) => error);
    expect(busy).toBeInstanceOf(ResourceInUseException);
    expect(busy).toMatchObject({ nodegroupName: 'app', $metadata: { httpStatusCode: 409 } });
    await expect(
      eks.send(
        new UpdateNodegroupConfigCommand({
          ...at,
          scalingConfig: { minSize: 0, maxSize: 0, desiredSize: 0 },
        }),
      ),
    ).rejects.toMatchObject({ name: 'InvalidParameterException' });
    await expect(
      eks.send(new DescribeNodegroupCommand({ ...at, nodegroupName: 'gone' })),
    ).rejects.toBeInstanceOf(ResourceNotFoundException);
    await expect(eks.send(new DescribeClusterCommand({ name: 'gone' }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: 'No cluster found for name: gone.',
    });
  });

  test('gives long lists in pages of at most a hundred', async () => {
    const { world, eks } = await anEndpoint();
    for (let index = 0; index < 230; index++) {
      aNodegroup(world, { name: `group-${index}`, min: 0, desired: 0 });
    }
    const pages: number[] = [];
    const names = new Set<string>();
    for await (const page of paginateListNodegroups({ client: eks }, { clusterName: 'develop' })) {
      pages.push(page.nodegroups!.length);
      for (const name of page.nodegroups!) names.add(name);
    }
    expect(pages).toEqual([100, 100, 30]);
    expect(names.size).toBe(230);
  });

  test('never pretends to know an operation that it lacks', async () => {
    const { eks } = await anEndpoint();
    await expect(
      eks.send(new CreateClusterCommand({ name: 'x', roleArn: 'arn', resourcesVpcConfig: {} })),
    ).rejects.toMatchObject({ name: 'UnknownOperationException', $metadata: { httpStatusCode: 404 } });
  });
});

describe('Auto Scaling', () => {
  test('filters groups by tags: AND between filters, OR between values', async () => {
    const { world, autoScaling } = await anEndpoint();
    aNodegroup(world);
    aNodegroup(world, { name: 'system' });
    aGroup(world, { tags: { team: 'video' } });
    const names = async (...Filters: { Name: string; Values: string[] }[]) =>
      (await autoScaling.send(new DescribeAutoScalingGroupsCommand({ Filters }))).AutoScalingGroups!.map(
        (group) => group.AutoScalingGroupName!.replace(/-[0-9a-f-]{36}$/, ''),
      );
    const owned = { Name: 'tag:kubernetes.io/cluster/develop', Values: ['owned', 'shared'] };
    expect(await names(owned)).toEqual(['eks-app', 'eks-system', 'workers']);
    expect(await names(owned, { Name: 'tag-key', Values: ['eks:nodegroup-name'] })).toEqual([
      'eks-app',
      'eks-system',
    ]);
    expect(await names({ Name: 'tag:eks:nodegroup-name', Values: ['app'] })).toEqual(['eks-app']);
    expect(await names({ Name: 'tag-value', Values: ['video'] })).toEqual(['workers']);
    expect(await names({ Name: 'tag:eks:nodegroup-name', Values: ['APP'] })).toEqual([]);
    await expect(names({ Name: 'name', Values: ['x'] })).rejects.toMatchObject({ name: 'ValidationError' });
  });

  test('gives pages of at most a hundred groups and refuses to give more', async () => {
    const { world, autoScaling } = await anEndpoint();
    for (let index = 0; index < 205; index++) aGroup(world, { name: `group-${index}`, min: 0, desired: 0 });
    const pages: number[] = [];
    for await (const page of paginateDescribeAutoScalingGroups({ client: autoScaling, pageSize: 100 }, {}))
      pages.push(page.AutoScalingGroups!.length);
    expect(pages).toEqual([100, 100, 5]);
    await expect(
      autoScaling.send(new DescribeAutoScalingGroupsCommand({ MaxRecords: 101 })),
    ).rejects.toMatchObject({ name: 'ValidationError' });
    await expect(
      autoScaling.send(new DescribeAutoScalingGroupsCommand({ NextToken: 'made up' })),
    ).rejects.toMatchObject({ name: 'InvalidNextToken' });
    await expect(
      autoScaling.send(
        new DescribeAutoScalingInstancesCommand({ InstanceIds: Array(51).fill('i-00000000000000000') }),
      ),
    ).rejects.toMatchObject({ name: 'ValidationError' });
  });

  test('describes a group with its members, and an instance with its group', async () => {
    const { world, autoScaling } = await anEndpoint();
    aGroup(world);
    await world.pass(120);
    const { AutoScalingGroups } = await autoScaling.send(
      new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: ['workers', 'unknown'] }),
    );
    expect(AutoScalingGroups).toHaveLength(1);
    const [group] = AutoScalingGroups!;
    expect(group).toMatchObject({ MinSize: 1, DesiredCapacity: 3, MaxSize: 6, SuspendedProcesses: [] });
    expect(group!.Instances).toHaveLength(3);
    const [instance] = group!.Instances!;
    expect(instance).toMatchObject({ LifecycleState: 'InService', HealthStatus: 'Healthy' });
    const { AutoScalingInstances } = await autoScaling.send(
      new DescribeAutoScalingInstancesCommand({
        InstanceIds: [instance!.InstanceId!, 'i-0123456789abcdef0'],
      }),
    );
    expect(AutoScalingInstances).toMatchObject([
      { AutoScalingGroupName: 'workers', HealthStatus: 'HEALTHY', LifecycleState: 'InService' },
    ]);
  });

  test('resizes groups, terminates single instances, and records it in the activities', async () => {
    const { world, autoScaling } = await anEndpoint();
    const group = aGroup(world);
    await world.pass(120);
    await autoScaling.send(
      new SetDesiredCapacityCommand({ AutoScalingGroupName: 'workers', DesiredCapacity: 4 }),
    );
    await world.pass(120);
    const [id] = group.instances.keys();
    const { Activity } = await autoScaling.send(
      new TerminateInstanceInAutoScalingGroupCommand({
        InstanceId: id!,
        ShouldDecrementDesiredCapacity: true,
      }),
    );
    expect(Activity).toMatchObject({
      Description: `Terminating EC2 instance: ${id}`,
      StatusCode: 'InProgress',
    });
    await autoScaling.send(
      new UpdateAutoScalingGroupCommand({
        AutoScalingGroupName: 'workers',
        MinSize: 0,
        MaxSize: 0,
        DesiredCapacity: 0,
      }),
    );
    await world.pass(200);
    expect(group.instances.size).toBe(0);
    const { Activities } = await autoScaling.send(
      new DescribeScalingActivitiesCommand({
        AutoScalingGroupName: 'workers',
        Filters: [{ Name: 'Status', Values: ['Successful'] }],
      }),
    );
    expect(Activities).toHaveLength(8);
    await expect(
      autoScaling.send(new UpdateAutoScalingGroupCommand({ AutoScalingGroupName: 'gone', MinSize: 0 })),
    ).rejects.toMatchObject({ name: 'ValidationError', message: expect.stringContaining('not found') });
  });

  test('detaches an instance, which keeps running without the tag of its group', async () => {
    const { world, autoScaling, ec2 } = await anEndpoint();
    const group = aGroup(world);
    await world.pass(120);
    const [id = ''] = group.instances.keys();
    const detach = (InstanceIds: string[], AutoScalingGroupName = 'workers') =>
      autoScaling.send(
        new DetachInstancesCommand({
          AutoScalingGroupName,
          InstanceIds,
          ShouldDecrementDesiredCapacity: false,
        }),
      );
    const { Activities } = await detach([id]);
    expect(Activities).toMatchObject([
      { Description: `Detaching EC2 instance: ${id}`, StatusCode: 'InProgress', Progress: 50 },
    ]);
    await world.pass(120);
    const { AutoScalingInstances } = await autoScaling.send(
      new DescribeAutoScalingInstancesCommand({ InstanceIds: [id] }),
    );
    expect(AutoScalingInstances).toEqual([]);
    const { Reservations } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
    const [found] = Reservations?.[0]?.Instances ?? [];
    expect(found?.State?.Name).toBe('running');
    expect(found?.Tags?.map(({ Key }) => Key)).not.toContain('aws:autoscaling:groupName');
    expect(group.instances.size).toBe(3);
    const refused = (message: string) => ({ name: 'ValidationError', message });
    await expect(detach([id])).rejects.toMatchObject(
      refused(`The instance ${id} is not part of Auto Scaling group workers.`),
    );
    await expect(detach([id], 'gone')).rejects.toMatchObject(
      refused('AutoScalingGroup name not found - AutoScalingGroup gone not found'),
    );
  });

  test('completes and extends lifecycle actions', async () => {
    const { world, autoScaling } = await anEndpoint();
    aGroup(world, { lifecycleHooks: [{ name: 'drain' }] });
    await world.pass(120);
    await autoScaling.send(
      new SetDesiredCapacityCommand({ AutoScalingGroupName: 'workers', DesiredCapacity: 2 }),
    );
    await world.pass(10);
    const detail = world.eventsOf('EC2 Instance-terminate Lifecycle Action')[0]!.detail;
    const target = {
      AutoScalingGroupName: 'workers',
      LifecycleHookName: 'drain',
      LifecycleActionToken: String(detail['LifecycleActionToken']),
    };
    await autoScaling.send(new RecordLifecycleActionHeartbeatCommand(target));
    const complete = new CompleteLifecycleActionCommand({ ...target, LifecycleActionResult: 'CONTINUE' });
    await autoScaling.send(complete);
    await expect(autoScaling.send(complete)).rejects.toMatchObject({
      name: 'ValidationError',
      message: expect.stringContaining('No active Lifecycle Action found'),
    });
    const { LifecycleHooks } = await autoScaling.send(
      new DescribeLifecycleHooksCommand({ AutoScalingGroupName: 'workers' }),
    );
    expect(LifecycleHooks).toMatchObject([
      { LifecycleHookName: 'drain', HeartbeatTimeout: 3600, GlobalTimeout: 172800, DefaultResult: 'ABANDON' },
    ]);
  });
});

describe('EC2', () => {
  test('describes, stops and terminates instances', async () => {
    const { world, ec2 } = await anEndpoint();
    const group = aGroup(world);
    await world.pass(120);
    const [first, second] = [...group.instances.keys()];
    const { Reservations } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [first!] }));
    expect(Reservations).toMatchObject([
      {
        Instances: [
          {
            InstanceId: first,
            InstanceLifecycle: 'spot',
            State: { Name: 'running', Code: 16 },
            PrivateDnsName: expect.stringMatching(/^ip-10-0-\d+-\d+\.ap-northeast-1\.compute\.internal$/),
          },
        ],
      },
    ]);
    const { TerminatingInstances } = await ec2.send(new TerminateInstancesCommand({ InstanceIds: [first!] }));
    expect(TerminatingInstances).toMatchObject([
      { CurrentState: { Name: 'shutting-down' }, PreviousState: { Name: 'running' } },
    ]);
    await ec2.send(new StopInstancesCommand({ InstanceIds: [second!] }));
    const left = await ec2.send(
      new DescribeInstancesCommand({ Filters: [{ Name: 'instance-state-name', Values: ['runn*'] }] }),
    );
    expect(left.Reservations).toHaveLength(1);
    await expect(
      ec2.send(new DescribeInstancesCommand({ InstanceIds: ['i-0123456789abcdef0'] })),
    ).rejects.toMatchObject({ name: 'InvalidInstanceID.NotFound' });
    await expect(ec2.send(new DescribeInstancesCommand({ InstanceIds: ['web'] }))).rejects.toMatchObject({
      name: 'InvalidInstanceID.Malformed',
    });
    const { Subnets } = await ec2.send(new DescribeSubnetsCommand({}));
    expect(Subnets!.map((subnet) => subnet.AvailableIpAddressCount)).toEqual([4090, 4090, 4090]);
  });
});

describe('Secrets Manager', () => {
  test('gives the secret of the account and region only', async () => {
    const { world, secrets } = await anEndpoint();
    const secret = world.aws.putSecret({ ...scope, name: 'nightshift/argocd', value: 't0ken' });
    world.aws.putSecret({ ...scope, account: '222222222222', name: 'other', value: 'x' });
    const { SecretString, ARN } = await secrets.send(
      new GetSecretValueCommand({ SecretId: 'nightshift/argocd' }),
    );
    expect([SecretString, ARN]).toEqual(['t0ken', secret.arn]);
    const described = await secrets.send(new DescribeSecretCommand({ SecretId: secret.arn }));
    expect(described.Name).toBe('nightshift/argocd');
    await expect(secrets.send(new GetSecretValueCommand({ SecretId: 'other' }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });
});

describe('STS', () => {
  test('returns the caller, a role with its session', async () => {
    const { sts, principal } = await anEndpoint();
    expect(principal.sessionToken).toBeDefined();
    const identity = await sts.send(new GetCallerIdentityCommand({}));
    expect(identity).toMatchObject({
      Account: account,
      Arn: `arn:aws:sts::${account}:assumed-role/night-schedule/nightshift`,
      UserId: expect.stringMatching(/^AROA[0-9A-F]{17}:nightshift$/),
    });
  });
});

describe('DynamoDB', () => {
  test('separates the tables of the accounts and evaluates conditions', async () => {
    const { world, endpoint, dynamo, config } = await anEndpoint();
    await endpoint.createTable({ ...scope, name: 'nightshift' });
    const put = new PutItemCommand({
      TableName: 'nightshift',
      Item: { pk: { S: 'night' }, sk: { S: 'state' } },
      ConditionExpression: 'attribute_not_exists(pk)',
    });
    await dynamo.send(put);
    await expect(dynamo.send(put)).rejects.toBeInstanceOf(ConditionalCheckFailedException);
    const Key = { pk: { S: 'night' }, sk: { S: 'state' } };
    const { Item } = await dynamo.send(
      new GetItemCommand({ TableName: 'nightshift', Key, ConsistentRead: true }),
    );
    expect(Item).toBeDefined();
    const stranger = world.aws.addPrincipal({
      account: '222222222222',
      arn: 'arn:aws:iam::222222222222:role/x',
    });
    const { DynamoDBClient } = await import('@aws-sdk/client-dynamodb');
    await expect(
      new DynamoDBClient(config(stranger)).send(new GetItemCommand({ TableName: 'nightshift', Key })),
    ).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    expect(endpoint.calls.map(({ operation, error }) => [operation, error])).toEqual([
      ['PutItem', undefined],
      ['PutItem', 'ConditionalCheckFailedException'],
      ['GetItem', undefined],
      ['GetItem', 'ResourceNotFoundException'],
    ]);
  });
});

describe('signatures', () => {
  test.each([
    ['an unknown key', { accessKeyId: 'AKIAUNKNOWN' }, 'InvalidClientTokenId', 'UnrecognizedClientException'],
    ['a wrong secret', { secretAccessKey: 'wrong' }, 'SignatureDoesNotMatch', 'InvalidSignatureException'],
    [
      'a wrong session token',
      { sessionToken: 'wrong' },
      'InvalidClientTokenId',
      'UnrecognizedClientException',
    ],
  ])('are refused with %s, in the words of each protocol', async (_what, change, query, json) => {
    const { config, principal } = await anEndpoint();
    const wrong = { ...principal, ...change };
    await expect(
      new AutoScalingClient(config(wrong)).send(new DescribeAutoScalingGroupsCommand({})),
    ).rejects.toMatchObject({ name: query, $metadata: { httpStatusCode: 403 } });
    await expect(new EKSClient(config(wrong)).send(new ListClustersCommand({}))).rejects.toMatchObject({
      name: json,
      $metadata: { httpStatusCode: 403 },
    });
  });

  test('are refused more than fifteen minutes from the virtual time, except with a key that may sign at any time', async () => {
    const { world, config, principal } = await anEndpoint();
    const offset = world.context.clock.offset();
    const identity = (by: typeof principal, minutes: number) =>
      new STSClient(config(by, { systemClockOffset: offset + minutes * 60_000 })).send(
        new GetCallerIdentityCommand({}),
      );
    await expect(identity(principal, 14)).resolves.toBeDefined();
    await expect(identity(principal, -14)).resolves.toBeDefined();
    await expect(identity(principal, 16)).rejects.toMatchObject({ name: 'SignatureDoesNotMatch' });
    await expect(identity(principal, -16)).rejects.toMatchObject({ name: 'SignatureDoesNotMatch' });
    const operator = world.aws.addPrincipal({
      account,
      arn: `arn:aws:iam::${account}:user/op`,
      anyTime: true,
    });
    await expect(identity(operator, 100_000)).resolves.toMatchObject({
      Arn: `arn:aws:iam::${account}:user/op`,
    });
  });

  test('are refused when the body was changed on its way', async () => {
    const { world, autoScaling } = await anEndpoint();
    aGroup(world);
    autoScaling.middlewareStack.addRelativeTo(
      ((next: (args: { request: { body: string } }) => unknown) => (args: { request: { body: string } }) => {
        args.request.body = args.request.body.replace('DesiredCapacity=2', 'DesiredCapacity=6');
        return next(args);
      }) as never,
      { relation: 'after', toMiddleware: 'httpSigningMiddleware' },
    );
    await expect(
      autoScaling.send(
        new SetDesiredCapacityCommand({ AutoScalingGroupName: 'workers', DesiredCapacity: 2 }),
      ),
    ).rejects.toMatchObject({ name: 'SignatureDoesNotMatch' });
  });

  test('are required', async () => {
    const { endpoint } = await anEndpoint();
    const reply = await fetch(`${endpoint.url}/clusters`);
    expect([reply.status, reply.headers.get('x-amzn-errortype')]).toEqual([
      403,
      'MissingAuthenticationTokenException',
    ]);
  });
});

describe('the front door', () => {
  test('records every call with its caller, and counts', async () => {
    const { world, endpoint, eks, autoScaling, principal } = await anEndpoint();
    aNodegroup(world);
    await eks.send(new ListClustersCommand({}));
    await eks.send(new ListClustersCommand({}));
    await autoScaling
      .send(new SetDesiredCapacityCommand({ AutoScalingGroupName: 'gone', DesiredCapacity: 2 }))
      .catch(() => undefined);
    expect(endpoint.counts()).toEqual({ 'eks:ListClusters': 2, 'autoscaling:SetDesiredCapacity': 1 });
    expect(endpoint.calls.at(-1)).toEqual({
      time: world.context.clock.now(),
      principal: principal.arn,
      account,
      region,
      service: 'autoscaling',
      operation: 'SetDesiredCapacity',
      parameters: { AutoScalingGroupName: 'gone', DesiredCapacity: '2' },
      status: 400,
      error: 'ValidationError',
    });
  });

  test('injects throttling and failures, as often as configured', async () => {
    const { endpoint, eks, autoScaling } = await anEndpoint();
    endpoint.faults.add({ service: 'eks', kind: 'throttle', times: 2 });
    endpoint.faults.add({ operation: 'DescribeAutoScalingGroups', kind: '500', skip: 1 });
    const list = () => eks.send(new ListClustersCommand({}));
    const groups = () => autoScaling.send(new DescribeAutoScalingGroupsCommand({}));
    await expect(list()).rejects.toMatchObject({ name: 'ThrottlingException' });
    await expect(groups()).resolves.toBeDefined();
    await expect(list()).rejects.toMatchObject({ name: 'ThrottlingException' });
    await expect(groups()).rejects.toMatchObject({ $metadata: { httpStatusCode: 500 } });
    await expect(list()).resolves.toBeDefined();
    await expect(groups()).resolves.toBeDefined();
  });

  test('breaks the connection before or after a call took effect', async () => {
    const { world, endpoint, autoScaling } = await anEndpoint();
    const group = aGroup(world);
    const set = (DesiredCapacity: number) =>
      autoScaling.send(new SetDesiredCapacityCommand({ AutoScalingGroupName: 'workers', DesiredCapacity }));
    endpoint.faults.add({ kind: 'timeout-before' });
    await expect(set(4)).rejects.toThrow();
    expect(group.desired).toBe(3);
    endpoint.faults.add({ kind: 'timeout-after' });
    await expect(set(5)).rejects.toThrow();
    expect(group.desired).toBe(5);
  });

  test('calls the authorizer with action and resource, and denies with the message of AWS', async () => {
    const asked: string[] = [];
    const { world, eks, autoScaling } = await anEndpoint({
      authorize: ({ action, resource }) => {
        asked.push(`${action} ${resource}`);
        return action === 'eks:DescribeCluster' ? 'no identity-based policy allows the action' : undefined;
      },
    });
    const group = aGroup(world);
    await expect(eks.send(new DescribeClusterCommand({ name: 'develop' }))).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringMatching(
        /assumed-role\/night-schedule\/nightshift is not authorized to perform: eks:DescribeCluster/,
      ),
    });
    await autoScaling.send(new DescribeAutoScalingGroupsCommand({}));
    await autoScaling.send(
      new SetDesiredCapacityCommand({ AutoScalingGroupName: 'workers', DesiredCapacity: 2 }),
    );
    expect(asked).toEqual([
      `eks:DescribeCluster arn:aws:eks:${region}:${account}:cluster/develop`,
      'autoscaling:DescribeAutoScalingGroups *',
      `autoscaling:SetDesiredCapacity ${group.arn}`,
    ]);
  });

  test('reports an error of the lab itself and does not return it as a reply', async () => {
    const failures: unknown[] = [];
    const broken = new TypeError('no such thing');
    const { config, endpoint } = await anEndpoint({
      onFailure: (error) => failures.push(error),
      services: [
        {
          service: 'eks',
          protocol: 'rest-json',
          routes: [{ operation: 'ListClusters', method: 'GET', path: '/clusters' }],
          handle: () => {
            throw broken;
          },
        },
      ],
    });
    await expect(new EKSClient(config()).send(new ListClustersCommand({}))).rejects.toMatchObject({
      name: 'InternalFailure',
      message: 'the lab failed: TypeError: no such thing',
    });
    expect(failures).toEqual([broken]);
    expect(endpoint.calls.at(-1)).toMatchObject({ status: 500, error: 'InternalFailure' });
  });

  test('accepts further services, by their signing name', async () => {
    const { endpoint, config } = await anEndpoint();
    const { CodeBuildClient, BatchGetBuildsCommand, ListProjectsCommand } = await import(
      '@aws-sdk/client-codebuild'
    );
    const client = new CodeBuildClient(config());
    await expect(client.send(new ListProjectsCommand({}))).rejects.toThrow(
      'the lab has no service "codebuild"',
    );
    const { unknownOperation } = await import('#lab/http/aws/service.ts');
    endpoint.addService({
      service: 'codebuild',
      protocol: 'json-1.1',
      target: 'CodeBuild_20161006',
      handle: ({ operation, parameters }) =>
        operation === 'BatchGetBuilds' ? { buildsNotFound: parameters['ids'] } : unknownOperation,
    });
    const { buildsNotFound } = await client.send(new BatchGetBuildsCommand({ ids: ['a:b'] }));
    expect(buildsNotFound).toEqual(['a:b']);
    await expect(client.send(new ListProjectsCommand({}))).rejects.toMatchObject({
      name: 'UnknownOperationException',
    });
  });
});
