/**
 * How many network interfaces an EC2 instance has and how many IPv4 addresses each of them. As AWS documents it
 * in November 2026 ("Maximum IP addresses per network interface"); EC2's DescribeInstanceTypes knows all types.
 */
import { ownValue } from './own-value.ts';

export interface InstanceNetwork {
  readonly interfaces: number;
  /** Of one interface, its primary address included. */
  readonly addressesPerInterface: number;
}

/** Families of one table: general purpose, compute and memory of the generations 5 to 7, Intel, AMD and Graviton. */
const FAMILY = /^[cmr](5|5a|5d|5n|6a|6g|6gd|6i|6id|7a|7g|7gd|7i)$/;
const SIZES: Readonly<Record<string, readonly [number, number]>> = {
  medium: [2, 4],
  large: [3, 10],
  xlarge: [4, 15],
  '2xlarge': [4, 15],
  '4xlarge': [8, 30],
  '8xlarge': [8, 30],
  '9xlarge': [8, 30],
  '12xlarge': [8, 30],
  '16xlarge': [15, 50],
  '18xlarge': [15, 50],
  '24xlarge': [15, 50],
  '32xlarge': [15, 50],
};

const BURSTABLE_FAMILY = /^t(3|3a|4g)$/;
const BURSTABLE_SIZES: Readonly<Record<string, readonly [number, number]>> = {
  nano: [2, 2],
  micro: [2, 2],
  small: [3, 4],
  medium: [3, 6],
  large: [3, 12],
  xlarge: [4, 15],
  '2xlarge': [4, 15],
};
const EXCEPTIONS: Readonly<Record<string, readonly [number, number]>> = { 't3a.small': [2, 4] };

/** Undefined for a type that is not in the table. */
export function instanceNetwork(type: string): InstanceNetwork | undefined {
  const [family = '', size = ''] = type.split('.');
  const known =
    ownValue(EXCEPTIONS, type) ??
    (FAMILY.test(family)
      ? ownValue(SIZES, size)
      : BURSTABLE_FAMILY.test(family)
        ? ownValue(BURSTABLE_SIZES, size)
        : undefined);
  return known && { interfaces: known[0], addressesPerInterface: known[1] };
}
