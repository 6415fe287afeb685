/** night-schedule's adapters on an AWS that others wrote. */
import { CreateNodegroupCommand, DescribeNodegroupCommand } from '@aws-sdk/client-eks';
import { beforeAll, describe } from 'vitest';
import { createGroups } from '#functions/adapters/aws/groups.ts';
import { createNightStore } from '#functions/adapters/dynamodb/night-store.ts';
import { createTable } from '#functions/adapters/dynamodb/table.ts';
import { desiredDeploysContract } from '#test/contracts/desired-deploys.ts';
import { groupsContract } from '#test/contracts/groups.ts';
import { nightStoreContract } from '#test/contracts/night-store.ts';
import { tableContract } from '#test/contracts/table.ts';
import { checkedOn } from '../checked-on.ts';
import { aCluster, aGroupOf, anAccount, aTableOf, emptied, recognise, softwareName } from './an-account.ts';

beforeAll(recognise);
checkedOn(softwareName);

const account = anAccount();

describe('the groups of a cluster', () =>
  groupsContract(async () => {
    await emptied(account);
    await aCluster(account, 'develop');
    return {
      groups: createGroups(account, 'develop'),
      lacks: {
        'groups of nodegroups':
          'moto makes no Auto Scaling group for a nodegroup; EKS does: https://docs.aws.amazon.com/eks/latest/userguide/managed-node-groups.html',
        'updates that take a while':
          'an UpdateNodegroupConfig of moto has succeeded at once; that of EKS is InProgress at first: https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateNodegroupConfig.html',
        'impossible sizes refused':
          'moto takes a minimum above the desired size; EKS answers InvalidParameterException: https://docs.aws.amazon.com/eks/latest/APIReference/API_NodegroupScalingConfig.html',
      },
      async addManaged(nodegroupName, { min, desired, max }) {
        await account.eks.send(
          new CreateNodegroupCommand({
            clusterName: 'develop',
            nodegroupName,
            scalingConfig: { minSize: min, desiredSize: desired, maxSize: max },
            subnets: ['subnet-1'],
            nodeRole: 'arn:aws:iam::123456789012:role/node',
          }),
        );
      },
      addSelfManaged: (name, size, cluster = 'develop') =>
        aGroupOf(account, name, size, { [`kubernetes.io/cluster/${cluster}`]: 'owned' }),
      settle: async () => undefined,
      async nodegroupSize(nodegroupName) {
        const { nodegroup } = await account.eks.send(
          new DescribeNodegroupCommand({ clusterName: 'develop', nodegroupName }),
        );
        const { minSize = -1, desiredSize = -1, maxSize = -1 } = nodegroup?.scalingConfig ?? {};
        return { min: minSize, desired: desiredSize, max: maxSize };
      },
    };
  }));

async function aTable() {
  const drop = await aTableOf(account, 'nightshift');
  return { table: createTable(account.dynamo, 'nightshift'), close: drop };
}

describe('the table', () => tableContract(aTable));

describe('what is kept of deploys', () => desiredDeploysContract(aTable));

describe('what is kept of the night', () => {
  let kept: Awaited<ReturnType<typeof aTable>>;
  beforeAll(async () => {
    kept = await aTable();
  });
  let clusters = 0;
  nightStoreContract(() => createNightStore(kept.table, `develop-${clusters++}`));
});
