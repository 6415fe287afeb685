/** spot-drain's adapters on an AWS that others wrote. */
import { DescribeAutoScalingGroupsCommand, PutLifecycleHookCommand } from '@aws-sdk/client-auto-scaling';
import { beforeAll, describe } from 'vitest';
import { createClaims, createCordons, createNodeNames } from '#functions/adapters/dynamodb/drain-claims.ts';
import { createTable } from '#functions/adapters/dynamodb/table.ts';
import { drainStoresContract } from '#test/contracts/drain-stores.ts';
import { instanceGroupsContract } from '#test/contracts/instance-groups.ts';
import { checkedOn } from '../checked-on.ts';
import { aGroupOf, anAccount, aTableOf, emptied, recognise, softwareName } from './an-account.ts';

beforeAll(recognise);
checkedOn(softwareName);

const account = anAccount();

describe('the group of an instance', () =>
  instanceGroupsContract(async () => {
    await emptied(account);
    const { autoScaling } = account;
    return {
      client: autoScaling,
      cluster: 'develop',
      lacks: {
        'an instance let go of twice':
          'moto detaches an instance that is no member; AWS answers ValidationError: https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DetachInstances.html',
        'the global timeout':
          'moto has 172,800 s for every hook; AWS has 100 times the heartbeat timeout where that is less: https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_LifecycleHook.html',
        'lifecycle actions':
          'moto knows no CompleteLifecycleAction and no RecordLifecycleActionHeartbeat: https://docs.getmoto.org/en/latest/docs/services/autoscaling.html',
      },
      async addGroup(name) {
        await aGroupOf(
          account,
          name,
          { min: 0, desired: 2, max: 4 },
          { 'kubernetes.io/cluster/develop': 'owned' },
        );
        await autoScaling.send(
          new PutLifecycleHookCommand({
            AutoScalingGroupName: name,
            LifecycleHookName: 'drain',
            LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
            HeartbeatTimeout: 300,
          }),
        );
        const reply = await autoScaling.send(
          new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [name] }),
        );
        return {
          instanceIds: (reply.AutoScalingGroups?.[0]?.Instances ?? []).map(
            ({ InstanceId }) => InstanceId ?? '',
          ),
        };
      },
      settle: async () => undefined,
      end: async () => '',
    };
  }));

describe('what spot-drain keeps', () =>
  drainStoresContract(async () => {
    await aTableOf(account, 'nightshift');
    const table = createTable(account.dynamo, 'nightshift');
    return { claims: createClaims(table), cordons: createCordons(table), names: createNodeNames(table) };
  }));
