/** Each operation that the lab's AWS knows, called well and called wrong, with every byte kept. */
import * as autoscaling from '@aws-sdk/client-auto-scaling';
import * as codebuild from '@aws-sdk/client-codebuild';
import * as ec2 from '@aws-sdk/client-ec2';
import * as eks from '@aws-sdk/client-eks';
import * as secrets from '@aws-sdk/client-secrets-manager';
import { SNSClient } from '@aws-sdk/client-sns';
import * as sts from '@aws-sdk/client-sts';
import { type AwsExchange, serveAws } from '@nightshift/lab/http/aws/server.ts';
import { codebuildService } from '@nightshift/lab/http/codebuild.ts';
import { account, aGroup, aNodegroup, aWorld, region } from '@nightshift/lab/test/aws/world.ts';
import { aProject, REPOSITORY } from '@nightshift/lab/test/codebuild/builders.ts';
import { createCodebuild } from '@nightshift/lab/world/codebuild/index.ts';
import { createNotifier } from '#functions/adapters/aws/notifications.ts';

/** As the model names them. DynamoDB is seen on the day, Lambda by the AWS CLI. */
export const OPERATIONS: readonly string[] = [
  'autoscaling:CompleteLifecycleAction',
  'autoscaling:DeleteWarmPool',
  'autoscaling:DescribeAutoScalingGroups',
  'autoscaling:DescribeAutoScalingInstances',
  'autoscaling:DescribeLifecycleHooks',
  'autoscaling:DescribeScalingActivities',
  'autoscaling:DescribeTags',
  'autoscaling:DescribeWarmPool',
  'autoscaling:DetachInstances',
  'autoscaling:PutLifecycleHook',
  'autoscaling:PutWarmPool',
  'autoscaling:RecordLifecycleActionHeartbeat',
  'autoscaling:ResumeProcesses',
  'autoscaling:SetDesiredCapacity',
  'autoscaling:SuspendProcesses',
  'autoscaling:TerminateInstanceInAutoScalingGroup',
  'autoscaling:UpdateAutoScalingGroup',
  'codebuild:BatchGetBuilds',
  'codebuild:BatchGetProjects',
  'codebuild:ListBuilds',
  'codebuild:ListBuildsForProject',
  'codebuild:ListProjects',
  'codebuild:StartBuild',
  'codebuild:StopBuild',
  'ec2:DescribeInstanceTypes',
  'ec2:DescribeInstances',
  'ec2:DescribeNatGateways',
  'ec2:DescribeSubnets',
  'ec2:DescribeVolumes',
  'ec2:StartInstances',
  'ec2:StopInstances',
  'ec2:TerminateInstances',
  'eks:DeleteNodegroup',
  'eks:DescribeAccessEntry',
  'eks:DescribeCluster',
  'eks:DescribeNodegroup',
  'eks:DescribeUpdate',
  'eks:ListAccessEntries',
  'eks:ListClusters',
  'eks:ListNodegroups',
  'eks:ListUpdates',
  'eks:UpdateNodegroupConfig',
  'secretsmanager:CreateSecret',
  'secretsmanager:DescribeSecret',
  'secretsmanager:GetSecretValue',
  'secretsmanager:ListSecrets',
  'secretsmanager:PutSecretValue',
  'sns:Publish',
  'sts:GetCallerIdentity',
];

const SDKS = {
  autoscaling: { sdk: autoscaling, Client: autoscaling.AutoScalingClient },
  codebuild: { sdk: codebuild, Client: codebuild.CodeBuildClient },
  ec2: { sdk: ec2, Client: ec2.EC2Client },
  eks: { sdk: eks, Client: eks.EKSClient },
  secretsmanager: { sdk: secrets, Client: secrets.SecretsManagerClient },
  sts: { sdk: sts, Client: sts.STSClient },
} as const;

export interface EveryOperation {
  readonly exchanges: readonly AwsExchange[];
  /** Asks an operation with this input, whatever it is. The reply's status, or undefined where the SDK sends nothing. */
  ask(operation: string, input: Readonly<Record<string, unknown>>): Promise<number | undefined>;
  close(): Promise<void>;
}

