/**
 * Checks a config that was written by a person: every mistake is one problem that says where it is, what is there
 * and what to write instead. Used at synth and by the command line, never in a function.
 */

import * as z from 'zod';
import type { CalendarConfig, EnvironmentConfig, NightshiftConfig, ScheduleConfig } from './config.ts';
import { type ConfigProblem, problemsOf } from './config-problem.ts';
import { crossCheck } from './config-rules.ts';
import {
  type KnownHolidays,
  wrongBranch,
  wrongDates,
  wrongHolidays,
  wrongRegion,
  wrongRepository,
  wrongSelector,
  wrongTimeZone,
  wrongUrl,
} from './config-values.ts';
import { isApplicationUrl, isHostName, parseListenerArn, parsePriorities } from './doorbell.ts';
import { BUILT_IN_POOLS } from './names.ts';
import { didYouMean } from './nearest.ts';
import { ownValue } from './own-value.ts';
import { parseWindows } from './parse-windows.ts';
import { isRecord } from './record-schema.ts';
import { withDefaults } from './with-defaults.ts';

export type CheckedConfig =
  | { readonly config: NightshiftConfig; readonly problems: readonly [] }
  | { readonly config?: undefined; readonly problems: readonly ConfigProblem[] };

/** The config itself where nothing is wrong with it, otherwise every problem that was found. */
export function checkConfig(written: unknown, holidays: KnownHolidays): CheckedConfig {
  const problems = problemsOf(topLevel, written, []);
  if (!isRecord(written)) return { problems };
  // A mistake there would be one in each environment.
  const wrongDefaults =
    written['defaults'] === undefined ? [] : problemsOf(defaults, written['defaults'], ['defaults']);
  if (wrongDefaults.length > 0) return { problems: [...problems, ...wrongDefaults] };
  const raw = withDefaults(written, Object.keys(production.shape));

  /** The entries of one of the three maps that are right in themselves; the others add problems. */
  const entriesOf = <T>(
    map: 'calendars' | 'schedules' | 'environments',
    schemaOf: (entry: unknown) => z.ZodType,
  ) => {
    const entries = new Map<string, T>();
    const value = raw[map];
    if (!isRecord(value)) return entries;
    for (const [name, entry] of Object.entries(value)) {
      const found = problemsOf(schemaOf(entry), entry, [map, name]);
      problems.push(...found);
      if (found.length === 0) entries.set(name, entry as T);
    }
    return entries;
  };

  const calendar = calendarSchema(holidays);
  const parts = {
    calendars: entriesOf<CalendarConfig>('calendars', () => calendar),
    schedules: entriesOf<ScheduleConfig>('schedules', () => schedule),
    environments: entriesOf<EnvironmentConfig>('environments', environmentSchema),
    /** All names, also of wrong entries: a reference to a wrong one is not a second mistake. */
    calendarNames: namesIn(raw['calendars']),
    scheduleNames: namesIn(raw['schedules']),
    environmentNames: namesIn(raw['environments']),
  };
  problems.push(...crossCheck(parts));
  return problems.length > 0 ? { problems } : { config: raw as unknown as NightshiftConfig, problems: [] };
}

// --- building blocks -------------------------------------------------------------------------------------------------

/** An object that knows its keys: any other key is a problem of its own, with the key that was probably meant. */
function object<S extends z.ZodRawShape>(shape: S, hint: string, unknownKeys: Record<string, string> = {}) {
  const keys = Object.keys(shape);
  return z.object(shape, { error: hint }).catchall(
    z.custom<never>(() => false, {
      error: (issue) => {
        const key = String(issue.path?.at(-1));
        return ownValue(unknownKeys, key) ?? `there is no such setting: ${didYouMean(key, keys)}`;
      },
    }),
  );
}

const text = (hint: string) => z.string({ error: hint }).min(1);
/** Text with further checks, which are left out for an empty text: it is one mistake. */
const filled = (hint: string) => z.string({ error: hint }).min(1, { abort: true });
const flag = (hint = 'write true or false') => z.boolean({ error: hint });
const oneOf = (values: readonly [string, ...string[]]) =>
  z.enum(values, { error: `write ${values.map((value) => `'${value}'`).join(' or ')}` });
