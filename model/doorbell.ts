/** The doorbell of a sleeping cluster: its addresses, its listener, and the night that a press is for. Pure. */
import { desiredAt } from './desired.ts';
import { stopOfNight } from './keep-up-night.ts';
import type { Schedule } from './schedule.ts';

/** The key of a notification by which Amazon Q Developer knows that a button of ours belongs to it. */
export const BUTTON_KEY = 'nightshift';
/** The key that holds the stop which was announced. */
export const STOP_KEY = 'nightshiftStop';
/** The header in which CloudFront names the application whose origin failed: its address. */
export const APPLICATION_HEADER = 'x-nightshift-application';

export interface ListenerArn {
  readonly region: string;
  readonly account: string;
  /** ARN of its load balancer. */
  readonly loadBalancer: string;
  /** The ARN of every rule of it begins with this. */
  readonly rulePrefix: string;
}

/** Undefined for what is no listener of an Application Load Balancer. */
export function parseListenerArn(arn: string): ListenerArn | undefined {
  const [, base, region, account, path] =
    /^(arn:[\w-]+:elasticloadbalancing:([a-z0-9-]+):(\d{12})):listener\/(app\/[\w-]{1,32}\/[0-9a-f]+)\/[0-9a-f]+$/.exec(
      arn,
    ) ?? [];
  if (!base || !region || !account || !path) return undefined;
  return {
    region,
    account,
    loadBalancer: `${base}:loadbalancer/${path}`,
    rulePrefix: `${arn.replace(':listener/', ':listener-rule/')}/`,
  };
}

/** The region of the ARN of a target group; undefined for anything else. */
export function regionOfTargetGroup(arn: string): string | undefined {
  return /^arn:[\w-]+:elasticloadbalancing:([a-z0-9-]+):\d{12}:targetgroup\/[\w-]+\/[0-9a-f]+$/.exec(
    arn,
  )?.[1];
}

const HIGHEST_PRIORITY = 50_000;
/** The quota of rules of a load balancer. */
const LONGEST_RANGE = 100;

/** `1-20`, both ends included. */
export function parsePriorities(text: string): { readonly from: number; readonly to: number } | undefined {
  const [, first, last] = /^([1-9]\d{0,4})-([1-9]\d{0,4})$/.exec(text) ?? [];
  const from = Number(first);
  const to = Number(last);
  return from <= to && to <= HIGHEST_PRIORITY && to - from < LONGEST_RANGE ? { from, to } : undefined;
}

const LABEL = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?';
const HOST_NAME = new RegExp(`^(${LABEL}\\.)+${LABEL}$`);

export function isHostName(text: string): boolean {
  return text.length <= 128 && HOST_NAME.test(text);
}

/** `https://host/path`, with a host that a rule can name and nothing that only one request may have. */
export function isApplicationUrl(text: string): boolean {
  const [, host = ''] = /^https:\/\/([^/?#@:\s]+)(:\d{1,5})?(\/[^\s?#]*)?$/.exec(text) ?? [];
  return isHostName(host) && URL.canParse(text);
}

/** The hosts of the applications, each once. */
export function hostsOf(applications: readonly string[]): readonly string[] {
  return [...new Set(applications.map((url) => new URL(url).hostname))];
}

export interface Night {
  readonly stop: Date;
  /** The next start by the schedule; absent where none is within 62 days. */
  readonly end?: Date;
}

/** The night that lasts, or the one that comes, by schedule and calendar alone. */
export function nightAt(schedule: Schedule, now: Date): Night | undefined {
  const stop = stopOfNight(schedule, now);
  if (!stop) return undefined;
  const { until: end } = desiredAt(schedule, stop > now ? stop : now, []);
  return { stop, ...(end ? { end } : {}) };
}
