/** An AWS with a CloudFormation written by others, on the loopback. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

export interface Ministack {
  readonly url: string;
  readonly version: string;
  /** What it logged. */
  readonly log: string;
  close(): Promise<void>;
}

const STARTS_WITHIN_MS = 60_000;

export async function startMinistack(
  assets: string,
  of: { readonly account: string; readonly region: string },
): Promise<Ministack> {
  const directory = mkdtempSync(path.join(tmpdir(), 'ministack-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const log = path.join(directory, 'log');
  const child = spawn(path.join(assets, 'bin/ministack'), [], {
    env: {
      PATH: process.env['PATH'],
      HOME: directory,
      TMPDIR: directory,
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      EDGE_PORT: String(port),
      MINISTACK_HOST: '127.0.0.1',
      MINISTACK_ACCOUNT_ID: of.account,
      MINISTACK_REGION: of.region,
      STATE_DIR: path.join(directory, 'state'),
      SFTP_ENABLED: '0',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const file = createWriteStream(log);
  child.stdout.pipe(file);
  child.stderr.pipe(file);
  await untilAnswering(url, child);
  const version = execFileSync(path.join(assets, 'bin/python'), [
    '-c',
    'from importlib.metadata import version; print(version("ministack"))',
  ]);
  return {
    url,
    version: version.toString().trim(),
    log,
    async close() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function untilAnswering(url: string, child: ChildProcess): Promise<void> {
  const until = Date.now() + STARTS_WITHIN_MS;
  while (Date.now() < until && child.exitCode === null) {
    const isThere = await fetch(url).then(
      () => true,
      () => false,
    );
    if (isThere) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`ministack does not answer at ${url}`);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}
