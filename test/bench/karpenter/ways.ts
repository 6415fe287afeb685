/** How people stop Karpenter's nodes at night, as public threads show it, and night-schedule. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { POOL_LABEL } from '#test/conformance/karpenter/node-pool.ts';
import type { Json } from '#test/conformance/kubernetes/objects.ts';
import type { Place } from './pools.ts';

export interface Way {
  /** Begins the names of its NodePools. */
  readonly name: string;
  readonly what: string;
  stop(place: Place): Promise<void>;
  start(place: Place): Promise<void>;
  /** What it reported, for a person. */
  reports(): readonly string[];
  close(): Promise<void>;
}

/** Returns standard output; what kubectl refused is reported and the script goes on, as one without `set -e` does. */
type Kubectl = (args: readonly string[], input?: string) => Promise<string>;

export interface Scripts {
  readonly program: string;
  readonly kubeconfig: string;
  /** Between the deletion of the NodeClaims and that of the pods that are left. */
  readonly stragglersAfterMs: number;
}

/** The public scripts write this in the morning, whatever the limits were. */
const MORNING_CPU = '1000';

export function scriptedWays({ program, kubeconfig, stragglersAfterMs }: Scripts): readonly Way[] {
  const way = (
    name: string,
    what: string,
    steps: (kubectl: Kubectl, report: (line: string) => void) => Pick<Way, 'stop' | 'start'>,
  ): Way => {
    const reports: string[] = [];
    const kubectl = kubectlOf(program, kubeconfig, (line) => reports.push(line));
    const close = async () => undefined;
    return { name, what, ...steps(kubectl, (line) => reports.push(line)), reports: () => reports, close };
  };

  return [
    way('limits', 'limits only: kubectl patch nodepool, cpu 0, and cpu 1000 in the morning', (kubectl) => ({
      stop: (place) => setCpu(kubectl, place, '0'),
      start: (place) => setCpu(kubectl, place, MORNING_CPU),
    })),
    way('claims', 'delete claims only: kubectl delete nodeclaims; nothing in the morning', (kubectl) => ({
      stop: (place) => deleteClaims(kubectl, place),
      start: async () => undefined,
    })),
    way(
      'limits-and-claims',
      'limits, then delete claims, as karpenter-provider-aws#3539 advises; cpu 1000 in the morning',
      (kubectl) => ({
        async stop(place) {
          await setCpu(kubectl, place, '0');
          await deleteClaims(kubectl, place);
        },
        start: (place) => setCpu(kubectl, place, MORNING_CPU),
      }),
    ),
    way(
      'delete-pools',
      'delete the NodePools and apply them again, as karpenter#1177 shows it',
      (kubectl) => ({
        stop: async ({ pools }) => void (await kubectl(['delete', 'nodepool', '--wait=false', ...pools])),
        start: async ({ manifests }) => void (await kubectl(['apply', '-f', '-'], listOf(manifests))),
      }),
    ),
    way(
      'force-pods',
      'limits, delete claims, and after five minutes every pod by force, as karpenter-provider-aws#7010 shows it; cpu 1000 in the morning',
      (kubectl, report) => ({
        async stop(place) {
          await setCpu(kubectl, place, '0');
          await deleteClaims(kubectl, place);
          await wait(stragglersAfterMs);
          const forced = await kubectl([
            ...['delete', 'pods', '--all', '--grace-period=0', '--force', '--wait=false'],
            ...['--namespace', place.namespace],
          ]);
          report(
            `${linesOf(forced).length} pods were deleted without a grace period, those that waited for a node among them`,
          );
        },
        start: (place) => setCpu(kubectl, place, MORNING_CPU),
      }),
    ),
  ];
}

/** One by one: kubectl refuses the limits of a static NodePool. */
async function setCpu(kubectl: Kubectl, { pools }: Place, cpu: string): Promise<void> {
  const patch = JSON.stringify({ spec: { limits: { cpu } } });
  for (const pool of pools) await kubectl(['patch', 'nodepool', pool, '--type=merge', `--patch=${patch}`]);
}

async function deleteClaims(kubectl: Kubectl, { pools }: Place): Promise<void> {
  await kubectl(['delete', 'nodeclaims', '--wait=false', `--selector=${POOL_LABEL} in (${pools.join(',')})`]);
}

const listOf = (items: readonly Json[]) => JSON.stringify({ apiVersion: 'v1', kind: 'List', items });

const linesOf = (text: string) => text.split('\n').filter((line) => line !== '');

function kubectlOf(program: string, kubeconfig: string, report: (line: string) => void): Kubectl {
  return async (args, input) => {
    const child = spawn(program, [`--kubeconfig=${kubeconfig}`, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const [out, error] = [child.stdout, child.stderr].map((stream) => {
      const chunks: string[] = [];
      stream.setEncoding('utf8').on('data', (text: string) => chunks.push(text));
      return chunks;
    });
    child.stdin.end(input ?? '');
    const [code] = await once(child, 'close');
    if (code !== 0)
      report(`kubectl ${args.slice(0, 3).join(' ')} failed: ${linesOf((error ?? []).join(''))[0] ?? code}`);
    return (out ?? []).join('');
  };
}

/** `v1.36.3` */
export async function versionOf(program: string): Promise<string> {
  const { stdout } = await promisify(execFile)(program, ['version', '--client', '--output=json']);
  return (JSON.parse(stdout) as { clientVersion: { gitVersion: string } }).clientVersion.gitVersion;
}
