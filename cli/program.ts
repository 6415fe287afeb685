/** The command line: its help and its exit codes. The commands are in `commands/`, and each is implemented in its own file. */

import { type Command, CommanderError } from 'commander';
import { ConfigError, UnknownEnvironmentError } from '#lib/config-file.ts';
import { fileProblem } from '#lib/file-problem.ts';
import { addArgocdCommands } from './commands/argocd.ts';
import { addDoctorAndConsole } from './commands/check.ts';
import { addDecisionCommands } from './commands/decisions.ts';
import {
  addCompletion,
  addDiscover,
  addHandovers,
  addInit,
  addManifestCommands,
} from './commands/handovers.ts';
import { EXIT, Invocation } from './commands/invocation.ts';
import { addOverrideCommands } from './commands/overrides.ts';
import { addRestore, addRetire } from './commands/removal.ts';
import { addNightCommands, addReportCommands } from './commands/reports.ts';
import { CloudError, RefusedError } from './errors.ts';
import type { Io } from './io.ts';
import { forTerminal } from './text.ts';
import { packageVersion } from './version.ts';

/** Runs one command and returns its exit code. Throws an unexpected error. */
export async function runCommand(args: readonly string[], terminal: Io): Promise<number> {
  const io = escaping(terminal);
  const invocation = new Invocation(io);
  try {
    await createProgram(invocation).parseAsync(args, { from: 'user' });
    return invocation.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.refused;
    if (
      error instanceof ConfigError ||
      error instanceof UnknownEnvironmentError ||
      error instanceof RefusedError
    ) {
      io.err(`nightshift: ${error.message}`);
      return EXIT.refused;
    }
    const problem = fileProblem(error);
    if (problem !== undefined) {
      io.err(`nightshift: ${problem}`);
      return EXIT.refused;
    }
    if (error instanceof CloudError) {
      io.err(error.message.replace(/^/gm, 'nightshift: '));
      return EXIT.cloud;
    }
    throw error;
  }
}

/** The one place that prints: text of others reaches the terminal as text. */
function escaping(io: Io): Io {
  return {
    ...io,
    out: (text) => io.out(forTerminal(text, io.color)),
    err: (text) => io.err(forTerminal(text, io.color)),
  };
}

function createProgram(invocation: Invocation): Command {
  const { program, io } = invocation;
  program
    .description(
      'Shows what eks-nightshift does with your EKS clusters and why, and overrides their schedule.',
    )
    .option('-c, --config <path>', 'config file (default: NIGHTSHIFT_CONFIG, or nightshift.config.ts)')
    .version(packageVersion(), '-V, --version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.out(text.replace(/\n$/, '')),
      writeErr: (text) => io.err(text.replace(/\n$/, '')),
      outputError: (text, write) => write(text.replace(/^error: /, 'nightshift: ')),
    })
    .helpCommand(true)
    .addHelpText('after', `\n${HELP}`);
  addReportCommands(invocation);
  addNightCommands(invocation);
  addOverrideCommands(invocation);
  addDecisionCommands(invocation);
  addRestore(invocation);
  addRetire(invocation);
  addDoctorAndConsole(invocation);
  addManifestCommands(invocation);
  addArgocdCommands(invocation);
  addInit(invocation);
  addDiscover(invocation);
  addHandovers(invocation);
  addCompletion(invocation);
  return program;
}

const HELP = `Examples:
  $ nightshift plan --days 14
  $ nightshift keep-up develop --until 23:00 --reason "release"
  $ nightshift explain web-spot

Times without an offset are in the time zone of the environment's schedule.
plan and manifests work offline. rollout and drift use your own Argo CD token, ARGOCD_AUTH_TOKEN. All other commands use the AWS
credentials of this shell; AWS_ENDPOINT_URL sets another endpoint.

Exit codes: 0 done; 1 the config or the request is invalid, or doctor or drift found a problem; 2 AWS or Argo CD denied
the request or is unreachable.`;
