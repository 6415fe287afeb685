/**
 * aws-node-termination-handler in its queue mode, where `NTH` names its program. It takes its cluster from the files that
 * a pod finds, so it gets a /run of its own, which Linux allows without being root.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Ground, NTH } from './ground.ts';
import { type Announce, interruptionOf, type Side } from './sides.ts';

const IN_POD =
  'mount -t tmpfs tmpfs /run && mkdir -p /run/secrets/kubernetes.io/serviceaccount && cp "$1" /run/secrets/kubernetes.io/serviceaccount/token && cp "$2" /run/secrets/kubernetes.io/serviceaccount/ca.crt && shift 2 && exec "$@"';
/** Its first poll of the queue. */
const STARTS_WITHIN_MS = 5_000;

export interface NthOptions {
  readonly program: string;
  /** Of its own: `--workers=50`. */
  readonly flags: readonly string[];
}

/** Undefined where it was not given. `NTH_FLAGS`: further flags, separated by spaces. */
export function nthGiven(environment: Readonly<Record<string, string | undefined>>): NthOptions | undefined {
  const { NTH: program, NTH_FLAGS: flags = '' } = environment;
  return program ? { program, flags: flags.split(' ').filter((flag) => flag !== '') } : undefined;
}

/** Its variables: https://github.com/aws/aws-node-termination-handler/blob/main/config/helm/aws-node-termination-handler/README.md */
export function nthVariables(at: {
  readonly kubernetes: string;
  readonly aws: string;
  readonly region: string;
  readonly queue: string;
}): Readonly<Record<string, string>> {
  const { hostname, port } = new URL(at.kubernetes);
  return {
    KUBERNETES_SERVICE_HOST: hostname,
    KUBERNETES_SERVICE_PORT: port,
    NODE_NAME: 'bench',
    POD_NAME: 'bench',
    NAMESPACE: 'kube-system',
    ENABLE_SQS_TERMINATION_DRAINING: 'true',
    ENABLE_SPOT_INTERRUPTION_DRAINING: 'false',
    ENABLE_SCHEDULED_EVENT_DRAINING: 'false',
    ENABLE_REBALANCE_DRAINING: 'true',
    CHECK_TAG_BEFORE_DRAINING: 'false',
    CHECK_ASG_TAG_BEFORE_DRAINING: 'false',
    QUEUE_URL: at.queue,
    AWS_ENDPOINT: at.aws,
    AWS_REGION: at.region,
    AWS_ACCESS_KEY_ID: 'bench',
    AWS_SECRET_ACCESS_KEY: 'secret',
    // There is no instance around it.
    AWS_EC2_METADATA_DISABLED: 'true',
    METADATA_TRIES: '1',
    INSTANCE_METADATA_URL: 'http://127.0.0.1:1',
  };
}

export function terminationHandler(
  ground: Ground,
  options: NthOptions,
  announce: Announce = (nodes) => nodes.map((node) => interruptionOf(ground, node)),
): Side {
  return {
    isBy: (user) => user === NTH,
    async prepare(nodes) {
      const { plane, moto, site } = ground;
      const queue = await moto.createQueue();
      const files = await podFiles(plane.folder, { token: plane.tokenOf(NTH), ca: plane.ca });
      const variables = nthVariables({
        kubernetes: plane.url,
        aws: moto.url,
        region: site.cluster.region,
        queue,
      });
      const child = startInPod(options, { variables, files });
      let words = '';
      child.stderr?.setEncoding('utf8').on('data', (text: string) => {
        words = (words + text).slice(-1_000);
      });
      await wait(STARTS_WITHIN_MS);
      if (child.exitCode !== null)
        throw new Error(`${options.program} ended with ${child.exitCode}: ${words}`);
      return {
        pids: () => (child.pid === undefined ? [] : [child.pid]),
        strike() {
          for (const event of announce(nodes)) void moto.send(queue, JSON.stringify(event));
        },
        isDone: () => true,
        failures: () => (child.exitCode === null ? [] : [words]),
        async close() {
          const ended = once(child, 'exit');
          if (child.exitCode === null && child.kill('SIGKILL')) await ended;
        },
      };
    },
  };
}

export interface PodFiles {
  readonly token: string;
  readonly ca: string;
}

export async function podFiles(folder: string, text: PodFiles): Promise<PodFiles> {
  const files = { token: path.join(folder, 'nth.token'), ca: path.join(folder, 'nth.ca') };
  await writeFile(files.token, text.token, { mode: 0o600 });
  await writeFile(files.ca, text.ca);
  return files;
}

export function startInPod(
  { program, flags }: NthOptions,
  { variables, files }: { readonly variables: Readonly<Record<string, string>>; readonly files: PodFiles },
): ChildProcess {
  const shell = ['--map-root-user', '--mount', 'sh', '-c', IN_POD, 'sh', files.token, files.ca];
  return spawn('unshare', [...shell, program, ...flags], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', ...variables },
  });
}
