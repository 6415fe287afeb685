/** Who empties the nodes: each is prepared, then struck at one instant. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { AwsEvent } from '@nightshift/lab/world/interfaces.ts';
import pMap from 'p-map';
import type { SpotDrainSettings } from '#model/settings.ts';
import type { Functions } from './functions.ts';
import { type Ground, KUBECTL, type PeerNode } from './ground.ts';

export interface Prepared {
  readonly pids: () => readonly number[];
  strike(): void;
  /** Nothing more will come of it. */
  isDone(): boolean;
  /** What went wrong, in words. */
  failures(): readonly string[];
  close(): Promise<void>;
}

export interface Side {
  /** Is this the name under which it is in the audit log? */
  isBy(user: string): boolean;
  prepare(nodes: readonly PeerNode[]): Promise<Prepared>;
}

/** More do not fit into the memory of this machine: for more notices each process gets one after the other. */
export const MOST_PROCESSES = 100;

export type Announce = (nodes: readonly PeerNode[]) => readonly AwsEvent[];

export function spotDrain(
  ground: Ground,
  functions: Functions,
  options: { readonly announce?: Announce; readonly settings?: Partial<SpotDrainSettings> } = {},
): Side {
  const { announce = (nodes) => nodes.map((node) => interruptionOf(ground, node)), settings } = options;
  return {
    isBy: (user) => user.startsWith('arn:aws:sts:'),
    async prepare(nodes) {
      await storeNames(functions);
      const processes = Math.min(nodes.length, MOST_PROCESSES);
      const fleet = functions.start({ nodes, processes, ...(settings ? { settings } : {}) });
      await fleet.provision(processes);
      return {
        pids: fleet.pids,
        strike: () => {
          for (const event of announce(nodes)) functions.emit(event);
        },
        isDone: fleet.isIdle,
        failures: fleet.failures,
        close: fleet.close,
      };
    },
  };
}

/** A tick, as it comes every five minutes, in a process of its own. */
async function storeNames(functions: Functions): Promise<void> {
  const fleet = functions.start({ nodes: [], processes: 1 });
  try {
    await fleet.tick();
  } finally {
    await fleet.close();
  }
}

/** One program for each node, as somebody's script would start them when the notices come. */
export function kubectlDrain(
  ground: Ground,
  assets: string,
  { timeoutSeconds = 120 }: { readonly timeoutSeconds?: number } = {},
): Side {
  const drain = async (kubeconfig: string, { name }: PeerNode, pids: Set<number>, failures: string[]) => {
    const child = spawn(
      path.join(assets, 'kubectl'),
      [
        `--kubeconfig=${kubeconfig}`,
        'drain',
        name,
        '--ignore-daemonsets',
        '--delete-emptydir-data',
        '--force',
        `--timeout=${timeoutSeconds}s`,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'], env: { HOME: ground.plane.folder } },
    );
    if (child.pid !== undefined) pids.add(child.pid);
    let words = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      words += text;
    });
    const [code] = await once(child, 'close');
    if (code !== 0) failures.push(words.trim().split('\n').at(-1) ?? '');
  };
  return {
    isBy: (user) => user === KUBECTL,
    async prepare(nodes) {
      const kubeconfig = await ground.plane.kubeconfigFor(KUBECTL);
      const pids = new Set<number>();
      const failures: string[] = [];
      let isDone = false;
      return {
        pids: () => [...pids],
        strike() {
          const all = pMap(nodes, (node) => drain(kubeconfig, node, pids, failures), {
            concurrency: MOST_PROCESSES,
          });
          void all.then(() => {
            isDone = true;
          });
        },
        isDone: () => isDone,
        failures: () => failures,
        close: async () => undefined,
      };
    },
  };
}

export function interruptionOf(ground: Ground, { instanceId }: PeerNode): AwsEvent {
  return {
    ...envelopeOf(ground, instanceId),
    'detail-type': 'EC2 Spot Instance Interruption Warning',
    detail: { 'instance-id': instanceId, 'instance-action': 'terminate' },
  };
}

export function recommendationOf(ground: Ground, { instanceId }: PeerNode): AwsEvent {
  return {
    ...envelopeOf(ground, instanceId),
    'detail-type': 'EC2 Instance Rebalance Recommendation',
    detail: { 'instance-id': instanceId },
  };
}

/** One event about all of them, which begins now. */
export function maintenanceOf(ground: Ground, nodes: readonly PeerNode[]): AwsEvent {
  const { account, region } = ground.site.cluster;
  const arn = (id: string) => `arn:aws:ec2:${region}:${account}:instance/${id}`;
  return {
    ...envelopeOf(ground, nodes[0]?.instanceId ?? ''),
    source: 'aws.health',
    'detail-type': 'AWS Health Event',
    detail: {
      eventArn: `arn:aws:health:${region}::event/EC2/AWS_EC2_INSTANCE_RETIREMENT_SCHEDULED/bench`,
      service: 'EC2',
      eventTypeCode: 'AWS_EC2_INSTANCE_RETIREMENT_SCHEDULED',
      eventTypeCategory: 'scheduledChange',
      startTime: new Date().toUTCString(),
      statusCode: 'open',
      eventRegion: region,
      affectedEntities: nodes.map(({ instanceId }) => ({ entityValue: arn(instanceId), status: 'PENDING' })),
    },
  };
}

function envelopeOf({ site }: Ground, instanceId: string): Omit<AwsEvent, 'detail' | 'detail-type'> {
  const { account, region } = site.cluster;
  return {
    version: '0',
    id: site.context.uuid(),
    source: 'aws.ec2',
    account,
    time: new Date().toISOString().replace(/\.\d{3}Z$/, 'Z'),
    region,
    resources: [`arn:aws:ec2:${region}a:instance/${instanceId}`],
  };
}
