import { describe, expect, it } from 'vitest';
import { podIpCapacity } from '#cli/doctor/checks/pod-ip-capacity.ts';
import { addressesOfFullNode, addressesOfNode } from '#cli/doctor/pod-addresses.ts';
import { instanceNetwork } from '#model/instance-network.ts';
import { aGroup, aSite, is, kubernetesOf, NOW, refused } from './a-site.ts';

const CNI = { warmInterfaces: 1, prefixes: false, warmPrefixes: 1, otherSubnets: false };
const C5 = { interfaces: 8, addressesPerInterface: 30 };
const pods = (count: number) =>
  is([...Array(count)].map((_, index) => ({ metadata: { name: `p${index}` }, spec: { containers: [] } })));

/** Three /24 of 251 addresses each, a c5.4xlarge with eight interfaces of thirty. */
const talk = (nodes: number) =>
  is([aGroup({ instanceTypes: ['c5.4xlarge'], size: { min: 0, desired: nodes, max: 9 } })]);

describe('the addresses of a node', () => {
  it('are whole interfaces: those of its pods, and a warm one', () => {
    expect(addressesOfNode(C5, CNI, 0)).toBe(30);
    expect(addressesOfNode(C5, CNI, 1)).toBe(60);
    expect(addressesOfNode(C5, CNI, 29)).toBe(60);
    expect(addressesOfNode(C5, CNI, 30)).toBe(90);
    expect(addressesOfFullNode(C5, CNI)).toBe(240);
  });

  it('are those of the pods and the warm ones, where WARM_IP_TARGET says so', () => {
    expect(addressesOfNode(C5, { ...CNI, warmAddresses: 5 }, 20)).toBe(26);
    expect(addressesOfNode(C5, { ...CNI, warmAddresses: 2, minimumAddresses: 10 }, 1)).toBe(11);
  });

  it('are prefixes of sixteen with prefix delegation', () => {
    expect(addressesOfNode(C5, { ...CNI, prefixes: true }, 20)).toBe(49);
    expect(addressesOfFullNode(C5, { ...CNI, prefixes: true })).toBe(129);
  });

  it('are in the table for the common types', () => {
    expect(instanceNetwork('c5.4xlarge')).toEqual(C5);
    expect(instanceNetwork('t3.medium')).toEqual({ interfaces: 3, addressesPerInterface: 6 });
    expect(instanceNetwork('m7g.16xlarge')).toEqual({ interfaces: 15, addressesPerInterface: 50 });
    expect(instanceNetwork('z9.large')).toBeUndefined();
  });
});

describe('pod-ip-capacity', () => {
  it('finds no room for the 4th node in three /24 where pods fill the nodes, as in the talk', () => {
    const [verdict] = podIpCapacity.judge(
      aSite({ groups: talk(4), kubernetes: kubernetesOf({ pods: pods(800) }) }),
    );
    expect(verdict).toMatchObject({ severity: 'failure', target: 'web' });
    expect(verdict?.found).toContain('the 4th node has no room');
    expect(verdict?.found).toContain(
      'each with 240 addresses for 200 pods, and 3 of them find their addresses',
    );
    expect(verdict?.found).toContain('251 in subnet-a (10.0.0.0/24)');
    expect(verdict?.advice).toContain('prefix delegation');
  });

  it('takes the nodes for full where the pods cannot be counted', () => {
    const kubernetes = kubernetesOf({ pods: refused('list pods') });
    expect(podIpCapacity.judge(aSite({ groups: talk(4), kubernetes }))[0]?.severity).toBe('failure');
    expect(podIpCapacity.judge(aSite({ groups: talk(3), kubernetes }))[0]?.severity).toBe('ok');
  });

  it('warns where the nodes fit only because they are not full', () => {
    const [verdict] = podIpCapacity.judge(
      aSite({ groups: talk(4), kubernetes: kubernetesOf({ pods: pods(40) }) }),
    );
    expect(verdict?.severity).toBe('warning');
    expect(verdict?.found).toContain('full nodes take 240 each and only 3 of 4 would fit');
  });

  it('is content with the /20 that solved it', () => {
    const subnets = is(
      ['a', 'c', 'd'].map((zone) => ({
        id: `subnet-${zone}`,
        zone,
        cidr: '10.0.0.0/20',
        freeAddresses: 4091,
      })),
    );
    const [verdict] = podIpCapacity.judge(
      aSite({ groups: talk(5), subnets, kubernetes: kubernetesOf({ pods: pods(1000) }) }),
    );
    expect(verdict?.severity).toBe('ok');
  });

  it('counts the saved sizes of a cluster that sleeps', () => {
    const night = is({
      overrides: [],
      corrupt: [],
      saved: [
        {
          group: 'web',
          autoScalingGroup: 'eks-web',
          size: { min: 1, desired: 4, max: 9 },
          phase: 'asleep' as const,
          since: NOW.toISOString(),
        },
      ],
    });
    const kubernetes = kubernetesOf({ pods: pods(800) });
    expect(podIpCapacity.judge(aSite({ groups: talk(0), night, kubernetes }))[0]?.severity).toBe('failure');
  });

  it('counts what its own nodes hold as free: they give it back at night', () => {
    const groups = is([aGroup({ instanceTypes: ['c5.4xlarge'], instances: ['i-1', 'i-2', 'i-3'] })]);
    const subnets = is(
      ['a', 'c', 'd'].map((zone) => ({ id: `subnet-${zone}`, zone, cidr: '10.0.0.0/24', freeAddresses: 11 })),
    );
    const held = is(
      ['a', 'c', 'd'].map((zone, index) => ({
        instance: `i-${index + 1}`,
        subnet: `subnet-${zone}`,
        addresses: 240,
      })),
    );
    const kubernetes = kubernetesOf({ pods: pods(600) });
    expect(podIpCapacity.judge(aSite({ groups, subnets, held, kubernetes }))[0]?.severity).toBe('ok');
    const others = is([{ instance: 'i-9', subnet: 'subnet-a', addresses: 240 }]);
    expect(podIpCapacity.judge(aSite({ groups, subnets, held: others, kubernetes }))[0]?.severity).toBe(
      'failure',
    );
  });

  it('lets groups share their subnets', () => {
    const group = { instanceTypes: ['c5.4xlarge'], size: { min: 0, desired: 2, max: 9 } };
    const groups = is([aGroup({ ...group, name: 'web' }), aGroup({ ...group, name: 'api' })]);
    const found = podIpCapacity.judge(aSite({ groups, kubernetes: kubernetesOf({ pods: pods(800) }) }));
    expect(found.map(({ target, severity }) => [target, severity])).toEqual([
      ['web', 'ok'],
      ['api', 'failure'],
    ]);
  });

  it('names the permission that was missing', () => {
    expect(podIpCapacity.judge(aSite({ subnets: refused('ec2:DescribeSubnets') }))).toEqual([
      expect.objectContaining({ severity: 'unknown', permission: 'ec2:DescribeSubnets' }),
    ]);
  });

  it('does not guess at a type that nobody knows, or at subnets of custom networking', () => {
    const groups = is([aGroup({ instanceTypes: ['z9.large'] })]);
    expect(podIpCapacity.judge(aSite({ groups }))[0]).toMatchObject({
      severity: 'unknown',
      permission: 'ec2:DescribeInstanceTypes',
    });
    expect(podIpCapacity.judge(aSite({ cni: is({ ...CNI, otherSubnets: true }) }))[0]?.severity).toBe(
      'unknown',
    );
  });
});
