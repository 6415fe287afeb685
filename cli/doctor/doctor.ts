/** `doctor`: checks whether clusters can be stopped and started safely. Read-only. */
import type { LoadedConfig } from '#lib/config-file.ts';
import { RefusedError } from '../errors.ts';
import type { Io } from '../io.ts';
import { type NamedEnvironment, queryEach, selectEnvironments } from '../select-environments.ts';
import { environmentTitle, type Paint, paintOf, plain } from '../text.ts';
import { CHECKS, TEMPLATE_CHECKS } from './checks/all-checks.ts';
import type { EnvironmentFacts } from './facts.ts';
import type { Check, Finding, Severity } from './finding.ts';
import { observeEnvironment } from './observe/environment.ts';
import { observeTemplate } from './observe/template.ts';

export interface DoctorResult {
  /** No finding is a failure. */
  readonly healthy: boolean;
  /** Every environment was reachable. */
  readonly complete: boolean;
}

export interface DoctorOptions {
  readonly json?: boolean;
  /** Path of a synthesized template, checked instead of what is deployed; needs no AWS access. */
  readonly template?: string;
}

export async function doctor(
  loaded: LoadedConfig,
  name: string | undefined,
  options: DoctorOptions,
  io: Io,
): Promise<DoctorResult> {
  const { template } = options;
  const selected = selectEnvironments(loaded, name);
  if (template !== undefined && selected.length > 1)
    throw new RefusedError(
      `a template is of one environment: name it, ${selected.map((one) => one.name).join(' or ')}`,
    );
  const { results, complete } = await queryEach(io, selected, async (named) => ({
    named,
    findings:
      template === undefined
        ? runChecks(await observeEnvironment(loaded, named, io))
        : runChecksOf(TEMPLATE_CHECKS, await observeTemplate(template, named)),
  }));
  if (options.json) {
    const document = results.map(({ named, findings }) => ({
      environment: named.name,
      cluster: named.environment.cluster,
      findings,
    }));
    io.out(JSON.stringify(document, null, 2));
  } else {
    const paint = paintOf(io.color);
    io.out(results.map(({ named, findings }) => formatFindings(named, findings, paint)).join('\n\n'));
  }
  const healthy = results.every(({ findings }) => findings.every(({ severity }) => severity !== 'failure'));
  return { healthy, complete };
}

/** Every finding of every check. */
export function runChecks(facts: EnvironmentFacts): readonly Finding[] {
  return runChecksOf(CHECKS, facts);
}

function runChecksOf<Facts extends { readonly name: string }>(
  checks: readonly Check<Facts>[],
  facts: Facts,
): readonly Finding[] {
  return checks.flatMap((check) =>
    check
      .evaluate(facts)
      .map((result) => ({ environment: facts.name, check: check.name, why: check.why, ...result })),
  );
}

function formatFindings(named: NamedEnvironment, findings: readonly Finding[], paint: Paint): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap((finding) => {
    const { severity, check, target, found, why, advice } = finding;
    const first = `  ${mark(severity, paint)}  ${check.padEnd(width)}  ${target ? `${paint.bold(plain(target))}: ` : ''}${plain(found)}`;
    if (severity === 'ok') return [first];
    const indent = ' '.repeat(width + 13);
    return [
      first,
      ...(severity === 'unknown' ? [] : [`${indent}${paint.dim('why')} ${why}`]),
      ...(advice ? [`${indent}${paint.dim('fix')} ${plain(advice)}`] : []),
    ];
  });
  return [environmentTitle(named, paint), ...lines, `  ${summary(findings)}`].join('\n');
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
  return `${several(count('failure'), 'failure')}, ${several(count('warning'), 'warning')}, ${count('unknown')} unknown, ${count('ok')} ok`;
}
