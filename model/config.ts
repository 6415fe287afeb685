/** What a user writes in `nightshift.config.ts`. */

/** Public holidays by country code (`JP`, `US`, `DE`), with an optional state or region: `DE-BY`. */
export type HolidayCode = string;

export type HolidayKind = 'public' | 'bank' | 'school' | 'optional' | 'observance';

export interface CalendarConfig {
  readonly holidays?: HolidayCode;
  /** Which kinds of holidays close. Default `['public']`: an observance or a bank holiday is worked. */
  readonly holidayKinds?: readonly HolidayKind[];
  /** Dates `2026-12-29` or ranges `2026-12-29/2027-01-03`, both ends included, in the schedule's zone. */
  readonly closed?: readonly string[];
  /**
   * Dates or ranges that are worked although they are holidays or closed. A date on which no window starts, like a
   * Saturday, takes the windows of the nearest earlier weekday that has any (none of more than a day).
   */
  readonly open?: readonly string[];
}

export interface ScheduleConfig {
  /** IANA name: `Asia/Tokyo`. */
  readonly timeZone: string;
  /** `Mon-Fri 08:00-22:00`, `Mon,Wed 09:00-17:00`, `Mon-Fri 20:00-02:00`, `Fri 20:00 - Mon 06:00`, `daily 07:00-19:00`. */
  readonly up: readonly string[];
  /** The name of one of `calendars`. */
  readonly calendar?: string;
}

export type AutoscalerConfig =
  | {
      readonly kind: 'cluster-autoscaler';
      readonly namespace: string;
      readonly deployment: string;
      /** The nodegroup on which it runs: stopped last, started first. None where it runs on Fargate. */
      readonly hostGroup?: string;
    }
  | {
      readonly kind: 'karpenter';
      readonly namespace: string;
      readonly deployment: string;
      /** The nodegroup on which it runs: stopped last, started first. None where it runs on Fargate. */
      readonly hostGroup?: string;
      /** NodePools by name; all when left out. */
      readonly nodePools?: readonly string[];
      /** Default true: in the night Karpenter ends its drains past budgets, within the stop's deadline. */
      readonly forceAtNight?: boolean;
    }
  | {
      /** EKS Auto Mode: its custom NodePools, and with `builtIn` those of EKS. */
      readonly kind: 'auto-mode';
      /** NodePools by name; all custom ones when left out. */
      readonly nodePools?: readonly string[];
      /**
       * Default false: the built-in NodePools (`general-purpose`, `system`) are not stopped. True: EKS deletes them at the stop
       * and creates them at the start. Not possible where a custom NodePool uses the NodeClass `default`.
       */
      readonly builtIn?: boolean;
      /** Default true: in the night its drains end past budgets, within the stop's deadline. */
      readonly forceAtNight?: boolean;
    };

export interface SuspendCronJobsConfig {
  /** A label selector over all namespaces: `nightshift/night=suspend`, `team=video,tier!=batch`. */
  readonly selector: string;
}

export interface ArgocdConfig {
  /** Required, but with `capability`, whose address EKS knows. */
  readonly url?: string;
  /** The name of a Secrets Manager secret that holds the token as its string. Required for the server. */
  readonly tokenSecret?: string;
  /** The ARN of the KMS key that encrypts the secret. Default: the key of AWS, `aws/secretsmanager`. */
  readonly kmsKey?: string;
  /** PEM of a private CA, trusted beside the public ones. */
  readonly ca?: string;
  /** Allow `http://`, only for an address of the loopback. */
  readonly insecureLoopback?: boolean;
  /**
   * How applications are reached: the Argo CD server, or the Application objects through the Kubernetes API, which needs no
   * token. Default `server`; with `capability` `kubernetes`.
   */
  readonly through?: 'server' | 'kubernetes';
  /** The name of the EKS capability of the type ARGOCD, for the Argo CD that EKS runs. */
  readonly capability?: string;
  /**
   * The hub: the cluster that the applications live in, where it is not the environment's own. By name, or with endpoint and CA
   * for one in another account. Default: the environment's cluster.
   */
  readonly cluster?: string | ArgocdHubConfig;
}

