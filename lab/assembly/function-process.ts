/**
 * One process of a function: an execution environment, in Lambda's words. It loads the function from its asset,
 * unchanged, and runs one invocation at a time.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface FunctionError {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace: readonly string[];
}

export type Outcome =
  | { readonly ok: true /** JSON. */; readonly payload: string }
  | { readonly ok: false; readonly error: FunctionError };

export interface ProcessOptions {
  /** The asset's folder. */
  readonly taskRoot: string;
  /** All that the function sees of an environment; LAMBDA_TASK_ROOT and _HANDLER are added. */
  readonly environment: Readonly<Record<string, string>>;
  readonly handler: string;
  readonly memoryMb: number;
  /** From the real clock to the virtual one, in milliseconds, read when the process starts. */
  readonly offset: () => number;
  readonly log: (line: string, stream: 'stdout' | 'stderr') => void;
  /** Resolves when so much virtual time has passed, during which the function does nothing. */
  readonly wait: (ms: number) => Promise<void>;
}

export interface ProcessInvocation {
  readonly id: string;
  /** JSON. */
  readonly payload: string;
  readonly timeoutMs: number;
  /** The plain fields of Lambda's context object. */
  readonly context: Readonly<Record<string, unknown>>;
}

export interface FunctionProcess {
  readonly pid: number | undefined;
  /** Resolves once the handler was loaded, or the process has ended. */
  readonly ready: Promise<void>;
  /** Never rejects: a crash, a timeout and an error of the handler are outcomes. */
  invoke(invocation: ProcessInvocation): Promise<Outcome>;
  /** False once it has exited or was killed: it takes no further invocation. */
  alive(): boolean;
  kill(): Promise<void>;
}

/** Lambda gives a function's own code up to ten seconds before its first invocation. */
const INIT_TIMEOUT_MS = 10_000;

type Message =
  | { kind: 'ready' }
  | { kind: 'init-failed'; error: FunctionError }
  | { kind: 'wait'; id: number; ms: number }
  | { kind: 'log'; stream: 'stdout' | 'stderr'; text: string }
  | { kind: 'done'; id: string; payload: string }
  | { kind: 'failed'; id: string; error: FunctionError };

const RUNTIME = fileURLToPath(new URL('./runtime.mjs', import.meta.url));
const running = new Set<ChildProcess>();

// However this process ends, no function outlives it.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export function startFunctionProcess(options: ProcessOptions): FunctionProcess {
  const child = spawnRuntime(options);
  const closed = once(child, 'close').catch(() => undefined);

  const lines = { stdout: splitLines('stdout', options.log), stderr: splitLines('stderr', options.log) };
  // Output outside the runtime: a crash of Node, or a write to the file descriptor.
  child.stdout?.setEncoding('utf8').on('data', lines.stdout.add);
  child.stderr?.setEncoding('utf8').on('data', lines.stderr.add);

  let alive = true;
  let settle: ((outcome: Outcome) => void) | undefined;
  let initError: FunctionError | undefined;
  const { promise: ready, resolve: becameReady } = Promise.withResolvers<void>();
  const finish = (outcome: Outcome) => {
    lines.stdout.end();
    lines.stderr.end();
    settle?.(outcome);
    settle = undefined;
  };

  child.on('message', (message: Message) => {
    if (message.kind === 'log') lines[message.stream].add(message.text);
    else if (message.kind === 'wait')
      void options.wait(message.ms).then(() => {
        if (alive) child.send({ kind: 'woken', id: message.id, offset: options.offset() });
      });
    else if (message.kind === 'ready') becameReady();
    else if (message.kind === 'done') finish({ ok: true, payload: message.payload });
    else if (message.kind === 'failed') finish({ ok: false, error: message.error });
    else {
      initError = message.error;
      alive = false;
    }
  });
  child.on('error', (error) => {
    alive = false;
    initError ??= { errorType: 'Runtime.StartError', errorMessage: error.message, trace: [] };
  });
  void closed.then(() => {
    alive = false;
    becameReady();
    finish({ ok: false, error: initError ?? exitError(child) });
  });

  const kill = async () => {
    alive = false;
    child.kill('SIGKILL');
    await closed;
  };

  return {
    pid: child.pid,
    ready,
    alive: () => alive,
    kill,
    async invoke(invocation) {
      if (!(await within(INIT_TIMEOUT_MS, ready))) {
        await kill();
        return timedOut(INIT_TIMEOUT_MS);
      }
      if (!alive) {
        await closed;
        return { ok: false, error: initError ?? exitError(child) };
      }
      const { promise: outcome, resolve } = Promise.withResolvers<Outcome>();
      settle = resolve;
      const timer = setTimeout(() => {
        finish(timedOut(invocation.timeoutMs));
        void kill();
      }, invocation.timeoutMs);
      child.send({ ...invocation, offset: options.offset() }, (error) => {
        if (error) void kill();
      });
      try {
        return await outcome;
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

function spawnRuntime(options: ProcessOptions): ChildProcess {
  const child = spawn(
    process.execPath,
    [`--max-old-space-size=${Math.floor(options.memoryMb * 0.9)}`, RUNTIME, String(options.offset())],
    {
      cwd: options.taskRoot,
      env: { ...options.environment, LAMBDA_TASK_ROOT: options.taskRoot, _HANDLER: options.handler },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      serialization: 'json',
    },
  );
  running.add(child);
  child.on('close', () => running.delete(child));
  return child;
}

function timedOut(milliseconds: number): Outcome {
  return {
    ok: false,
    error: {
      errorType: 'Sandbox.Timedout',
      errorMessage: `Task timed out after ${(milliseconds / 1000).toFixed(2)} seconds`,
      trace: [],
    },
  };
}

function exitError(child: ChildProcess): FunctionError {
  const how = child.signalCode ? `signal: ${child.signalCode}` : `exit status ${child.exitCode}`;
  return { errorType: 'Runtime.ExitError', errorMessage: `Runtime exited with error: ${how}`, trace: [] };
}

async function within(milliseconds: number, promise: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

function splitLines(stream: 'stdout' | 'stderr', log: ProcessOptions['log']) {
  let rest = '';
  return {
    add(text: string) {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      for (const part of parts) log(part, stream);
    },
    end() {
      if (rest) log(rest, stream);
      rest = '';
    },
  };
}
