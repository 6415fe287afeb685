/** List prices by the hour, each with its source and the day on which it was read. What is not here is counted without money. */
export interface ListPrice {
  readonly perHour: number;
  readonly currency: 'USD';
  readonly source: string;
  readonly asOf: string;
}

const CONTROL_PLANE: ListPrice = {
  perHour: 0.1,
  currency: 'USD',
  source: 'https://aws.amazon.com/eks/pricing/, a version in standard support',
  asOf: '2026-11-22',
};

const NAT_GATEWAY: ListPrice = {
  perHour: 0.045,
  currency: 'USD',
  source: 'https://aws.amazon.com/vpc/pricing/, without data',
  asOf: '2026-11-22',
};

/** Only regions whose price is the one of the source. */
const US_EAST = ['us-east-1', 'us-east-2'];

export function listPriceOf(what: 'control plane' | 'NAT gateway', region: string): ListPrice | undefined {
  if (what === 'control plane') return /^(cn|us-gov|us-iso)/.test(region) ? undefined : CONTROL_PLANE;
  return US_EAST.includes(region) ? NAT_GATEWAY : undefined;
}
