/** Rules and schedules of a template, and whether they may call what they name. */
import type { Stack } from './assembly.ts';
import { AssemblyError } from './errors.ts';
import { compileExpression } from './expressions.ts';
import type { FunctionSpec } from './function-runner.ts';
import { isObject, type Json, type JsonObject } from './intrinsics.ts';
import { compilePattern, type Matcher } from './pattern.ts';
import type { RoleSpec } from './roles.ts';
import type { Resource } from './stack-scope.ts';
import type { StateMachineSpec } from './state-machines.ts';

export interface ScheduleSpec {
  readonly name: string;
  readonly arn: string;
  readonly expression: string;
  readonly timeZone: string;
  readonly enabled: boolean;
  readonly target: TargetSpec;
}

export interface RuleSpec {
  readonly name: string;
  readonly arn: string;
  readonly account: string;
  readonly region: string;
  readonly enabled: boolean;
  readonly matches?: Matcher;
  readonly expression?: string;
  readonly targets: readonly TargetSpec[];
}

export interface TargetSpec {
  /** Of a function, or of a state machine. */
  readonly arn: string;
  /** Whom EventBridge calls as. */
  readonly roleArn?: string;
  /** A constant that is sent instead of the event. */
  readonly input?: string;
  /** Sent instead of the event, which stands in it as `<aws.events.event.json>`. */
  readonly inputTemplate?: string;
  /** What stands in the template as `<name>`: a field of the event's envelope, by name. */
  readonly inputPaths?: Readonly<Record<string, EnvelopeField>>;
  readonly deadLetterArn?: string;
}

export function readRule(stack: Stack, resource: Resource, name: string, arn: string): RuleSpec {
  const { properties } = resource;
  const bus = properties['EventBusName'];
  if (bus !== undefined && bus !== 'default') {
    throw new AssemblyError(
      `the rule ${name} is on the event bus '${bus}': the lab has the default bus only`,
    );
  }
  const pattern = properties['EventPattern'];
  const expression = properties['ScheduleExpression'];
  if ((pattern === undefined) === (expression === undefined)) {
    throw new AssemblyError(`the rule ${name} needs either an EventPattern or a ScheduleExpression`);
  }
  const targets = Array.isArray(properties['Targets']) ? properties['Targets'] : [];
  if (typeof expression === 'string') compileExpression(expression, { timeZone: 'UTC', from: 0 });
  return {
    name,
    arn,
    account: stack.account,
    region: stack.region,
    enabled: (properties['State'] ?? 'ENABLED') === 'ENABLED',
    ...(pattern === undefined ? {} : { matches: compilePattern(pattern) }),
    ...(expression === undefined ? {} : { expression: String(expression) }),
    targets: targets.filter(isObject).map((target) => readTarget(`the rule ${name}`, target)),
  };
}

export function readSchedule(resource: Resource, name: string, arn: string): ScheduleSpec {
  const { properties } = resource;
  const window = properties['FlexibleTimeWindow'];
  if (!isObject(window) || window['Mode'] !== 'OFF') {
    throw new AssemblyError(`the schedule ${name} has a flexible time window: the lab supports OFF only`);
  }
  for (const unsupported of ['StartDate', 'EndDate']) {
    if (properties[unsupported] !== undefined) {
      throw new AssemblyError(`the schedule ${name} has a ${unsupported}, which the lab does not support`);
    }
  }
  const expression = String(properties['ScheduleExpression']);
  const timeZone = String(properties['ScheduleExpressionTimezone'] ?? 'UTC');
  compileExpression(expression, { timeZone, from: 0 });
  const target = properties['Target'];
  if (!isObject(target)) throw new AssemblyError(`the schedule ${name} has no target`);
  return {
    name,
    arn:
      typeof properties['GroupName'] === 'string'
        ? arn.replace('/default/', `/${properties['GroupName']}/`)
        : arn,
    expression,
    timeZone,
    enabled: (properties['State'] ?? 'ENABLED') === 'ENABLED',
    target: readTarget(`the schedule ${name}`, target),
  };
}

function readTarget(where: string, target: JsonObject): TargetSpec {
  const known = new Set([
    'Id',
    'Arn',
    'RoleArn',
    'Input',
    'InputTransformer',
    'RetryPolicy',
    'DeadLetterConfig',
  ]);
  const unknown = Object.keys(target).find((key) => !known.has(key));
  if (unknown)
    throw new AssemblyError(`${where} has a target with ${unknown}, which the lab does not support`);
  const letters = isObject(target['DeadLetterConfig']) ? target['DeadLetterConfig']['Arn'] : undefined;
  return {
    arn: String(target['Arn']),
    ...(target['RoleArn'] === undefined ? {} : { roleArn: String(target['RoleArn']) }),
    ...(target['Input'] === undefined ? {} : { input: String(target['Input']) }),
    ...(target['InputTransformer'] === undefined ? {} : readTransformer(where, target['InputTransformer'])),
    ...(typeof letters === 'string' ? { deadLetterArn: letters } : {}),
  };
}

/** EventBridge puts the whole event in for it, as JSON. */
export const WHOLE_EVENT = '<aws.events.event.json>';

