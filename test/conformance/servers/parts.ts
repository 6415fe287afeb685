/** The parts of the conformance run, and what each needs on this machine. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';

export type PartName =
  | 'aws'
  | 'kubernetes'
  | 'karpenter'
  | 'argocd'
  | 'platform'
  | 'kustomize'
  | 'clients'
  | 'templates'
  | 'deploy';

export interface Part {
  readonly name: PartName;
  readonly title: string;
  /** What to give it, for `--help`. */
  readonly needs: string;
  /** What is missing to run it here, in words; `undefined` when it can run. */
  missing(env: Environment): string | undefined;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** It brings the schemas of CloudFormation with it: older ones do not know the tags of a dashboard in every region. */
const CFN_LINT = '1.58.0';

export const PARTS: readonly Part[] = [
  {
    name: 'aws',
    title: 'AWS',
    needs: 'AWS_ENDPOINT_URL: an AWS written by others, such as moto_server',
    missing: (env) => (env['AWS_ENDPOINT_URL'] ? undefined : 'AWS_ENDPOINT_URL is not set'),
  },
  {
    name: 'kubernetes',
    title: 'Kubernetes',
    needs:
      'KUBEBUILDER_ASSETS: a folder with etcd, kube-apiserver, kube-controller-manager and kube-scheduler, as test/conformance/servers/build.sh makes one; kubectl in it or on the PATH',
    missing: (env) =>
      missingPrograms(env, 'KUBEBUILDER_ASSETS', [
        'etcd',
        'kube-apiserver',
        'kube-controller-manager',
        'kube-scheduler',
      ]),
  },
  {
    name: 'karpenter',
    title: 'Karpenter',
    needs:
      'KARPENTER_ASSETS: a folder with karpenter and its crds, as test/conformance/servers/karpenter/build.sh makes one; KUBEBUILDER_ASSETS',
    missing: (env) =>
      missingPrograms(env, 'KARPENTER_ASSETS', ['karpenter', 'crds']) ??
      missingPrograms(env, 'KUBEBUILDER_ASSETS', [
        'etcd',
        'kube-apiserver',
        'kube-controller-manager',
        'kube-scheduler',
      ]),
  },
  {
    name: 'argocd',
    title: 'Argo CD',
    needs:
      'ARGOCD_ASSETS: a folder with argocd, all its programs in one, and its crds; redis-server and git on the PATH, and kustomize for images that are set on an Application; KUBEBUILDER_ASSETS with kube-controller-manager and kube-scheduler. Or, to look only, ARGOCD_SERVER and ARGOCD_AUTH_TOKEN',
    missing: (env) =>
      env['ARGOCD_SERVER'] && env['ARGOCD_AUTH_TOKEN'] && !env['ARGOCD_ASSETS']
        ? undefined
        : (missingPrograms(env, 'ARGOCD_ASSETS', ['argocd', 'git-verify-wrapper.sh', 'crds']) ??
          missingPrograms(env, 'KUBEBUILDER_ASSETS', [
            'etcd',
            'kube-apiserver',
            'kube-controller-manager',
            'kube-scheduler',
          ]) ??
          missingOnPath(env, ['redis-server', 'git'])),
  },
  {
    name: 'platform',
    title: 'The platform of the example',
    needs:
      'KUSTOMIZE_ASSETS: a folder with kustomize and the crds of Argo CD, as test/conformance/servers/kustomize/build.sh makes one; KUBEBUILDER_ASSETS with kubectl',
    missing: (env) =>
      missingPrograms(env, 'KUSTOMIZE_ASSETS', ['kustomize', 'crds']) ??
      missingPrograms(env, 'KUBEBUILDER_ASSETS', ['etcd', 'kube-apiserver', 'kubectl']),
  },
  {
    name: 'kustomize',
    title: 'kustomize',
    needs: 'KUSTOMIZE_ASSETS: a folder with kustomize',
    missing: (env) => missingPrograms(env, 'KUSTOMIZE_ASSETS', ['kustomize']),
  },
  {
    name: 'clients',
    title: 'Clients',
    needs: 'kubectl and aws on the PATH',
    missing: (env) => missingOnPath(env, ['kubectl', 'aws']),
  },
  {
    name: 'templates',
    title: 'Templates',
    needs: `cfn-lint ${CFN_LINT} or newer on the PATH`,
    missing: (env) => missingOnPath(env, ['cfn-lint']) ?? tooOld(env, 'cfn-lint', CFN_LINT),
  },
  {
    name: 'deploy',
    title: 'Deploy',
    needs:
      'MINISTACK_ASSETS: a folder with ministack, as test/conformance/servers/ministack/build.sh makes one; kubectl and aws on the PATH',
    missing: (env) =>
      missingPrograms(env, 'MINISTACK_ASSETS', ['bin/ministack']) ?? missingOnPath(env, ['kubectl', 'aws']),
  },
];

export function missingPrograms(
  env: Environment,
  variable: string,
  programs: readonly string[],
): string | undefined {
  const folder = env[variable];
  if (!folder) return `${variable} is not set`;
  const absent = programs.filter((program) => !existsSync(path.join(folder, program)));
  return absent.length === 0 ? undefined : `${variable} has no ${absent.join(', ')}`;
}

export function missingOnPath(env: Environment, programs: readonly string[]): string | undefined {
  const absent = programs.filter((program) => !isOnPath(program, env));
  return absent.length === 0 ? undefined : `${absent.join(' and ')}: not on the PATH`;
}

export function isOnPath(program: string, env: Environment): boolean {
  const folders = (env['PATH'] ?? '').split(path.delimiter).filter((folder) => folder !== '');
  return folders.some((folder) => existsSync(path.join(folder, program)));
}

/** `program --version` says a version somewhere in its first line. */
function tooOld(env: Environment, program: string, oldest: string): string | undefined {
  const { stdout } = spawnSync(program, ['--version'], { env: { ...env }, encoding: 'utf8' });
  const version = /\d+\.\d+\.\d+/.exec(stdout ?? '')?.[0];
  if (version === undefined) return `${program} --version tells no version`;
  const order = version.localeCompare(oldest, 'en', { numeric: true });
  return order >= 0 ? undefined : `${program} ${version} is too old, ${oldest} or newer is needed`;
}
