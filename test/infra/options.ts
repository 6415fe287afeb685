/** Every option of the config, read from its schemas: a new key is among them without anybody listing it. */

import { configSchemas } from '#model/config/check.ts';
import type { NightshiftConfig } from '#model/config.ts';
import { aConfig, aDevelopment, aProduction, LISTENER } from './environments.ts';

/** What the walk needs of a zod schema. */
interface Schema {
  readonly def: {
    readonly type: string;
    readonly innerType?: Schema;
    readonly shape?: Readonly<Record<string, Schema>>;
    readonly element?: Schema;
    readonly valueType?: Schema;
    readonly options?: readonly Schema[];
    readonly entries?: Readonly<Record<string, unknown>>;
    readonly values?: readonly unknown[];
  };
}

/** `deploy.builds.0.branch`; an option with few values is one for each: `drain.force=true`. */
function optionsBelow(schema: Schema, path: string): readonly string[] {
  const { type, innerType, shape, element, valueType, options, entries, values } = schema.def;
  if (type === 'optional' && innerType) return optionsBelow(innerType, path);
  if (type === 'object' && shape)
    return Object.entries(shape).flatMap(([key, inner]) => optionsBelow(inner, `${path}.${key}`));
  if (type === 'array' && element) return optionsBelow(element, `${path}.0`);
  if (type === 'record' && valueType) return optionsBelow(valueType, `${path}.*`);
  if (type === 'union' && options) return options.flatMap((option) => optionsBelow(option, path));
  if (type === 'enum' && entries) return Object.values(entries).map((value) => `${path}=${value}`);
  if (type === 'literal' && values) return values.map((value) => `${path}=${value}`);
  if (type === 'boolean') return [`${path}=true`, `${path}=false`];
  return [path];
}

const ROOTS: readonly (readonly [string, Schema])[] = [
  ['calendars.japan', configSchemas.calendar as unknown as Schema],
  ['schedules.office', configSchemas.schedule as unknown as Schema],
  ['environments.develop', configSchemas.development as unknown as Schema],
  ['environments.production', configSchemas.production as unknown as Schema],
];

export const OPTIONS: readonly string[] = [
  ...new Set(ROOTS.flatMap(([root, schema]) => optionsBelow(schema, root))),
];

/** What the schema has and a rule of the config refuses. */
export const REFUSED: readonly string[] = [
  'environments.production.drain.replaceEarly=true',
  'environments.production.drain.onScheduledChange=replace',
];

const CERTIFICATE = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----';
const CONNECTION =
  'arn:aws:codeconnections:ap-northeast-1:111111111111:connection/01234567-89ab-cdef-0123-456789abcdef';

const KEY = 'arn:aws:kms:ap-northeast-1:111111111111:key/01234567-89ab-cdef-0123-456789abcdef';

const LOAD_BALANCER =
  'arn:aws:elasticloadbalancing:ap-northeast-1:111111111111:loadbalancer/app/apps/0123456789abcdef';
const SIGN_IN = {
  loadBalancer: LOAD_BALANCER,
  address: 'https://nightshift.example.com/',
  issuer: 'https://id.example.com',
  clientId: 'nightshift',
};

const REGISTRY = '111111111111.dkr.ecr.ap-northeast-1.amazonaws.com';

