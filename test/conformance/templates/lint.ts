/** Runs cfn-lint on one template, informational rules too: they tell of what works today and is bound to hurt. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { TemplateFile } from './templates.ts';

const run = promisify(execFile);

export interface Finding {
  readonly Rule: { readonly Id: string };
  readonly Message: string;
  readonly Location: { readonly Path: readonly (string | number)[] };
}

export async function lint({ file, region }: TemplateFile): Promise<readonly Finding[]> {
  const { stdout } = await run(
    'cfn-lint',
    ['--template', file, '--regions', region, '--include-checks', 'I', '--format', 'json'],
    { maxBuffer: 64 * 1024 * 1024 },
  ).catch((error: { stdout?: string; code?: unknown }) => {
    // It exits with the kinds of what it found.
    if (typeof error.code === 'number' && error.stdout?.startsWith('[')) return { stdout: error.stdout };
    throw error;
  });
  return JSON.parse(stdout || '[]');
}

/** Those that no reason accepts, in words. */
export function unexplained(
  findings: readonly Finding[],
  accepted: Readonly<Record<string, string>>,
): readonly string[] {
  return findings
    .filter(({ Rule }) => !(Rule.Id in accepted))
    .map(({ Rule, Message, Location }) => `${Rule.Id} at ${Location.Path.join('/')}: ${Message}`);
}

export async function cfnLintVersion(): Promise<string> {
  return (await run('cfn-lint', ['--version'])).stdout.trim();
}