/** A cluster in another account, of the environment's region. */
export interface ArgocdHubConfig {
  readonly name: string;
  /** `https://….eks.amazonaws.com` */
  readonly endpoint: string;
  /** PEM of the cluster's CA. */
  readonly ca: string;
}

export type ApplicationConfig =
  | string
  | {
      readonly name: string;
      /** Argo CD project; default `default`. */
      readonly project?: string;
      readonly namespace?: string;
      /** Delete what is no longer in the repository. Default: as the application's own auto-sync does (`automated.prune`), else not. */
      readonly prune?: boolean;
      readonly syncOptions?: readonly string[];
      /** Where people open it: the environment's link of a GitHub deployment. */
      readonly url?: string;
      /** The images that the build makes: `deployed` means that the live pods run them. */
      readonly images?: readonly ImageConfig[];
      /**
       * How an image comes to the cluster. `manifest` (default): the build or a bot writes it into the manifests, and the
       * deploy waits for that. `parameter`: it is set on the Application. `restart`: the tag stays the same, and the
       * workloads that use it are restarted.
       */
      readonly bring?: 'manifest' | 'parameter' | 'restart';
      /** What is synced: what the application tracks (default), or the commit that was built, which needs auto-sync off. */
      readonly revision?: 'tracked' | 'built';
    };

/** An image that a build pushes. */
export interface ImageConfig {
  /** Without a tag: `111111111111.dkr.ecr.eu-west-1.amazonaws.com/api`. */
  readonly repository: string;
  /**
   * A template with `{sha}`, `{sha7}`, `{branch}` (slashes become `-`) and `{build}`, or the name of an exported variable
   * of the build that holds the tag or the digest.
   */
  readonly tag: string | { readonly exported: string };
  /** With `bring: 'parameter'`: the Helm parameter that holds the tag or digest. Default: `kustomize.images`. */
  readonly helmParameter?: string;
}

export interface BuildConfig {
  /** The CodeBuild project's name; with `announced` a name of your own. */
  readonly project: string;
  /**
   * The build runs elsewhere, such as in GitHub Actions or GitLab CI, and announces its end with `events:PutEvents`: source
   * `nightshift.build`, detail type `project`. Who may send that is up to IAM. Default false.
   */
  readonly announced?: boolean;
  readonly repository: string;
  /** Exactly this branch, case-sensitive. */
  readonly branch: string;
  readonly applications: readonly ApplicationConfig[];
  /** Create the project in the environment's stack. Default: it exists already, with its own webhook. */
  readonly create?: BuildProjectConfig;
}

/** A CodeBuild project that builds pushes to the binding's branch, and nothing else. */
export interface BuildProjectConfig {
  /** The ARN of a CodeConnections connection to the host of the repository, of the environment's account. */
  readonly connection: string;
  /** Default: follows from `github.com`, `gitlab.com` and `bitbucket.org`; required for any other host. */
  readonly host?: 'github' | 'gitlab' | 'gitlab-self-managed' | 'bitbucket';
  /** Path in the repository. Default `buildspec.yml`. */
  readonly buildspec?: string;
  /** Default `small`: 2 vCPU and 4 GB on arm64. */
  readonly compute?: 'small' | 'medium' | 'large';
  /** The name of an existing log group. Default: `/aws/codebuild/<project>`, created. */
  readonly logGroup?: string;
  /** Let the build run Docker. Default false. */
  readonly docker?: boolean;
  /**
   * Create this ECR repository, let the build push to it and to no other, run Docker with a layer cache, and name it in the
   * build's variable `REPOSITORY`. It stays when the stack goes.
   */
  readonly imageRepository?: string;
  /** ARNs of managed policies for what else the build does, such as pushing an image. */
  readonly policies?: readonly string[];
}

