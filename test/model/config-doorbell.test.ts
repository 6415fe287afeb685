/** The settings of the self-service page and of the doorbell: what is refused, where, and with what to write instead. */
import { describe, expect, test } from 'vitest';
import { checkConfig } from '#model/config/check.ts';
import { account, aFullConfig, holidays, problems } from './a-config.ts';

const develop = 'environments.develop';
const page = `${develop}.selfService`;
const doorbell = `${develop}.doorbell`;
const SHOP = 'https://shop.develop.example.com/';
const arn = `arn:aws:elasticloadbalancing:ap-northeast-1:${account}`;
const LISTENER = `${arn}:listener/app/apps/0123456789abcdef/fedcba9876543210`;
const signIn = {
  loadBalancer: `${arn}:loadbalancer/app/apps/0123456789abcdef`,
  address: 'https://nightshift.example.com/',
  issuer: 'https://id.example.com',
  clientId: 'nightshift',
};
const ADDRESS = "write the page's address like 'https://nightshift.example.com/'";
const BALANCER =
  'write the ARN of an Application Load Balancer, arn:aws:elasticloadbalancing:…:loadbalancer/app/…';
const LISTENER_HINT =
  'write the ARN of a listener of an Application Load Balancer: "arn:aws:elasticloadbalancing:…:listener/app/…"';
const RANGE = 'write a range of at most 100 priorities between 1 and 50000, the lower one first: "1-20"';
const HOST = 'write a host name in lower case, like "wake.develop.example.com"';
const GROUP =
  'write the group.name of the load balancer: at most 63 lower case letters, digits, dots and hyphens';
const APPLICATIONS = 'write complete addresses in lower case, like "https://shop.develop.example.com/"';
const WORKSPACE = 'write the id of the Slack workspace, like "T07EA123LEP"';
const CHANNEL = 'write the id of the Slack channel, like "C07EZ1ABC23"';
const TENANT = 'write the id of the tenant, a UUID';
const TEAM = 'write the id of the team, a UUID';
const id = '01234567-89ab-cdef-0123-456789abcdef';

const withPage = (changes: Record<string, unknown>) =>
  aFullConfig({ [page]: { links: true, signIn: { ...signIn } }, ...changes });
const withDoorbell = (changes: Record<string, unknown>) =>
  aFullConfig({
    [page]: { links: true },
    [doorbell]: {
      applications: [SHOP],
      rules: { listener: LISTENER, priorities: '1-20' },
      chat: {
        slack: [{ workspace: 'T07EA123LEP', channel: 'C07EZ1ABC23' }],
        teams: [{ tenant: id, team: id, channel: '19:abc@thread.tacv2' }],
      },
    },
    ...changes,
  });
/** Those of ingress stand instead of those of rules. */
const withIngress = (changes: Record<string, unknown>) =>
  withDoorbell({
    [`${doorbell}.rules`]: undefined,
    [`${doorbell}.ingress`]: { host: 'wake.example.com', group: 'develop' },
    ...changes,
  });
const found = (config: unknown) =>
  checkConfig(config, holidays).problems.map(({ path, message }) => [path, message]);
type Mistake = [path: string, message: string, ...values: unknown[]];
const each = (mistakes: readonly Mistake[]) =>
  mistakes.flatMap(([path, message, ...values]) => values.map((value) => [path, value, message] as const));

describe('the self-service page', () => {
  test.each(
    each([
      [page, 'write { links: true, maxHours: 4, perNight: 3 }', true, 'links'],
      [`${page}.links`, 'write true, or leave it out', false, 'yes'],
      [`${page}.kubectl`, 'write true, or leave it out', false, 1],
      [`${page}.maxHours`, 'write a whole number of hours from 1 to 12', 0, 13, 1.5, '4'],
      [`${page}.perNight`, 'write a whole number of times from 1 to 20', 0, 21],
      [`${page}.requireReason`, 'write true or false', 'yes'],
      [`${page}.signIn`, 'write { loadBalancer, address, issuer, clientId }', true],
      [
        `${page}.signIn.loadBalancer`,
        BALANCER,
        `${arn}:loadbalancer/net/apps/0123456789abcdef`,
        `x${signIn.loadBalancer}`,
        `${signIn.loadBalancer}/x`,
        signIn.loadBalancer.replace(account, `${account}1`),
        signIn.loadBalancer.replace('ap-northeast-1', ''),
        signIn.loadBalancer.replace('apps', ''),
      ],
      [
        `${page}.signIn.address`,
        ADDRESS,
        'http://nightshift.example.com/',
        'https://nightshift.example.com',
        'https://nightshift.example.com/?a=b',
        'https://nightshift.example.com:/',
        'https://nightshift.example.com:99999/',
        'https://me@nightshift.example.com/',
        'see https://nightshift.example.com/',
      ],
      [
        `${page}.signIn.issuer`,
        'write the issuer, as in the rule of the load balancer: https://…',
        'http://id.example.com',
        'https://',
        'https://id example',
        'x https://id.example.com',
      ],
      [`${page}.signIn.clientId`, 'write the client id, as in the rule of the load balancer', 1],
    ]),
  )('%s = %j: %s', (path, value, message) => {
    expect(found(withPage({ [path]: value }))).toEqual([[path, message]]);
  });

  test.each<[string, unknown]>([
    [page, { kubectl: true }],
    [`${page}.maxHours`, 1],
    [`${page}.maxHours`, 12],
    [`${page}.perNight`, 1],
    [`${page}.perNight`, 20],
    [`${page}.requireReason`, true],
    [
      `${page}.signIn.loadBalancer`,
      `arn:aws-us-gov:elasticloadbalancing:ap-northeast-1:${account}:loadbalancer/app/my-apps_1/0f`,
    ],
    [`${page}.signIn.address`, 'https://Night-Shift.example.com:8443/night/shift-1.html'],
  ])('takes %s = %j', (path, value) => {
    expect(problems(withPage({ [path]: value }))).toEqual([]);
  });
});

