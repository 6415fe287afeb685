/** The schemas of the parts of a config. */
import * as z from 'zod';
import { BUILT_IN_POOLS } from '#model/names.ts';
import { parseWindows } from '#model/parse-windows.ts';
import { deploy } from './deploy-schema.ts';
import {
  checked,
  clusterName,
  filled,
  flag,
  minutes,
  names,
  object,
  oneOf,
  percent,
  policyArn,
  text,
} from './fields.ts';
import { doorbell, selfService } from './self-service-schema.ts';
import {
  type KnownHolidays,
  wrongDates,
  wrongHolidays,
  wrongRegion,
  wrongSelector,
  wrongTimeZone,
} from './values.ts';

const mapHint = 'write { name: { … } }';
const anyMap = z.record(z.string(), z.unknown(), { error: mapHint });

export const topLevel = object(
  {
    defaults: z.unknown().optional(),
    discover: z
      .undefined({
        error: 'it is read with the file: load the config with loadConfig, and run nightshift discover first',
      })
      .optional(),
    calendars: anyMap.optional(),
    schedules: anyMap.optional(),
    environments: anyMap.refine((map) => Object.keys(map).length > 0, {
      error: 'there is no environment: write at least one',
    }),
  },
  'write export default defineConfig({ environments: { … } })',
);

const dates = z.array(
  checked(filled('write a date like "2026-12-29" or a range like "2026-12-29/2027-01-03"'), wrongDates),
  { error: 'write a list of dates like ["2026-12-29", "2026-12-29/2027-01-03"]' },
);

export const calendarSchema = (holidays: KnownHolidays) =>
  object(
    {
      holidays: checked(filled('write a country code like "JP", or one with a state like "US-NY"'), (code) =>
        holidays.has(code) ? undefined : wrongHolidays(code, holidays),
      ).optional(),
      holidayKinds: z
        .array(oneOf(['public', 'bank', 'school', 'optional', 'observance']), {
          error: "write a list like ['public', 'bank']",
        })
        .min(1, { error: 'there is no kind: write at least one' })
        .optional(),
      closed: dates.optional(),
      open: dates.optional(),
    },
    'write { holidays: "JP", closed: ["2026-12-29/2027-01-03"], open: [] }',
  );

export const schedule = object(
  {
    timeZone: checked(filled('write an IANA time zone like "Asia/Tokyo"'), wrongTimeZone),
    up: z
      .array(
        checked(filled('write a window like "Mon-Fri 08:00-22:00"'), (window) => {
          const parsed = parseWindows(window);
          return 'problem' in parsed ? parsed.problem : undefined;
        }),
        { error: 'write a list of windows like ["Mon-Fri 08:00-22:00"]' },
      )
      .min(1, { error: 'there is no window: write at least one, like "Mon-Fri 08:00-22:00"' }),
    calendar: text('write the name of one of the calendars').optional(),
  },
  'write { timeZone: "Asia/Tokyo", up: ["Mon-Fri 08:00-22:00"] }',
);

const addresses = names('write a list of e-mail addresses, or [] for the topic alone').refine(
  (list) => list.every((address) => /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(address)),
  { error: 'write e-mail addresses like "team@example.com"' },
);

