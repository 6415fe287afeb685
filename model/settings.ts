/**
 * The settings of a function, which synth writes as JSON into the variable NIGHTSHIFT_SETTINGS. Everything is expanded:
 * no name refers to something elsewhere, and every default is filled in. Lambda allows 4 KB for all variables of a function together.
 */
import type { AutoscalerConfig, ImageConfig, PricesConfig, SuspendCronJobsConfig } from './config.ts';
import type { Severity } from './notification.ts';
import type { Schedule } from './schedule.ts';

/** The variables that every function reads. Nothing else of the environment is read by ours. */
export const SETTINGS_VARIABLE = 'NIGHTSHIFT_SETTINGS';
export const TABLE_VARIABLE = 'NIGHTSHIFT_TABLE';
/** The ARN of spot-drain's state machine. Absent in a dry run. */
export const WATCHDOG_VARIABLE = 'NIGHTSHIFT_WATCHDOG';
/** The address of self-service's page, for whoever makes links. */
export const PAGE_VARIABLE = 'NIGHTSHIFT_PAGE_URL';
/** The ARN of the KMS key that signs links. */
export const LINK_KEY_VARIABLE = 'NIGHTSHIFT_LINK_KEY';
/** The ARN of the doorbell's target group, for whoever puts rules in place. */
export const DOORBELL_VARIABLE = 'NIGHTSHIFT_DOORBELL_TARGET';

export interface CommonSettings {
  readonly environment: string;
  readonly production: boolean;
  readonly account: string;
  readonly region: string;
  readonly cluster: string;
  readonly dryRun: boolean;
  /** Absent where nobody is notified. */
  readonly notify?: NotifySettings;
  /** False: no events are put on the event bus. Absent: they are. */
  readonly events?: false;
}

export interface NotifySettings {
  /** The severities that have a topic. */
  readonly severities: readonly Severity[];
  /** Times are written in it: the schedule's zone, or UTC where the environment has no schedule. */
  readonly timeZone: string;
  /** Notifications of a stop carry what the button of a chat needs. */
  readonly buttons?: boolean;
}

/** The phase of a start that people wait for. */
export type ReadyPhase = 'nodes' | 'applications' | { readonly url: string };

export interface NightScheduleSettings extends CommonSettings {
  readonly production: false;
  readonly schedule: Schedule;
  readonly nodegroups: 'all' | readonly string[];
  readonly keep: readonly string[];
  readonly fallbackGroup?: string;
  readonly autoscaler?: AutoscalerConfig;
  readonly suspendCronJobs?: SuspendCronJobsConfig;
  /** Absent: `stop`. */
  readonly warmPools?: 'stop' | 'keep';
  readonly onManualChange: 'respect' | 'enforce';
  readonly stopDeadlineMinutes: number;
  readonly startDeadlineMinutes: number;
  readonly warnMinutes: number;
  /** What must be reached by the schedule's time; false: the start begins at it. */
  readonly readyBy: false | ReadyPhase;
  /** Minutes after midnight in the schedule's zone; absent: no morning report. */
  readonly morningReport?: number;
  /** `<project>/<name>` of the applications that are awaited, with `readyBy: 'applications'`. */
  readonly applications?: readonly string[];
  /** Absent where notifications carry no links. */
  readonly links?: LinkLimits;
  /** Absent where nobody may keep the cluster up with kubectl. */
  readonly keepUp?: KeepUpSettings;
  /** Stopped last and started first, beside the host group of the autoscaler. */
  readonly stopLast?: readonly string[];
  /** Absent where no listener gets rules for the doorbell. */
  readonly doorbell?: DoorbellRules;
}

/** Which requests a listener forwards to the doorbell while the cluster sleeps. */
export interface DoorbellRules {
  /** ARN. */
  readonly listener: string;
  /** The range of priorities, both ends included. */
  readonly from: number;
  readonly to: number;
  /** One rule for each. */
  readonly hosts: readonly string[];
}

export interface SpotDrainSettings extends CommonSettings {
  readonly onRebalance: 'ignore' | 'cordon' | 'drain';
  readonly uncordonAfterMinutes: number;
  readonly force: boolean;
  readonly replaceEarly: boolean;
  readonly onScheduledChange: 'wait' | 'drain' | 'replace';
  /** Heartbeats extend a lifecycle action to so many minutes at most. */
  readonly lifecycleMinutes: number;
  /** Hooks that are ours to complete, by name or prefix (`drain*`). Absent: every terminate hook of a self-managed group. */
  readonly hooks?: readonly string[];
}

