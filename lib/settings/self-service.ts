/** The settings of the self-service page and of the doorbell. */
import type {
  DevelopmentEnvironmentConfig,
  DoorbellConfig,
  SelfServiceConfig,
  SignInConfig,
} from '#model/config.ts';
import { hostsOf, parsePriorities } from '#model/doorbell.ts';
import type { Schedule } from '#model/schedule.ts';
import type {
  CommonSettings,
  DoorbellRules,
  DoorbellSettings,
  LinkLimits,
  SelfServiceSettings,
  SignInSettings,
} from '#model/settings.ts';

const DEFAULT_DOORBELL_HOURS = 2;

export function selfServiceOf(
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

export function doorbellOf(
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

export function rulesOf({ applications = [], rules }: DoorbellConfig): DoorbellRules {
  const range = parsePriorities(rules?.priorities ?? '');
  if (!rules || !range) throw new RangeError('load the config with loadConfig first');
  return { listener: rules.listener, ...range, hosts: hostsOf(applications) };
}

export function limitsOf({ maxHours = 4, perNight = 3 }: SelfServiceConfig): LinkLimits {
  return { maxHours, perNight };
}
