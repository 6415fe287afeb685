/** What a region's name says about where its services are. */

const PARTITIONS = [
  { prefix: 'cn-', partition: 'aws-cn', domain: 'amazonaws.com.cn' },
  { prefix: 'us-gov-', partition: 'aws-us-gov', domain: 'amazonaws.com' },
  { prefix: 'eusc-', partition: 'aws-eusc', domain: 'amazonaws.eu' },
] as const;

/** `aws`, `aws-cn`, `aws-us-gov` or `aws-eusc`. */
export function partitionOf(region: string): string {
  return PARTITIONS.find(({ prefix }) => region.startsWith(prefix))?.partition ?? 'aws';
}

/** The end of the names of the region's hosts: `amazonaws.com`. */
export function domainOf(region: string): string {
  return PARTITIONS.find(({ prefix }) => region.startsWith(prefix))?.domain ?? 'amazonaws.com';
}
