/**
 * List prices of AWS in us-east-1, in US dollars, as published on the pricing pages of the services in November 2026.
 * No free tier is taken off: an account has one, its environments share it.
 */
export const PRICES = {
  asOf: '2026-11-22',
  region: 'us-east-1',
  /** https://aws.amazon.com/lambda/pricing (arm64) */
  lambdaRequest: 0.2 / 1e6,
  lambdaGbSecond: 0.0000133334,
  /** https://aws.amazon.com/eventbridge/pricing: Scheduler. Rules on events of AWS services, and with a rate, are free. */
  schedulerInvocation: 1 / 1e6,
  /** https://aws.amazon.com/step-functions/pricing: Express Workflows. Their duration counts in steps of 100 ms and 64 MB. */
  expressRequest: 1 / 1e6,
  expressGbSecond: 0.00001667,
  /** https://aws.amazon.com/dynamodb/pricing/on-demand */
  tableReadUnit: 0.125 / 1e6,
  tableWriteUnit: 0.625 / 1e6,
  tableGbMonth: 0.25,
  backupGbMonth: 0.2,
  /** https://aws.amazon.com/cloudwatch/pricing */
  logGb: 0.5,
  logGbMonth: 0.03,
  /** For each metric that an alarm reads. */
  alarmMetricMonth: 0.1,
  compositeAlarmMonth: 0.5,
  dashboardMonth: 3,
  customMetricMonth: 0.3,
  /** https://aws.amazon.com/xray/pricing */
  trace: 5 / 1e6,
  /** https://aws.amazon.com/secrets-manager/pricing */
  secretMonth: 0.4,
  secretCall: 0.05 / 1e4,
} as const;

/** The "small" example of the implementation guide of Instance Scheduler on AWS: 2 accounts, 2 regions. */
export const INSTANCE_SCHEDULER_MONTH = 13.15;
