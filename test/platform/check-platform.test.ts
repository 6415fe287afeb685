/** What is refused at synth: one line for each mistake. */
import { describe, expect, test } from 'vitest';
import type { NightshiftConfig } from '#model/config.ts';
import { checkPlatform, PlatformError } from '../../examples/platform/check-platform.ts';
import { overlap, parseCidr } from '../../examples/platform/cidr.ts';
import type { PlatformConfig, PlatformEnvironment } from '../../examples/platform/platform-config.ts';
import { aPlatform, aPlatformApp, type EnvironmentName, nightshift, platform } from './a-platform.ts';

function linesOf(config: PlatformConfig, night: NightshiftConfig = nightshift): readonly string[] {
  try {
    checkPlatform(config, night);
    return [];
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    return error.message.split('\n').slice(1);
  }
}

test('open access in an account that another environment uses is refused', () => {
  const { account } = nightshift.environments['develop']!;
  const shared: NightshiftConfig = {
    ...nightshift,
    environments: {
      ...nightshift.environments,
      sandbox: { ...nightshift.environments['sandbox']!, account },
    },
  };
  expect(linesOf(platform, shared).join('\n')).toContain(
    `environments.sandbox.access.open: develop is in the same account ${account}`,
  );
});

test('the platform of the example is accepted', () => {
  expect(linesOf(platform)).toEqual([]);
});

type Change = (environment: PlatformEnvironment) => Partial<PlatformEnvironment>;

const dns =
  (changes: object): Change =>
  (one) => ({ dns: { ...one.dns, ...changes } });
const network =
  (changes: object): Change =>
  (one) => ({ network: { ...one.network, ...changes } });
const nodes =
  (changes: object): Change =>
  (one) => ({ nodes: { ...one.nodes, ...changes } });