const wholeNumber = (low: number, high: number, unit: string) => {
  const hint = `write a whole number of ${unit} from ${low} to ${high}`;
  return z.int({ error: hint }).min(low).max(high);
};
const minutes = (low: number, high: number) => wholeNumber(low, high, 'minutes');
const percent = () => {
  const hint = 'write a whole number from 0 to 100';
  return z.int({ error: hint }).min(0).max(100);
};
const names = (hint: string) =>
  z.array(text(hint), { error: hint }).refine((list) => new Set(list).size === list.length, {
    error: 'a name is in this list twice: write it once',
  });
/** A check whose message depends on the value: `wrong` returns what is wrong, or undefined. */
const checked = <T extends z.ZodType<string>>(schema: T, wrong: (value: string) => string | undefined) =>
  schema.superRefine((value, context) => {
    const problem = wrong(value);
    if (problem !== undefined) context.addIssue(problem);
  });

// --- the parts of the config -----------------------------------------------------------------------------------------

const mapHint = 'write { name: { … } }';
const anyMap = z.record(z.string(), z.unknown(), { error: mapHint });

const topLevel = object(
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

const calendarSchema = (holidays: KnownHolidays) =>
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

const schedule = object(
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

const policyArn = filled('write the ARN of a managed policy').regex(
  /^arn:[\w-]+:iam::(\d{12}|aws):policy\/\S+$/,
  { error: 'write the ARN of a managed policy: "arn:aws:iam::111111111111:policy/…"' },
);
const keyArn = filled('write the ARN of a KMS key').regex(/^arn:[\w-]+:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/, {
  error: 'write the ARN of a KMS key, not an alias: "arn:aws:kms:…:key/…"',
});

const addresses = names('write a list of e-mail addresses, or [] for the topic alone').refine(
  (list) => list.every((address) => /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(address)),
  { error: 'write e-mail addresses like "team@example.com"' },
);

const clusterName = filled('write the name of the EKS cluster').regex(/^[0-9A-Za-z][A-Za-z0-9_-]{0,99}$/, {
  error:
    'write the name of the EKS cluster: at most 100 letters, digits, hyphens and underscores, not its ARN',
});

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

const credentials = {
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

const common = {
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

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const certificate = z
  .string({ error: 'write the PEM of the CA certificate' })
  .regex(/-----BEGIN CERTIFICATE-----/)
  .refine((pem) => !pem.includes('PRIVATE KEY'), {
    error: 'a private key has no place here: write the certificate of the CA only',
  });

const ARGOCD_URL = 'write the address of the Argo CD server like "https://argocd.example.com"';
const ARGOCD_TOKEN = 'write the name of the Secrets Manager secret that holds the token';
const HUB_HINT =
  'write the name of the EKS cluster that the applications live in, or { name, endpoint, ca } for one in another account';
const hub = object(
  {
    name: clusterName,
    endpoint: filled('write the endpoint of the cluster').regex(/^https:\/\/[^/?#@\s]+\/?$/, {
      error: 'write the endpoint of the cluster: "https://….eks.amazonaws.com"',
    }),
    ca: certificate,
  },
  HUB_HINT,
);

const argocd = object(
  {
    // The rule for http:// needs `insecureLoopback` too: see below.
    url: filled(ARGOCD_URL).optional(),
    tokenSecret: filled(ARGOCD_TOKEN)
      .regex(/^[A-Za-z0-9/_+=.@:-]{1,512}$/)
      .optional(),
    kmsKey: keyArn.optional(),
    ca: certificate.optional(),
    insecureLoopback: flag().optional(),
    through: oneOf(['server', 'kubernetes']).optional(),
    capability: filled('write the name of the EKS capability, like "argocd"')
      .regex(/^[A-Za-z0-9][\w-]{0,99}$/, { error: 'write the name of the EKS capability, not its ARN' })
      .optional(),
    cluster: z.union([clusterName, hub], { error: HUB_HINT }).optional(),
  },
  'write { url: "https://argocd.example.com", tokenSecret: "nightshift/argocd" }',
).superRefine((value, context) => {
  const wrong = (path: string, message: string) =>
    context.addIssue({ code: 'custom', path: [path], message });
  const { url, tokenSecret, capability, cluster } = value;
  const through = value.through ?? (capability ? 'kubernetes' : 'server');
  const problem = url === undefined ? undefined : wrongUrl(url, value.insecureLoopback ?? false);
  if (problem) wrong('url', problem);
  const isElsewhere = typeof cluster === 'object';
  if (url === undefined && !capability) wrong('url', ARGOCD_URL);
  if (url !== undefined && capability && !isElsewhere)
    wrong('url', 'EKS knows the address of a capability: remove this');
  if (url === undefined && isElsewhere && through === 'server')
    wrong('url', 'EKS does not describe the capability of another account: write its address');
  if (tokenSecret === undefined && (through === 'server' || !capability)) wrong('tokenSecret', ARGOCD_TOKEN);
  if (cluster !== undefined && through === 'server' && !capability)
    wrong(
      'cluster',
      "the server is reached by its address alone: write through: 'kubernetes', or remove this",
    );
  if (tokenSecret !== undefined && /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/.test(tokenSecret)) {
    wrong(
      'tokenSecret',
      'this looks like the token itself: put it into Secrets Manager and write the name here',
    );
  }
});

/** What they say is checked with the rules: a problem within a union of the schema would hide behind the union's own. */
const image = object(
  {
    repository: text('write the repository of the image'),
    tag: z.union([text('write a tag'), object({ exported: text('write the name of a variable') }, '')]),
    helmParameter: text('write the name of a Helm parameter').optional(),
  },
  '',
);

const application = z.union(
  [
    text('write the name of an Argo CD application'),
    object(
      {
        name: text('write the name of an Argo CD application'),
        project: text('write the name of an Argo CD project').optional(),
        namespace: text('write the namespace of the Application').optional(),
        prune: flag().optional(),
        syncOptions: z.array(text('write a sync option like "CreateNamespace=true"')).optional(),
        url: text('write where people open it').optional(),
        images: z.array(image).optional(),
        bring: oneOf(['manifest', 'restart', 'parameter']).optional(),
        revision: oneOf(['tracked', 'built']).optional(),
      },
      '',
    ),
  ],
  {
    error:
      'write the name of an Argo CD application, or { name, project, namespace, prune, syncOptions, url, images: [{ repository: "…/api", tag: "{sha7}" }], bring: "manifest", "parameter" or "restart", revision: "tracked" or "built" }',
  },
);

const buildProject = object(
  {
    connection: filled('write the ARN of a CodeConnections connection').regex(
      /^arn:[\w-]+:(codeconnections|codestar-connections):[a-z0-9-]+:\d{12}:connection\/[0-9a-f-]{36}$/,
      { error: 'write the ARN of a CodeConnections connection: "arn:aws:codeconnections:…:connection/…"' },
    ),
    host: z
      .enum(['github', 'gitlab', 'gitlab-self-managed', 'bitbucket'], {
        error: ({ input }) =>
          input === 'github-enterprise'
            ? 'CloudFormation cannot create the webhook of a GitHub Enterprise: remove create, and make the project by hand (docs/branch-deploy.md)'
            : "write 'github', 'gitlab', 'gitlab-self-managed' or 'bitbucket'",
      })
      .optional(),
    buildspec: text('write the path of a buildspec in the repository').optional(),
    logGroup: filled('write the name of an existing log group')
      .regex(/^[\w./#-]{1,512}$/, { error: 'write the name of an existing log group, not its ARN' })
      .optional(),
    compute: oneOf(['small', 'medium', 'large']).optional(),
    docker: flag().optional(),
    imageRepository: filled('write the name of the ECR repository like "team/api"')
      .regex(/^(?=.{2,256}$)[a-z0-9]+([._-][a-z0-9]+)*(\/[a-z0-9]+([._-][a-z0-9]+)*)*$/, {
        error: 'write the name alone, in lower case, like "team/api"',
      })
      .optional(),
    policies: z.array(policyArn, { error: 'write a list of ARNs of managed policies' }).optional(),
  },
  'write { connection: "arn:aws:codeconnections:…" }',
);

const build = object(
  {
    project: filled('write the name of the CodeBuild project').regex(/^[A-Za-z0-9][A-Za-z0-9_-]{1,149}$/, {
      error: 'write the name of the CodeBuild project, not its ARN',
    }),
    repository: checked(
      filled('write the address of the repository like "https://github.com/example/api"'),
      wrongRepository,
    ),
    branch: checked(filled('write the name of the branch like "develop"'), wrongBranch),
    applications: z
      .array(application, { error: 'write a list of Argo CD applications like ["api"]' })
      .min(1, { error: 'there is no application: write at least one' }),
    announced: flag().optional(),
    create: buildProject.optional(),
  },
  'write { project: "api-develop", repository: "https://…", branch: "develop", applications: ["api"] }',
);

const statusToken = {
  // Tokens of GitHub, GitLab and Bitbucket begin so.
  tokenSecret: filled('write the name of the Secrets Manager secret that holds the token').regex(
    /^(?!gh[a-z]_|github_pat_|gl(?:pat|dt|ptt|cbt|soat|oas)-|AT[A-Z]{2,3}3x)[A-Za-z0-9/_+=.@:-]{1,512}$/,
    {
      error:
        'write the name of the Secrets Manager secret that holds the token, and put the token itself there',
    },
  ),
  kmsKey: keyArn.optional(),
};
const statusHost = (what: string, example: string) =>
  filled(`write the host of a ${what} like "${example}"`)
    .regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?$/, {
      error: `write the host alone, in lower case, like "${example}"`,
    })
    .optional();

const status = object(
  {
    github: object(
      {
        ...statusToken,
        host: statusHost('GitHub Enterprise', 'github.example.com'),
        ca: certificate.optional(),
        deployments: flag().optional(),
      },
      'write { tokenSecret: "nightshift/github" }',
    ).optional(),
    gitlab: object(
      {
        ...statusToken,
        host: statusHost('self-managed GitLab', 'gitlab.example.com'),
        ca: certificate.optional(),
      },
      'write { tokenSecret: "nightshift/gitlab" }',
    ).optional(),
    bitbucket: object(statusToken, 'write { tokenSecret: "nightshift/bitbucket" }', {
      host: 'statuses are for Bitbucket Cloud only, which is bitbucket.org: remove this',
    }).optional(),
  },
  'write { github: { tokenSecret: "nightshift/github" } }',
).refine((value) => Object.keys(value).length > 0, {
  error: 'there is no host: write github, gitlab or bitbucket, or leave status out',
});

const deploy = object(
  {
    argocd,
    builds: z
      .array(build, { error: 'write a list of builds' })
      .min(1, { error: 'there is no build: write at least one, or leave deploy out' }),
    whenAsleep: oneOf(['defer', 'wake']).optional(),
    imageMinutes: minutes(1, 60).optional(),
    driftMinutes: minutes(0, 10_080).optional(),
    status: status.optional(),
  },
  'write { argocd: { … }, builds: [ … ] }',
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

const ADDRESS_HINT = "write the page's address like 'https://nightshift.example.com/'";
const signIn = object(
  {
    loadBalancer: filled('write the ARN of an Application Load Balancer').regex(
      /^arn:[\w-]+:elasticloadbalancing:[a-z0-9-]+:\d{12}:loadbalancer\/app\/[\w-]+\/[0-9a-f]+$/,
      {
        error:
          'write the ARN of an Application Load Balancer, arn:aws:elasticloadbalancing:…:loadbalancer/app/…',
      },
    ),
    address: filled(ADDRESS_HINT).refine(
      (url) => /^https:\/\/[a-z0-9.-]+(:\d+)?\/([\w./-]*)$/i.test(url) && URL.canParse(url),
      { error: ADDRESS_HINT },
    ),
    issuer: filled('write the issuer, as in the rule of the load balancer').regex(/^https:\/\/\S+$/, {
      error: 'write the issuer, as in the rule of the load balancer: https://…',
    }),
    clientId: filled('write the client id, as in the rule of the load balancer'),
  },
  'write { loadBalancer, address, issuer, clientId }',
);

const selfService = object(
  {
    links: z.literal(true, { error: 'write true, or leave it out' }).optional(),
    kubectl: z.literal(true, { error: 'write true, or leave it out' }).optional(),
    maxHours: wholeNumber(1, 12, 'hours').optional(),
    perNight: wholeNumber(1, 20, 'times').optional(),
    requireReason: flag().optional(),
    signIn: signIn.optional(),
  },
  'write { links: true, maxHours: 4, perNight: 3 }',
);
const MORNING_REPORT_HINT = "write the time of day as HH:MM, like '08:30'";
const DOORBELL_HINT =
  "write { applications: ['https://…'], rules: { listener: 'arn:…', priorities: '1-20' } }";
const HOST_HINT = 'write a host name in lower case, like "wake.develop.example.com"';
const doorbell = object(
  {
    applications: names('write a list of addresses, like "https://shop.develop.example.com/"')
      .min(1)
      .max(20)
      .refine((list) => list.every(isApplicationUrl), {
        error: 'write complete addresses in lower case, like "https://shop.develop.example.com/"',
      })
      .optional(),
    rules: object(
      {
        listener: filled('write the ARN of a listener').refine((arn) => parseListenerArn(arn) !== undefined, {
          error:
            'write the ARN of a listener of an Application Load Balancer: "arn:aws:elasticloadbalancing:…:listener/app/…"',
        }),
        priorities: filled('write a range of priorities like "1-20"').refine(
          (text) => parsePriorities(text) !== undefined,
          {
            error: 'write a range of at most 100 priorities between 1 and 50000, the lower one first: "1-20"',
          },
        ),
      },
      "write { listener: 'arn:…', priorities: '1-20' }",
    ).optional(),
    ingress: object(
      {
        host: filled(HOST_HINT).refine(isHostName, { error: HOST_HINT }),
        group: filled('write the group.name of the load balancer').regex(
          /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/,
          {
            error:
              'write the group.name of the load balancer: at most 63 lower case letters, digits, dots and hyphens',
          },
        ),
      },
      "write { host: 'wake.develop.example.com', group: 'develop' }",
    ).optional(),
    cloudFront: flag().optional(),
    chat: object(
      {
        slack: z
          .array(
            object(
              {
                workspace: filled('write the id of the workspace').regex(/^T[0-9A-Z]{1,254}$/, {
                  error: 'write the id of the Slack workspace, like "T07EA123LEP"',
                }),
                channel: filled('write the id of the channel').regex(/^[A-Z0-9]{2,254}$/, {
                  error: 'write the id of the Slack channel, like "C07EZ1ABC23"',
                }),
              },
              "write { workspace: 'T…', channel: 'C…' }",
            ),
            { error: "write [{ workspace: 'T…', channel: 'C…' }]" },
          )
          .min(1)
          .optional(),
        teams: z
          .array(
            object(
              {
                tenant: filled('write the id of the tenant').regex(UUID, {
                  error: 'write the id of the tenant, a UUID',
                }),
                team: filled('write the id of the team').regex(UUID, {
                  error: 'write the id of the team, a UUID',
                }),
                channel: filled('write the id of the channel'),
              },
              'write { tenant, team, channel }',
            ),
            { error: 'write [{ tenant, team, channel }]' },
          )
          .min(1)
          .optional(),
      },
      "write { slack: [{ workspace: 'T…', channel: 'C…' }] }",
    ).optional(),
    hours: wholeNumber(1, 12, 'hours').optional(),
    wakes: oneOf(['anyone', 'link']).optional(),
  },
  DOORBELL_HINT,
);
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

const development = object(
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
      .string()
      .regex(/^([01]\d|2[0-3]):[0-5]\d$/, { error: MORNING_REPORT_HINT })
      .optional(),
    prices: prices.optional(),
    selfService: selfService.optional(),
    doorbell: doorbell.optional(),
  },
  'write { account, region, cluster, schedule }',
);

const drainedOnly = 'a production environment is drained and never stopped or deployed to: remove this';
const production = object(
  { ...common, production: z.literal(true) },
  'write { production: true, account, region, cluster }',
  Object.fromEntries(Object.keys(development.shape).map((key) => [key, drainedOnly])),
);

function environmentSchema(entry: unknown): z.ZodType {
  return isRecord(entry) && entry['production'] === true ? production : development;
}

function namesIn(value: unknown): readonly string[] {
  return isRecord(value) ? Object.keys(value) : [];
}

/** Every key may be left out; what tells one cluster from another has no default. */
const defaults = object(
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

const discover = object(
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

/** Every mistake in the part that says where clusters are looked for. */
export function discoverProblems(raw: unknown): readonly ConfigProblem[] {
  return problemsOf(discover, raw, ['discover']);
}

/** The schemas of the parts of a config, for whoever lists the options: `bin/app.ts` must synthesize each of them. */
export const configSchemas = {
  calendar: calendarSchema({ has: () => true, candidates: () => [] }),
  schedule,
  development,
  production,
} as const;