/** A value for each option that has more than a few. The key is the option without its environment. */
const VALUES: Readonly<Record<string, unknown>> = {
  holidays: 'JP',
  'holidayKinds.0': 'bank',
  'closed.0': '2026-12-29/2027-01-03',
  'open.0': '2026-12-30',
  timeZone: 'Europe/Berlin',
  'up.0': 'daily 07:00-19:00',
  calendar: 'japan',
  account: '111111111111',
  region: 'ap-northeast-1',
  cluster: 'another',
  'drain.uncordonAfterMinutes': 10,
  'drain.lifecycleMinutes': 90,
  'drain.hooks.0': 'drain*',
  'network.subnets.0': 'subnet-0123456789abcdef0',
  'network.securityGroups.0': 'sg-0123456789abcdef0',
  spotPercent: 50,
  'readyBy.url': 'https://shop.example.com/health',
  'tags.*': 'web',
  profile: 'develop',
  roleArn: 'arn:aws:iam::111111111111:role/nightshift-operator',
  externalId: 'a-shared-text',
  'accessPolicies.0': 'reader',
  'notify.info.0': 'info@example.com',
  'notify.warning.0': 'warning@example.com',
  'notify.failure.0': 'failure@example.com',
  schedule: 'office',
  'nodegroups.0': 'web',
  'keep.0': 'system',
  fallbackGroup: 'web-on-demand',
  'autoscaler.namespace': 'autoscaling',
  'autoscaler.deployment': 'scaler',
  'autoscaler.hostGroup': 'infrastructure',
  'autoscaler.nodePools.0': 'default',
  'suspendCronJobs.selector': 'nightshift/night=suspend',
  'deploy.argocd.url': 'https://cd.example.com',
  'deploy.argocd.tokenSecret': 'another/secret',
  'deploy.argocd.kmsKey': KEY,
  'deploy.argocd.ca': CERTIFICATE,
  'deploy.argocd.capability': 'argocd',
  'deploy.argocd.cluster': 'hub',
  'deploy.argocd.cluster.name': 'hub',
  'deploy.argocd.cluster.endpoint': 'https://0123456789ABCDEF.gr7.ap-northeast-1.eks.amazonaws.com',
  'deploy.argocd.cluster.ca': CERTIFICATE,
  'deploy.builds.0.project': 'another-project',
  'deploy.builds.0.repository': 'https://github.com/example/another',
  'deploy.builds.0.branch': 'feature/another',
  'deploy.builds.0.applications.0': 'web',
  'deploy.builds.0.applications.0.name': 'web',
  'deploy.builds.0.applications.0.project': 'shop',
  'deploy.builds.0.applications.0.namespace': 'argocd',
  'deploy.builds.0.applications.0.syncOptions.0': 'CreateNamespace=true',
  'deploy.builds.0.applications.0.url': 'https://api.develop.example.com',
  'deploy.builds.0.applications.0.images.0.repository': `${REGISTRY}/web`,
  'deploy.builds.0.applications.0.images.0.tag': '{branch}-{sha7}',
  'deploy.builds.0.applications.0.images.0.tag.exported': 'IMAGE_TAG',
  'deploy.builds.0.applications.0.images.0.helmParameter': 'image.tag',
  'deploy.builds.0.create.connection': CONNECTION,
  'deploy.builds.0.create.logGroup': '/builds/api',
  'deploy.builds.0.create.imageRepository': 'team/api',
  'deploy.builds.0.create.buildspec': 'ci/buildspec.yml',
  'deploy.builds.0.create.policies.0': 'arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPowerUser',
  'deploy.imageMinutes': 30,
  'deploy.driftMinutes': 0,
  'deploy.status.github.tokenSecret': 'nightshift/github',
  'deploy.status.github.kmsKey': KEY,
  'deploy.status.github.host': 'github.com',
  'deploy.status.github.ca': CERTIFICATE,
  'deploy.status.gitlab.tokenSecret': 'nightshift/gitlab',
  'deploy.status.gitlab.kmsKey': KEY,
  'deploy.status.gitlab.host': 'gitlab.com',
  'deploy.status.gitlab.ca': CERTIFICATE,
  'deploy.status.bitbucket.tokenSecret': 'nightshift/bitbucket',
  'deploy.status.bitbucket.kmsKey': KEY,
  encryptionKey: 'create',
  permissionsBoundary: 'arn:aws:iam::aws:policy/PowerUserAccess',
  stopDeadlineMinutes: 1,
  startDeadlineMinutes: 720,
  warnMinutes: 0,
  morningReport: '08:30',
  'selfService.maxHours': 6,
  'selfService.perNight': 5,
  'selfService.signIn.address': 'https://nightshift.example.com/',
  'selfService.signIn.issuer': 'https://id.example.com',
  'selfService.signIn.clientId': 'nightshift',
  'selfService.signIn.loadBalancer': LOAD_BALANCER,
  'stopLast.0': 'infrastructure',
  'doorbell.applications.0': 'https://shop.develop.example.com/',
  'doorbell.rules.listener': LISTENER,
  'doorbell.rules.priorities': '10-19',
  'doorbell.ingress.host': 'wake.develop.example.com',
  'doorbell.ingress.group': 'develop',
  'doorbell.chat.slack.0.workspace': 'T07EA123LEP',
  'doorbell.chat.slack.0.channel': 'C07EZ1ABC23',
  'doorbell.chat.teams.0.tenant': '01234567-89ab-cdef-0123-456789abcdef',
  'doorbell.chat.teams.0.team': '11234567-89ab-cdef-0123-456789abcdef',
  'doorbell.chat.teams.0.channel': '19%3aabcdef%40thread.tacv2',
  'doorbell.hours': 1,
  'prices.currency': 'EUR',
  'prices.perNodeHour.*': 0.05,
};

