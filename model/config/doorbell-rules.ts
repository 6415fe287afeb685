/** What the doorbell of an environment needs of the rest of its config. */

import type { DevelopmentEnvironmentConfig, DoorbellConfig, EnvironmentConfig } from '#model/config.ts';
import { hostsOf, parseListenerArn, parsePriorities } from '#model/doorbell.ts';
import type { ConfigProblem } from './problem.ts';

export function* wrongDoorbells({
  environments,
}: {
  readonly environments: ReadonlyMap<string, EnvironmentConfig>;
}): Iterable<ConfigProblem> {
  for (const [name, environment] of environments) {
    if (environment.production) continue;
    for (const { path, message, value } of [
      ...(environment.doorbell ? problemsOf(environment, environment.doorbell) : []),
      ...contradictingLast(environment),
    ])
      yield {
        path: `environments.${name}.${path}`,
        message,
        ...(value === undefined ? {} : { value: JSON.stringify(value) }),
      };
  }
}

interface Problem {
  readonly path: string;
  readonly message: string;
  readonly value?: unknown;
}

function* problemsOf(environment: DevelopmentEnvironmentConfig, doorbell: DoorbellConfig): Iterable<Problem> {
  const { selfService, notify } = environment;
  const { applications, rules, ingress, cloudFront, chat, hours } = doorbell;
  if (!selfService?.links) {
    yield {
      path: 'doorbell',
      message: 'its limits are those of selfService: add selfService: { links: true }, or remove this',
    };
    return;
  }
  if (selfService.signIn)
    yield {
      path: 'doorbell',
      message: 'its page asks nobody to sign in, and selfService.signIn asks everybody: remove one of them',
    };
  if (!rules && !ingress && !cloudFront && !chat)
    yield { path: 'doorbell', message: 'nothing leads to it: add rules, ingress, cloudFront or chat' };
  if ((rules || ingress || cloudFront) && !applications)
    yield {
      path: 'doorbell.applications',
      message: "the page must know where to go: write their addresses, ['https://shop.develop.example.com/']",
    };
  const { maxHours = 4 } = selfService;
  if (hours !== undefined && hours > maxHours)
    yield {
      path: 'doorbell.hours',
      value: hours,
      message: `selfService.maxHours is ${maxHours}: write at most that, or raise it`,
    };
  if (rules && ingress)
    yield {
      path: 'doorbell.ingress',
      message:
        'a target group belongs to one load balancer: keep rules for a listener that nobody reconciles, or ingress for one of the controller',
    };
  if (rules) yield* wrongRules(environment, rules, applications ?? []);
  if (ingress && hostsOf(applications ?? []).includes(ingress.host))
    yield {
      path: 'doorbell.ingress.host',
      value: ingress.host,
      message:
        'it is the host of an application, whose own rules come first: write another one, like "wake.…"',
    };
  if (chat && !chat.slack && !chat.teams)
    yield { path: 'doorbell.chat', message: 'there is no channel: add slack or teams, or remove this' };
  if (chat && notify?.warning === undefined)
    yield {
      path: 'doorbell.chat',
      message: 'the button is under the warning of a stop: add notify: { warning: [] }, or remove this',
    };
  if (chat && selfService.requireReason)
    yield {
      path: 'doorbell.chat',
      message: 'a button has no reason, and selfService.requireReason wants one: remove one of them',
    };
}

function* wrongRules(
  { region, account }: DevelopmentEnvironmentConfig,
  { listener, priorities }: NonNullable<DoorbellConfig['rules']>,
  applications: readonly string[],
): Iterable<Problem> {
  const place = parseListenerArn(listener);
  const different =
    place?.region !== region ? 'region' : place.account !== account ? ('account' as const) : undefined;
  if (place && different)
    yield {
      path: 'doorbell.rules.listener',
      value: listener,
      message: `it is of the ${different} ${place[different]}, and the environment of ${different === 'region' ? region : account}: a target group is only used by load balancers of its own account and region`,
    };
  const range = parsePriorities(priorities);
  const hosts = hostsOf(applications).length;
  if (range && range.to - range.from + 1 < hosts)
    yield {
      path: 'doorbell.rules.priorities',
      value: priorities,
      message: `the applications have ${hosts} hosts, each of which needs a rule: write a wider range`,
    };
}

/** A group that is kept is not stopped at all. */
function* contradictingLast({ stopLast = [], keep = [] }: DevelopmentEnvironmentConfig): Iterable<Problem> {
  for (const group of stopLast)
    if (keep.includes(group))
      yield {
        path: 'stopLast',
        value: group,
        message: 'it is in keep, so it is never stopped: remove it from one',
      };
}
