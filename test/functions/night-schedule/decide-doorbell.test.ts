/** Which rules of a listener are the doorbell's own, and where it has room: those of others are never touched. */
import { describe, expect, test } from 'vitest';
import {
  freePriorities,
  missingHosts,
  ourRules,
  shadowedBy,
  targetGroupsOf,
} from '#functions/night-schedule/decide-doorbell.ts';
import type { ListenerRule } from '#functions/night-schedule/ports.ts';

type Overrides<T> = { readonly [K in keyof T]?: T[K] | undefined };

const OURS = 'doorbell';
const range = { from: 10, to: 12 };

function aRule(overrides: Overrides<ListenerRule> = {}): ListenerRule {
  return {
    arn: `rule-${overrides.priority}`,
    priority: 10,
    hosts: ['shop.example.com'],
    targetGroups: [OURS],
    ...overrides,
  } as ListenerRule;
}

test('rules are ours inside of the range only, and where they forward to the doorbell', () => {
  const own = [aRule({ priority: 10 }), aRule({ priority: 12 })];
  const others = [
    aRule({ priority: 9 }),
    aRule({ priority: 13 }),
    aRule({ priority: undefined }),
    aRule({ priority: 11, targetGroups: ['shop'] }),
  ];
  expect(ourRules([...others, ...own], range, OURS)).toEqual(own);
});

test('a host without a rule of ours misses one', () => {
  const hosts = ['shop.example.com', 'api.example.com'];
  expect(missingHosts(hosts, [aRule()])).toEqual(['api.example.com']);
  expect(missingHosts(hosts, [])).toEqual(hosts);
  expect(missingHosts(hosts, [aRule({ hosts })])).toEqual([]);
});

test('free are the priorities of the range that no rule has, the lowest first', () => {
  expect(freePriorities([], range)).toEqual([10, 11, 12]);
  expect(
    freePriorities([aRule({ priority: 11, targetGroups: ['shop'] }), aRule({ priority: 9 })], range),
  ).toEqual([10, 12]);
});

describe('a rule of the application that comes before all of ours', () => {
  test.each<[string, Overrides<ListenerRule>, number | undefined]>([
    ['hides them', { priority: 9 }, 9],
    ['does not where it has a priority of the range', { priority: 10 }, undefined],
    ['does not where it is the default one', { priority: undefined }, undefined],
    ['does not where it is of another host', { priority: 9, hosts: ['api.example.com'] }, undefined],
    ['hides them with one of several hosts', { priority: 9, hosts: ['a.b', 'SHOP.example.com'] }, 9],
    ['hides them with *', { priority: 9, hosts: ['*.example.com'] }, 9],
    ['hides them with ?', { priority: 9, hosts: ['sho?.example.com'] }, 9],
    ['does not with a * of another place', { priority: 9, hosts: ['*.shop.example.com'] }, undefined],
    ['does not with a part of the host', { priority: 9, hosts: ['shop.example'] }, undefined],
    ['does not with the end of the host', { priority: 9, hosts: ['example.com'] }, undefined],
    ['does not where a dot would be any letter', { priority: 9, hosts: ['shop.exampleXcom'] }, undefined],
    ['does not with any letter for a dot', { priority: 9, hosts: ['shop?example.co'] }, undefined],
  ])('%s', (_, rule, priority) => {
    expect(shadowedBy([aRule(rule)], 'shop.example.com', range)).toBe(priority);
  });

  test('compares dots as dots', () => {
    expect(shadowedBy([aRule({ priority: 1, hosts: ['a.b'] })], 'axb', range)).toBeUndefined();
  });
});

describe('without the doorbell the requests of a host go', () => {
  const all = aRule({ priority: undefined, hosts: [], targetGroups: ['rest'] });
  const shop = aRule({ priority: 40, targetGroups: ['shop', 'shop-2'] });

  test('to the groups of the rules that name it, each once', () => {
    const again = aRule({ priority: 41, hosts: ['*'], targetGroups: ['shop'] });
    expect(targetGroupsOf([aRule(), shop, again, all], 'shop.example.com', OURS)).toEqual(['shop', 'shop-2']);
  });

  test('to those of every host where none names it', () => {
    expect(targetGroupsOf([aRule(), shop, all], 'api.example.com', OURS)).toEqual(['rest']);
    expect(targetGroupsOf([aRule(), shop], 'api.example.com', OURS)).toEqual([]);
  });
});
