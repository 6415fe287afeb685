import { describe, expect, test } from 'vitest';
import { addressesOfFullNode, addressesOfNode, CNI_DEFAULTS, nodesThatFit } from '#model/pod-addresses.ts';

const C5 = { interfaces: 8, addressesPerInterface: 30 };

test('the CNI keeps one warm interface where nothing is set', () => {
  expect(CNI_DEFAULTS).toEqual({
    warmInterfaces: 1,
    prefixes: false,
    warmPrefixes: 1,
    customNetworking: false,
  });
});

describe('the addresses of a node', () => {
  test('are at least those of MINIMUM_IP_TARGET, and one for each interface that holds them', () => {
    expect(addressesOfNode(C5, { ...CNI_DEFAULTS, minimumAddresses: 10 }, 3)).toBe(11);
    expect(addressesOfNode(C5, { ...CNI_DEFAULTS, minimumAddresses: 10 }, 30)).toBe(32);
    expect(addressesOfNode(C5, { ...CNI_DEFAULTS, warmAddresses: 0 }, 0)).toBe(1);
  });

  test('are the prefixes of the pods and the warm addresses, without a warm prefix', () => {
    expect(addressesOfNode(C5, { ...CNI_DEFAULTS, prefixes: true, warmAddresses: 5 }, 20)).toBe(33);
  });

  test('of a full node are those of the pods that its interfaces have room for', () => {
    const small = { interfaces: 4, addressesPerInterface: 5 };
    expect(addressesOfFullNode(small, { ...CNI_DEFAULTS, prefixes: true })).toBe(33);
  });
});

describe('nodes that start in the same minute', () => {
  const of = (group: string, nodes: number, subnets: readonly string[]) => ({
    group,
    nodes,
    addressesPerNode: 10,
    subnets,
  });
  const placed = (free: Record<string, number>, ...demand: ReturnType<typeof of>[]) =>
    Object.fromEntries(nodesThatFit(demand, new Map(Object.entries(free))));

  test('fit to the last address', () => {
    expect(placed({ a: 20 }, of('web', 2, ['a']))).toEqual({ web: 2 });
    expect(placed({ a: 19 }, of('web', 2, ['a']))).toEqual({ web: 1 });
    expect(placed({}, of('web', 2, ['a']))).toEqual({ web: 0 });
    expect(placed({ a: 20 })).toEqual({});
  });

  test('are no more than were asked for, whatever another group needs', () => {
    expect(placed({ a: 100 }, of('web', 1, ['a']), of('batch', 3, ['a']))).toEqual({ web: 1, batch: 3 });
  });

  test('are spread over the subnets, so that a group with one of them finds room', () => {
    expect(placed({ a: 30, b: 20 }, of('web', 2, ['a', 'b']), of('batch', 2, ['a']))).toEqual({
      web: 2,
      batch: 2,
    });
  });

  test('go on in another subnet where one is full', () => {
    expect(placed({ a: 10, b: 30 }, of('web', 4, ['a', 'b']))).toEqual({ web: 4 });
  });
});
