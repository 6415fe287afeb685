/** Converts the config into the settings of each function: names are resolved, defaults are filled in. */

import type {
  ApplicationConfig,
  CalendarConfig,
  DeployConfig,
  DevelopmentEnvironmentConfig,
  DoorbellConfig,
  EnvironmentConfig,
  ForgeConfig,
  NightshiftConfig,
  NotifyConfig,
  ScheduleConfig,
  SelfServiceConfig,
  SignInConfig,
} from '#model/config.ts';
import { formatDate, parseDate } from '#model/date.ts';
import { hostsOf, parsePriorities } from '#model/doorbell.ts';
import { DAY_MS } from '#model/duration.ts';
import { didYouMean } from '#model/nearest.ts';
import { SEVERITIES } from '#model/notification.ts';
import { windowsOn } from '#model/occurrence.ts';
import { ownValue } from '#model/own-value.ts';
import { parseWindows } from '#model/parse-windows.ts';
import type { ExpandedCalendar, Schedule } from '#model/schedule.ts';
import type {
  ApplicationSettings,
  BranchDeploySettings,
  CommonSettings,
  DoorbellRules,
  DoorbellSettings,
  EnvironmentSettings,
  LinkLimits,
  NightScheduleSettings,
  NotifySettings,
  SelfServiceSettings,
  SignInSettings,
  SpotDrainSettings,
} from '#model/settings.ts';
import { ConfigError } from './config-error.ts';
import { expandedUntil, holidaysOf } from './holidays.ts';
import { SETTINGS_LIMIT_BYTES, settingsText } from './settings-text.ts';

/** A window that is open when the settings are computed can have started this many days ago. */
const PAST_DAYS = 8;
/** The longest acceptable drift of an application. */
export const DEFAULT_DRIFT_MINUTES = 60;
const DEFAULT_IMAGE_MINUTES = 15;
const DEFAULT_DOORBELL_HOURS = 2;

/**
 * The settings of the environment's functions, from a config that `loadConfig` has checked. Throws a `ConfigError` when
 * they do not fit into Lambda's environment variables.
 */
export function settingsOf(
  config: NightshiftConfig,
  environmentName: string,
  now: Date,
): EnvironmentSettings {
  const environment = Object.hasOwn(config.environments, environmentName)
    ? config.environments[environmentName]
    : undefined;
  if (!environment) {
    throw new ConfigError('the config', [
      {
        path: 'environments',
        value: JSON.stringify(environmentName),
        message: `no environment has this name: ${didYouMean(environmentName, Object.keys(config.environments))}`,
      },
    ]);
  }
  const timeZone = ownValue(config.schedules, environment.schedule ?? '')?.timeZone ?? 'UTC';
  const common = commonOf(environmentName, environment, timeZone);
  const spotDrain: SpotDrainSettings = {
    ...common,
    onRebalance: environment.drain?.onRebalance ?? 'cordon',
    uncordonAfterMinutes: environment.drain?.uncordonAfterMinutes ?? 30,
    force: environment.drain?.force ?? true,
    replaceEarly: environment.drain?.replaceEarly ?? false,
    onScheduledChange: environment.drain?.onScheduledChange ?? 'wait',
    lifecycleMinutes: environment.drain?.lifecycleMinutes ?? 60,
    ...(environment.drain?.hooks ? { hooks: environment.drain.hooks } : {}),
  };
  if (environment.production) return { spotDrain };

  const schedule = environment.schedule ? scheduleOf(config, environment.schedule, now) : undefined;
  const settings: EnvironmentSettings = {
    spotDrain,
    ...(schedule ? { nightSchedule: nightScheduleOf(common, environment, schedule) } : {}),
    ...(environment.deploy
      ? { branchDeploy: branchDeployOf(common, { ...environment, deploy: environment.deploy }, schedule) }
      : {}),
    ...(schedule && environment.selfService?.links && !common.dryRun
      ? { selfService: selfServiceOf(common, environment, environment.selfService, timeZone) }
      : {}),
    ...(schedule && environment.selfService?.links && environment.doorbell && !common.dryRun
      ? { doorbell: doorbellOf(common, environment, schedule) }
      : {}),
  };
  checkSize(environmentName, settings);
  return settings;
}

