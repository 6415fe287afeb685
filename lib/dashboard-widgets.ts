/** One row of the dashboard: invocations, errors, duration and decisions of a function. */
import { Duration } from 'aws-cdk-lib';
import {
  GraphWidget,
  type IWidget,
  LogQueryVisualizationType,
  LogQueryWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { NightshiftFunction } from './nightshift-function.ts';

const HEIGHT = 6;

export function capabilityWidgets(part: NightshiftFunction): IWidget[] {
  const { capability, lambda, deadLetters, logGroup } = part;
  const counted = { period: Duration.minutes(5), statistic: 'Sum' };
  return [
    new GraphWidget({
      title: `${capability}: runs`,
      width: 8,
      height: HEIGHT,
      left: [lambda.metricInvocations({ ...counted, label: 'runs' })],
      right: [
        lambda.metricErrors({ ...counted, label: 'errors' }),
        lambda.metricThrottles({ ...counted, label: 'throttles' }),
        deadLetters.metricApproximateNumberOfMessagesVisible({
          period: counted.period,
          statistic: 'Maximum',
          label: 'dead letters',
        }),
      ],
    }),
    new GraphWidget({
      title: `${capability}: how long a run takes`,
      width: 8,
      height: HEIGHT,
      left: ['p50', 'p99'].map((statistic) =>
        lambda.metricDuration({ period: counted.period, statistic, label: `${statistic} (ms)` }),
      ),
    }),
    new LogQueryWidget({
      title: `${capability}: decisions by kind`,
      width: 8,
      height: HEIGHT,
      view: LogQueryVisualizationType.TABLE,
      logGroupNames: [logGroup.logGroupName],
      queryLines: [
        'filter message = "decision"',
        'stats count(*) as decisions by decision.action',
        'sort decisions desc',
      ],
    }),
  ];
}
