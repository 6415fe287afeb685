/** Settings about accounts, keys, tags and discovery, and what production must not have. */
import { describe, expect, test } from 'vitest';
import { checkConfig, discoverProblems } from '#model/config/check.ts';
import { aConfig, account, aFullConfig, holidays, problems } from './a-config.ts';

const develop = 'environments.develop';
const production = 'environments.production';
const TAG_VALUE = 'AWS accepts no such value of a tag: use letters, digits, spaces and _.:/=+-@';
const TAG_NAME =
  'AWS accepts no such name of a tag: use letters, digits and _.:/=+-@, and not the prefix aws:';
const PROFILE = 'write the name of a profile of your AWS config, without spaces and brackets';
const ROLE = 'write the ARN of a role: "arn:aws:iam::111111111111:role/…"';
const EXTERNAL_ID = 'an external id has 2 to 1224 letters, digits and +=,.@:/-';
const KEY = 'write \'create\', or the ARN of a KMS key: "arn:aws:kms:…:key/…"';
const READY = "write true, 'nodes', 'applications' or { url: 'https://…' }";
const role = `arn:aws:iam::${account}:role/deploy`;
const key = `arn:aws:kms:ap-northeast-1:${account}:key/01234567-89ab-cdef-0123-456789abcdef`;
const CLOCK = "write the time of day as HH:MM, like '08:30'";

describe('a wrong value gets just this message', () => {
  test.each(
    (
      [
        [`${develop}.tags`, 'write { team: "web" }', 'web'],
        [`${develop}.tags`, TAG_NAME, { 'aws:team': 'web' }, { 'AWS:team': 'web' }, { '': 'web' }],
        [`${develop}.tags`, TAG_NAME, { team: 'web', 'a*b': 'c' }, { ['a'.repeat(129)]: 'b' }, { '*a': 'b' }],
        [`${develop}.tags.team`, 'write a text', 1],
        [`${develop}.tags.team`, TAG_VALUE, 'a*', '*a', 'a'.repeat(257), '★'],
        [`${develop}.profile`, PROFILE, 'my profile', '[a]', ' a'],
        [
          `${develop}.roleArn`,
          ROLE,
          'deploy',
          `x${role}`,
          `${role} x`,
          role.replace(account, '1'),
          role.replace('deploy', ''),
        ],
        [
          `${develop}.encryptionKey`,
          KEY,
          'created',
          'a create',
          `x${key}`,
          `${key} `,
          key.replace(account, '1'),
          key.replace('ap-northeast-1', 'Tokyo'),
          `arn::kms:ap-northeast-1:${account}:key/x`,
          key.replace(/key\/.*/, 'alias/x'),
          key.replace(/key\/.*/, 'key/'),
        ],
        [`${develop}.drain.hooks`, 'there is no hook: write at least one, or leave hooks out for all', []],
        [`${develop}.morningReport`, CLOCK, '8:30', '24:00', '08:60', '08:30:00', 'at 08:30', 830],
        [`${develop}.warmPools`, "write 'stop' or 'keep'", 'start'],
        [`${develop}.suspendCronJobs`, 'write { selector: "nightshift/night=suspend" }', 'all'],
        [`${develop}.readyBy`, READY, 'x', 1],
        ['calendars.japan.holidayKinds', "write a list like ['public', 'bank']", 'bank'],
        ['calendars.japan.holidayKinds', 'there is no kind: write at least one', []],
        [
          'discover',
          'it is read with the file: load the config with loadConfig, and run nightshift discover first',
          {},
        ],
      ] as [string, string, ...unknown[]][]
    ).flatMap(([path, message, ...values]) => values.map((value) => [path, value, message] as const)),
  )('%s = %j: %s', (path, value, message) => {
    const found = checkConfig(aFullConfig({ [`${develop}.tags`]: { team: 'web' }, [path]: value }), holidays);
    expect(found.problems.map((problem) => [problem.path, problem.message])).toEqual([[path, message]]);
  });

  test.each([
    'ftp://shop.example.com/',
    'shop.example.com',
    'see https://shop.example.com/',
    'https://shop.example.com/a b',
    'https://shop.example.com/#top',
    'https://me@shop.example.com/',
    'https://shop.example.com:99999/',
  ])('readyBy.url = %j', (url) => {
    const found = checkConfig(aFullConfig({ [`${develop}.readyBy`]: { url } }), holidays).problems;
    expect(found).not.toEqual([]);
    for (const { path, message } of found)
      expect([path.startsWith(`${develop}.readyBy`), message]).toEqual([true, READY]);
  });

  test.each(['x', 'a b', `${'x'.repeat(1225)}`, 'ab '])('externalId = %j', (externalId) => {
    const config = aFullConfig({ [`${develop}.roleArn`]: role, [`${develop}.externalId`]: externalId });
    expect(checkConfig(config, holidays).problems.map(({ message }) => message)).toEqual([EXTERNAL_ID]);
  });
});

