/**
 * A real Argo CD on the loopback, over a real Kubernetes API: redis, repo-server, application controller and API
 * server, all with TLS where they have it. The cluster that it deploys to is the one in which its objects are.
 */

import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { createCertificateAuthority } from '@nightshift/lab/http/tls.ts';
import { createHttpHost, type HttpHost } from '#functions/adapters/http.ts';
import type { KubernetesClient } from '#functions/adapters/kubernetes/client.ts';
import { configurationOf, createDefinitions, createObject } from './argo-cd-objects.ts';
import type { ControlPlane } from './control-plane.ts';
import { freePort, type Program, startProgram, untilReady, withPrograms } from './control-plane-program.ts';

export interface ArgoCdOptions {
  /** `ARGOCD_ASSETS`: a folder with `argocd`, all of its programs in one, and `git-verify-wrapper.sh` and `crds` of its release. */
  readonly assets: string;
  readonly plane: ControlPlane;
  /** Further namespaces that applications may be in; they are created. */
  readonly applicationNamespaces?: readonly string[];
  /** Local accounts with API keys, and what Argo CD's RBAC says of them. */
  readonly accounts?: readonly string[];
  readonly policies?: readonly string[];
}

export interface ArgoCd {
  /** `https://127.0.0.1:port` */
  readonly url: string;
  /** PEM. */
  readonly ca: string;
  /** `v3.6.1` */
  readonly version: string;
  readonly namespace: string;
  /** Runs the `argocd` command as its administrator; standard output. Throws where it fails. */
  cli(...args: readonly string[]): Promise<string>;
  /** A second API server without TLS, below a path such as `/argocd`; its URL. */
  startBelow(path: string): Promise<string>;
  /** Ends the programs as their pods end when the nodes go; the objects stay. */
  stop(): Promise<void>;
  /** The programs start again, with nothing in their caches; returns when they answer. */
  startAgain(): Promise<void>;
  /** `stop`, and removes what the programs wrote. */
  close(): Promise<void>;
}

const NAMESPACE = 'argocd';
const READY_MS = 180_000;

export function startArgoCd(options: ArgoCdOptions): Promise<ArgoCd> {
  return withPrograms('argo-cd', (folder, programs, close) => start(options, folder, programs, close));
}

