/** The lab as `npm run lab` starts it, reached by what it prints. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { LAST_LINE } from '#demo/access.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
/** A working day in Tokyo: nothing stops while a test looks. */
const FROM = '2026-11-24T10:00:00+09:00';
const PATIENCE_MS = 180_000;

export interface RunningLab {
  /** A folder of its own, for whatever the clients write. */
  readonly directory: string;
  /** An environment's variables, as they are printed to be exported, over those of this shell. */
  environment(name: string): NodeJS.ProcessEnv;
  /** Path of an environment's kubeconfig. */
  kubeconfig(name: string): string;
  close(): Promise<void>;
}

export async function startRunningLab(): Promise<RunningLab> {
  const directory = await mkdtemp(path.join(tmpdir(), 'running-lab-'));
  const child = spawn(process.execPath, [path.join(ROOT, 'bin/lab.ts'), '--from', FROM], {
    cwd: directory,
    env: { ...process.env, NIGHTSHIFT_CONFIG: path.join(ROOT, 'nightshift.config.ts'), NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = await printed(child);
  return {
    directory,
    kubeconfig: (name) => path.join(directory, '.lab', `${name}.kubeconfig`),
    environment(name) {
      const section = new RegExp(`^${name}  account[^]*?^  export ([^]*?[^\\\\])$`, 'm').exec(text)?.[1];
      if (section === undefined) throw new Error(`the lab printed nothing of ${name}: ${text}`);
      const variables = [...section.matchAll(/(\w+)=(\S+)/g)].map(([, key, value]) => [key, value]);
      return { ...withoutAws(process.env), AWS_PAGER: '', ...Object.fromEntries(variables) };
    },
    async close() {
      if (child.exitCode === null) {
        child.kill();
        await once(child, 'exit');
      }
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** All that it says until it is up. */
function printed(child: ChildProcess): Promise<string> {
  let text = '';
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the lab did not come up: ${text}`)), PATIENCE_MS);
    const hear = (chunk: Buffer) => {
      text += chunk.toString();
      if (!text.includes(LAST_LINE)) return;
      clearTimeout(timer);
      resolve(text);
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`the lab ended with ${code}: ${text}`));
    });
  });
}

/** Nothing of this shell's own account may reach the clients. */
function withoutAws(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('AWS_')));
}