test.each<[string, unknown]>([
  [`${develop}.tags`, {}],
  [`${develop}.tags`, { 'my team': 'web and api', 'a_.:/=+-@1': '_.:/=+-@é٣', ['k'.repeat(128)]: '' }],
  [`${develop}.tags`, { team: 'v'.repeat(256) }],
  [`${develop}.profile`, 'my-profile'],
  [`${develop}.roleArn`, `arn:aws-cn:iam::${account}:role/path/deploy`],
  [`${develop}.encryptionKey`, 'create'],
  [`${develop}.encryptionKey`, key],
  [`${develop}.encryptionKey`, key.replace(account, '222222222222').replace('arn:aws:', 'arn:aws-us-gov:')],
  [`${develop}.drain.hooks`, ['drain']],
  [`${develop}.morningReport`, '00:00'],
  [`${develop}.morningReport`, '23:59'],
  [`${develop}.warmPools`, 'stop'],
  [`${develop}.warmPools`, 'keep'],
  [`${develop}.stopLast`, ['web', 'batch']],
  [`${develop}.suspendCronJobs`, { selector: 'nightshift/night=suspend' }],
  [`${develop}.readyBy`, true],
  [`${develop}.readyBy`, 'nodes'],
  [`${develop}.readyBy`, { url: 'https://shop.example.com' }],
  [`${develop}.readyBy`, { url: 'https://shop.example.com?deep=1' }],
  ['calendars.japan.holidayKinds', ['public', 'bank', 'school', 'optional', 'observance']],
])('%s takes %j', (path, value) => {
  expect(problems(aFullConfig({ [path]: value }))).toEqual([]);
});

test('an external id is sent with a role only', () => {
  const id = { [`${develop}.externalId`]: 'ab' };
  expect(problems(aFullConfig({ ...id, [`${develop}.roleArn`]: role }))).toEqual([]);
  expect(problems(aFullConfig(id))).toEqual([
    `${develop}.externalId: an external id is sent when a role is assumed: write roleArn too, or remove this`,
  ]);
});

describe('production', () => {
  test.each([
    ['replaceEarly', true, 'true', 'remove it'],
    ['onScheduledChange', 'replace', '"replace"', 'write "wait" or "drain"'],
  ])('has no function that may change its groups: drain.%s', (name, value, shown, hint) => {
    const drain = { [name]: value };
    expect(problems(aConfig({ [`${production}.drain`]: drain }))).toEqual([
      `${production}.drain.${name}: ${shown}: no function may change the groups of production: ${hint}`,
    ]);
    expect(problems(aConfig({ [`${develop}.drain`]: drain }))).toEqual([]);
  });

  test.each([{ replaceEarly: false }, { onScheduledChange: 'drain' }, { onScheduledChange: 'wait' }])(
    'may have drain: %j',
    (drain) => {
      expect(problems(aConfig({ [`${production}.drain`]: drain }))).toEqual([]);
    },
  );
});

