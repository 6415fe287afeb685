/** IPv4 address ranges. Pure. */

export interface Cidr {
  readonly first: number;
  /** Prefix length. */
  readonly mask: number;
  /** Number of addresses. */
  readonly size: number;
}

/** Undefined when it is no range, or when its first address is not the first of the range: `10.0.1.0/16`. */
export function parseCidr(text: string): Cidr | undefined {
  const [, a, b, c, d, mask] = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text) ?? [];
  const bytes = [a, b, c, d].map(Number);
  const length = Number(mask);
  if (mask === undefined || length > 32 || bytes.some((byte) => byte > 255)) return undefined;
  const first = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  const size = 2 ** (32 - length);
  return first % size === 0 ? { first, mask: length, size } : undefined;
}

export function overlap(one: Cidr, other: Cidr): boolean {
  return one.first < other.first + other.size && other.first < one.first + one.size;
}
