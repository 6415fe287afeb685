/** The summary of the day as text. */
import type { Colors } from 'picocolors/types.js';
import type { Verdict } from './promises.ts';
import type { DaySummary, EnvironmentSummary } from './summary.ts';

export function reportText(summary: DaySummary, colors: Colors): string {
  const lines = [
    '',
    colors.bold('The day'),
    ...summary.environments.flatMap((environment) => environmentLines(environment, colors)),
    '',
    colors.bold('The promises'),
    ...summary.promises.flatMap((verdict) => promiseLines(verdict, colors)),
    '',
    codeLine(summary, colors),
    `${summary.invocations.toLocaleString('en')} invocations, ${count(summary.failures, 'of them failed', 'of them failed')} and ${count(summary.deadLetters, 'dead letter')}.`,
    '',
    ...(summary.problems.length === 0
      ? [colors.green('Everything ended as the config says.')]
      : [
          colors.red(`${count(summary.problems.length, 'thing')} did not end as the config says:`),
          ...summary.problems.map((problem) => `  ${problem}`),
        ]),
  ];
  return `${lines.join('\n')}\n`;
}

function environmentLines(environment: EnvironmentSummary, colors: Colors): readonly string[] {
  const { name, production, hoursAsleep, nodeHoursSaved, drains, deploys, refused } = environment;
  const slept =
    hoursAsleep > 0
      ? `asleep for ${hoursAsleep.toFixed(1)} h, ${nodeHoursSaved.toFixed(1)} node-hours saved`
      : production
        ? 'never stopped'
        : 'never asleep';
  return [
    `  ${colors.bold(name)}: ${slept}`,
    ...drains.map(({ node, instanceId, moved, lost, cordonedAfterSeconds }) => {
      const cordoned =
        cordonedAfterSeconds === undefined
          ? 'not cordoned'
          : `cordoned after ${cordonedAfterSeconds.toFixed(1)} s`;
      return `    drained ${node} (${instanceId}): ${cordoned}, ${count(moved, 'pod')} moved, ${lost} lost`;
    }),
    ...deploys.map(({ application, branch, revision, verdict, afterSeconds, deferred }) => {
      const when = afterSeconds === undefined ? '' : ` ${duration(afterSeconds)} after the push`;
      return `    ${application} from ${branch} at ${revision.slice(0, 8)}: ${verdict}${when}${deferred ? ', deferred to the morning' : ''}`;
    }),
    ...(refused > 0 ? [`    ${count(refused, 'build')} refused or ignored, each with a reason`] : []),
  ];
}

function promiseLines(verdict: Verdict, colors: Colors): readonly string[] {
  const paint = { kept: colors.green, broken: colors.red, 'not exercised': colors.yellow }[verdict.verdict];
  const evidence =
    verdict.observations > 0 ? colors.dim(` (${verdict.observations}: ${verdict.looked})`) : '';
  return [
    `  ${verdict.number}. ${verdict.promise}: ${paint(verdict.verdict)}${evidence}`,
    ...verdict.problems.map((problem) => `     ${colors.red(problem)}`),
  ];
}

function codeLine({ code }: DaySummary, colors: Colors): string {
  const changed = code.filter(({ atStart, now }) => atStart !== now);
  return changed.length === 0
    ? `The ${count(code.length, 'function')} ran from the assets of the assembly, unchanged (SHA-256 before and after).`
    : colors.red(
        `The code of ${changed.map((check) => check.function).join(', ')} changed while the lab ran.`,
      );
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

function duration(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  if (minutes >= 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return minutes > 0 ? `${minutes} min ${Math.round(seconds % 60)} s` : `${Math.round(seconds)} s`;
}