/** Every event has them, so that a variable is never without a value. */
const ENVELOPE = ['id', 'time', 'source', 'account', 'region', 'detail-type'] as const;
export type EnvelopeField = (typeof ENVELOPE)[number];

function readTransformer(
  where: string,
  transformer: Json,
): Required<Pick<TargetSpec, 'inputTemplate' | 'inputPaths'>> {
  const template = isObject(transformer) ? transformer['InputTemplate'] : undefined;
  const paths = isObject(transformer) ? (transformer['InputPathsMap'] ?? {}) : {};
  if (typeof template !== 'string' || !isObject(paths))
    throw new AssemblyError(`${where} has an input transformer without a template`);
  const inputPaths: Record<string, EnvelopeField> = {};
  for (const [name, path] of Object.entries(paths)) {
    const field = ENVELOPE.find((one) => path === `$.${one}`);
    if (!field)
      throw new AssemblyError(
        `${where} has an input transformer with the path ${JSON.stringify(path)}: the lab puts in ${WHOLE_EVENT} and fields of the envelope only`,
      );
    inputPaths[name] = field;
  }
  // A variable within quotes is put in without its own.
  const filled = filledTemplate({ inputTemplate: template, inputPaths }, () => '{}');
  try {
    if (!filled.includes('<') && !/"[^":,]*\{\}[^":,]*"/.test(filled) && isObject(JSON.parse(filled)))
      return { inputTemplate: template, inputPaths };
  } catch {}
  throw new AssemblyError(`${where} has the input template ${template}, which is no JSON object`);
}

/** `value` gives the JSON of a field, or of the whole event. */
export function filledTemplate(
  { inputTemplate, inputPaths }: Required<Pick<TargetSpec, 'inputTemplate' | 'inputPaths'>>,
  value: (field: EnvelopeField | undefined) => string,
): string {
  const whole = inputTemplate.replaceAll(WHOLE_EVENT, () => value(undefined));
  return Object.entries(inputPaths).reduce(
    (text, [name, field]) => text.replaceAll(`<${name}>`, () => value(field)),
    whole,
  );
}

/** A rule or schedule that may not invoke its function does nothing in AWS, so it is an error here. */
export function checkTargets(
  stack: Stack,
  known: {
    functions: readonly FunctionSpec[];
    machines: readonly StateMachineSpec[];
    rules: readonly RuleSpec[];
    schedules: readonly ScheduleSpec[];
    roles: readonly RoleSpec[];
    resources: readonly Resource[];
  },
): void {
  const arns = new Set(known.functions.map((spec) => spec.arn));
  const permissions = known.resources.filter((resource) => resource.type === 'AWS::Lambda::Permission');
  for (const rule of known.rules) {
    for (const { arn: functionArn, roleArn } of rule.targets) {
      if (known.machines.some(({ arn }) => arn === functionArn)) {
        if (!mayStart(known.roles, roleArn, functionArn))
          throw new AssemblyError(
            `the rule ${rule.name} of ${stack.name} may not start ${functionArn}: its role does not allow it`,
          );
        continue;
      }
      if (!arns.has(functionArn)) {
        throw new AssemblyError(
          `the rule ${rule.name} of ${stack.name} has the target ${functionArn}: the lab runs functions and state machines of the stack only`,
        );
      }
      const name = functionArn.split(':').at(-1);
      const allowed = permissions.some(
        ({ properties }) =>
          [functionArn, name].includes(String(properties['FunctionName'])) &&
          properties['Principal'] === 'events.amazonaws.com' &&
          properties['Action'] === 'lambda:InvokeFunction' &&
          (properties['SourceArn'] === undefined || properties['SourceArn'] === rule.arn),
      );
      if (!allowed) {
        throw new AssemblyError(
          `the rule ${rule.name} of ${stack.name} may not invoke ${name}: no AWS::Lambda::Permission allows it`,
        );
      }
    }
  }
  for (const schedule of known.schedules) {
    const { arn: functionArn } = schedule.target;
    if (!arns.has(functionArn)) {
      throw new AssemblyError(
        `the schedule ${schedule.name} of ${stack.name} has the target ${functionArn}: the lab runs functions of the stack only`,
      );
    }
    const role = known.roles.find((candidate) => candidate.arn === schedule.target.roleArn);
    const allowed =
      role?.trusted.includes('scheduler.amazonaws.com') &&
      role.statements.some(
        (statement) =>
          statement.effect === 'Allow' &&
          statement.actions.includes('lambda:InvokeFunction') &&
          statement.resources.some((pattern) => pattern === functionArn || pattern === '*'),
      );
    if (!allowed) {
      throw new AssemblyError(
        `the schedule ${schedule.name} of ${stack.name} may not invoke ${functionArn}: its role does not allow it`,
      );
    }
  }
}

function mayStart(roles: readonly RoleSpec[], roleArn: string | undefined, machine: string): boolean {
  const role = roles.find(({ arn }) => arn === roleArn);
  return (
    role?.trusted.includes('events.amazonaws.com') === true &&
    role.statements.some(
      ({ effect, actions, resources }) =>
        effect === 'Allow' &&
        actions.includes('states:StartExecution') &&
        resources.some((pattern) => pattern === machine || pattern === '*'),
    )
  );
}
