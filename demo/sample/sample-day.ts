/** The sample day: starts the lab, runs the planned day and summarizes it. */
import type { FunctionSpec } from '@nightshift/lab/assembly/function-runner.ts';
import type { AwsExchange } from '@nightshift/lab/http/aws/server.ts';
import { type Lab, startLab } from '#demo/lab.ts';
import type { NightshiftConfig } from '#model/config.ts';
import type { Decision } from '#model/decision.ts';
import { type DayPlan, planDay } from './day-plan.ts';
import { type Observations, observe } from './observations.ts';
import { runDay } from './run-day.ts';
import { type DaySummary, summarize } from './summary.ts';

export interface SampleDayOptions {
  /** A config that `loadConfig` has checked. */
  readonly config: NightshiftConfig;
  /** Synthesized from the same config. */
  readonly assemblyDir: string;
  /** With the platform's manifests: see `LabOptions`. */
  readonly gitops?: string;
  /** When the assembly was synthesized. The planned day is after it. */
  readonly now: Date;
  readonly seed?: number;
  /** Where the CA and the kubeconfigs are written. Default: a temporary folder. */
  readonly directory?: string;
  readonly signal?: AbortSignal;
  readonly onReady?: (lab: Lab, plan: DayPlan) => void;
  /** Wakes the reference environment, asleep at the end of the day, as a person does. Without it it stays asleep. */
  readonly wake?: (lab: Lab, environment: string) => Promise<void>;
  readonly onDecision?: (decision: Decision, spec: FunctionSpec) => void;
  readonly onEvent?: (environment: string, at: Date, text: string) => void;
  /** Every AWS call with the bytes of request and reply. */
  readonly onExchange?: (exchange: AwsExchange) => void;
  /** Every line that a function logged. */
  readonly onLog?: (text: string, spec: FunctionSpec) => void;
}

/** EventBridge delivers at least once. On this day the important events arrive twice, after these delays. */
const DELIVERIES_MS = [100, 1_500];
const DELIVERED_TWICE = new Set([
  'EC2 Spot Instance Interruption Warning',
  'EC2 Instance-terminate Lifecycle Action',
  'CodeBuild Build State Change',
]);

/** The caller closes the lab. If the lab itself fails, it is closed and the promise rejects. */
export async function playSampleDay(
  options: SampleDayOptions,
): Promise<{ readonly lab: Lab; readonly plan: DayPlan; readonly summary: DaySummary | undefined }> {
  const { config, assemblyDir, now, signal, wake } = options;
  const plan = planDay(config, now);
  const failures: { function: string; at: number }[] = [];
  let observations: Observations | undefined;
  const lab = await startLab({
    config,
    assemblyDir,
    start: plan.start,
    seed: options.seed ?? 1,
    ...(options.directory ? { directory: options.directory } : {}),
    ...(options.gitops ? { gitops: options.gitops } : {}),
    delivery: (event) =>
      DELIVERED_TWICE.has(event['detail-type']) ? DELIVERIES_MS : DELIVERIES_MS.slice(0, 1),
    onDecision(decision, spec) {
      observations?.check(decision);
      options.onDecision?.(decision, spec);
    },
    onInvocation({ function: spec, at, outcome }) {
      if (!outcome.ok) failures.push({ function: spec.name, at });
    },
    ...(options.onExchange ? { onExchange: options.onExchange } : {}),
    ...(options.onLog ? { onLog: (line) => options.onLog?.(line.text, line.function) } : {}),
  });
  try {
    observations = observe(lab);
    options.onReady?.(lab, plan);
    const log = await runDay({
      lab,
      plan,
      observations,
      onEvent: (event, text) => options.onEvent?.(event.environment, event.at, text),
      onPress: (environment, at, text) => options.onEvent?.(environment, at, text),
      ...(wake ? { wake: (environment: string) => wake(lab, environment) } : {}),
      ...(signal ? { signal } : {}),
    });
    if (signal?.aborted) return { lab, plan, summary: undefined };
    const decisions = lab.decisions;
    const summary = await summarize({ lab, observations, log, decisions, failures }, plan);
    return { lab, plan, summary };
  } catch (error) {
    await lab.close();
    throw error;
  }
}