/** The schedule of that name, with parsed windows and an expanded calendar. */
export function scheduleOf(config: NightshiftConfig, name: string, now: Date): Schedule {
  const written = ownValue(config.schedules, name);
  if (!written) throw new RangeError(`no schedule "${name}": load the config with loadConfig first`);
  const weekly = weeklyOf(name, written);
  const calendar = written.calendar ? ownValue(config.calendars, written.calendar) : undefined;
  return written.calendar && calendar
    ? { ...weekly, calendar: expandCalendar(weekly, written.calendar, calendar, now) }
    : weekly;
}

function commonOf(environmentName: string, environment: EnvironmentConfig, timeZone: string): CommonSettings {
  return {
    environment: environmentName,
    production: environment.production ?? false,
    account: environment.account,
    region: environment.region,
    cluster: environment.cluster,
    dryRun: environment.dryRun ?? false,
    ...(environment.notify ? { notify: notifyOf(environment.notify, timeZone) } : {}),
    ...(environment.events === false ? { events: false } : {}),
  };
}

/** `08:30` → 510. The schema admits nothing else. */
function minuteOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return hours * 60 + minutes;
}

function notifyOf(notify: NotifyConfig, timeZone: string): NotifySettings {
  return { severities: SEVERITIES.filter((severity) => notify[severity] !== undefined), timeZone };
}

function nightScheduleOf(
  common: CommonSettings,
  environment: DevelopmentEnvironmentConfig,
  schedule: Schedule,
): NightScheduleSettings {
  return {
    ...common,
    production: false,
    schedule,
    nodegroups: environment.nodegroups ?? 'all',
    keep: environment.keep ?? [],
    ...(environment.fallbackGroup ? { fallbackGroup: environment.fallbackGroup } : {}),
    ...(environment.autoscaler ? { autoscaler: environment.autoscaler } : {}),
    ...(environment.suspendCronJobs ? { suspendCronJobs: environment.suspendCronJobs } : {}),
    ...(environment.warmPools ? { warmPools: environment.warmPools } : {}),
    onManualChange: environment.onManualChange ?? 'respect',
    stopDeadlineMinutes: environment.stopDeadlineMinutes ?? 20,
    startDeadlineMinutes: environment.startDeadlineMinutes ?? 20,
    warnMinutes: environment.warnMinutes ?? 30,
    ...(environment.morningReport ? { morningReport: minuteOf(environment.morningReport) } : {}),
    readyBy: readyPhaseOf(environment),
    ...(environment.readyBy === 'applications' ? { applications: applicationKeysOf(environment) } : {}),
    ...(environment.selfService?.links && !common.dryRun ? { links: limitsOf(environment.selfService) } : {}),
    ...(environment.selfService?.kubectl && !common.dryRun
      ? {
          keepUp: {
            ...limitsOf(environment.selfService),
            requireReason: environment.selfService.requireReason ?? false,
          },
        }
      : {}),
    ...(environment.stopLast ? { stopLast: environment.stopLast } : {}),
    ...(environment.doorbell?.rules && !common.dryRun ? { doorbell: rulesOf(environment.doorbell) } : {}),
    ...(environment.doorbell?.chat && common.notify && !common.dryRun
      ? { notify: { ...common.notify, buttons: true } }
      : {}),
  };
}

function selfServiceOf(
  common: CommonSettings,
  { prices }: DevelopmentEnvironmentConfig,
  selfService: SelfServiceConfig,
  timeZone: string,
): SelfServiceSettings {
  return {
    ...common,
    production: false,
    ...limitsOf(selfService),
    requireReason: selfService.requireReason ?? false,
    timeZone,
    ...(prices ? { prices } : {}),
    ...(selfService.signIn ? { signIn: signInOf(selfService.signIn) } : {}),
  };
}

function signInOf({ loadBalancer, issuer, clientId }: SignInConfig): SignInSettings {
  return { loadBalancer, issuer, clientId };
}

function limitsOf({ maxHours = 4, perNight = 3 }: SelfServiceConfig): LinkLimits {
  return { maxHours, perNight };
}

function doorbellOf(
  common: CommonSettings,
  { doorbell = {}, selfService = { links: true }, startDeadlineMinutes = 20 }: DevelopmentEnvironmentConfig,
  schedule: Schedule,
): DoorbellSettings {
  const limits = limitsOf(selfService);
  return {
    ...common,
    production: false,
    ...limits,
    schedule,
    hours: doorbell.hours ?? Math.min(DEFAULT_DOORBELL_HOURS, limits.maxHours),
    wakes: doorbell.wakes ?? 'anyone',
    requireReason: selfService.requireReason ?? false,
    applications: doorbell.applications ?? [],
    startDeadlineMinutes,
  };
}