export interface ApplicationSettings {
  readonly name: string;
  readonly project: string;
  readonly namespace?: string;
  /** Absent: as the application's own auto-sync does. */
  readonly prune?: boolean;
  readonly syncOptions: readonly string[];
  /** Where people open it. */
  readonly url?: string;
  /** The images that a build makes, which are to run before it counts as deployed. */
  readonly images?: readonly ImageConfig[];
  /** Absent for `manifest`. */
  readonly bring?: 'parameter' | 'restart';
  /** Absent for what the application tracks. */
  readonly revision?: 'built';
}

export interface BuildSettings {
  /** The CodeBuild project, or the name under which a build announces itself. */
  readonly project: string;
  /** It runs elsewhere and announces itself. */
  readonly announced?: boolean;
  readonly repository: string;
  readonly branch: string;
  readonly applications: readonly ApplicationSettings[];
}

export interface ForgeSettings {
  readonly host: string;
  readonly tokenSecret: string;
  readonly ca?: string;
}

export interface BranchDeploySettings extends CommonSettings {
  readonly production: false;
  readonly argocd: {
    /** Absent where EKS knows it: with `capability`. */
    readonly url?: string;
    /** Absent where no token is used. */
    readonly tokenSecret?: string;
    readonly ca?: string;
    readonly through: 'server' | 'kubernetes';
    /** The name of the EKS capability. */
    readonly capability?: string;
    /** The cluster that the applications live in, where it is another one. */
    readonly hub?: { readonly cluster: string; readonly endpoint?: string; readonly ca?: string };
    /** `http://` is allowed, for an address of the loopback only. */
    readonly insecureLoopback?: boolean;
  };
  readonly builds: readonly BuildSettings[];
  readonly whenAsleep: 'defer' | 'wake';
  /** A deploy waits so long for manifests that name its image. */
  readonly imageMinutes: number;
  /** An application that is OutOfSync for so many minutes is reported; 0 for never. */
  readonly driftMinutes: number;
  /** Absent where no commit status is written. */
  readonly status?: {
    readonly github?: ForgeSettings & { readonly deployments?: boolean };
    readonly gitlab?: ForgeSettings;
    readonly bitbucket?: Pick<ForgeSettings, 'tokenSecret'>;
  };
  /** Absent where the environment has no schedule: it never sleeps. */
  readonly schedule?: Schedule;
  /** The cluster is awake before the schedule's time, to be ready by it. */
  readonly startsEarly?: boolean;
  /** When applications are Healthy after the night is stored for night-schedule. */
  readonly recordsHealthy?: boolean;
  /** Absent where notifications carry no links. */
  readonly links?: LinkLimits;
}

/** How long, and how often in a night, a signed link may keep the cluster up. */
export interface LinkLimits {
  readonly maxHours: number;
  readonly perNight: number;
}

/** Requests that the page answers at the same time; more are refused. A flood takes no concurrency from the other functions. */
export const PAGE_CONCURRENCY = 3;

/** The same of the doorbell: a browser that waits needs some milliseconds every ten seconds. */
export const DOORBELL_CONCURRENCY = 5;

/** The limits of the ConfigMap `keep-up`. */
export interface KeepUpSettings extends LinkLimits {
  readonly requireReason: boolean;
}

/** The sign-in in front of the page. */
export interface SignInSettings {
  /** ARN of the Application Load Balancer: it signs for nobody else. */
  readonly loadBalancer: string;
  readonly issuer: string;
  readonly clientId: string;
}

export interface SelfServiceSettings extends CommonSettings, LinkLimits {
  readonly production: false;
  readonly requireReason: boolean;
  readonly timeZone: string;
  readonly prices?: PricesConfig;
  /** Absent where whoever has the link may act. */
  readonly signIn?: SignInSettings;
}

export interface DoorbellSettings extends CommonSettings, LinkLimits {
  readonly production: false;
  readonly schedule: Schedule;
  /** A press keeps the cluster up so long. */
  readonly hours: number;
  readonly wakes: 'anyone' | 'link';
  readonly requireReason: boolean;
  /** Addresses. */
  readonly applications: readonly string[];
  /** A start that takes longer is not waited for. */
  readonly startDeadlineMinutes: number;
}

/** Every function of one environment. A capability that the environment does not have is absent. */
export interface EnvironmentSettings {
  readonly nightSchedule?: NightScheduleSettings;
  readonly spotDrain: SpotDrainSettings;
  readonly branchDeploy?: BranchDeploySettings;
  /** Absent in a dry run, which stops nothing that somebody could postpone. */
  readonly selfService?: SelfServiceSettings;
  /** Absent in a dry run as well. */
  readonly doorbell?: DoorbellSettings;
}
