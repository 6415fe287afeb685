/** The summary of the day as text. Lines are wrapped at `columns`, if given. */
import type { Colors } from 'picocolors/types.js';
import { PHASES } from '#functions/night-schedule/predict-morning.ts';
import type { Morning, MorningPhase } from '#functions/night-schedule/records.ts';
import type { PromiseResult } from './promises.ts';
import type { DaySummary, EnvironmentSummary } from './summary.ts';
import { wrap } from './wrap.ts';

export function reportText(summary: DaySummary, colors: Colors, columns?: number): string {
  const lines = [
    '',
    colors.bold('Summary'),
    ...summary.environments.flatMap((environment) => environmentLines(environment, colors)),
    '',
    colors.bold('Promises'),
    ...summary.promises.flatMap((promise) => promiseLines(promise, colors)),
    '',
    codeLine(summary, colors),
    `${count(summary.invocations, 'invocation')}: ${summary.failures} failed, ${count(summary.deadLetters, 'dead letter')}.`,
    '',
    ...(summary.problems.length === 0
      ? [colors.green('The final state matches the config.')]
      : [
          colors.red(`${count(summary.problems.length, 'problem')}:`),
          ...summary.problems.map((problem) => `  ${problem}`),
        ]),
  ];
  return `${lines.map((line) => wrap(line, columns)).join('\n')}\n`;
}

function environmentLines(environment: EnvironmentSummary, colors: Colors): readonly string[] {
  const { name, production, hoursAsleep, nodeHoursSaved, starts, drains, deploys, refused } = environment;
  const uptime =
    hoursAsleep > 0
      ? `asleep for ${hoursAsleep.toFixed(1)} h, ${savedText(nodeHoursSaved)}`
      : production
        ? 'never stopped'
        : 'never asleep';
  return [
    `  ${colors.bold(name)}: ${uptime}`,
    ...starts.flatMap(startLines),
    ...drains.map(({ node, instanceId, moved, lost, cordonedAfterSeconds }) => {
      const cordoned =
        cordonedAfterSeconds === undefined
          ? 'not cordoned'
          : `cordoned after ${cordonedAfterSeconds.toFixed(1)} s`;
      return `    drained ${node} (${instanceId}): ${cordoned}, ${count(moved, 'pod')} moved, ${lost} lost`;
    }),
    ...deploys.map(({ application, branch, revision, outcome, afterSeconds, deferred }) => {
      const when = afterSeconds === undefined ? '' : ` ${duration(afterSeconds)} after the push`;
      return `    ${application} from ${branch} at ${revision.slice(0, 8)}: ${outcome}${when}${deferred ? ', deferred until the start' : ''}`;
    }),
    ...(refused > 0 ? [`    ${count(refused, 'build')} refused or ignored, each with a reason`] : []),
  ];
}

/** The ledger counts the sizes of groups: how many nodes NodePools would have had, nobody knows. */
function savedText(nodeHours: number): string {
  return nodeHours > 0 ? `${nodeHours.toFixed(1)} node-hours saved` : 'nodes of NodePools only';
}

const PHASE_TEXT: Readonly<Record<MorningPhase, string>> = {
  instances: 'instances in service',
  nodes: 'nodes Ready',
  argocd: 'Argo CD answers',
  applications: 'applications Healthy',
  url: 'the URL answers',
};

/** A start as its phases, each with the time from the request on. */
function startLines({ asked, promised, seconds }: Morning): readonly string[] {
  const phases = PHASES.flatMap((phase) => {
    const took = seconds[phase];
    return took === undefined ? [] : [`${PHASE_TEXT[phase]} after ${duration(took)}`];
  });
  if (phases.length === 0) return [];
  const head = promised ? `morning, promised for ${promised.slice(11, 16)} UTC` : 'start';
  return [`    ${head}: requested at ${asked.slice(11, 16)} UTC, ${phases.join(', ')}`];
}

function promiseLines(checked: PromiseResult, colors: Colors): readonly string[] {
  const { number, promise, result, observations, subject, problems } = checked;
  const paint = { kept: colors.green, broken: colors.red, 'not exercised': colors.yellow }[result];
  const basis = observations > 0 ? colors.dim(` (${observations}: ${subject})`) : '';
  return [
    `  ${number}. ${promise}: ${paint(result)}${basis}`,
    ...problems.map((problem) => `     ${colors.red(problem)}`),
  ];
}

function codeLine({ code }: DaySummary, colors: Colors): string {
  const changed = code.filter(({ atStart, now }) => atStart !== now);
  return changed.length === 0
    ? `${count(code.length, 'function')} ran the assets in cdk.out, unmodified (SHA-256 before and after).`
    : colors.red(
        `The code of ${changed.map((check) => check.function).join(', ')} was modified during the day.`,
      );
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString('en')} ${number === 1 ? one : many}`;
}

function duration(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  if (minutes >= 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return minutes > 0 ? `${minutes} min ${Math.round(seconds % 60)} s` : `${Math.round(seconds)} s`;
}
