/**
 * A real Kubernetes control plane on the loopback: etcd, kube-apiserver, kube-controller-manager and kube-scheduler
 * from a folder of programs. No node joins by itself: see control-plane-kubelet.ts.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { kubeconfig } from '@nightshift/lab/http/kubernetes/kubeconfig.ts';
import { createCertificateAuthority } from '@nightshift/lab/http/tls.ts';
import { createKubernetesClient, type KubernetesClient } from '#functions/adapters/kubernetes/client.ts';
import {
  freePort,
  type Priority,
  type Program,
  startProgram,
  untilReady,
  withPrograms,
} from './control-plane-program.ts';

export interface ControlPlaneOptions {
  /** The folder with the programs: `KUBEBUILDER_ASSETS`. */
  readonly assets: string;
  /** Names and their groups. `admin` is there without being named, and may do everything. */
  readonly users?: Readonly<Record<string, readonly string[]>>;
  /** False: neither controllers nor a scheduler. Default true. */
  readonly controllers?: boolean;
  /** Further flags of kube-apiserver. */
  readonly flags?: readonly string[];
  /** Rules of the audit policy that come before those of the users. */
  readonly auditRules?: readonly object[];
  /** `usual`: the programs compete with all others. Default `low`. */
  readonly priority?: Priority;
}

/** A request as kube-apiserver's audit log has it. */
export interface AuditEntry {
  readonly user: string;
  readonly verb: string;
  /** Empty for the core group. */
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  /** HTTP status. */
  readonly status: number;
  /** ms since the epoch, by the server's clock. */
  readonly receivedAt: number;
  readonly answeredAt: number;
  /** Where a rule of the policy asks for it. */
  readonly body?: unknown;
}

export interface ControlPlane {
  /** `https://127.0.0.1:port` */
  readonly url: string;
  /** PEM. */
  readonly ca: string;
  /** Of kube-apiserver: `v1.36.3`. */
  readonly version: string;
  /** Removed by `close`. */
  readonly folder: string;
  /** Throws for a user that was not named. */
  tokenOf(user: string): string;
  /** Close it when it is no longer needed. */
  clientFor(user: string): KubernetesClient;
  /** The path of a file for kubectl. */
  kubeconfigFor(user: string): Promise<string>;
  /** What the users other than `admin` asked for so far, and what `auditRules` name. */
  audit(): Promise<readonly AuditEntry[]>;
  /** The program stands still until `resume`. */
  suspend(program: ProgramName): void;
  resume(program: ProgramName): void;
  close(): Promise<void>;
}

export type ProgramName = 'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler';

const READY_MS = 180_000;
const ADMIN = 'admin';

export function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  return withPrograms('control-plane', (folder, programs, close) => start(options, folder, programs, close));
}

