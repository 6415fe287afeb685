/** Which rules of the doorbell are to be created or removed. Pure. */
import type { DoorbellRules } from '#model/settings.ts';
import type { ListenerRule } from './ports.ts';

/** Rules in the range that forward to our target group: nobody else's are touched, whatever their priority. */
export function ourRules(
  rules: readonly ListenerRule[],
  { from, to }: Pick<DoorbellRules, 'from' | 'to'>,
  targetGroup: string,
): readonly ListenerRule[] {
  return rules.filter(
    ({ priority, targetGroups }) =>
      priority !== undefined && priority >= from && priority <= to && targetGroups.includes(targetGroup),
  );
}

/** The hosts without a rule of ours. */
export function missingHosts(hosts: readonly string[], ours: readonly ListenerRule[]): readonly string[] {
  return hosts.filter((host) => !ours.some((rule) => rule.hosts.includes(host)));
}

/** The priorities of the range that nobody uses, the lowest first. */
export function freePriorities(
  rules: readonly ListenerRule[],
  { from, to }: Pick<DoorbellRules, 'from' | 'to'>,
): readonly number[] {
  const used = new Set(rules.map(({ priority }) => priority));
  return Array.from({ length: to - from + 1 }, (_, index) => from + index).filter(
    (priority) => !used.has(priority),
  );
}

/**
 * The priority of a rule of the application that comes before every free one of the range: the load balancer would never
 * reach a rule of ours. Undefined where there is none.
 */
export function shadowedBy(
  rules: readonly ListenerRule[],
  host: string,
  { from }: Pick<DoorbellRules, 'from'>,
): number | undefined {
  return rules.find(
    ({ priority, hosts }) =>
      priority !== undefined && priority < from && hosts.some((one) => matches(one, host)),
  )?.priority;
}

/** The target groups that get the requests of a host without the doorbell. */
export function targetGroupsOf(
  rules: readonly ListenerRule[],
  host: string,
  doorbell: string,
): readonly string[] {
  const others = rules.filter(({ targetGroups }) => !targetGroups.includes(doorbell));
  const named = others.filter(({ hosts }) => hosts.some((one) => matches(one, host)));
  const found = named.length > 0 ? named : others.filter(({ hosts }) => hosts.length === 0);
  return [...new Set(found.flatMap(({ targetGroups }) => targetGroups))];
}

/** As Elastic Load Balancing compares hosts: without case, `*` for any text and `?` for one character. */
function matches(pattern: string, host: string): boolean {
  const source = pattern
    .replace(/[\\^$.+()[\]{}|]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 'i').test(host);
}
