/** Converts the config into the settings of each function: names are resolved, defaults are filled in. */
import type { EnvironmentConfig, NightshiftConfig, NotifyConfig } from '#model/config.ts';
import { didYouMean } from '#model/nearest.ts';
import { SEVERITIES } from '#model/notification.ts';
import { ownValue } from '#model/own-value.ts';
import type {
  CommonSettings,
  EnvironmentSettings,
  NotifySettings,
  SpotDrainSettings,
} from '#model/settings.ts';
import { ConfigError } from '../config-error.ts';
import { branchDeployOf } from './branch-deploy.ts';
import { nightScheduleOf } from './night-schedule.ts';
import { scheduleOf } from './schedule.ts';
import { doorbellOf, selfServiceOf } from './self-service.ts';
import { checkSize } from './size.ts';

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

function notifyOf(notify: NotifyConfig, timeZone: string): NotifySettings {
  return { severities: SEVERITIES.filter((severity) => notify[severity] !== undefined), timeZone };
}
