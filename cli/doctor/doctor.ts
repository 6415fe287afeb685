/** `doctor`: is this cluster fit to sleep and to wake? Looks, and changes nothing. */
import type { LoadedConfig } from '#lib/config-file.ts';
import { askEach, chosen, type Named } from '../environments.ts';
import type { Io } from '../io.ts';
import { type Paint, paintOf, plain } from '../text.ts';
import { CHECKS } from './checks/index.ts';
import type { Finding, Severity } from './finding.ts';
import { gatherSite } from './gather/site.ts';
import type { Site } from './site.ts';

/** `healthy`: nothing failed. `complete`: every environment answered. */
export interface Examined {
  readonly healthy: boolean;
  readonly complete: boolean;
}

export async function doctor(
  loaded: LoadedConfig,
  name: string | undefined,
  options: { readonly json?: boolean },
  io: Io,
): Promise<Examined> {
  const { answers, failed } = await askEach(io, chosen(loaded, name), async (named) => ({
    named,
    findings: examine(await gatherSite(loaded, named, io)),
  }));
  if (options.json) {
    io.out(
      JSON.stringify(
        answers.map(({ named, findings }) => ({
          environment: named.name,
          cluster: named.environment.cluster,
          findings,
        })),
        null,
        2,
      ),
    );
  } else {
    const paint = paintOf(io.color);
    io.out(answers.map(({ named, findings }) => describe(named, findings, paint)).join('\n\n'));
  }
  const healthy = answers.every(({ findings }) => findings.every(({ severity }) => severity !== 'failure'));
  return { healthy, complete: !failed };
}

/** Every finding of every check. */
export function examine(site: Site): readonly Finding[] {
  return CHECKS.flatMap((check) =>
    check
      .judge(site)
      .map((verdict) => ({ environment: site.name, check: check.name, why: check.why, ...verdict })),
  );
}

function describe({ name, environment }: Named, findings: readonly Finding[], paint: Paint): string {
  const head = `${paint.bold(name)} (cluster ${environment.cluster}, account ${environment.account}, ${environment.region})`;
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap((finding) => {
    const { severity, check, target, found, why, advice } = finding;
    const first = `  ${mark(severity, paint)}  ${check.padEnd(width)}  ${target ? `${paint.bold(plain(target))}: ` : ''}${plain(found)}`;
    if (severity === 'ok') return [first];
    const indent = ' '.repeat(width + 13);
    return [
      first,
      ...(severity === 'unknown' ? [] : [`${indent}${paint.dim('why')} ${why}`]),
      ...(advice ? [`${indent}${paint.dim('do')}  ${plain(advice)}`] : []),
    ];
  });
  return [head, ...lines, `  ${summary(findings)}`].join('\n');
}

function mark(severity: Severity, paint: Paint): string {
  const text = severity.padEnd(7);
  if (severity === 'ok') return paint.green(text);
  if (severity === 'failure') return paint.red(text);
  return severity === 'warning' ? paint.yellow(text) : paint.dim(text);
}

function summary(findings: readonly Finding[]): string {
  const count = (severity: Severity) => findings.filter((finding) => finding.severity === severity).length;
  const several = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`;
  return `${several(count('failure'), 'failure')}, ${several(count('warning'), 'warning')}, ${count('unknown')} unknown, ${count('ok')} in order`;
}
