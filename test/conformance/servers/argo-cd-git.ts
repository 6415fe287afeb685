/** Git repositories on the loopback, served by git's own HTTP server. */
import { execFile, spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';

export interface GitServer {
  /** `http://127.0.0.1:port`; repositories are below it. */
  readonly url: string;
  /** Makes an empty repository, `example/api.git`, and returns its URL. */
  addRepository(name: string): Promise<string>;
  /** Replaces all files of the branch with these, by path, and returns the commit. */
  commit(name: string, branch: string, files: Readonly<Record<string, string>>): Promise<string>;
  close(): Promise<void>;
}

const run = promisify(execFile);
/** Nothing of the person who runs it gets in. */
const GIT_ENV = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };

/** `folder` exists and is empty. */
export async function serveGit(folder: string): Promise<GitServer> {
  const env = { ...GIT_ENV, PATH: process.env['PATH'] ?? '' };
  const git = (...args: readonly string[]) => run('git', [...args], { env });
  const { stdout: programs } = await git('--exec-path');
  const backend = path.join(programs.trim(), 'git-http-backend');
  const server = createServer((request, response) => answer(request, response, backend, folder, env));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  let commits = 0;

  return {
    url,
    async addRepository(name) {
      await git('init', '--quiet', '--bare', '--initial-branch=main', path.join(folder, name));
      return `${url}/${name}`;
    },
    async commit(name, branch, files) {
      const at = path.join(folder, name);
      const ref = `refs/heads/${branch}`;
      const isNew = await git('-C', at, 'rev-parse', '--verify', '--quiet', ref).then(
        () => false,
        () => true,
      );
      const lines = [
        `commit ${ref}`,
        `committer conformance <conformance@example.com> ${1_700_000_000 + commits++} +0000`,
        'data 7',
        'commit',
        ...(isNew ? [] : [`from ${ref}^0`]),
        'deleteall',
      ];
      for (const [file, text] of Object.entries(files))
        lines.push(`M 100644 inline ${file}`, `data ${Buffer.byteLength(text)}`, text);
      await fastImport(at, `${lines.join('\n')}\n`, env);
      const { stdout } = await git('-C', at, 'rev-parse', ref);
      return stdout.trim();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function fastImport(repository: string, stream: string, env: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = execFile('git', ['-C', repository, 'fast-import', '--quiet'], { env }, (error) =>
      error ? reject(error) : resolve(),
    );
    child.stdin?.end(stream);
  });
}

/** One request through the CGI program that git brings. */
function answer(
  request: IncomingMessage,
  response: ServerResponse,
  backend: string,
  folder: string,
  env: NodeJS.ProcessEnv,
): void {
  const { pathname, search } = new URL(request.url ?? '/', 'http://127.0.0.1');
  const header = (name: string) => String(request.headers[name] ?? '');
  const child = spawn(backend, {
    env: {
      ...env,
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: '1',
      REQUEST_METHOD: request.method ?? 'GET',
      PATH_INFO: decodeURIComponent(pathname),
      QUERY_STRING: search.slice(1),
      CONTENT_TYPE: header('content-type'),
      ...(request.headers['content-length'] ? { CONTENT_LENGTH: header('content-length') } : {}),
      HTTP_CONTENT_ENCODING: header('content-encoding'),
      GIT_PROTOCOL: header('git-protocol'),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const chunks: Buffer[] = [];
  child.stdin.on('error', () => undefined);
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.on('error', () => response.writeHead(500).end());
  child.on('close', () => {
    const whole = Buffer.concat(chunks);
    const end = whole.indexOf('\r\n\r\n');
    if (end < 0) return void response.writeHead(500).end();
    let status = 200;
    for (const line of whole.subarray(0, end).toString('latin1').split('\r\n')) {
      const [name = '', ...value] = line.split(': ');
      if (name.toLowerCase() === 'status') status = Number.parseInt(value.join(': '), 10);
      else response.setHeader(name, value.join(': '));
    }
    response.writeHead(status).end(whole.subarray(end + 4));
  });
  request.pipe(child.stdin);
}
