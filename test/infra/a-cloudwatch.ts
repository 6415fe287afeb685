/** What CloudWatch makes of a template's metric filters and alarms, and of what the functions log and Lambda counts. */

interface Resource {
  readonly Type: string;
  readonly Properties: Record<string, never>;
}

interface AlarmProperties {
  readonly AlarmName: string;
  readonly AlarmDescription: string;
  readonly Threshold: number;
  readonly ComparisonOperator: 'GreaterThanOrEqualToThreshold' | 'LessThanThreshold';
  readonly Metrics?: readonly MetricQuery[];
}

interface MetricQuery {
  readonly Id?: string;
  readonly Expression?: string;
  readonly MetricStat?: { readonly Metric: MetricName; readonly Period: number; readonly Stat: string };
}

interface MetricName {
  readonly Namespace: string;
  readonly MetricName: string;
  readonly Dimensions?: readonly { readonly Name: string; readonly Value: unknown }[];
}

interface Datapoint {
  readonly metric: string;
  readonly at: number;
  readonly value: number;
}

export type AlarmState = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';

export class CloudWatch {
  readonly #resources: Readonly<Record<string, Resource>>;
  readonly #datapoints: Datapoint[] = [];

  constructor(template: object) {
    this.#resources = (template as { Resources: Record<string, Resource> }).Resources;
  }

  /** A throttled request is neither an invocation nor an error: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html */
  countInvocation(functionName: string, at: number, failed: boolean): void {
    const of = (metric: string) => `AWS/Lambda ${metric} FunctionName=${functionName}`;
    this.#datapoints.push({ metric: of('Invocations'), at, value: 1 });
    if (failed) this.#datapoints.push({ metric: of('Errors'), at, value: 1 });
  }

  countMessages(queue: string, at: number, visible: number): void {
    const metric = `AWS/SQS ApproximateNumberOfMessagesVisible QueueName=${queue}`;
    this.#datapoints.push({ metric, at, value: visible });
  }

