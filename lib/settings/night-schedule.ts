/** The settings of night-schedule. */
import type { DevelopmentEnvironmentConfig, EnvironmentConfig } from '#model/config.ts';
import type { Schedule } from '#model/schedule.ts';
import type { CommonSettings, NightScheduleSettings } from '#model/settings.ts';
import { applicationOf } from './branch-deploy.ts';
import { limitsOf, rulesOf } from './self-service.ts';

export function nightScheduleOf(
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

/** `08:30` → 510. The schema admits nothing else. */
function minuteOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return hours * 60 + minutes;
}
