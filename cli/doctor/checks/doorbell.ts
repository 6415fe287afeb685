/** Can the doorbell's rules be put on the listener, and is none left there while the cluster is up? */
import { freePriorities, shadowedBy } from '#functions/night-schedule/decide-doorbell.ts';
import { hostsOf, parsePriorities } from '#model/doorbell.ts';
import { type EnvironmentFacts, groupsOf, isLive, type ListenerFacts } from '../facts.ts';
import { type Check, type CheckResult, whenObserved } from '../finding.ts';
import { matches } from '../label-selector.ts';

const CONTROLLER = 'aws-load-balancer-controller';

export const doorbell: Check = {
  name: 'doorbell',
  why: 'without its rules people get an error instead of the page; a rule that is left hides an application that is up',
  evaluate(facts) {
    const { environment, listener } = facts;
    if (environment.production || !environment.doorbell || !facts.settings.doorbell) return [];
    return [
      ...(listener ? whenObserved([listener], (found) => [listenerResult(facts, found)]) : []),
      ...controllerResults(facts),
    ];
  },
};

function listenerResult(facts: EnvironmentFacts, { rules, controllerTag }: ListenerFacts): CheckResult {
  const { environment, name, night } = facts;
  const config = environment.production ? undefined : environment.doorbell;
  const range = parsePriorities(config?.rules?.priorities ?? '') ?? { from: 1, to: 1 };
  const hosts = hostsOf(config?.applications ?? []);
  const at = `environments.${name}.doorbell`;
  if (rules === 'gone')
    return {
      severity: 'failure',
      found: 'the listener of the config does not exist',
      advice: `correct ${at}.rules.listener`,
    };
  if (controllerTag)
    return {
      severity: 'failure',
      found: `the listener has the tag ${controllerTag}: its controller deletes the rules of others`,
      advice: `set ${at}.ingress instead of rules`,
    };
  for (const host of hosts) {
    const priority = shadowedBy(rules, host, range);
    if (priority !== undefined)
      return {
        severity: 'failure',
        found: `the rule of priority ${priority} takes the requests of ${host} before the doorbell`,
        advice: `choose priorities below ${priority} in ${at}.rules.priorities`,
      };
  }
  const ours = rules.filter(
    ({ priority = 0, targetGroups, hosts: patterns }) =>
      priority >= range.from &&
      priority <= range.to &&
      patterns.some((one) => hosts.includes(one)) &&
      targetGroups.some((arn) => arn.includes(':targetgroup/nightshift-')),
  );
  const phase = 'value' in night ? night.value.state?.phase : undefined;
  if (ours.length > 0 && phase === 'awake')
    return {
      severity: 'warning',
      found: `${ours.length} rules of the doorbell are there although the cluster is up: it waits for healthy targets, ten minutes at most`,
      advice: 'if they stay longer: docs/runbook.md, "The page stays although the cluster is up"',
    };
  const free = freePriorities(rules, range).length + ours.length;
  if (free < hosts.length)
    return {
      severity: 'failure',
      found: `${free} priorities of ${range.from}-${range.to} are free, and ${hosts.length} hosts need one each`,
      advice: `choose another range in ${at}.rules.priorities`,
    };
  return {
    severity: 'ok',
    found: `its ${hosts.length} rules fit into the priorities ${range.from}-${range.to}`,
  };
}

/** Targets are deregistered only while the controller runs: a group of old addresses answers 502 and 504. */
function controllerResults(facts: EnvironmentFacts): readonly CheckResult[] {
  const { environment, kubernetes } = facts;
  if (environment.production) return [];
  const { autoscaler, stopLast = [] } = environment;
  const last = [...stopLast, ...(autoscaler && 'hostGroup' in autoscaler ? [autoscaler.hostGroup] : [])];
  return whenObserved(
    [kubernetes.deployments, kubernetes.pods, kubernetes.nodes, facts.groups],
    (deployments, pods, nodes, groups) => {
      const found = deployments.find(({ metadata }) => metadata?.name === CONTROLLER);
      if (!found) return [];
      const own = pods.filter(
        (pod) =>
          pod.metadata?.namespace === found.metadata?.namespace &&
          isLive(pod) &&
          matches(found.spec?.selector, pod.metadata?.labels ?? {}),
      );
      const runsOn = [...groupsOf(own, nodes, groups)].filter((name) => name !== undefined);
      const early = runsOn.filter((name) => !last.includes(name) && !(environment.keep ?? []).includes(name));
      const target = `${found.metadata?.namespace}/${CONTROLLER}`;
      return early.length === 0
        ? [{ severity: 'ok', target, found: 'it is stopped last, or not at all' }]
        : [
            {
              severity: 'warning',
              target,
              found: `it runs on ${early.join(', ')}, which stops with the others: targets stay registered, and a sleeping application answers 502 or 504`,
              advice: `set environments.${facts.name}.stopLast: [${early.map((name) => `'${name}'`).join(', ')}]`,
            },
          ];
    },
  );
}