describe('the doorbell', () => {
  test.each(
    each([
      [
        doorbell,
        "write { applications: ['https://…'], rules: { listener: 'arn:…', priorities: '1-20' } }",
        true,
      ],
      [
        `${doorbell}.applications`,
        'write a list of addresses, like "https://shop.develop.example.com/"',
        SHOP,
      ],
      [
        `${doorbell}.applications`,
        APPLICATIONS,
        [SHOP, 'http://shop.develop.example.com/'],
        ['https://Shop.develop.example.com/'],
      ],
      [`${doorbell}.rules`, "write { listener: 'arn:…', priorities: '1-20' }", LISTENER],
      [
        `${doorbell}.rules.listener`,
        LISTENER_HINT,
        LISTENER.replace('/app/', '/net/'),
        signIn.loadBalancer,
        `${LISTENER}/x`,
      ],
      [`${doorbell}.rules.priorities`, RANGE, '20-1', '0-1', '1', '1-101', '49999-50001', ' 1-2'],
      [`${doorbell}.cloudFront`, 'write true or false', 'yes'],
      [`${doorbell}.chat`, "write { slack: [{ workspace: 'T…', channel: 'C…' }] }", true],
      [`${doorbell}.chat.slack`, "write [{ workspace: 'T…', channel: 'C…' }]", 'C07EZ1ABC23'],
      [`${doorbell}.chat.slack[0]`, "write { workspace: 'T…', channel: 'C…' }", 'C07EZ1ABC23'],
      [`${doorbell}.chat.slack[0].workspace`, WORKSPACE, 'W07', 'T', 'T07ea', 'xT07', 'T07-'],
      [`${doorbell}.chat.slack[0].channel`, CHANNEL, 'C', '#shop', 'C07-', `C${'0'.repeat(254)}`],
      [`${doorbell}.chat.teams`, 'write [{ tenant, team, channel }]', id],
      [`${doorbell}.chat.teams[0]`, 'write { tenant, team, channel }', id],
      [`${doorbell}.chat.teams[0].tenant`, TENANT, 'example', `${id}0`, `0${id}`, id.replace('-', '')],
      [`${doorbell}.chat.teams[0].team`, TEAM, 'example'],
      [`${doorbell}.chat.teams[0].channel`, 'write the id of the channel', 1],
      [`${doorbell}.hours`, 'write a whole number of hours from 1 to 12', 0, 13],
      [`${doorbell}.wakes`, "write 'anyone' or 'link'", 'everyone'],
    ]),
  )('%s = %j: %s', (path, value, message) => {
    expect(found(withDoorbell({ [path]: value }))).toEqual([[path, message]]);
  });

  test.each(
    each([
      [`${doorbell}.ingress`, "write { host: 'wake.develop.example.com', group: 'develop' }", 'wake'],
      [`${doorbell}.ingress.host`, HOST, 'Wake.example.com', 'wake', 'https://wake.example.com'],
      [`${doorbell}.ingress.group`, GROUP, 'Develop', '-develop', 'develop-', 'a'.repeat(64), 'a b'],
    ]),
  )('behind an ingress: %s = %j: %s', (path, value, message) => {
    expect(found(withIngress({ [path]: value }))).toEqual([[path, message]]);
  });

  test.each(['d', 'dev.shop-1', 'a'.repeat(63)])('takes the ingress group %s', (group) => {
    expect(problems(withIngress({ [`${doorbell}.ingress.group`]: group }))).toEqual([]);
  });

  test.each<[string, unknown]>([
    [doorbell, { chat: { slack: [{ workspace: 'T07EA123LEP', channel: 'GENERAL' }] } }],
    [doorbell, { chat: { teams: [{ tenant: id.toUpperCase(), team: id, channel: 'general' }] } }],
    [doorbell, { applications: [SHOP], cloudFront: true }],
    [doorbell, { applications: [SHOP], cloudFront: true, wakes: 'anyone' }],
    [`${doorbell}.wakes`, 'link'],
    [`${doorbell}.hours`, 4],
    [`${doorbell}.rules.priorities`, '1-1'],
    [`${doorbell}.applications`, Array.from({ length: 20 }, (_, n) => `https://a${n}.example.com/`)],
    [`${develop}.stopLast`, ['web']],
  ])('takes %s = %j', (path, value) => {
    expect(problems(withDoorbell({ [path]: value }))).toEqual([]);
  });
});

