/** A real incident, observed from the services of the lab: three /24 subnets, nodes with 240 addresses each. */
import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { EC2Client } from '@aws-sdk/client-ec2';
import { EKSClient } from '@aws-sdk/client-eks';
import { serveAws } from '@nightshift/lab/http/aws/server.ts';
import { account, aNodegroup, aWorld, region } from '@nightshift/lab/test/aws/world.ts';
import { expect, onTestFinished, test } from 'vitest';
import { podIpCapacity } from '#cli/doctor/checks/pod-ip-capacity.ts';
import { observed } from '#cli/doctor/observation.ts';
import { observeGroups } from '#cli/doctor/observe/groups.ts';
import {
  observeInstanceNetworks,
  observeInterfaceAddresses,
  observeSubnets,
} from '#cli/doctor/observe/network.ts';
import { healthyFacts, kubernetesOf, observedAs } from './healthy-facts.ts';

async function evaluate(desired: number, subnetBits: number) {
  const world = aWorld({ subnetBits, addressesPerNode: 240 });
  aNodegroup(world, { instanceTypes: ['c5.4xlarge'], desired, max: 9 });
  await world.pass(120);
  const endpoint = await serveAws({ aws: world.aws });
  onTestFinished(() => endpoint.close());
  const operator = { account, arn: `arn:aws:iam::${account}:user/operator`, anyTime: true };
  const options = { endpoint: endpoint.url, region, credentials: world.aws.addPrincipal(operator) };
  const ec2 = new EC2Client(options);
  const clients = { autoScaling: new AutoScalingClient(options), eks: new EKSClient(options) };
  const groups = await observeGroups(clients, 'develop');
  const found = observed(groups) ?? [];
  expect(found).toHaveLength(1);
  const [subnets, interfaceAddresses, networks] = await Promise.all([
    observeSubnets(ec2, found),
    observeInterfaceAddresses(ec2, found),
    observeInstanceNetworks(ec2, found),
  ]);
  const pods = observedAs([...Array(200 * desired)].map(() => ({ spec: { containers: [] } })));
  const kubernetes = kubernetesOf({ pods });
  return podIpCapacity.evaluate(
    healthyFacts({ groups, subnets, interfaceAddresses, networks, kubernetes }),
  )[0];
}

test('predicts that the 4th node will have no room in the morning', async () => {
  const result = await evaluate(4, 24);
  expect(result?.severity).toBe('failure');
  expect(result?.found).toContain('the 4th node has no room');
  // What the nodes of the evening hold is free by the morning.
  expect(result?.found).toMatch(/251 in subnet-\w+ \(10\.0\.0\.0\/24\)/);
});

test('is ok with three nodes, and with the /20 subnets that solved it', async () => {
  expect((await evaluate(3, 24))?.severity).toBe('ok');
  expect((await evaluate(5, 20))?.severity).toBe('ok');
});