/** What else an object must have where an option is set in it. */
const SURROUNDINGS: Readonly<Record<string, object>> = {
  network: { subnets: ['subnet-0a1b2c3d'], securityGroups: ['sg-0a1b2c3d'] },
  autoscaler: { kind: 'karpenter', namespace: 'kube-system', deployment: 'karpenter', hostGroup: 'system' },
  'deploy.builds.0.applications.0': {
    name: 'api',
    images: [{ repository: `${REGISTRY}/api`, tag: '{sha7}' }],
    bring: 'parameter',
  },
  'deploy.builds.0.applications.0.images.0': { repository: `${REGISTRY}/api`, tag: '{sha7}' },
  'deploy.builds.0.create': { connection: CONNECTION },
  'deploy.argocd.cluster': {
    name: 'hub',
    endpoint: 'https://0123456789ABCDEF.gr7.ap-northeast-1.eks.amazonaws.com',
    ca: CERTIFICATE,
  },
  'deploy.status.github': { tokenSecret: 'nightshift/github' },
  'deploy.status.gitlab': { tokenSecret: 'nightshift/gitlab' },
  'deploy.status.bitbucket': { tokenSecret: 'nightshift/bitbucket' },
  prices: { currency: 'USD', perNodeHour: {} },
  selfService: { links: true },
  'selfService.signIn': SIGN_IN,
  doorbell: { applications: ['https://shop.develop.example.com/'], cloudFront: true },
  'doorbell.rules': { listener: LISTENER, priorities: '1-20' },
  'doorbell.ingress': { host: 'wake.example.com', group: 'shared' },
  'doorbell.chat.slack.0': { workspace: 'T0', channel: 'C01' },
  'doorbell.chat.teams.0': {
    tenant: '01234567-89ab-cdef-0123-456789abcdef',
    team: '11234567-89ab-cdef-0123-456789abcdef',
    channel: '19%3aabcdef%40thread.tacv2',
  },
};

/** Whether there is a value to try the option with. */
export function hasCase(option: string): boolean {
  return option.includes('=') || Object.hasOwn(VALUES, insideOf(pathOf(option)));
}

/** The smallest config that has the option. */
export function configWith(...options: readonly string[]): NightshiftConfig {
  const config = aConfig({ develop: aDevelopment(), production: aProduction() });
  const copy = structuredClone(config) as unknown as Record<string, unknown>;
  // The other kinds need a Deployment, which Auto Mode does not have.
  const { builds } = aDevelopment().deploy ?? { builds: [] };
  const list: unknown[] = [...builds];
  // A host is named for the repositories on it.
  for (const [forge, host] of [
    ['gitlab', 'gitlab.com'],
    ['bitbucket', 'bitbucket.org'],
  ] as const)
    if (options.some((option) => option.includes(`.status.${forge}`)))
      list.push({
        project: forge,
        repository: `https://${host}/example/api`,
        branch: 'develop',
        applications: [forge],
      });
  // A build that is announced is not created: together they are two.
  const isCreated = options.some((option) => option.includes('.builds.0.create'));
  const isApart = (option: string) => isCreated && option.endsWith('.builds.0.announced=true');
  if (options.some(isApart))
    list.push({ ...builds[0], project: 'announced', announced: true, applications: ['another'] });
  if (list.length > builds.length) set(copy, 'environments.develop.deploy.builds', list);
  for (const option of options.filter((one) => !isApart(one)))
    if (/\.autoscaler\.(kind=auto-mode|builtIn=)/.test(option))
      set(copy, pathOf(option).replace(/\.\w+$/, ''), {
        kind: 'auto-mode',
        ...(option.includes('builtIn') ? { builtIn: option.endsWith('true') } : {}),
      });
    else set(copy, pathOf(option), valueFor(option));
  fitArgocd(copy);
  fitRoles(copy);
  fitTags(copy);
  fitReport(copy);
  fitDoorbell(copy);
  return copy as unknown as NightshiftConfig;
}