function rulesOf({ applications = [], rules }: DoorbellConfig): DoorbellRules {
  const range = parsePriorities(rules?.priorities ?? '');
  if (!rules || !range) throw new RangeError('load the config with loadConfig first');
  return { listener: rules.listener, ...range, hosts: hostsOf(applications) };
}

/** `true` is short for the nodes. */
export function readyPhaseOf(environment: EnvironmentConfig): NightScheduleSettings['readyBy'] {
  if (environment.production || !environment.readyBy) return false;
  return environment.readyBy === true ? 'nodes' : environment.readyBy;
}

/** `<project>/<name>`, as branch-deploy names them. */
function applicationKeysOf({ deploy }: DevelopmentEnvironmentConfig): readonly string[] {
  const applications = deploy?.builds.flatMap((build) => build.applications) ?? [];
  const keys = applications.map((one) => applicationOf(one, undefined));
  return [...new Set(keys.map(({ project, name }) => `${project}/${name}`))];
}

function branchDeployOf(
  common: CommonSettings,
  { deploy, readyBy, selfService }: DevelopmentEnvironmentConfig & { readonly deploy: DeployConfig },
  schedule: Schedule | undefined,
): BranchDeploySettings {
  const { url, tokenSecret, ca, insecureLoopback, capability, cluster } = deploy.argocd;
  const through = deploy.argocd.through ?? (capability ? 'kubernetes' : 'server');
  return {
    ...common,
    production: false,
    argocd: {
      ...(url ? { url } : {}),
      ...(tokenSecret ? { tokenSecret } : {}),
      ...(ca ? { ca } : {}),
      through,
      ...(insecureLoopback ? { insecureLoopback } : {}),
      ...(capability ? { capability } : {}),
      ...(cluster ? { hub: hubOf(cluster) } : {}),
    },
    builds: deploy.builds.map(({ project, announced, repository, branch, applications }) => ({
      project,
      ...(announced ? { announced } : {}),
      repository,
      branch,
      // The managed Argo CD knows applications as `namespace/name` only.
      applications: applications.map((one) => applicationOf(one, capability ? 'argocd' : undefined)),
    })),
    whenAsleep: deploy.whenAsleep ?? 'defer',
    imageMinutes: deploy.imageMinutes ?? DEFAULT_IMAGE_MINUTES,
    driftMinutes: deploy.driftMinutes ?? DEFAULT_DRIFT_MINUTES,
    ...(deploy.status ? { status: statusOf(deploy.status) } : {}),
    ...(schedule ? { schedule } : {}),
    ...(schedule && readyBy ? { startsEarly: true } : {}),
    ...(schedule && readyBy === 'applications' ? { recordsHealthy: true } : {}),
    ...(schedule && selfService?.links && !common.dryRun ? { links: limitsOf(selfService) } : {}),
  };
}

function statusOf({
  github,
  gitlab,
  bitbucket,
}: NonNullable<DeployConfig['status']>): NonNullable<BranchDeploySettings['status']> {
  return {
    ...(github && {
      github: {
        ...forgeOf(github, 'github.com'),
        ...(github.deployments ? { deployments: true } : {}),
      },
    }),
    ...(gitlab && { gitlab: forgeOf(gitlab, 'gitlab.com') }),
    ...(bitbucket && { bitbucket: { tokenSecret: bitbucket.tokenSecret } }),
  };
}

function forgeOf({ tokenSecret, host, ca }: ForgeConfig & { readonly host?: string }, usual: string) {
  return { tokenSecret, host: host ?? usual, ...(ca ? { ca } : {}) };
}

function hubOf(cluster: NonNullable<DeployConfig['argocd']['cluster']>) {
  if (typeof cluster === 'string') return { cluster };
  return { cluster: cluster.name, endpoint: cluster.endpoint.replace(/\/+$/, ''), ca: cluster.ca };
}

