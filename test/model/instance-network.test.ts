import { describe, expect, test } from 'vitest';
import { instanceNetwork } from '#model/instance-network.ts';

/** Interfaces and addresses of each, as AWS documents them. */
describe('the network interfaces of an instance', () => {
  test.each<[string, number, number]>([
    ['m6g.medium', 2, 4],
    ['m5.large', 3, 10],
    ['c5a.xlarge', 4, 15],
    ['r6i.2xlarge', 4, 15],
    ['m7g.4xlarge', 8, 30],
    ['c6gd.8xlarge', 8, 30],
    ['c5n.9xlarge', 8, 30],
    ['m5d.12xlarge', 8, 30],
    ['m6id.16xlarge', 15, 50],
    ['c5.18xlarge', 15, 50],
    ['r5.24xlarge', 15, 50],
    ['m7i.32xlarge', 15, 50],
    ['t3.nano', 2, 2],
    ['t4g.micro', 2, 2],
    ['t3.small', 3, 4],
    ['t3a.medium', 3, 6],
    ['t3.large', 3, 12],
    ['t4g.xlarge', 4, 15],
    ['t3.2xlarge', 4, 15],
    ['t3a.small', 2, 4],
  ])('of %s are %d with %d addresses each', (type, interfaces, addressesPerInterface) => {
    expect(instanceNetwork(type)).toEqual({ interfaces, addressesPerInterface });
  });

  test.each([
    'm5.huge',
    'm5',
    '.large',
    'xm5.large',
    'm5x.large',
    'x2idn.16xlarge',
    't2.large',
    'xt3.large',
    't3x.large',
    't3.16xlarge',
    'm5.nano',
    '',
  ])('of %j are not known', (type) => {
    expect(instanceNetwork(type)).toBeUndefined();
  });
});
