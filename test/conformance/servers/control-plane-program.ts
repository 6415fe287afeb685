/** One program of a control plane: started with a low priority if nothing else is asked for, and ended with this process, however that ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

export type Priority = 'low' | 'usual';

export interface Program {
  readonly name: string;
  /** Throws with the program's last words if it has ended. */
  mustRun(): void;
  /** It stands still until `resume`: what would happen if it were slow. */
  suspend(): void;
  resume(): void;
  end(): Promise<void>;
}

/**
 * The shell in between holds the other end of its standard input: when that closes, by `end` or because this process
 * is no more, it ends the program.
 */
const guard = (priority: Priority) =>
  `exec 3<&0; nice -n ${priority === 'low' ? 10 : 0} "$@" </dev/null & it=$!; { cat <&3 >/dev/null; kill "$it"; } & wait "$it"`;
const PATIENCE_MS = 5_000;
const LAST_WORDS = 30;

export interface ProgramOptions {
  /** Beside `PATH`, which it always has. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Default `low`. */
  readonly priority?: Priority | undefined;
}

export function startProgram(
  folder: string,
  name: string,
  flags: readonly string[],
  { environment = {}, priority = 'low' }: ProgramOptions = {},
): Program {
  const child = spawn('sh', ['-c', guard(priority), name, path.join(folder, name), ...flags], {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    env: { PATH: process.env['PATH'] ?? '', ...environment },
  });
  const words: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      words.push(...text.split('\n').filter((line) => line !== ''));
      words.splice(0, words.length - LAST_WORDS);
    });
  // Written to only by closing it; the shell may be gone by then.
  child.stdin.on('error', () => undefined);
  return {
    name,
    mustRun() {
      if (hasEnded(child))
        throw new Error(`${name} ended with ${child.exitCode ?? child.signalCode}:\n${words.join('\n')}`);
    },
    suspend: () => signal(child, 'SIGSTOP'),
    resume: () => signal(child, 'SIGCONT'),
    end: () => end(child),
  };
}

/**
 * What `start` makes of a temporary folder and the programs that it adds to the list. `close` ends them, the last one
 * first, and removes the folder; so does an error of `start`.
 */
export async function withPrograms<T>(
  name: string,
  start: (folder: string, programs: Program[], close: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(path.join(tmpdir(), `nightshift-${name}-`));
  const programs: Program[] = [];
  const close = async () => {
    for (const program of [...programs].reverse()) await program.end();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    return await start(folder, programs, close);
  } catch (error) {
    await close();
    throw error;
  }
}

/** Calls `attempt` until it is true. Throws when a program has ended or `timeoutMs` are over. */
export async function untilReady(
  what: string,
  attempt: () => Promise<boolean>,
  programs: readonly Program[],
  timeoutMs: number,
): Promise<void> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    for (const program of programs) program.mustRun();
    if (await attempt().catch(() => false)) return;
    if (performance.now() > end) throw new Error(`${what} was not ready after ${timeoutMs / 1_000} s`);
    await wait(200);
  }
}

/** A port that was free just now: the programs cannot choose one themselves. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function end(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  // One that stands still would not notice.
  signal(child, 'SIGCONT');
  const ended = once(child, 'exit');
  child.stdin?.end();
  const killing = new AbortController();
  const late = wait(PATIENCE_MS, 'late', { signal: killing.signal }).catch(() => 'ended');
  const how = await Promise.race([ended, late]);
  killing.abort();
  if (how !== 'late') return;
  signal(child, 'SIGKILL');
  await ended;
}

/** The shell leads a group of its own, in which nobody is but the program. */
function signal(child: ChildProcess, name: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
  if (child.pid !== undefined && !hasEnded(child)) process.kill(-child.pid, name);
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