export async function callEverything(): Promise<EveryOperation> {
  const world = aWorld();
  const { aws, context, cluster } = world;
  const builds = createCodebuild(context, { phaseEvents: false });
  builds.addRepository(REPOSITORY, { defaultBranch: 'main' });
  builds.addProject(aProject());
  const exchanges: AwsExchange[] = [];
  const front = await serveAws({
    aws,
    services: [codebuildService(builds)],
    onExchange: (exchange) => exchanges.push(exchange),
  });
  const role = aws.addPrincipal({ account, arn: `arn:aws:iam::${account}:role/a`, anyTime: true });
  const config = { endpoint: front.url, region, credentials: role, maxAttempts: 1 };
  /** Refusals are among what is looked at. */
  const ask = async (
    client: { send(command: never): Promise<unknown>; destroy(): void },
    commands: readonly object[],
  ) => {
    for (const command of commands) await client.send(command as never).catch(() => undefined);
    client.destroy();
  };

  aNodegroup(world, {
    labels: { team: 'video' },
    taints: [{ key: 'dedicated', value: 'x', effect: 'NO_SCHEDULE' }],
  });
  aws.addNodegroup(cluster, {
    name: 'doomed',
    min: 0,
    desired: 1,
    max: 2,
    instanceTypes: ['c6g.large', 'm6g.large'],
    capacityType: 'ON_DEMAND',
  });
  aGroup(world, {
    lifecycleHooks: [{ name: 'drain', transition: 'terminating', heartbeatTimeoutSeconds: 300 }],
  });
  aws.addAccessEntry(cluster, { principalArn: role.arn, kubernetesGroups: ['nightshift:a'] });
  aws.putSecret({ account, region, name: 'nightshift/argocd', value: 'a.b.c' });
  const [{ id: subnet = '', vpc = '', zone = '' } = {}] = cluster.subnets;
  aws.standing.addNatGateway({ account, region, vpc, subnet });
  aws.standing.addVolume({
    account,
    region,
    sizeGib: 20,
    type: 'gp3',
    zone,
    tags: { team: 'video' },
    attachment: { instance: 'i-00000000000000000', deleteOnTermination: false },
  });
  aws.addTopic({ account, region, name: 'nightshift-develop-failure' });
  await world.pass(600);

  await ask(new sts.STSClient(config), [new sts.GetCallerIdentityCommand({})]);
  await ask(new sts.STSClient({ ...config, credentials: { ...role, secretAccessKey: 'wrong' } }), [
    new sts.GetCallerIdentityCommand({}),
  ]);
  await ask(new eks.EKSClient(config), eksCalls(role.arn));
  await world.pass(60);
  const updates = await new eks.EKSClient(config).send(
    new eks.ListUpdatesCommand({ name: 'develop', nodegroupName: 'app' }),
  );
  await ask(new eks.EKSClient(config), [
    new eks.DescribeUpdateCommand({
      name: 'develop',
      nodegroupName: 'app',
      updateId: updates.updateIds?.[0] ?? '',
    }),
    new eks.DeleteNodegroupCommand({ clusterName: 'develop', nodegroupName: 'doomed' }),
    new eks.DescribeNodegroupCommand({ clusterName: 'develop', nodegroupName: 'doomed' }),
    new eks.DeleteNodegroupCommand({ clusterName: 'develop', nodegroupName: 'none' }),
  ]);

  const ids = [...(aws.autoScaling.groups({ account, region }, ['workers'])[0]?.instances.keys() ?? [])];
  await ask(new autoscaling.AutoScalingClient(config), autoScalingCalls(ids));
  await world.pass(5);
  await ask(new autoscaling.AutoScalingClient(config), lifecycleCalls(ids));
  aws.setCapacity({ capacityType: 'SPOT', available: false });
  await world.pass(300);
  await ask(new autoscaling.AutoScalingClient(config), [
    new autoscaling.DescribeScalingActivitiesCommand({ AutoScalingGroupName: 'workers' }),
    new autoscaling.DescribeAutoScalingGroupsCommand({}),
  ]);
  await ask(new ec2.EC2Client(config), ec2Calls(ids));
  await world.pass(120);
  const InstanceIds = ids.slice(0, 1);
  await ask(new ec2.EC2Client(config), [
    new ec2.StartInstancesCommand({ InstanceIds }),
    new ec2.TerminateInstancesCommand({ InstanceIds }),
    new ec2.DescribeInstancesCommand({}),
  ]);

  builds.push({ repository: REPOSITORY, ref: 'refs/heads/develop', sha: 'a'.repeat(40) });
  await world.pass(200);
  await ask(
    new codebuild.CodeBuildClient(config),
    codebuildCalls(builds.builds(account, region, 'api-develop')[0]?.id ?? ''),
  );
  await ask(new secrets.SecretsManagerClient(config), [
    new secrets.GetSecretValueCommand({ SecretId: 'nightshift/argocd' }),
    new secrets.GetSecretValueCommand({ SecretId: 'none' }),
    new secrets.GetSecretValueCommand({ SecretId: 'nightshift/argocd', VersionStage: 'AWSPREVIOUS' }),
    new secrets.CreateSecretCommand({ Name: 'nightshift/other', SecretString: 'a' }),
    new secrets.CreateSecretCommand({ Name: 'nightshift/other', SecretString: 'a' }),
    new secrets.PutSecretValueCommand({ SecretId: 'nightshift/argocd', SecretString: 'd.e.f' }),
    new secrets.GetSecretValueCommand({ SecretId: 'nightshift/argocd', VersionStage: 'AWSPREVIOUS' }),
    new secrets.ListSecretsCommand({}),
    new secrets.DescribeSecretCommand({ SecretId: 'nightshift/argocd' }),
  ]);
  const tell = createNotifier({
    settings: {
      account,
      region,
      environment: 'develop',
      notify: { severities: ['failure', 'warning'], timeZone: 'Asia/Tokyo' },
    },
    now: () => context.clock.date(),
    client: new SNSClient(config),
  });
  for (const action of ['fail', 'warn'] as const)
    await tell?.([
      {
        time: context.clock.date().toISOString(),
        environment: 'develop',
        capability: 'night-schedule',
        target: 'app',
        action,
        reason: 'r',
        trigger: 't',
      },
    ]).catch(() => undefined);
  return {
    exchanges,
    async ask(operation, input) {
      const [service = '', name = ''] = operation.split(':');
      const { sdk, Client } = SDKS[service as keyof typeof SDKS];
      const Command = (sdk as unknown as Record<string, new (input: object) => object>)[`${name}Command`];
      if (!Command) throw new Error(`the SDK has no ${operation}`);
      // What an earlier question set off is over.
      await world.pass(60);
      const before = exchanges.length;
      await ask(new Client(config), [new Command(input)]);
      return exchanges[before]?.reply.status;
    },
    close: () => front.close(),
  };
}

