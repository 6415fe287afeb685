/** The sample day from beginning to end: the lab goes up, the story happens, and what came of it is summed up. */
import type { FunctionSpec } from '@nightshift/lab/assembly/function-runner.ts';
import type { AwsExchange } from '@nightshift/lab/http/aws/server.ts';
import { type Lab, startLab } from '#demo/lab.ts';
import type { NightshiftConfig } from '#model/config.ts';
import type { Decision } from '#model/decision.ts';
import { runDay } from './day.ts';
import { type Observations, observe } from './observe.ts';
import { planStory, type Story } from './story.ts';
import { type DaySummary, summarize } from './summary.ts';

export interface SampleDayOptions {
  /** A config that `loadConfig` has checked. */
  readonly config: NightshiftConfig;
  /** Synthesized from the same config. */
  readonly assemblyDir: string;
  /** When the assembly was synthesized: from there the story looks for its days. */
  readonly now: Date;
  readonly seed?: number;
  /** Where the CA and the kubeconfigs are written. Default: a folder of the lab's own. */
  readonly directory?: string;
  readonly signal?: AbortSignal;
  readonly onReady?: (lab: Lab, story: Story) => void;
  readonly onDecision?: (decision: Decision, spec: FunctionSpec) => void;
  readonly onBeat?: (environment: string, at: Date, text: string) => void;
  /** Every AWS call with the bytes that came and went. */
  readonly onExchange?: (exchange: AwsExchange) => void;
  /** A line that a function wrote and that is no decision. */
  readonly onLog?: (text: string, spec: FunctionSpec) => void;
}

/** EventBridge delivers at least once. On this day it delivers all that counts twice, the second time so much later (ms). */
const DELIVERIES_MS = [100, 1_500];
const DELIVERED_TWICE = new Set([
  'EC2 Spot Instance Interruption Warning',
  'EC2 Instance-terminate Lifecycle Action',
  'CodeBuild Build State Change',
]);

/** The lab is left up: the caller closes it. Rejects, with the lab closed, where the lab itself fails. */
export async function playSampleDay(
  options: SampleDayOptions,
): Promise<{ readonly lab: Lab; readonly story: Story; readonly summary: DaySummary | undefined }> {
  const { config, assemblyDir, now, signal } = options;
  const story = planStory(config, now);
  const failures: { function: string; at: number }[] = [];
  let observations: Observations | undefined;
  const lab = await startLab({
    config,
    assemblyDir,
    start: story.start,
    seed: options.seed ?? 1,
    ...(options.directory ? { directory: options.directory } : {}),
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
    options.onReady?.(lab, story);
    const log = await runDay({
      lab,
      story,
      observations,
      onBeat: (beat, text) => options.onBeat?.(beat.environment, beat.at, text),
      ...(signal ? { signal } : {}),
    });
    if (signal?.aborted) return { lab, story, summary: undefined };
    const decisions = lab.decisions;
    const summary = await summarize({ lab, observations, log, decisions, failures }, story);
    return { lab, story, summary };
  } catch (error) {
    await lab.close();
    throw error;
  }
}