describe('a self-service page', () => {
  const loadBalancer = `arn:aws:elasticloadbalancing:ap-northeast-1:${account}:loadbalancer/app/apps/0123456789abcdef`;
  const signIn = {
    loadBalancer,
    address: 'https://nightshift.example.com/',
    issuer: 'https://id.example.com',
    clientId: 'nightshift',
  };
  const page = `${develop}.selfService`;
  const found = (changes: Record<string, unknown>) => problems(aConfig(changes));

  test('needs a schedule', () => {
    expect(
      found({
        [page]: { links: true },
        [`${develop}.schedule`]: undefined,
        [`${develop}.deploy`]: undefined,
      }),
    ).toEqual([`${page}: there is no schedule, so nothing is stopped: add a schedule, or remove this`]);
  });

  test('needs a way to reach it: links, kubectl or both', () => {
    expect(found({ [page]: { maxHours: 4 } })).toEqual([
      `${page}: nobody can use it: write links: true or kubectl: true, or remove this`,
    ]);
    for (const way of [{ links: true }, { kubectl: true }, { links: true, kubectl: true }])
      expect(found({ [page]: way })).toEqual([]);
  });

  test('that people sign in to is reached by links', () => {
    expect(found({ [page]: { kubectl: true, signIn } })).toEqual([
      `${page}.signIn: people reach the page by links: write links: true, or remove this`,
    ]);
    expect(found({ [page]: { links: true, signIn } })).toEqual([]);
  });

  test.each([
    ['account', loadBalancer.replace(account, '222222222222')],
    ['region', loadBalancer.replace('ap-northeast-1', 'eu-west-1')],
  ])('is behind no load balancer of another %s', (_, other) => {
    expect(found({ [page]: { links: true, signIn: { ...signIn, loadBalancer: other } } })).toEqual([
      `${page}.signIn.loadBalancer: ${JSON.stringify(other)}: a load balancer calls functions of its own account and region only: name one of ${account}, ap-northeast-1`,
    ]);
  });
});

test.each([
  ['roleArn', role.replace(account, '222222222222'), 'account 222222222222', account],
  ['permissionsBoundary', 'arn:aws:iam::222222222222:policy/boundary', 'account 222222222222', account],
  ['encryptionKey', key.replace('ap-northeast-1', 'eu-west-1'), 'region eu-west-1', 'ap-northeast-1'],
])('%s of another account or region is refused', (name, arn, of, own) => {
  const found = problems(aConfig({ [`${develop}.${name}`]: arn }));
  expect(found).toHaveLength(1);
  expect(found[0]).toContain(
    `${develop}.${name}: "${arn}": it is of the ${of}, and the environment of ${own}: `,
  );
});

test('a boundary of AWS itself is of no other account', () => {
  const arn = 'arn:aws:iam::aws:policy/PowerUserAccess';
  expect(problems(aConfig({ [`${develop}.permissionsBoundary`]: arn }))).toEqual([]);
});

describe('discovery', () => {
  const found = (raw: unknown) => discoverProblems(raw).map(({ path, message }) => [path, message]);
  const accounts = [{ account, regions: ['ap-northeast-1'] }];

  test('takes a tag and the accounts with their regions and credentials', () => {
    expect(found({ tag: 'nightshift=office', accounts })).toEqual([]);
    const whole = { ...accounts[0], profile: 'work', roleArn: role, externalId: 'ab' };
    expect(found({ tag: 'nightshift=office', accounts: [whole, ...accounts] })).toEqual([]);
  });

  test.each<[string, unknown, string]>([
    ['discover.tag', { tag: 1, accounts }, 'write a tag like "nightshift=office"'],
    [
      'discover.accounts',
      { tag: 'a=b', accounts: account },
      'write a list like [{ account: "111111111111", regions: ["ap-northeast-1"] }]',
    ],
    ['discover.accounts', { tag: 'a=b', accounts: [] }, 'there is no account: write at least one'],
    [
      'discover.accounts[0]',
      { tag: 'a=b', accounts: [account] },
      'write { account: "111111111111", regions: ["ap-northeast-1"] }',
    ],
    [
      'discover.accounts[0].regions',
      { tag: 'a=b', accounts: [{ account, regions: 'ap-northeast-1' }] },
      'write a list of regions like ["ap-northeast-1"]',
    ],
    [
      'discover.accounts[0].regions',
      { tag: 'a=b', accounts: [{ account, regions: [] }] },
      'there is no region: write at least one',
    ],
  ])('%s', (path, raw, message) => {
    expect(found(raw)).toEqual([[path, message]]);
  });
});