const TAG_HINT = 'write { team: "web" }';
/** What AWS accepts as a tag. */
const tags = z
  .record(
    z.string(),
    z.string({ error: 'write a text' }).regex(/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u, {
      error: 'AWS accepts no such value of a tag: use letters, digits, spaces and _.:/=+-@',
    }),
    { error: TAG_HINT },
  )
  .refine(
    (map) => Object.keys(map).every((key) => /^(?!aws:)[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/iu.test(key)),
    {
      error: 'AWS accepts no such name of a tag: use letters, digits and _.:/=+-@, and not the prefix aws:',
    },
  );

export const credentials = {
  profile: filled('write the name of a profile of your AWS config')
    .regex(/^[^\s[\]]+$/, {
      error: 'write the name of a profile of your AWS config, without spaces and brackets',
    })
    .optional(),
  roleArn: filled('write the ARN of a role')
    .regex(/^arn:[\w-]+:iam::\d{12}:role\/\S+$/, {
      error: 'write the ARN of a role: "arn:aws:iam::111111111111:role/…"',
    })
    .optional(),
  externalId: filled('write the external id')
    .regex(/^[\w+=,.@:/-]{2,1224}$/, { error: 'an external id has 2 to 1224 letters, digits and +=,.@:/-' })
    .optional(),
};

export const common = {
  account: z.string({ error: 'write the 12 digits of the AWS account, in quotes' }).regex(/^\d{12}$/),
  region: checked(filled('write an AWS region like "ap-northeast-1"'), wrongRegion),
  cluster: clusterName,
  tags: tags.optional(),
  ...credentials,
  accessPolicies: z
    .array(oneOf(['reader', 'developer', 'operator', 'deployer']), {
      error: "write a list like ['reader', 'developer']",
    })
    .optional(),
  drain: object(
    {
      onRebalance: oneOf(['ignore', 'cordon', 'drain']).optional(),
      uncordonAfterMinutes: minutes(1, 1440).optional(),
      force: flag().optional(),
      replaceEarly: flag().optional(),
      onScheduledChange: oneOf(['wait', 'drain', 'replace']).optional(),
      // Auto Scaling ends a lifecycle action after 48 hours.
      lifecycleMinutes: minutes(1, 2880).optional(),
      hooks: names('write a list of hook names like ["drain"], or prefixes like ["drain*"]')
        .min(1, { error: 'there is no hook: write at least one, or leave hooks out for all' })
        .optional(),
    },
    "write { onRebalance: 'cordon' }",
  ).optional(),
  network: object(
    {
      subnets: names('write a list of subnet ids like ["subnet-0a1b2c3d"]')
        .min(1, { error: 'there is no subnet: write at least one' })
        .refine((ids) => ids.every((id) => /^subnet-[0-9a-f]{8,17}$/.test(id)), {
          error: 'write subnet ids like "subnet-0a1b2c3d"',
        }),
      securityGroups: names('write a list of security group ids like ["sg-0a1b2c3d"]')
        .min(1, { error: 'there is no security group: write at least one' })
        .refine((ids) => ids.every((id) => /^sg-[0-9a-f]{8,17}$/.test(id)), {
          error: 'write security group ids like "sg-0a1b2c3d"',
        }),
    },
    'write { subnets: ["subnet-…"], securityGroups: ["sg-…"] }',
  ).optional(),
  spotPercent: percent().optional(),
  dryRun: flag().optional(),
  notify: object(
    { info: addresses.optional(), warning: addresses.optional(), failure: addresses.optional() },
    "write { warning: ['team@example.com'] }",
  ).optional(),
  encryptionKey: filled("write 'create', or the ARN of a KMS key")
    .regex(/^create$|^arn:[\w-]+:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/, {
      error: 'write \'create\', or the ARN of a KMS key: "arn:aws:kms:…:key/…"',
    })
    .optional(),
  permissionsBoundary: policyArn.optional(),
  terminationProtection: flag().optional(),
  tracing: flag().optional(),
  events: flag().optional(),
  monitoring: object({ dashboard: flag().optional() }, 'write { dashboard: true }').optional(),
};

const group = 'write the name of a nodegroup, or of the Auto Scaling group of a self-managed one';
const host = {
  namespace: text('write the namespace in which it runs, like "kube-system"'),
  deployment: text('write the name of its Deployment'),
  hostGroup: text(`the group on which it runs: ${group}`).optional(),
};
const pools = {
  nodePools: names('write a list of the names of NodePools').min(1).optional(),
  forceAtNight: flag().optional(),
};
const customPools = pools.nodePools.refine((list) => !list?.some((name) => BUILT_IN_POOLS.includes(name)), {
  error:
    'the built-in NodePools general-purpose and system are stopped with builtIn: true: name custom NodePools only',
});
const autoscaler = z.discriminatedUnion(
  'kind',
  [
    object({ kind: z.literal('cluster-autoscaler'), ...host }, 'write { kind: … }'),
    object({ kind: z.literal('karpenter'), ...host, ...pools }, 'write { kind: … }'),
    object(
      { kind: z.literal('auto-mode'), ...pools, nodePools: customPools, builtIn: flag().optional() },
      'write { kind: … }',
    ),
  ],
  { error: "write 'cluster-autoscaler', 'karpenter' or 'auto-mode'" },
);

const suspendCronJobs = object(
  { selector: checked(filled('write a label selector like "nightshift/night=suspend"'), wrongSelector) },
  'write { selector: "nightshift/night=suspend" }',
);

const prices = object(
  {
    currency: filled('write a currency like "USD"').regex(/^[A-Z]{3}$/, {
      error: 'write the three letters of a currency like "USD"',
    }),
    perNodeHour: z.record(
      z.string(),
      z.number({ error: 'write what a node costs an hour, like 0.05' }).nonnegative(),
      { error: 'write { group: price }, with "*" for all others' },
    ),
  },
  'write { currency: "USD", perNodeHour: { "*": 0.05 } }',
);

const MORNING_REPORT_HINT = "write the time of day as HH:MM, like '08:30'";
const READY_BY_HINT = "write true, 'nodes', 'applications' or { url: 'https://…' }";
const readyBy = z.union(
  [
    flag(),
    z.enum(['nodes', 'applications']),
    object(
      {
        url: z
          .string()
          .refine((url) => /^https?:\/\/[^\s/?#@]+([/?][^\s#]*)?$/.test(url) && URL.canParse(url), {
            error: READY_BY_HINT,
          }),
      },
      READY_BY_HINT,
    ),
  ],
  { error: READY_BY_HINT },
);

export const development = object(
  {
    ...common,
    // `true` has the schema of production.
    production: z.literal(false, { error: 'write true or false' }).optional(),
    schedule: text('write the name of one of the schedules').optional(),
    nodegroups: z
      .union([z.literal('all'), names(group).min(1)], {
        error: `write 'all' or a list of names, each once: ${group}`,
      })
      .optional(),
    keep: names(group).optional(),
    fallbackGroup: text(group).optional(),
    stopLast: names(group).min(1).optional(),
    autoscaler: autoscaler.optional(),
    suspendCronJobs: suspendCronJobs.optional(),
    warmPools: oneOf(['stop', 'keep']).optional(),
    deploy: deploy.optional(),
    onManualChange: oneOf(['respect', 'enforce']).optional(),
    stopDeadlineMinutes: minutes(1, 720).optional(),
    startDeadlineMinutes: minutes(1, 720).optional(),
    warnMinutes: minutes(0, 720).optional(),
    readyBy: readyBy.optional(),
    morningReport: z
      .string({ error: MORNING_REPORT_HINT })
      .regex(/^([01]\d|2[0-3]):[0-5]\d$/, { error: MORNING_REPORT_HINT })
      .optional(),
    prices: prices.optional(),
    selfService: selfService.optional(),
    doorbell: doorbell.optional(),
  },
  'write { account, region, cluster, schedule }',
);

const drainedOnly = 'a production environment is drained and never stopped or deployed to: remove this';
export const production = object(
  { ...common, production: z.literal(true) },
  'write { production: true, account, region, cluster }',
  Object.fromEntries(Object.keys(development.shape).map((key) => [key, drainedOnly])),
);

/** Every key may be left out; what tells one cluster from another has no default. */
export const defaults = object(
  Object.fromEntries(
    Object.entries(development.shape)
      .filter(([key]) => key !== 'production' && key !== 'cluster')
      .map(([key, schema]) => [key, z.optional(schema)]),
  ),
  'write what most environments have: { region: "ap-northeast-1", schedule: "office" }',
  {
    cluster: 'a cluster belongs to one environment: write it there',
    production: 'write production: true in each environment that is one',
  },
);

export const discover = object(
  {
    tag: filled('write a tag like "nightshift=office"'),
    accounts: z
      .array(
        object(
          {
            account: common.account,
            regions: z
              .array(common.region, { error: 'write a list of regions like ["ap-northeast-1"]' })
              .min(1, { error: 'there is no region: write at least one' }),
            ...credentials,
          },
          'write { account: "111111111111", regions: ["ap-northeast-1"] }',
        ),
        { error: 'write a list like [{ account: "111111111111", regions: ["ap-northeast-1"] }]' },
      )
      .min(1, { error: 'there is no account: write at least one' }),
  },
  'write { tag: "nightshift=office", accounts: [{ account: "111111111111", regions: ["ap-northeast-1"] }] }',
);