export interface DeployConfig {
  readonly argocd: ArgocdConfig;
  readonly builds: readonly BuildConfig[];
  /** At night: remember and deploy after the wake (`defer`, the default), or wake the cluster (`wake`). */
  readonly whenAsleep?: 'defer' | 'wake';
  /** How long a deploy waits for manifests that name the image which was built. Default 15 minutes. */
  readonly imageMinutes?: number;
  /** An application that is OutOfSync for so many minutes is reported once. Default 60; 0 for never. */
  readonly driftMinutes?: number;
  /** Where commits show the status of their deployment. Default: nowhere. */
  readonly status?: StatusConfig;
}

/** Commit statuses, `nightshift/<environment>/<application>`: on each host that is named, for repositories on it. */
export interface StatusConfig {
  readonly github?: ForgeConfig & {
    /** Default `github.com`; or that of a GitHub Enterprise. */
    readonly host?: string;
    /** Write GitHub deployments too: the token needs "Deployments: write". Default false. */
    readonly deployments?: boolean;
  };
  readonly gitlab?: ForgeConfig & {
    /** Default `gitlab.com`; or that of a self-managed GitLab. */
    readonly host?: string;
  };
  /** Bitbucket Cloud: `bitbucket.org`. */
  readonly bitbucket?: Omit<ForgeConfig, 'ca'>;
}

/** The token is sent to the API of one host. */
export interface ForgeConfig {
  /** The name of a Secrets Manager secret that holds a token which may write commit statuses, as its string. */
  readonly tokenSecret: string;
  /** The ARN of the KMS key that encrypts the secret. Default: the key of AWS, `aws/secretsmanager`. */
  readonly kmsKey?: string;
  /** PEM of a private CA, trusted beside the public ones. */
  readonly ca?: string;
}

export interface DrainConfig {
  /** What a rebalance recommendation does. Default `cordon`. */
  readonly onRebalance?: 'ignore' | 'cordon' | 'drain';
  /** A cordon of ours that no interruption follows is undone after so many minutes. Default 30. */
  readonly uncordonAfterMinutes?: number;
  /** Delete pods that a budget still protects when the instance is about to be terminated. Default true. */
  readonly force?: boolean;
  /** Request a replacement from a self-managed group when the notice arrives. Default false. */
  readonly replaceEarly?: boolean;
  /**
   * What an announced change of an instance does (AWS Health: retirement, reboot). `wait`: recorded at once, and the node is
   * drained 30 minutes before the change begins. `drain`: at once. `replace`: at once, with a replacement from a self-managed
   * group. Default `wait`.
   */
  readonly onScheduledChange?: 'wait' | 'drain' | 'replace';
  /** A lifecycle action is kept open by heartbeats for so many minutes at most, while pods are left. Default 60. */
  readonly lifecycleMinutes?: number;
  /**
   * Terminate hooks that spot-drain completes, by name, or by prefix with `*` at the end (`drain*`). Default: all of
   * self-managed groups. Those of EKS and of other tools are left alone.
   */
  readonly hooks?: readonly string[];
}

/** Where the functions run in the cluster's VPC. From there they need to reach the AWS APIs: through NAT, or endpoints. */
export interface NetworkConfig {
  /** Ids: `subnet-…`. */
  readonly subnets: readonly string[];
  /** Ids: `sg-…`. The cluster's security group must allow them. */
  readonly securityGroups: readonly string[];
}

/**
 * Who is notified of what. Each severity that is named gets an SNS topic, `nightshift-<environment>-<severity>`: the addresses
 * here get e-mails, and a chat is subscribed to the topic. An empty list makes the topic alone.
 */
export interface NotifyConfig {
  /** What needs nothing from anybody: a merge was deployed, waits for the morning, or wakes the cluster. */
  readonly info?: readonly string[];
  /** What people can still change: the cluster stops soon, holidays are known for some weeks only. */
  readonly warning?: readonly string[];
  /** What needs a person: a stop, start or deploy that was not confirmed, a drain that lost pods. */
  readonly failure?: readonly string[];
}