function eksCalls(principalArn: string): readonly object[] {
  const app = { clusterName: 'develop', nodegroupName: 'app' };
  return [
    new eks.ListClustersCommand({}),
    new eks.ListClustersCommand({ maxResults: 1 }),
    new eks.DescribeClusterCommand({ name: 'develop' }),
    new eks.DescribeClusterCommand({ name: 'none' }),
    new eks.ListNodegroupsCommand({ clusterName: 'develop', maxResults: 1 }),
    new eks.ListNodegroupsCommand({ clusterName: 'none' }),
    new eks.DescribeNodegroupCommand(app),
    new eks.DescribeNodegroupCommand({ ...app, nodegroupName: 'none' }),
    new eks.UpdateNodegroupConfigCommand({
      ...app,
      scalingConfig: { minSize: 0, maxSize: 0, desiredSize: 0 },
    }),
    new eks.UpdateNodegroupConfigCommand({
      ...app,
      scalingConfig: { minSize: 3, maxSize: 2, desiredSize: 0 },
    }),
    new eks.UpdateNodegroupConfigCommand({
      ...app,
      scalingConfig: { minSize: 0, maxSize: 6, desiredSize: 0 },
      labels: { addOrUpdateLabels: { a: 'b' }, removeLabels: ['team'] },
      updateConfig: { maxUnavailable: 2 },
      clientRequestToken: 'one',
    }),
    new eks.UpdateNodegroupConfigCommand({ ...app, scalingConfig: { desiredSize: 1 } }),
    new eks.UpdateNodegroupConfigCommand({
      ...app,
      scalingConfig: { desiredSize: 1 },
      clientRequestToken: 'one',
    }),
    new eks.DescribeNodegroupCommand(app),
    new eks.ListUpdatesCommand({ name: 'develop' }),
    new eks.ListUpdatesCommand({ name: 'develop', nodegroupName: 'app' }),
    new eks.DescribeUpdateCommand({ name: 'develop', nodegroupName: 'app', updateId: 'none' }),
    new eks.ListAccessEntriesCommand({ clusterName: 'develop' }),
    new eks.DescribeAccessEntryCommand({ clusterName: 'develop', principalArn }),
    new eks.DescribeAccessEntryCommand({ clusterName: 'develop', principalArn: `${principalArn}-none` }),
  ];
}

