/** The incident of the talk, as the lab's services tell it: three /24, nodes of 240 addresses each. */
import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { EC2Client } from '@aws-sdk/client-ec2';
import { EKSClient } from '@aws-sdk/client-eks';
import { serveAws } from '@nightshift/lab/http/aws/server.ts';
import { account, aNodegroup, aWorld, region } from '@nightshift/lab/test/aws/world.ts';
import { expect, it, onTestFinished } from 'vitest';
import { podIpCapacity } from '#cli/doctor/checks/pod-ip-capacity.ts';
import { known } from '#cli/doctor/finding.ts';
import { gatherGroups } from '#cli/doctor/gather/groups.ts';
import { gatherHeld, gatherNetworks, gatherSubnets } from '#cli/doctor/gather/network.ts';
import { aSite, is, kubernetesOf } from './a-site.ts';

async function judged(desired: number, subnetBits: number) {
  const world = aWorld({ subnetBits, addressesPerNode: 240 });
  aNodegroup(world, { instanceTypes: ['c5.4xlarge'], desired, max: 9 });
  await world.pass(120);
  const endpoint = await serveAws({ aws: world.aws });
  onTestFinished(() => endpoint.close());
  const operator = { account, arn: `arn:aws:iam::${account}:user/operator`, anyTime: true };
  const options = { endpoint: endpoint.url, region, credentials: world.aws.addPrincipal(operator) };
  const ec2 = new EC2Client(options);
  const clients = { autoScaling: new AutoScalingClient(options), eks: new EKSClient(options) };
  const groups = await gatherGroups(clients, 'develop');
  const found = known(groups) ?? [];
  expect(found).toHaveLength(1);
  const [subnets, held, networks] = await Promise.all([
    gatherSubnets(ec2, found),
    gatherHeld(ec2, found),
    gatherNetworks(ec2, found),
  ]);
  const pods = is([...Array(200 * desired)].map(() => ({ spec: { containers: [] } })));
  const kubernetes = kubernetesOf({ pods });
  return podIpCapacity.judge(aSite({ groups, subnets, held, networks, kubernetes }))[0];
}

it('says before the morning that the 4th node will have no room', async () => {
  const verdict = await judged(4, 24);
  expect(verdict?.severity).toBe('failure');
  expect(verdict?.found).toContain('the 4th node has no room');
  // What the nodes of the evening hold is free by the morning.
  expect(verdict?.found).toMatch(/251 in subnet-\w+ \(10\.0\.0\.0\/24\)/);
});

it('finds nothing wrong with three nodes, or with the /20 that solved it', async () => {
  expect((await judged(3, 24))?.severity).toBe('ok');
  expect((await judged(5, 20))?.severity).toBe('ok');
});