/**
 * Who uses the command line: `reader` reads, `developer` also overrides the schedule, `operator` also runs `doctor` and
 * `restore`, `deployer` deploys the stack.
 */
export type AccessRole = 'reader' | 'developer' | 'operator' | 'deployer';

/** What watches over the functions beside the alarms, which every environment has. */
export interface MonitoringConfig {
  /** A CloudWatch dashboard. Default false: it costs twice as much as functions and alarms together. */
  readonly dashboard?: boolean;
}

interface EnvironmentBase {
  readonly account: string;
  readonly region: string;
  /** The EKS cluster's name. */
  readonly cluster: string;
  /** For filters of the command line, `--tag team=web`, and for every resource of the stack. */
  readonly tags?: Readonly<Record<string, string>>;
  /** The profile of the AWS config with which the command line and the console reach the account. Default: the shell's credentials. */
  readonly profile?: string;
  /** The role that the command line and the console assume for this environment, with the profile's or the shell's credentials. */
  readonly roleArn?: string;
  /** The external id that the role's trust policy asks for. */
  readonly externalId?: string;
  /** Managed policies that the stack makes, `nightshift-<environment>-<role>`: the least that each role needs. Default: none. */
  readonly accessPolicies?: readonly AccessRole[];
  readonly drain?: DrainConfig;
  /** For a cluster whose endpoint is private. Default: the functions run outside of any VPC. */
  readonly network?: NetworkConfig;
  /** The share of its nodes that is to run on spot, 0 to 100: `nightshift doctor` compares the groups with it. */
  readonly spotPercent?: number;
  /** Decide and report, change nothing. */
  readonly dryRun?: boolean;
  /** Default: nobody is notified; alarms have a topic of their own. */
  readonly notify?: NotifyConfig;
  /**
   * Encrypts topics and queues with a customer managed KMS key: `create` makes one, an ARN names an existing one, whose
   * policy must allow CloudWatch and EventBridge. Default: keys of AWS.
   */
  readonly encryptionKey?: string;
  /** The ARN of the managed policy that bounds every role. Default: none. */
  readonly permissionsBoundary?: string;
  /** Refuse to delete the stack until this is taken out. Default false. */
  readonly terminationProtection?: boolean;
  /** Record each run of the functions in AWS X-Ray. Default false: it would cost more than everything else. */
  readonly tracing?: boolean;
  /** Put an event on the account's default event bus for each change of state, override, deploy and failure. Default true. */
  readonly events?: boolean;
  /** Default: alarms only. */
  readonly monitoring?: MonitoringConfig;
}