  countLine(logGroup: string, at: number, text: string): void {
    for (const { Properties } of this.#ofType('AWS::Logs::MetricFilter')) {
      const { LogGroupName, FilterPattern, MetricTransformations } = Properties as unknown as {
        LogGroupName: unknown;
        FilterPattern: string;
        MetricTransformations: readonly {
          MetricNamespace: string;
          MetricName: string;
          MetricValue: string;
          Dimensions: readonly { Key: string; Value: string }[];
        }[];
      };
      if (this.#textOf(LogGroupName) !== logGroup || !matches(FilterPattern, text)) continue;
      for (const made of MetricTransformations) {
        const dimensions = made.Dimensions.map(
          ({ Key, Value }) => `${Key}=${valueAt(JSON.parse(text), Value)}`,
        );
        const metric = [made.MetricNamespace, made.MetricName, ...dimensions].join(' ');
        this.#datapoints.push({ metric, at, value: Number(made.MetricValue) });
      }
    }
  }

  /** Alarms by name, of the period that ends now. */
  states(now: number): ReadonlyMap<string, AlarmState> {
    return new Map(this.#alarms().map((alarm) => [alarm.AlarmName, this.#stateOf(alarm, now)]));
  }

  /** Headings of the runbook that the alarms name. */
  headingsOf(names: Iterable<string>): ReadonlySet<string> {
    const wanted = new Set(names);
    return new Set(
      this.#alarms()
        .filter(({ AlarmName }) => wanted.has(AlarmName))
        .flatMap(({ AlarmDescription }) => [...AlarmDescription.matchAll(/runbook\.md#([a-z-]+)/g)])
        .map(([, heading = '']) => heading),
    );
  }

  #alarms(): readonly AlarmProperties[] {
    return this.#ofType('AWS::CloudWatch::Alarm').map(
      ({ Properties }) => Properties as unknown as AlarmProperties,
    );
  }

  #stateOf(alarm: AlarmProperties, now: number): AlarmState {
    const single = alarm as unknown as MetricName & { Period: number; Statistic: string };
    const queries: readonly MetricQuery[] = alarm.Metrics ?? [
      { Id: 'm', MetricStat: { Metric: single, Period: single.Period, Stat: single.Statistic } },
    ];
    const values = new Map(
      queries.flatMap(({ Id = '', MetricStat: stat }) => (stat ? [[Id, this.#valueOf(stat, now)]] : [])),
    );
    const isWithoutData = [...values.values()].every((value) => value === undefined);
    if (isWithoutData && (alarm as unknown as { TreatMissingData: string }).TreatMissingData === 'missing')
      return 'INSUFFICIENT_DATA';
    const expression = queries.find(({ Expression }) => Expression)?.Expression ?? 'FILL(m, 0)';
    const value = evaluate(expression, values);
    const isBreaching =
      alarm.ComparisonOperator === 'LessThanThreshold' ? value < alarm.Threshold : value >= alarm.Threshold;
    return isBreaching ? 'ALARM' : 'OK';
  }

  #valueOf(
    { Metric, Period, Stat }: NonNullable<MetricQuery['MetricStat']>,
    now: number,
  ): number | undefined {
    const dimensions = (Metric.Dimensions ?? []).map(({ Name, Value }) => `${Name}=${this.#textOf(Value)}`);
    const metric = [Metric.Namespace, Metric.MetricName, ...dimensions].join(' ');
    const values = this.#datapoints
      .filter((point) => point.metric === metric && point.at >= now - Period * 1000 && point.at < now)
      .map(({ value }) => value);
    if (values.length === 0) return undefined;
    return Stat === 'Maximum' ? Math.max(...values) : values.reduce((sum, value) => sum + value, 0);
  }

  #ofType(type: string): readonly Resource[] {
    return Object.values(this.#resources).filter(({ Type }) => Type === type);
  }

  /** The name of a resource that a template refers to. */
  #textOf(value: unknown): string {
    if (typeof value === 'string') return value;
    const { Ref, 'Fn::GetAtt': attribute } = value as { Ref?: string; 'Fn::GetAtt'?: readonly string[] };
    const properties = this.#resources[Ref ?? attribute?.[0] ?? '']?.Properties ?? {};
    const name = ['FunctionName', 'QueueName', 'LogGroupName'].flatMap((key) => properties[key] ?? [])[0];
    if (typeof name !== 'string') throw new Error(`no name for ${JSON.stringify(value)}`);
    return name;
  }
}

/** `FILL(a, 0) - FILL(b, 0)`, with any of the two alone. */
function evaluate(expression: string, values: ReadonlyMap<string, number | undefined>): number {
  const parts = expression.split(' - ').map((part) => {
    const [, id = '', filled] = /^FILL\((\w+), (\d+)\)$/.exec(part) ?? [];
    if (!values.has(id)) throw new Error(`the expression ${expression} is unknown here`);
    return values.get(id) ?? Number(filled);
  });
  return parts.slice(1).reduce((left, right) => left - right, parts[0] ?? 0);
}

/** A filter pattern on JSON, with `=`, `>`, `NOT EXISTS`, `&&`, `||` and parentheses. A line that is no JSON never matches. */
export function matches(pattern: string, line: string): boolean {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return false;
  }
  const tokens = pattern.match(/[(){}]|&&|\|\||NOT EXISTS|"[^"]*"|[^\s(){}]+/g) ?? [];
  const next = () => tokens.shift() ?? '';
  const either = (): boolean => {
    let left = both();
    while (tokens[0] === '||') {
      next();
      left = both() || left;
    }
    return left;
  };
  const both = (): boolean => {
    let left = term();
    while (tokens[0] === '&&') {
      next();
      left = term() && left;
    }
    return left;
  };
  const term = (): boolean => {
    if (tokens[0] === '(' || tokens[0] === '{') {
      next();
      const inner = either();
      next();
      return inner;
    }
    const found = valueAt(value, next());
    const operator = next();
    if (operator === 'NOT EXISTS') return found === undefined;
    const right: unknown = JSON.parse(next());
    if (operator === '=') return found === right;
    if (operator === '>') return typeof found === 'number' && found > Number(right);
    throw new Error(`the operator ${operator} is unknown here`);
  };
  return either();
}

/** `$.decision.environment` */
function valueAt(value: unknown, path: string): unknown {
  return path
    .split('.')
    .slice(1)
    .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], value);
}
