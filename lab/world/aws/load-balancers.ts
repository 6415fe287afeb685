/** Application Load Balancers: listeners with their rules, target groups, and where a request goes by them. */
import { AwsError } from './error.ts';
import type { Scope } from './model.ts';
import type { State } from './state.ts';

export interface TargetHealth {
  readonly id: string;
  readonly state: 'healthy' | 'unhealthy' | 'initial' | 'draining' | 'unused' | 'unavailable';
  readonly reason?: string;
}

export type TargetGroupOptions = Scope & {
  readonly name: string;
  /** Default: made up. */
  readonly arn?: string;
} & (
    | { readonly type: 'lambda'; readonly functionArn: string; readonly isPermitted: boolean }
    | { readonly type: 'instance' | 'ip'; readonly health: () => readonly TargetHealth[] }
  );

export type TargetGroup = TargetGroupOptions & { readonly arn: string };

export interface Condition {
  readonly field: string;
  readonly values: readonly string[];
}

export interface Rule {
  readonly arn: string;
  readonly priority: number | 'default';
  readonly conditions: readonly Condition[];
  /** ARNs. Empty: a fixed reply 404. */
  readonly targetGroups: readonly string[];
}

export interface Listener {
  readonly arn: string;
  readonly loadBalancer: string;
  readonly tags: Map<string, string>;
  readonly rules: Map<string, Rule>;
}

export interface LoadBalancer {
  readonly arn: string;
  readonly name: string;
  readonly type: 'application' | 'network' | 'gateway';
  /** Absent where the lab was not given one. */
  readonly vpc?: string | undefined;
  readonly tags: ReadonlyMap<string, string>;
}

export interface LoadBalancers {
  /** Its ARN. */
  addLoadBalancer(
    options: Scope & {
      readonly name: string;
      readonly tags?: Readonly<Record<string, string>>;
      /** Default `application`. */
      readonly type?: LoadBalancer['type'];
      readonly vpc?: string;
      /** Default: made up. */
      readonly arn?: string;
    },
  ): string;
  /** Its ARN. */
  addListener(
    loadBalancer: string,
    options?: {
      readonly tags?: Readonly<Record<string, string>>;
      readonly targetGroup?: string;
      /** Default: made up. */
      readonly arn?: string;
    },
  ): string;
  addTargetGroup(options: TargetGroupOptions): TargetGroup;
  removeListener(arn: string): void;
  list(scope: Scope): readonly LoadBalancer[];
  /** In the order in which they are evaluated, the default one last. */
  rules(scope: Scope, listener: string): readonly Rule[];
  createRule(
    scope: Scope,
    listener: string,
    rule: {
      readonly priority: number;
      readonly conditions: readonly Condition[];
      readonly targetGroups: readonly string[];
    },
  ): Rule;
  deleteRule(scope: Scope, arn: string): void;
  tags(scope: Scope, arn: string): ReadonlyMap<string, string>;
  targetGroup(scope: Scope, arn: string): TargetGroup;
  /** The rule that takes a request; undefined where there is no such listener. */
  route(listener: string, request: { readonly host: string; readonly path: string }): Rule | undefined;
}

const PATHS: Readonly<Record<LoadBalancer['type'], string>> = {
  application: 'app',
  network: 'net',
  gateway: 'gwy',
};
const HIGHEST_PRIORITY = 50_000;
/** Without the default ones. */
const RULES_OF_A_LOAD_BALANCER = 100;

