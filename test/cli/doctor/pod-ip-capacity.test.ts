import { describe, expect, test } from 'vitest';
import { podIpCapacity } from '#cli/doctor/checks/pod-ip-capacity.ts';
import { instanceNetwork } from '#model/instance-network.ts';
import { addressesOfFullNode, addressesOfNode } from '#model/pod-addresses.ts';
import { aGroup, denied, healthyFacts, kubernetesOf, NOW, observedAs } from './healthy-facts.ts';

const CNI = { warmInterfaces: 1, prefixes: false, warmPrefixes: 1, customNetworking: false };
const C5 = { interfaces: 8, addressesPerInterface: 30 };
const pods = (count: number) =>
  observedAs(
    [...Array(count)].map((_, index) => ({ metadata: { name: `p${index}` }, spec: { containers: [] } })),
  );

/** Three /24 of 251 addresses each, a c5.4xlarge with eight interfaces of thirty. */
const incident = (nodes: number) =>
  observedAs([aGroup({ instanceTypes: ['c5.4xlarge'], size: { min: 0, desired: nodes, max: 9 } })]);

describe('the addresses of a node', () => {
  test('are whole interfaces: those of its pods, and a warm one', () => {
    expect(addressesOfNode(C5, CNI, 0)).toBe(30);
    expect(addressesOfNode(C5, CNI, 1)).toBe(60);
    expect(addressesOfNode(C5, CNI, 29)).toBe(60);
    expect(addressesOfNode(C5, CNI, 30)).toBe(90);
    expect(addressesOfFullNode(C5, CNI)).toBe(240);
  });

  test('are those of the pods and the warm ones, where WARM_IP_TARGET says so', () => {
    expect(addressesOfNode(C5, { ...CNI, warmAddresses: 5 }, 20)).toBe(26);
    expect(addressesOfNode(C5, { ...CNI, warmAddresses: 2, minimumAddresses: 10 }, 1)).toBe(11);
  });

  test('are prefixes of sixteen with prefix delegation', () => {
    expect(addressesOfNode(C5, { ...CNI, prefixes: true }, 20)).toBe(49);
    expect(addressesOfFullNode(C5, { ...CNI, prefixes: true })).toBe(129);
  });

  test('are in the table for the common types', () => {
    expect(instanceNetwork('c5.4xlarge')).toEqual(C5);
    expect(instanceNetwork('t3.medium')).toEqual({ interfaces: 3, addressesPerInterface: 6 });
    expect(instanceNetwork('m7g.16xlarge')).toEqual({ interfaces: 15, addressesPerInterface: 50 });
    expect(instanceNetwork('z9.large')).toBeUndefined();
  });
});

describe('pod-ip-capacity', () => {
  test('finds no room for the 4th full node in three /24 subnets', () => {
    const [result] = podIpCapacity.evaluate(
      healthyFacts({ groups: incident(4), kubernetes: kubernetesOf({ pods: pods(800) }) }),
    );
    expect(result).toMatchObject({ severity: 'failure', target: 'web' });
    expect(result?.found).toContain('the 4th node has no room');
    expect(result?.found).toContain('with 240 addresses each for 200 pods, but only 3 of them fit');
    expect(result?.found).toContain('251 in subnet-a (10.0.0.0/24)');
    expect(result?.advice).toContain('prefix delegation');
  });

  test('assumes full nodes when the pods cannot be counted', () => {
    const kubernetes = kubernetesOf({ pods: denied('list pods') });
    expect(podIpCapacity.evaluate(healthyFacts({ groups: incident(4), kubernetes }))[0]?.severity).toBe(
      'failure',
    );
    expect(podIpCapacity.evaluate(healthyFacts({ groups: incident(3), kubernetes }))[0]?.severity).toBe('ok');
  });

  test('warns where the nodes fit only because they are not full', () => {
    const [result] = podIpCapacity.evaluate(
      healthyFacts({ groups: incident(4), kubernetes: kubernetesOf({ pods: pods(40) }) }),
    );
    expect(result?.severity).toBe('warning');
    expect(result?.found).toContain('full nodes take 240 each and only 3 of 4 would fit');
  });

  test('is ok with /20 subnets', () => {
    const subnets = observedAs(
      ['a', 'c', 'd'].map((zone) => ({
        id: `subnet-${zone}`,
        zone,
        cidr: '10.0.0.0/20',
        freeAddresses: 4091,
      })),
    );
    const [result] = podIpCapacity.evaluate(
      healthyFacts({ groups: incident(5), subnets, kubernetes: kubernetesOf({ pods: pods(1000) }) }),
    );
    expect(result?.severity).toBe('ok');
  });

  test('counts the saved sizes of a cluster that sleeps', () => {
    const night = observedAs({
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
    expect(
      podIpCapacity.evaluate(healthyFacts({ groups: incident(0), night, kubernetes }))[0]?.severity,
    ).toBe('failure');
  });

  test('counts the addresses of its own nodes as free: they are released at night', () => {
    const groups = observedAs([aGroup({ instanceTypes: ['c5.4xlarge'], instances: ['i-1', 'i-2', 'i-3'] })]);
    const subnets = observedAs(
      ['a', 'c', 'd'].map((zone) => ({ id: `subnet-${zone}`, zone, cidr: '10.0.0.0/24', freeAddresses: 11 })),
    );
    const interfaceAddresses = observedAs(
      ['a', 'c', 'd'].map((zone, index) => ({
        instance: `i-${index + 1}`,
        subnet: `subnet-${zone}`,
        addresses: 240,
      })),
    );
    const kubernetes = kubernetesOf({ pods: pods(600) });
    expect(
      podIpCapacity.evaluate(healthyFacts({ groups, subnets, interfaceAddresses, kubernetes }))[0]?.severity,
    ).toBe('ok');
    const others = observedAs([{ instance: 'i-9', subnet: 'subnet-a', addresses: 240 }]);
    expect(
      podIpCapacity.evaluate(healthyFacts({ groups, subnets, interfaceAddresses: others, kubernetes }))[0]
        ?.severity,
    ).toBe('failure');
  });

  test('lets groups share their subnets', () => {
    const group = { instanceTypes: ['c5.4xlarge'], size: { min: 0, desired: 2, max: 9 } };
    const groups = observedAs([aGroup({ ...group, name: 'web' }), aGroup({ ...group, name: 'api' })]);
    const found = podIpCapacity.evaluate(
      healthyFacts({ groups, kubernetes: kubernetesOf({ pods: pods(800) }) }),
    );
    expect(found.map(({ target, severity }) => [target, severity])).toEqual([
      ['web', 'ok'],
      ['api', 'failure'],
    ]);
  });

  test('names the permission that was missing', () => {
    expect(podIpCapacity.evaluate(healthyFacts({ subnets: denied('ec2:DescribeSubnets') }))).toEqual([
      expect.objectContaining({ severity: 'unknown', permission: 'ec2:DescribeSubnets' }),
    ]);
  });

  test('is unknown for an unknown instance type, and with custom networking', () => {
    const groups = observedAs([aGroup({ instanceTypes: ['z9.large'] })]);
    expect(podIpCapacity.evaluate(healthyFacts({ groups }))[0]).toMatchObject({
      severity: 'unknown',
      permission: 'ec2:DescribeInstanceTypes',
    });
    expect(
      podIpCapacity.evaluate(healthyFacts({ cni: observedAs({ ...CNI, customNetworking: true }) }))[0]
        ?.severity,
    ).toBe('unknown');
  });
});
