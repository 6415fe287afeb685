import { instanceNetwork as ofTheLab } from '@nightshift/lab/world/aws/instance-network.ts';
import { expect, test } from 'vitest';
import { instanceNetwork } from '#model/instance-network.ts';

const FAMILIES = ['c5', 'm5d', 'r5n', 'c6g', 'm6i', 'r7g', 'm7a', 't3', 't3a', 't4g', 't2', 'x2idn'];
const SIZES = ['nano', 'micro', 'small', 'medium', 'large', 'xlarge', '2xlarge', '4xlarge', '8xlarge'];
const LARGE_SIZES = ['9xlarge', '12xlarge', '16xlarge', '18xlarge', '24xlarge', '32xlarge', 'huge'];

test.each(FAMILIES)('the lab and the model know the same network interfaces of %s', (family) => {
  for (const size of [...SIZES, ...LARGE_SIZES]) {
    const type = `${family}.${size}`;
    expect(instanceNetwork(type), type).toEqual(ofTheLab(type));
  }
});