async function start(
  options: ArgoCdOptions,
  folder: string,
  programs: Program[],
  close: () => Promise<void>,
): Promise<ArgoCd> {
  const { assets, plane, applicationNamespaces = [] } = options;
  const authority = await createCertificateAuthority();
  const certificate = await authority.issue(['127.0.0.1', 'localhost']);
  const admin = plane.clientFor('admin');
  let host: HttpHost | undefined;
  try {
    await createDefinitions(admin, path.join(assets, 'crds'));
    for (const name of [NAMESPACE, ...applicationNamespaces])
      await createObject(admin, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    const { accounts = [], policies = [] } = options;
    for (const object of configurationOf({ namespace: NAMESPACE, certificate, accounts, policies }))
      await createObject(admin, object);

    const environment = await environmentOf(assets, folder, await plane.kubeconfigFor('admin'));
    const ports = { redis: await freePort(), repository: await freePort(), server: await freePort() };
    const launches: (() => Program)[] = [];
    const launch = (one: () => Program) => {
      launches.push(one);
      programs.push(one());
    };
    const run = (name: string, ...flags: readonly string[]) =>
      launch(() =>
        startProgram(assets, 'argocd', flags, { environment: { ...environment, ARGOCD_BINARY_NAME: name } }),
      );
    launch(() =>
      startProgram('', 'redis-server', [
        ...['--port', String(ports.redis), '--bind', '127.0.0.1', '--dir', folder],
        ...['--save', '', '--appendonly', 'no'],
      ]),
    );
    const redis = ['--redis', `127.0.0.1:${ports.redis}`];
    const repository = ['--repo-server', `127.0.0.1:${ports.repository}`];
    const applications = ['--application-namespaces', applicationNamespaces.join(',')];
    const own = async () => ['--metrics-port', String(await freePort()), '--loglevel', 'warn'];
    run(
      'argocd-repo-server',
      ...['--address', '127.0.0.1', '--port', String(ports.repository), '--metrics-address', '127.0.0.1'],
      ...redis,
      ...(await own()),
    );
    run(
      'argocd-application-controller',
      ...['--namespace', NAMESPACE],
      ...applications,
      ...redis,
      ...repository,
      ...(await own()),
    );
    const runServer = async (port: number, ...flags: readonly string[]) =>
      run(
        'argocd-server',
        ...['--address', '127.0.0.1', '--port', String(port), '--namespace', NAMESPACE],
        ...applications,
        ...redis,
        ...repository,
        ...(await own()),
        ...flags,
      );
    await runServer(ports.server);

    const url = `https://127.0.0.1:${ports.server}`;
    const api = createHttpHost({ url, ca: authority.pem, trust: 'only' });
    host = api;
    const untilUp = (at: HttpHost) =>
      untilReady(
        'argocd-server',
        async () => {
          const reply = await at.request({ method: 'GET', path: '/healthz?full=true', timeoutMs: 5_000 });
          return reply.status === 200;
        },
        programs,
        READY_MS,
      );
    await untilUp(api);
    const { body } = await api.request({ method: 'GET', path: '/api/version', timeoutMs: 5_000 });
    const { Version: version } = JSON.parse(body) as { Version: string };
    const token = await sessionOf(api, await initialPassword(admin));

    const authorityFile = path.join(folder, 'ca.crt');
    await writeFile(authorityFile, authority.pem);
    return {
      url,
      ca: authority.pem,
      version: version.replace(/\+.*$/, ''),
      namespace: NAMESPACE,
      async cli(...args) {
        const { stdout } = await promisify(execFile)(
          path.join(assets, 'argocd'),
          [...args, '--server-crt', authorityFile],
          {
            env: {
              ...environment,
              ARGOCD_SERVER: new URL(url).host,
              ARGOCD_AUTH_TOKEN: token,
            },
          },
        );
        return stdout;
      },
      async startBelow(path) {
        const port = await freePort();
        await runServer(port, '--insecure', '--rootpath', path);
        const url = `http://127.0.0.1:${port}${path}`;
        const isBelow = async () => (await fetch(`${url}/api/version`)).status === 200;
        await untilReady(`argocd-server below ${path}`, isBelow, programs, READY_MS);
        return url;
      },
      async stop() {
        for (const program of programs.splice(0).reverse()) await program.end();
      },
      async startAgain() {
        programs.push(...launches.map((one) => one()));
        const again = createHttpHost({ url, ca: authority.pem, trust: 'only' });
        await untilUp(again).finally(() => again.close());
      },
      close,
    };
  } finally {
    host?.close();
    admin.close();
  }
}

/** Every file that a program writes is in `folder`; of the machine's own configuration it sees nothing. */
async function environmentOf(
  assets: string,
  folder: string,
  kubeconfig: string,
): Promise<Record<string, string>> {
  const folders = ['home', 'tmp', 'gpg', 'tls', 'ssh', 'plugins'];
  for (const name of folders) await mkdir(path.join(folder, name), { mode: 0o700 });
  const at = (name: string) => path.join(folder, name);
  return {
    // The repo-server runs the release's `git-verify-wrapper.sh` for every commit.
    PATH: [assets, process.env['PATH'] ?? ''].join(path.delimiter),
    HOME: at('home'),
    TMPDIR: at('tmp'),
    KUBECONFIG: kubeconfig,
    // In place of the service account of a pod.
    ARGOCD_FAKE_IN_CLUSTER: 'true',
    ARGOCD_GPG_ENABLED: 'false',
    ARGOCD_GNUPGHOME: at('gpg'),
    ARGOCD_TLS_DATA_PATH: at('tls'),
    ARGOCD_SSH_DATA_PATH: at('ssh'),
    ARGOCD_PLUGINSOCKFILEPATH: at('plugins'),
    ARGOCD_ASK_PASS_SOCK: at('ask-pass.sock'),
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
  };
}

/** Argo CD makes one at its first start, and says it in a Secret. */
async function initialPassword(client: KubernetesClient): Promise<string> {
  const path = `/api/v1/namespaces/${NAMESPACE}/secrets/argocd-initial-admin-secret`;
  const { body } = await client.request<{ data: { password: string } }>({ method: 'GET', path });
  return Buffer.from(body.data.password, 'base64').toString('utf8');
}

async function sessionOf(host: HttpHost, password: string): Promise<string> {
  const { status, body } = await host.request({
    method: 'POST',
    path: '/api/v1/session',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'admin', password }),
    timeoutMs: 10_000,
  });
  if (status !== 200) throw new Error(`the administrator cannot log in: ${status} ${body}`);
  return (JSON.parse(body) as { token: string }).token;
}