describe('a doorbell that does not fit the rest of its environment', () => {
  test.each<[string, Record<string, unknown>, string, string]>([
    [
      'without links',
      { [page]: { kubectl: true } },
      doorbell,
      'its limits are those of selfService: add selfService: { links: true }, or remove this',
    ],
    [
      'without a self-service page',
      { [page]: undefined },
      doorbell,
      'its limits are those of selfService: add selfService: { links: true }, or remove this',
    ],
    [
      'where people sign in',
      { [`${page}.signIn`]: signIn },
      doorbell,
      'its page asks nobody to sign in, and selfService.signIn asks everybody: remove one of them',
    ],
    [
      'to which nothing leads',
      { [doorbell]: { applications: [SHOP] } },
      doorbell,
      'nothing leads to it: add rules, ingress, cloudFront or chat',
    ],
    ...[
      { rules: { listener: LISTENER, priorities: '1-20' } },
      { ingress: { host: 'wake.example.com', group: 'develop' } },
      { cloudFront: true },
    ].map((given): [string, Record<string, unknown>, string, string] => [
      `with ${Object.keys(given)} and no application`,
      { [doorbell]: given },
      `${doorbell}.applications`,
      "the page must know where to go: write their addresses, ['https://shop.develop.example.com/']",
    ]),
    [
      'that wakes for longer than the default of the page',
      { [`${doorbell}.hours`]: 5 },
      `${doorbell}.hours`,
      'selfService.maxHours is 4: write at most that, or raise it',
    ],
    [
      'that wakes for longer than the page',
      { [`${page}.maxHours`]: 6, [`${doorbell}.hours`]: 7 },
      `${doorbell}.hours`,
      'selfService.maxHours is 6: write at most that, or raise it',
    ],
    [
      'with rules and an ingress',
      { [`${doorbell}.ingress`]: { host: 'wake.example.com', group: 'develop' } },
      `${doorbell}.ingress`,
      'a target group belongs to one load balancer: keep rules for a listener that nobody reconciles, or ingress for one of the controller',
    ],
    [
      'with the listener of another region',
      { [`${doorbell}.rules.listener`]: LISTENER.replace('ap-northeast-1', 'eu-west-1') },
      `${doorbell}.rules.listener`,
      'it is of the region eu-west-1, and the environment of ap-northeast-1: a target group is only used by load balancers of its own account and region',
    ],
    [
      'with the listener of another account',
      { [`${doorbell}.rules.listener`]: LISTENER.replace(account, '222222222222') },
      `${doorbell}.rules.listener`,
      `it is of the account 222222222222, and the environment of ${account}: a target group is only used by load balancers of its own account and region`,
    ],
    [
      'with fewer priorities than hosts',
      {
        [`${doorbell}.applications`]: [SHOP, 'https://b.example.com/', 'https://c.example.com/'],
        [`${doorbell}.rules.priorities`]: '3-4',
      },
      `${doorbell}.rules.priorities`,
      'the applications have 3 hosts, each of which needs a rule: write a wider range',
    ],
    [
      'with a chat that has no channel',
      { [`${doorbell}.chat`]: {} },
      `${doorbell}.chat`,
      'there is no channel: add slack or teams, or remove this',
    ],
    [
      'with a chat that no warning goes to',
      { [`${develop}.notify`]: { failure: [] } },
      `${doorbell}.chat`,
      'the button is under the warning of a stop: add notify: { warning: [] }, or remove this',
    ],
    [
      'with a chat where each request has a reason',
      { [`${page}.requireReason`]: true },
      `${doorbell}.chat`,
      'a button has no reason, and selfService.requireReason wants one: remove one of them',
    ],
    [
      'with groups that are stopped last and kept',
      { [`${develop}.stopLast`]: ['web', 'system'] },
      `${develop}.stopLast`,
      'it is in keep, so it is never stopped: remove it from one',
    ],
  ])('%s is refused', (_, changes, path, message) => {
    expect(found(withDoorbell(changes))).toEqual([[path, message]]);
  });

  test('has no host of an application at its ingress', () => {
    expect(problems(withIngress({ [`${doorbell}.ingress.host`]: 'shop.develop.example.com' }))).toEqual([
      `${doorbell}.ingress.host: "shop.develop.example.com": it is the host of an application, whose own rules come first: write another one, like "wake.…"`,
    ]);
  });

  test('is refused with the value that is wrong', () => {
    expect(problems(withDoorbell({ [`${doorbell}.hours`]: 5 }))).toEqual([
      `${doorbell}.hours: 5: selfService.maxHours is 4: write at most that, or raise it`,
    ]);
  });

  test('has as many priorities as hosts, and one for two paths of a host', () => {
    const applications = [SHOP, `${SHOP}admin`, 'https://b.example.com/'];
    const changes = {
      [`${doorbell}.applications`]: applications,
      [`${doorbell}.rules.priorities`]: '3-4',
    };
    expect(problems(withDoorbell(changes))).toEqual([]);
  });
});