describe('one line refuses', () => {
  const cases: readonly (readonly [string, EnvironmentName, Change, string])[] = [
    ['the parent zone itself', 'develop', dns({ zone: 'example.com' }), '"example.com" is not delegated'],
    ['a zone elsewhere', 'develop', dns({ zone: 'develop.example.org' }), 'write "develop.example.com"'],
    ['a zone whose name only ends alike', 'develop', dns({ zone: 'myexample.com' }), 'is not delegated'],
    [
      'a zone that nothing delegates',
      'develop',
      dns({ delegation: undefined }),
      'nothing delegates develop.example.com',
    ],
    [
      'a name in place of an id',
      'develop',
      dns({ delegation: { parentZoneId: 'example.com' } }),
      'write the id of the hosted zone',
    ],
    [
      'the zone of another environment',
      'staging',
      dns({ zone: 'develop.example.com' }),
      'shares names with that of develop',
    ],
    [
      'open access in production',
      'production',
      (one) => ({ access: { ...one.access, open: true } }),
      'developers may not do everything in production',
    ],
    [
      'a zone in that of another environment',
      'staging',
      dns({ zone: 'a.develop.example.com' }),
      'shares names with that of develop',
    ],
    [
      'a network that overlaps another',
      'staging',
      network({ cidr: '10.1.128.0/17' }),
      'overlaps that of develop, 10.1.0.0/16',
    ],
    [
      'a network that contains another',
      'staging',
      network({ cidr: '10.0.0.0/15' }),
      'give each environment a range of its own',
    ],
    [
      'a network among the services',
      'develop',
      network({ cidr: '172.20.0.0/16' }),
      'overlaps the addresses of services, 172.20.0.0/16',
    ],
    [
      'a network that begins in the middle',
      'develop',
      network({ cidr: '10.1.2.3/16' }),
      'begins at its first address',
    ],
    [
      'more subnets than the network has',
      'develop',
      network({ subnetMask: 18 }),
      '6 subnets do not fit into 10.1.0.0/16',
    ],
    ['one zone', 'develop', network({ zones: ['ap-northeast-1a'] }), 'at least two different ones'],
    [
      'nodes without room in /24',
      'develop',
      network({ subnetMask: 24 }),
      '"c5.4xlarge": 18 full nodes take 240 addresses each, and 3 of them fit into 3 subnets of /24',
    ],
    [
      'larger instances than the subnets have room for',
      'develop',
      nodes({ instanceTypes: ['c5.24xlarge'] }),
      '"c5.24xlarge": 18 full nodes take 750 addresses each, and 15 of them fit',
    ],
    [
      'an instance type that is not known',
      'develop',
      nodes({ instanceTypes: ['c5.4xlrge'] }),
      '"c5.4xlrge" are not known',
    ],
    [
      'a fallback group that runs',
      'develop',
      nodes({ onDemand: { min: 0, desired: 1, max: 6 } }),
      'rests at zero',
    ],
    [
      'sizes out of order',
      'develop',
      nodes({ spot: { min: 5, desired: 3, max: 12 } }),
      '0 ≤ min ≤ desired ≤ max',
    ],
    [
      'another spot share than in the config of nightshift',
      'production',
      nodes({ onDemand: { min: 1, desired: 1, max: 12 } }),
      '75 % of the nodes are spot, and nightshift.config.ts says spotPercent 50',
    ],
    [
      'a private endpoint that the functions cannot reach',
      'develop',
      () => ({ endpoint: 'private' }),
      'add network to nightshift.config.ts',
    ],
    [
      'a work host that nobody creates',
      'staging',
      () => ({ workHost: { of: 'sandbox' } }),
      '"sandbox" creates no work host',
    ],
    [
      'the work host of develop for production',
      'production',
      () => ({ workHost: { of: 'develop' } }),
      'production has a work host of its own',
    ],
  ];

  test.for(cases)('%s', ([, environment, change, message]) => {
    const lines = linesOf(aPlatform(environment, change));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(`environments.${environment}`);
    expect(lines[0]).toContain(message);
  });

  test('an environment that nightshift does not know', () => {
    const { develop } = platform.environments;
    const added = {
      ...(develop as PlatformEnvironment),
      ...network({ cidr: '10.9.0.0/16' })(develop as PlatformEnvironment),
      ...dns({ zone: 'qa.example.com' })(develop as PlatformEnvironment),
    };
    const lines = linesOf({ ...platform, environments: { ...platform.environments, qa: added } });
    expect(lines).toEqual([
      expect.stringContaining('environments.qa: nightshift.config.ts has no such environment'),
    ]);
  });

  test('production with a schedule', () => {
    const production = { ...nightshift.environments['production'], schedule: 'office' };
    const night = {
      ...nightshift,
      environments: { ...nightshift.environments, production },
    } as unknown as NightshiftConfig;
    expect(linesOf(platform, night)).toEqual([expect.stringContaining('production has a schedule')]);
  });
});

test('every mistake has its line, and nothing is synthesized', () => {
  const wrong = aPlatform('develop', (one) => ({
    ...network({ subnetMask: 24 })(one),
    ...dns({ zone: 'example.com' })(one),
  }));
  expect(linesOf(wrong)).toHaveLength(2);
  expect(() => aPlatformApp(wrong)).toThrow(PlatformError);
});

describe('address ranges', () => {
  test.for(['10.0.0.0', '10.0.0.256/24', '10.0.0.0/33', '10.0.1.0/16', 'fd00::/8', ''])(
    '"%s" is none',
    (text) => {
      expect(parseCidr(text)).toBeUndefined();
    },
  );

  test('overlap where one contains an address of the other', () => {
    const at = (text: string) => parseCidr(text) as NonNullable<ReturnType<typeof parseCidr>>;
    expect(overlap(at('10.0.0.0/16'), at('10.0.255.0/24'))).toBe(true);
    expect(overlap(at('10.0.255.0/24'), at('10.0.0.0/16'))).toBe(true);
    expect(overlap(at('10.0.0.0/16'), at('10.1.0.0/16'))).toBe(false);
    expect(overlap(at('192.0.0.0/3'), at('223.255.255.255/32'))).toBe(true);
  });
});