async function start(
  options: ControlPlaneOptions,
  folder: string,
  programs: Program[],
  close: () => Promise<void>,
): Promise<ControlPlane> {
  const { assets, users = {} } = options;
  const run = (name: ProgramName, flags: readonly string[]) =>
    void programs.push(startProgram(assets, name, flags, { priority: options.priority }));
  const [etcdPort, peerPort, port] = [await freePort(), await freePort(), await freePort()];
  const etcd = `http://127.0.0.1:${etcdPort}`;
  const url = `https://127.0.0.1:${port}`;
  const tokens = new Map(
    [ADMIN, ...Object.keys(users)].map((name) => [name, randomBytes(16).toString('hex')]),
  );
  const tokenOf = (user: string) => {
    const token = tokens.get(user);
    if (token === undefined)
      throw new Error(`the control plane has no user "${user}": name it in its options`);
    return token;
  };

  run('etcd', [
    `--data-dir=${path.join(folder, 'etcd')}`,
    `--listen-client-urls=${etcd}`,
    `--advertise-client-urls=${etcd}`,
    `--listen-peer-urls=http://127.0.0.1:${peerPort}`,
    '--unsafe-no-fsync',
    '--log-level=warn',
  ]);
  const files = await writeFiles(folder, { [ADMIN]: ['system:masters'], ...users }, tokenOf);
  const policy = policyOf(Object.keys(users), options.auditRules);
  const auditPolicy = path.join(folder, 'audit-policy.json');
  await writeFile(auditPolicy, JSON.stringify(policy));
  run('kube-apiserver', [
    `--etcd-servers=${etcd}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    `--tls-cert-file=${files.certificate}`,
    `--tls-private-key-file=${files.key}`,
    `--token-auth-file=${files.tokens}`,
    '--authorization-mode=Node,RBAC',
    '--allow-privileged',
    '--service-cluster-ip-range=10.96.0.0/16',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${files.accountKey}`,
    `--service-account-signing-key-file=${files.accountKey}`,
    `--audit-policy-file=${auditPolicy}`,
    `--audit-log-path=${files.audit}`,
    ...(options.flags ?? []),
  ]);

  const clientFor = (user: string) =>
    createKubernetesClient({
      cluster: 'conformance',
      region: 'local',
      describeCluster: async () => ({ endpoint: url, ca: files.ca }),
      token: async () => tokenOf(user),
    });
  const kubeconfigFor = async (user: string) => {
    const file = path.join(folder, `${user}.kubeconfig`);
    await writeFile(file, kubeconfig({ name: user, url, caPem: files.ca, token: tokenOf(user) }));
    return file;
  };

  const admin = clientFor(ADMIN);
  try {
    const isReady = async () => (await admin.request({ method: 'GET', path: '/apis' })).status === 200;
    await untilReady('kube-apiserver', isReady, programs, READY_MS);
    if (options.controllers !== false) {
      const common = [
        `--kubeconfig=${await kubeconfigFor(ADMIN)}`,
        '--leader-elect=false',
        '--secure-port=0',
      ];
      run('kube-controller-manager', [
        ...common,
        `--service-account-private-key-file=${files.accountKey}`,
        `--root-ca-file=${files.root}`,
      ]);
      run('kube-scheduler', common);
      // Until then no pod can be made: every pod has a service account.
      const account = '/api/v1/namespaces/default/serviceaccounts/default';
      const hasAccount = async () => (await admin.request({ method: 'GET', path: account })).status === 200;
      await untilReady('kube-controller-manager', hasAccount, programs, READY_MS);
    }
    const { body } = await admin.request<{ gitVersion: string }>({ method: 'GET', path: '/version' });
    return {
      url,
      ca: files.ca,
      version: body.gitVersion,
      folder,
      tokenOf,
      clientFor,
      kubeconfigFor,
      suspend: (program) => named(programs, program).suspend(),
      resume: (program) => named(programs, program).resume(),
      audit: async () => auditOf(await readFile(files.audit, 'utf8')),
      close,
    };
  } finally {
    admin.close();
  }
}

function named(programs: readonly Program[], name: ProgramName): Program {
  const program = programs.find((one) => one.name === name);
  if (!program) throw new Error(`this control plane runs no ${name}: leave controllers on`);
  return program;
}

async function writeFiles(
  folder: string,
  users: Readonly<Record<string, readonly string[]>>,
  tokenOf: (user: string) => string,
) {
  const authority = await createCertificateAuthority();
  const { key, cert } = await authority.issue(['127.0.0.1', 'localhost', 'kubernetes.default.svc']);
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const file = async (name: string, text: string) => {
    const at = path.join(folder, name);
    await writeFile(at, text, { mode: 0o600 });
    return at;
  };
  const tokens = Object.entries(users).map(
    ([name, groups]) => `${tokenOf(name)},${name},uid-of-${name},"${groups.join(',')}"\n`,
  );
  return {
    ca: authority.pem,
    root: await file('ca.crt', authority.pem),
    certificate: await file('apiserver.crt', cert),
    key: await file('apiserver.key', key),
    accountKey: await file('accounts.key', privateKey.export({ type: 'pkcs8', format: 'pem' }) as string),
    tokens: await file('tokens.csv', tokens.join('')),
    audit: await file('audit.log', ''),
  };
}

function policyOf(users: readonly string[], first: readonly object[] = []) {
  const watched = users.filter((user) => user !== ADMIN);
  const own = watched.length > 0 ? [{ level: 'Metadata', users: watched }] : [];
  return {
    apiVersion: 'audit.k8s.io/v1',
    kind: 'Policy',
    omitStages: ['RequestReceived', 'ResponseStarted'],
    rules: [...first, ...own, { level: 'None' }],
  };
}

interface AuditLine {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef?: {
    readonly apiGroup?: string;
    readonly resource: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly responseStatus?: { readonly code: number };
  readonly requestObject?: unknown;
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
}

function auditOf(text: string): AuditEntry[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as AuditLine)
    .flatMap(({ verb, user, objectRef, responseStatus, requestObject: body, ...times }) => {
      if (!objectRef) return [];
      const { apiGroup: group = '', ...about } = objectRef;
      const { resource, subresource, namespace, name } = about;
      return [
        {
          user: user.username,
          verb,
          group,
          resource,
          ...(subresource === undefined ? {} : { subresource }),
          ...(namespace === undefined ? {} : { namespace }),
          ...(name === undefined ? {} : { name }),
          status: responseStatus?.code ?? 0,
          receivedAt: Date.parse(times.requestReceivedTimestamp),
          answeredAt: Date.parse(times.stageTimestamp),
          ...(body === undefined ? {} : { body }),
        },
      ];
    });
}