export function createLoadBalancers(state: State): LoadBalancers {
  const balancers = new Map<string, LoadBalancer>();
  const listeners = new Map<string, Listener>();
  const groups = new Map<string, TargetGroup>();
  const hex = () => state.context.hex(16);
  const base = ({ account, region }: Scope) => `arn:aws:elasticloadbalancing:${region}:${account}`;
  const isIn = (scope: Scope, arn: string) => arn.startsWith(`${base(scope)}:`);
  const listenerOf = (scope: Scope, arn: string) => {
    const listener = isIn(scope, arn) ? listeners.get(arn) : undefined;
    if (!listener) throw new AwsError('ListenerNotFound', 'One or more listeners not found');
    return listener;
  };
  const groupOf = (scope: Scope, arn: string) => {
    const group = isIn(scope, arn) ? groups.get(arn) : undefined;
    if (!group) throw new AwsError('TargetGroupNotFound', 'One or more target groups not found');
    return group;
  };
  const rulesOf = (loadBalancer: string) =>
    [...listeners.values()]
      .filter((one) => one.loadBalancer === loadBalancer)
      .flatMap((one) => [...one.rules.values()]);

  return {
    addLoadBalancer({ name, tags = {}, type = 'application', vpc, arn: given, ...scope }) {
      const arn = given ?? `${base(scope)}:loadbalancer/${PATHS[type]}/${name}/${hex()}`;
      balancers.set(arn, { arn, name, type, vpc, tags: new Map(Object.entries(tags)) });
      return arn;
    },
    addListener(loadBalancer, { tags = {}, targetGroup, arn: given } = {}) {
      const arn = given ?? `${loadBalancer.replace(':loadbalancer/', ':listener/')}/${hex()}`;
      const rule: Rule = {
        arn: `${arn.replace(':listener/', ':listener-rule/')}/${hex()}`,
        priority: 'default',
        conditions: [],
        targetGroups: targetGroup ? [targetGroup] : [],
      };
      listeners.set(arn, {
        arn,
        loadBalancer,
        tags: new Map(Object.entries(tags)),
        rules: new Map([[rule.arn, rule]]),
      });
      return arn;
    },
    addTargetGroup(options) {
      if (options.type === 'lambda' && !options.isPermitted)
        throw new AwsError(
          'AccessDenied',
          `elasticloadbalancing principal does not have permission to invoke ${options.functionArn} from target group ${options.name}`,
          { status: 403 },
        );
      const group: TargetGroup = {
        ...options,
        arn: options.arn ?? `${base(options)}:targetgroup/${options.name}/${hex()}`,
      };
      groups.set(group.arn, group);
      return group;
    },
    removeListener: (arn) => void listeners.delete(arn),
    list: (scope) => [...balancers.values()].filter(({ arn }) => isIn(scope, arn)),
    rules: (scope, arn) => sorted(listenerOf(scope, arn)),
    createRule(scope, arn, { priority, conditions, targetGroups }) {
      const listener = listenerOf(scope, arn);
      if (!Number.isInteger(priority) || priority < 1 || priority > HIGHEST_PRIORITY)
        throw new AwsError(
          'ValidationError',
          `1 validation error detected: Value '${priority}' at 'priority' failed to satisfy constraint: Member must have value less than or equal to ${HIGHEST_PRIORITY}`,
        );
      if (conditions.length === 0 || conditions.some(({ values }) => values.length === 0))
        throw new AwsError('ValidationError', 'A condition value must be specified');
      for (const { field, values } of conditions)
        if (field === 'host-header' && values.some((value) => !/^[\w.*?-]{1,128}$/.test(value)))
          throw new AwsError('ValidationError', `The value '${values.join(',')}' is not a valid host`);
      for (const group of targetGroups) groupOf(scope, group);
      if ([...listener.rules.values()].some((rule) => rule.priority === priority))
        throw new AwsError('PriorityInUse', `Priority '${priority}' is currently in use`);
      const others = rulesOf(listener.loadBalancer).filter((rule) => rule.priority !== 'default');
      if (others.length >= RULES_OF_A_LOAD_BALANCER)
        throw new AwsError('TooManyRules', 'The maximum number of rules has been reached');
      for (const one of listeners.values())
        if (one.loadBalancer !== listener.loadBalancer)
          for (const rule of one.rules.values())
            if (rule.targetGroups.some((group) => targetGroups.includes(group)))
              throw new AwsError(
                'TargetGroupAssociationLimit',
                `The following target groups cannot be associated with more than one load balancer: ${targetGroups.join(', ')}`,
              );
      const rule: Rule = {
        arn: `${arn.replace(':listener/', ':listener-rule/')}/${hex()}`,
        priority,
        conditions,
        targetGroups,
      };
      listener.rules.set(rule.arn, rule);
      state.changed();
      return rule;
    },
    deleteRule(scope, arn) {
      const listener = [...listeners.values()].find(({ rules }) => rules.has(arn));
      const rule = isIn(scope, arn) ? listener?.rules.get(arn) : undefined;
      if (!listener || !rule) throw new AwsError('RuleNotFound', 'One or more rules not found');
      if (rule.priority === 'default')
        throw new AwsError('OperationNotPermitted', `Default rule '${arn}' cannot be deleted`);
      listener.rules.delete(arn);
      state.changed();
    },
    tags(scope, arn) {
      if (!isIn(scope, arn))
        throw new AwsError('LoadBalancerNotFound', 'One or more load balancers not found');
      const found = balancers.get(arn)?.tags ?? listeners.get(arn)?.tags;
      if (found) return found;
      const code = arn.includes(':listener/') ? 'ListenerNotFound' : 'LoadBalancerNotFound';
      throw new AwsError(code, 'One or more resources not found');
    },
    targetGroup: groupOf,
    route(arn, request) {
      const listener = listeners.get(arn);
      return listener && sorted(listener).find((rule) => rule.conditions.every((one) => holds(one, request)));
    },
  };
}

function sorted({ rules }: Listener): readonly Rule[] {
  const rank = ({ priority }: Rule) => (priority === 'default' ? Number.POSITIVE_INFINITY : priority);
  return [...rules.values()].sort((a, b) => rank(a) - rank(b));
}

function holds(
  { field, values }: Condition,
  { host, path }: { readonly host: string; readonly path: string },
): boolean {
  if (field === 'host-header') return values.some((value) => like(value, host, 'i'));
  if (field === 'path-pattern') return values.some((value) => like(value, path, ''));
  throw new AwsError('ValidationError', `the lab does not know the condition ${field}`);
}

function like(pattern: string, text: string, flags: string): boolean {
  const source = pattern
    .replace(/[\\^$.+()[\]{}|]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, flags).test(text);
}