/** EKS knows the address of a capability in the same account, and a hub is reached through Kubernetes. */
function fitArgocd(copy: Record<string, unknown>): void {
  const { environments } = copy as unknown as NightshiftConfig;
  const argocd = environments['develop']?.deploy?.argocd as Record<string, unknown> | undefined;
  if (argocd?.['capability'] && typeof argocd['cluster'] !== 'object') delete argocd['url'];
  if (argocd?.['cluster']) argocd['through'] = 'kubernetes';
}

/** A report is about a promise, and goes to people. */
function fitReport(copy: Record<string, unknown>): void {
  for (const environment of Object.values((copy as unknown as NightshiftConfig).environments))
    if ('morningReport' in environment)
      Object.assign(environment, {
        readyBy: environment.readyBy || 'nodes',
        notify: environment.notify ?? { info: [] },
      });
}

/** AWS accepts no `*` as the name of a tag. */
function fitTags(copy: Record<string, unknown>): void {
  for (const environment of Object.values((copy as unknown as NightshiftConfig).environments))
    if (environment.tags && '*' in environment.tags)
      Object.assign(environment, { tags: { team: environment.tags['*'] } });
}

/** Its limits are those of self-service, a chat shows a notification, and a target group belongs to one load balancer. */
function fitDoorbell(copy: Record<string, unknown>): void {
  for (const environment of Object.values((copy as unknown as NightshiftConfig).environments)) {
    if (environment.production || !environment.doorbell) continue;
    const { rules, ingress, chat, cloudFront } = environment.doorbell;
    if (!rules && !ingress && !chat && !cloudFront)
      Object.assign(environment.doorbell, { rules: SURROUNDINGS['doorbell.rules'] });
    const { requireReason, signIn: _, ...limits } = { ...environment.selfService, links: true };
    const isReasonAsked = requireReason !== undefined && !chat;
    Object.assign(environment, { selfService: { ...limits, ...(isReasonAsked ? { requireReason } : {}) } });
    if (chat) Object.assign(environment, { notify: { warning: [], ...environment.notify } });
    if (rules && ingress) Object.assign(environment.doorbell, { ingress: undefined });
    if (chat && !chat.slack && !chat.teams) Object.assign(environment.doorbell, { chat: undefined });
    for (const key of ['ingress', 'chat'] as const)
      if (environment.doorbell[key] === undefined) Reflect.deleteProperty(environment.doorbell, key);
  }
}

/** A role is of the account that the environment is in, and an external id is sent for a role. */
function fitRoles(copy: Record<string, unknown>): void {
  for (const environment of Object.values((copy as unknown as NightshiftConfig).environments)) {
    const written = environment as unknown as Record<string, unknown>;
    if (written['roleArn'] || written['externalId'])
      written['roleArn'] = `arn:aws:iam::${environment.account}:role/nightshift-operator`;
  }
}

function set(config: Record<string, unknown>, path: string, value: unknown): void {
  const keys = path.split('.');
  let at = config;
  for (const [index, key] of keys.slice(0, -1).entries()) {
    const inside = keys.slice(2, index + 1).join('.');
    const surroundings = SURROUNDINGS[inside];
    if (typeof at[key] !== 'object') {
      const isList = /^\d+$/.test(keys[index + 1] ?? '');
      at[key] = isList ? [] : structuredClone(surroundings ?? {});
    }
    at = at[key] as Record<string, unknown>;
  }
  at[keys.at(-1) ?? ''] = value;
}

function pathOf(option: string): string {
  return option.split('=')[0] ?? option;
}

function insideOf(path: string): string {
  return path.split('.').slice(2).join('.');
}

function valueFor(option: string): unknown {
  const written = option.split('=')[1];
  if (written === undefined) return VALUES[insideOf(option)];
  return written === 'true' ? true : written === 'false' ? false : written;
}