export interface DevelopmentEnvironmentConfig extends EnvironmentBase {
  readonly production?: false;
  /** The name of one of `schedules`. Without it the cluster is never stopped. */
  readonly schedule?: string;
  /** `all` groups of the cluster, or managed nodegroups by name and self-managed groups by Auto Scaling group name. Default `all`. */
  readonly nodegroups?: 'all' | readonly string[];
  /** Groups that never stop. */
  readonly keep?: readonly string[];
  /** An on-demand group of size zero that is scaled up while spot capacity is short in the morning. */
  readonly fallbackGroup?: string;
  /** Groups that are stopped last and started first, like the one on which the load balancer controller runs. Default none. */
  readonly stopLast?: readonly string[];
  readonly autoscaler?: AutoscalerConfig;
  /** CronJobs that are suspended with the stop and resumed after the start, a few at a time. Default none. */
  readonly suspendCronJobs?: SuspendCronJobsConfig;
  /**
   * The warm pools of the groups that stop. `stop` (the default): a pool is switched off before its group is set to zero, and
   * restored in the morning. `keep`: it is left alone, and fills up to its limit while its group is at zero.
   */
  readonly warmPools?: 'stop' | 'keep';
  readonly deploy?: DeployConfig;
  /** A group that a person resized while asleep: left alone until the next transition (`respect`, the default) or put back (`enforce`). */
  readonly onManualChange?: 'respect' | 'enforce';
  /** Minutes until a stop that was not confirmed is a failure. Default 20. */
  readonly stopDeadlineMinutes?: number;
  /** Minutes until a start that was not confirmed is a failure. Default 20. */
  readonly startDeadlineMinutes?: number;
  /** Minutes before the stop at which people are warned. Default 30; 0 for never. */
  readonly warnMinutes?: number;
  /**
   * Start so early that this is reached by the schedule's time: the `nodes` are Ready (`true` means the same), the
   * `applications` of `deploy` are Healthy, or the URL answers with a status below 400. Default false: start at it.
   */
  readonly readyBy?: boolean | 'nodes' | 'applications' | { readonly url: string };
  /**
   * When people get the morning report, `HH:MM` in the schedule's zone: when it was ready, what was promised, and how many of
   * the last mornings were ready in time. Needs `readyBy` and `notify`. Default: no report.
   */
  readonly morningReport?: string;
  /** For the report of savings, and for the page of self-service. */
  readonly prices?: PricesConfig;
  /** People without AWS credentials can keep the cluster up for an evening. Default: off. */
  readonly selfService?: SelfServiceConfig;
  /** Requests to a sleeping cluster get a page with a button that wakes it; chats get the button too. Default: off. */
  readonly doorbell?: DoorbellConfig;
}

/** At least one of `rules`, `ingress`, `cloudFront` and `chat`. Needs `selfService`, whose limits count here too. */
export interface DoorbellConfig {
  /** The addresses of the applications: `https://shop.develop.example.com/`. The page is shown for their hosts, and goes there. */
  readonly applications?: readonly string[];
  /** Rules of a listener that no controller reconciles: put in place when the stop is confirmed, removed after the start. */
  readonly rules?: {
    /** ARN of a listener of an Application Load Balancer in the same account and region. */
    readonly listener: string;
    /** Priorities that nobody else uses, lower than those of the applications' own rules: `1-20`. */
    readonly priorities: string;
  };
  /** An Ingress of the AWS Load Balancer Controller, printed by `nightshift doorbell-ingress`. */
  readonly ingress?: {
    /** The page's own host: the controller lets nobody change the applications' own rules. */
    readonly host: string;
    /** `alb.ingress.kubernetes.io/group.name` of the load balancer. */
    readonly group: string;
  };
  /** Makes a public address, as the second origin of a CloudFront origin group. Default false. */
  readonly cloudFront?: boolean;
  /** Channels of Amazon Q Developer, with a button under the warning of a stop. Needs `notify.warning`. */
  readonly chat?: {
    readonly slack?: readonly { readonly workspace: string; readonly channel: string }[];
    readonly teams?: readonly { readonly tenant: string; readonly team: string; readonly channel: string }[];
  };
  /** A press keeps the cluster up so many hours. At most `selfService.maxHours`. Default 2. */
  readonly hours?: number;
  /** `anyone` who can open the page (the default), or only who comes with a signed `link`. */
  readonly wakes?: 'anyone' | 'link';
}

export interface SelfServiceConfig {
  /** Notifications about the night carry signed links to a page. Creates a KMS key, a function and its public address. */
  readonly links?: true;
  /** Whoever may patch the ConfigMap `nightshift/keep-up` of the cluster keeps it up. Needs `manifests/self-service`. */
  readonly kubectl?: true;
  /** A request keeps the cluster up so many hours at most, from the stop or from the request. Default 4. */
  readonly maxHours?: number;
  /** So many times a night at most, by links, kubectl and the doorbell together. Default 3. */
  readonly perNight?: number;
  /** Nobody keeps it up without a reason. Default false. */
  readonly requireReason?: boolean;
  /** The page is behind a load balancer where people sign in, and has no public address. Default: whoever has the link may act. */
  readonly signIn?: SignInConfig;
}