function autoScalingCalls(ids: readonly string[]): readonly object[] {
  const group = { AutoScalingGroupName: 'workers' };
  return [
    new autoscaling.DescribeAutoScalingGroupsCommand({}),
    new autoscaling.DescribeAutoScalingGroupsCommand({
      Filters: [{ Name: 'tag-key', Values: ['kubernetes.io/cluster/develop'] }],
      MaxRecords: 1,
    }),
    new autoscaling.DescribeAutoScalingGroupsCommand({
      Filters: [{ Name: 'tag:eks:cluster-name', Values: ['develop'] }],
    }),
    new autoscaling.DescribeAutoScalingGroupsCommand({ NextToken: 'foreign' }),
    new autoscaling.DescribeAutoScalingGroupsCommand({ Filters: [{ Name: 'wrong', Values: ['x'] }] }),
    new autoscaling.DescribeAutoScalingInstancesCommand({}),
    new autoscaling.DescribeAutoScalingInstancesCommand({ InstanceIds: [...ids, 'i-00000000000000000'] }),
    new autoscaling.DescribeScalingActivitiesCommand({ ...group, MaxRecords: 10 }),
    new autoscaling.DescribeScalingActivitiesCommand({ AutoScalingGroupName: 'none' }),
    new autoscaling.DescribeTagsCommand({ Filters: [{ Name: 'key', Values: ['eks:cluster-name'] }] }),
    new autoscaling.DescribeTagsCommand({ Filters: [{ Name: 'wrong', Values: ['x'] }] }),
    new autoscaling.PutLifecycleHookCommand({
      ...group,
      LifecycleHookName: 'second',
      LifecycleTransition: 'autoscaling:EC2_INSTANCE_LAUNCHING',
      HeartbeatTimeout: 60,
      DefaultResult: 'CONTINUE',
      NotificationMetadata: 'x',
    }),
    new autoscaling.PutLifecycleHookCommand({ ...group, LifecycleHookName: 'third' }),
    new autoscaling.DescribeLifecycleHooksCommand(group),
    new autoscaling.DescribeLifecycleHooksCommand({ AutoScalingGroupName: 'none' }),
    new autoscaling.DescribeWarmPoolCommand(group),
    new autoscaling.PutWarmPoolCommand({ ...group, MinSize: 1, PoolState: 'Running' }),
    new autoscaling.PutWarmPoolCommand({ ...group, MinSize: 3, MaxGroupPreparedCapacity: 1 }),
    new autoscaling.PutWarmPoolCommand({
      ...group,
      MinSize: 0,
      MaxGroupPreparedCapacity: 7,
      InstanceReusePolicy: { ReuseOnScaleIn: true },
    }),
    new autoscaling.DescribeWarmPoolCommand(group),
    new autoscaling.DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: ['workers'] }),
    new autoscaling.DeleteWarmPoolCommand({ ...group, ForceDelete: true }),
    new autoscaling.DeleteWarmPoolCommand({ AutoScalingGroupName: 'none' }),
    new autoscaling.UpdateAutoScalingGroupCommand({ ...group, MinSize: 5, MaxSize: 1 }),
    new autoscaling.UpdateAutoScalingGroupCommand({ AutoScalingGroupName: 'none', MinSize: 0 }),
    new autoscaling.UpdateAutoScalingGroupCommand({ ...group, MinSize: 0, MaxSize: 6, DesiredCapacity: 3 }),
    new autoscaling.SetDesiredCapacityCommand({ ...group, DesiredCapacity: 4 }),
    new autoscaling.SetDesiredCapacityCommand({ ...group, DesiredCapacity: 40 }),
    new autoscaling.SuspendProcessesCommand({ ...group, ScalingProcesses: ['Launch'] }),
    new autoscaling.SuspendProcessesCommand({ ...group, ScalingProcesses: ['Lunch'] }),
    new autoscaling.DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: ['workers'] }),
    new autoscaling.ResumeProcessesCommand(group),
    new autoscaling.DetachInstancesCommand({
      ...group,
      InstanceIds: [ids[0] ?? ''],
      ShouldDecrementDesiredCapacity: false,
    }),
    new autoscaling.DetachInstancesCommand({
      ...group,
      InstanceIds: ['i-00000000000000000'],
      ShouldDecrementDesiredCapacity: false,
    }),
    new autoscaling.TerminateInstanceInAutoScalingGroupCommand({
      InstanceId: ids[1],
      ShouldDecrementDesiredCapacity: false,
    }),
    new autoscaling.TerminateInstanceInAutoScalingGroupCommand({
      InstanceId: 'i-00000000000000000',
      ShouldDecrementDesiredCapacity: true,
    }),
  ];
}