function applicationOf(
  application: ApplicationConfig,
  usualNamespace: string | undefined,
): ApplicationSettings {
  const written = typeof application === 'string' ? { name: application } : application;
  const namespace = written.namespace ?? usualNamespace;
  return {
    name: written.name,
    project: written.project ?? 'default',
    ...(namespace ? { namespace } : {}),
    ...(written.prune === undefined ? {} : { prune: written.prune }),
    syncOptions: written.syncOptions ?? [],
    ...(written.url ? { url: written.url } : {}),
    ...(written.images ? { images: written.images } : {}),
    ...(written.bring && written.bring !== 'manifest' ? { bring: written.bring } : {}),
    ...(written.revision === 'built' ? { revision: written.revision } : {}),
  };
}

function weeklyOf(name: string, written: ScheduleConfig): Schedule {
  const up = written.up.flatMap((text) => {
    const parsed = parseWindows(text);
    if ('problem' in parsed) throw new RangeError(`${text}: ${parsed.problem}`);
    return parsed.windows;
  });
  return { name, timeZone: written.timeZone, up };
}

/** Contains only days on which a window starts: other days have no start to skip. */
function expandCalendar(
  weekly: Schedule,
  name: string,
  calendar: CalendarConfig,
  now: Date,
): ExpandedCalendar {
  const since = firstOfMonth(new Date(now.getTime() - PAST_DAYS * DAY_MS));
  const open = (calendar.open ?? []).flatMap(datesOf).filter((date) => date >= since);
  const openDates = new Set(open);
  const counts = (date: number) =>
    date >= since && !openDates.has(date) && windowsOn(weekly, date).length > 0;

  const names = new Map<number, string>();
  for (const date of (calendar.closed ?? []).flatMap(datesOf))
    if (counts(date)) names.set(date, `closed day of calendar ${name}`);
  const firstYear = new Date(since * DAY_MS).getUTCFullYear();
  const lastYear = Number(expandedUntil(now).slice(0, 4));
  const years = Array.from({ length: lastYear - firstYear + 1 }, (_, index) => firstYear + index);
  const holidays = calendar.holidays ? holidaysOf(calendar.holidays, years, calendar.holidayKinds) : [];
  for (const holiday of holidays) if (counts(holiday.date)) names.set(holiday.date, holiday.name);

  const dates = new Map<string, string[]>();
  for (const [date, closed] of [...names].sort(([a], [b]) => a - b)) {
    dates.set(closed, [...(dates.get(closed) ?? []), formatDate(date)]);
  }
  return {
    name,
    closed: [...dates].map(([closed, days]) => ({ date: days.join(' '), name: closed })),
    open: [...openDates].sort((a, b) => a - b).map(formatDate),
    ...(calendar.holidays ? { until: expandedUntil(now) } : {}),
  };
}

/** Past days are dropped by whole months, so that the same config gives the same template on most days. */
function firstOfMonth(date: Date): number {
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1) / DAY_MS;
}

/** `2026-12-29` or `2026-12-29/2027-01-03`, both ends included; checked when the config was loaded. */
function datesOf(text: string): number[] {
  const [first = '', last = first] = text.split('/');
  const from = parseDate(first);
  const to = parseDate(last);
  if (from === undefined || to === undefined) throw new RangeError(`${text} is not a date`);
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

function checkSize(environmentName: string, settings: EnvironmentSettings): void {
  for (const [capability, value] of Object.entries(settings)) {
    const bytes = Buffer.byteLength(settingsText(value));
    if (bytes <= SETTINGS_LIMIT_BYTES) continue;
    const longest = Object.entries(value as object)
      .map(([key, part]) => ({ key, bytes: Buffer.byteLength(JSON.stringify(part)) }))
      .sort((a, b) => b.bytes - a.bytes)[0];
    throw new ConfigError('the config', [
      {
        path: `environments.${environmentName}`,
        message:
          `the settings of ${capability} take ${bytes} bytes even when deflated, but Lambda allows ${SETTINGS_LIMIT_BYTES}: ` +
          `shorten ${longest?.key ?? 'them'}, the largest part, ${adviceFor(longest?.key)}`,
      },
    ]);
  }
}

function adviceFor(key: string | undefined): string {
  if (key === 'schedule') return 'with fewer closed and open days in its calendar';
  if (key === 'builds') return 'with fewer builds, or split them between two environments';
  if (key === 'argocd') return 'with a CA of one certificate';
  return 'with fewer or shorter names';
}