/** An Application Load Balancer with an authenticate-oidc action in front of the page. */
export interface SignInConfig {
  /** Its ARN; in the account and region of the environment. */
  readonly loadBalancer: string;
  /** Where its rule shows the page: `https://nightshift.example.com/`. */
  readonly address: string;
  /** As in its authenticate-oidc action. */
  readonly issuer: string;
  readonly clientId: string;
}

export interface PricesConfig {
  /** `USD` */
  readonly currency: string;
  /** What one node costs an hour, by group; `*` for all groups that are not named. */
  readonly perNodeHour: Readonly<Record<string, number>>;
}

/** Production is only drained: a schedule or a deploy here is a type error. */
export interface ProductionEnvironmentConfig extends EnvironmentBase {
  readonly production: true;
  readonly schedule?: never;
  readonly nodegroups?: never;
  readonly keep?: never;
  readonly autoscaler?: never;
  readonly suspendCronJobs?: never;
  readonly deploy?: never;
  readonly selfService?: never;
  readonly doorbell?: never;
  readonly stopLast?: never;
}

export type EnvironmentConfig = DevelopmentEnvironmentConfig | ProductionEnvironmentConfig;

/** What every environment has that does not say otherwise. A production environment takes what it may have. */
export type EnvironmentDefaults = Partial<Omit<DevelopmentEnvironmentConfig, 'production' | 'cluster'>>;

/** Clusters that are found by their tag, and written into `nightshift.lock.json` by `nightshift discover`. */
export interface DiscoverConfig {
  /** `nightshift=office`: EKS clusters with this tag; `nightshift` alone: with any value. */
  readonly tag: string;
  /** Where they are looked for. */
  readonly accounts: readonly {
    readonly account: string;
    readonly regions: readonly string[];
    readonly profile?: string;
    readonly roleArn?: string;
    readonly externalId?: string;
  }[];
}

export interface NightshiftConfig {
  readonly defaults?: EnvironmentDefaults;
  readonly discover?: DiscoverConfig;
  readonly calendars?: Readonly<Record<string, CalendarConfig>>;
  readonly schedules?: Readonly<Record<string, ScheduleConfig>>;
  /** May be empty with `discover`. */
  readonly environments: Readonly<Record<string, EnvironmentConfig>>;
}

/** As a person may write it: what `defaults` has may be left out of an environment. */
export interface WrittenConfig extends Omit<NightshiftConfig, 'environments'> {
  readonly environments?: Readonly<Record<string, WrittenEnvironment>>;
}

/** An environment without what `defaults` may have. */
export type WrittenEnvironment =
  | (Partial<DevelopmentEnvironmentConfig> & Pick<DevelopmentEnvironmentConfig, 'cluster'>)
  | (Partial<ProductionEnvironmentConfig> & Pick<ProductionEnvironmentConfig, 'cluster' | 'production'>);

/** Types a config. It is checked when it is loaded, not here. */
export function defineConfig(config: NightshiftConfig): NightshiftConfig;
export function defineConfig(config: WrittenConfig): NightshiftConfig;
export function defineConfig(config: WrittenConfig): NightshiftConfig {
  // What is missing is filled in from `defaults`, or reported, when the config is loaded.
  return config as NightshiftConfig;
}

/**
 * Environments by a function over a list. A name that comes twice is an error: an object would silently use the last.
 *
 * @example environments: environmentsFrom(teams, ({ team, account }) => [`${team}-develop`, { account, cluster: team }])
 */
export function environmentsFrom<T>(
  list: readonly T[],
  environmentOf: (item: T, index: number) => readonly [name: string, environment: WrittenEnvironment],
): Record<string, EnvironmentConfig> {
  const environments = new Map<string, EnvironmentConfig>();
  for (const [index, item] of list.entries()) {
    const [name, environment] = environmentOf(item, index);
    if (environments.has(name))
      throw new RangeError(`two environments have the name "${name}": make the names differ`);
    environments.set(name, environment as EnvironmentConfig);
  }
  return Object.fromEntries(environments);
}