function lifecycleCalls(ids: readonly string[]): readonly object[] {
  const action = { AutoScalingGroupName: 'workers', LifecycleHookName: 'drain', InstanceId: ids[1] };
  return [
    new autoscaling.DescribeAutoScalingInstancesCommand({}),
    new autoscaling.RecordLifecycleActionHeartbeatCommand(action),
    new autoscaling.RecordLifecycleActionHeartbeatCommand({ ...action, LifecycleHookName: 'none' }),
    new autoscaling.RecordLifecycleActionHeartbeatCommand({ ...action, LifecycleActionToken: 'short' }),
    new autoscaling.CompleteLifecycleActionCommand({ ...action, LifecycleActionResult: 'CONTINUE' }),
    new autoscaling.CompleteLifecycleActionCommand({ ...action, LifecycleActionResult: 'CONTINUE' }),
    new autoscaling.CompleteLifecycleActionCommand({ ...action, LifecycleActionResult: 'MAYBE' }),
  ];
}

function ec2Calls(ids: readonly string[]): readonly object[] {
  const InstanceIds = [ids[0] ?? ''];
  return [
    new ec2.DescribeInstancesCommand({}),
    new ec2.DescribeInstancesCommand({ MaxResults: 5 }),
    new ec2.DescribeInstancesCommand({ Filters: [{ Name: 'instance-state-name', Values: ['running'] }] }),
    new ec2.DescribeInstancesCommand({ InstanceIds: ['i-00000000000000000'] }),
    new ec2.DescribeSubnetsCommand({}),
    new ec2.DescribeSubnetsCommand({ SubnetIds: ['subnet-00000000000000000'] }),
    new ec2.DescribeNatGatewaysCommand({ Filter: [{ Name: 'state', Values: ['available'] }] }),
    new ec2.DescribeNatGatewaysCommand({ NatGatewayIds: ['nat-00000000000000000'] }),
    new ec2.DescribeVolumesCommand({ Filters: [{ Name: 'tag-key', Values: ['team'] }] }),
    new ec2.DescribeVolumesCommand({ VolumeIds: ['vol-00000000000000000'] }),
    new ec2.DescribeInstanceTypesCommand({ InstanceTypes: ['m6i.large'] }),
    new ec2.DescribeInstanceTypesCommand({ InstanceTypes: ['m6i.tiny' as 'm6i.large'] }),
    new ec2.StopInstancesCommand({ InstanceIds }),
  ];
}

function codebuildCalls(id: string): readonly object[] {
  return [
    new codebuild.ListProjectsCommand({}),
    new codebuild.ListProjectsCommand({ sortBy: 'CREATED_TIME', sortOrder: 'DESCENDING' }),
    new codebuild.ListBuildsCommand({ sortOrder: 'ASCENDING' }),
    new codebuild.BatchGetProjectsCommand({ names: ['api-develop', 'none'] }),
    new codebuild.ListBuildsForProjectCommand({ projectName: 'api-develop' }),
    new codebuild.ListBuildsForProjectCommand({ projectName: 'none' }),
    new codebuild.BatchGetBuildsCommand({ ids: [id, 'api-develop:none'] }),
    new codebuild.BatchGetBuildsCommand({ ids: [] }),
    new codebuild.StartBuildCommand({ projectName: 'api-develop', sourceVersion: 'refs/heads/develop' }),
    new codebuild.StartBuildCommand({ projectName: 'none' }),
    new codebuild.StopBuildCommand({ id }),
  ];
}
