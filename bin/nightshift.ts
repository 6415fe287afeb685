/** The composition root of the command line: the real clock, terminal and AWS. */
import { userInfo } from 'node:os';
import { createCloud } from '#cli/cloud.ts';
import { endpointOffset } from '#cli/endpoint-clock.ts';
import { runCommand } from '#cli/program.ts';
import { forTerminal } from '#cli/text.ts';
import { fileProblem } from '#lib/file-problem.ts';

// A closed pipe (`nightshift plan | head`) is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  const problem = fileProblem(error);
  if (problem === undefined) throw error;
  process.stderr.write(`nightshift: ${problem}\n`);
  process.exit(1);
});

const offsetMs = await endpointOffset(process.env['AWS_ENDPOINT_URL'], () => new Date());
const now = () => new Date(Date.now() + offsetMs);

// An error that nobody expected is printed with its stack: its message may hold text of others as well.
process.on('uncaughtException', (error: unknown) => {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`${forTerminal(text, false)}\n`);
  process.exit(1);
});

process.exitCode = await runCommand(process.argv.slice(2), {
  out: (text) => process.stdout.write(`${text}\n`),
  err: (text) => process.stderr.write(`${text}\n`),
  now,
  color: process.stdout.isTTY === true && !process.env['NO_COLOR'],
  ...(process.stdout.isTTY ? { clear: () => void process.stdout.write('\x1b[H\x1b[2J\x1b[3J') } : {}),
  columns: process.stdout.columns ?? (Number(process.env['COLUMNS']) || undefined),
  user: userName(),
  cloud: (name, environment) => createCloud(name, environment, now),
});

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under a user id without a name.
    return process.env['USER'] ?? 'unknown';
  }
}
