/**
 * Many interruptions at the same instant. Lambda gives each notice an environment of its own; here so many processes
 * are kept warm as fit into memory, and for more notices each environment gets ten at once, as from a queue.
 */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { FunctionSpec } from '@nightshift/lab/assembly/function-runner.ts';
import { USUAL_DELAY_MS } from '@nightshift/lab/assembly/triggers.ts';
import type { AwsEvent } from '@nightshift/lab/world/interfaces.ts';
import pMap from 'p-map';
import { type Bench, type Figure, percentile } from './bench.ts';
import { type FunctionUnderTest, MINUTE_MS, raiseSite, type Site, tickAt } from './site.ts';

const CORDONED_WITHIN_MS = 5_000;
const GROUP = 'storm';
/** One node for each environment, to be cordoned before the storm. */
const SPARE = 'spare';

const STORMS = [
  { notices: 100, batch: 1 },
  { notices: 100, batch: 10 },
  { notices: 500, batch: 10 },
] as const;

export const storm: Bench = async ({ log }) => {
  const figures: Figure[] = [];
  for (const { notices, batch } of STORMS) {
    log(`storm: ${notices} notices, ${batch} for each environment`);
    const folder = await mkdtemp(path.join(tmpdir(), 'nightshift-bench-storm-'));
    const site = await raiseSite('develop');
    try {
      const deployed = site.specOf('spot-drain');
      const spec = batch === 1 ? deployed : await inBatches(deployed, folder);
      const environments = Array.from({ length: notices / batch }, () => site.run('spot-drain', { spec }));
      await addNodes(site, notices, environments.length);
      await site.live(() => site.run('spot-drain').invoke(tickAt(site.context.clock.now())));
      await warmUp(site, environments, batch);
      const { delays, cpuMs, failed } = await strike(site, environments, batch);
      const what =
        batch === 1
          ? `${notices} notices, an environment each`
          : `${notices} notices, ${batch} to an environment`;
      figures.push(
        {
          what: `${what}: cordoned in time`,
          value: delays.filter((delay) => delay <= CORDONED_WITHIN_MS).length,
          unit: 'nodes',
          target: {
            what: `${notices} of ${notices} within 5 s`,
            met: delays.length === notices && delays.every((delay) => delay <= CORDONED_WITHIN_MS),
          },
        },
        ...(delays.length === 0
          ? []
          : [
              { what: `${what}: median from event to cordon`, value: percentile(delays, 0.5), unit: 'ms' },
              { what: `${what}: latest from event to cordon`, value: Math.max(...delays), unit: 'ms' },
            ]),
        { what: `${what}: failed, for Lambda to try again`, value: failed, unit: 'invocations' },
        ...(Number.isNaN(cpuMs)
          ? []
          : [{ what: `${what}: processor time of the functions`, value: cpuMs, unit: 'ms a notice' }]),
      );
    } finally {
      await site.close();
      await rm(folder, { recursive: true, force: true });
    }
  }
  return {
    bench: 'storm',
    method:
      'every spot node of a group is interrupted at one instant, after one tick; the stack’s event rule → warm processes of the deployed function, which have cordoned one node before and keep their connections → the lab’s AWS and Kubernetes API, all on this machine’s processors',
    figures,
  };
};

async function addNodes(site: Site, count: number, spare: number): Promise<void> {
  for (const [name, desired] of [
    [GROUP, count],
    [SPARE, spare],
  ] as const)
    site.aws.addAutoScalingGroup(site.cluster, {
      name,
      min: 0,
      desired,
      max: desired,
      instanceTypes: ['m6i.large'],
      spotPercent: 100,
      labels: { workload: name },
    });
  await site.pass(6 * MINUTE_MS);
  site.environment.kubernetes.addDeployment({
    name: 'web',
    replicas: count,
    nodeSelector: { workload: GROUP },
    terminationGracePeriodSeconds: 10,
  });
  await site.pass(2 * MINUTE_MS);
}

/**
 * Starts every process with a recommendation that cordons a spare node, delivered as often as it will have notices at once, so
 * that each of those has its connections: two processes at a time.
 */
async function warmUp(site: Site, environments: readonly FunctionUnderTest[], batch: number): Promise<void> {
  const spare = instancesOf(site, SPARE);
  await site.live(() =>
    pMap(
      environments,
      (one, index) => {
        const payload = recommendation(site, spare[index]?.id ?? '');
        return one.invoke(batch === 1 ? payload : Array.from({ length: batch }, () => payload));
      },
      { concurrency: 2 },
    ),
  );
}

function instancesOf(site: Site, group: string) {
  return site.aws.instances(site.cluster).filter((instance) => instance.group.name === group);
}

/** Milliseconds from each event to its node's cordon, of the nodes that were cordoned; and what the functions took. */
async function strike(
  site: Site,
  environments: readonly FunctionUnderTest[],
  batch: number,
): Promise<{ readonly delays: readonly number[]; readonly cpuMs: number; readonly failed: number }> {
  const { clock } = site.context;
  const { kubernetes } = site.environment;
  const instances = instancesOf(site, GROUP);
  const waiting = new Set(instances.map(({ id }) => kubernetes.nodeOf(id) ?? id));
  const delays: number[] = [];
  let cpuMs = 0;
  let failed = 0;
  const events: AwsEvent[] = [];
  const stop = site.context.signals.on('event', (event) => {
    if (event['detail-type'] === 'EC2 Spot Instance Interruption Warning' && isDelivered(site, event))
      events.push(event);
  });
  await site.live(async () => {
    const at = clock.now();
    const unsubscribe = kubernetes.api.subscribe(({ resource, object }) => {
      if (resource.key !== 'nodes' || !object.spec?.unschedulable) return;
      if (waiting.delete(object.metadata.name)) delays.push(clock.now() - at);
    });
    try {
      for (const { id } of instances) site.aws.interruptSpot(id);
      if (events.length !== instances.length)
        throw new Error(`${events.length} of ${instances.length} notices match a rule of the stack`);
      await new Promise((resolve) => setTimeout(resolve, USUAL_DELAY_MS));
      const settled = await Promise.allSettled(
        environments.map((one, index) =>
          one.invoke(batch === 1 ? events[index] : events.slice(index * batch, (index + 1) * batch)),
        ),
      );
      const measured = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      // Lambda would try those again; a mean over the others is still one of what a notice takes.
      failed = settled.length - measured.length;
      cpuMs =
        measured.reduce((all, { consumption }) => all + consumption.cpuMs, 0) / (measured.length * batch);
    } finally {
      unsubscribe();
      stop();
    }
  });
  return { delays, cpuMs, failed };
}

function isDelivered(site: Site, event: AwsEvent): boolean {
  return site.lab.assembly.deployments.some(({ rules }) => rules.some((rule) => rule.matches?.(event)));
}

function recommendation(site: Site, instanceId: string) {
  const { account, region } = site.cluster;
  return {
    version: '0',
    id: site.context.uuid(),
    'detail-type': 'EC2 Instance Rebalance Recommendation',
    source: 'aws.ec2',
    account,
    time: new Date(site.context.clock.now()).toISOString(),
    region,
    resources: [],
    detail: { 'instance-id': instanceId },
  };
}

/** The deployed code, called once for each event of a batch, all at the same time. */
async function inBatches(spec: FunctionSpec, folder: string): Promise<FunctionSpec> {
  await cp(spec.taskRoot, folder, { recursive: true });
  await writeFile(
    path.join(folder, 'batch.mjs'),
    [
      "import { handler as one } from './index.mjs';",
      'const idOf = (context, index) => ({ ...context, awsRequestId: context.awsRequestId + index });',
      'export const handler = (events, context) =>',
      '  Promise.all(events.map((event, index) => one(event, { ...idOf(context, index), getRemainingTimeInMillis: context.getRemainingTimeInMillis })));',
    ].join('\n'),
  );
  return { ...spec, taskRoot: folder, handler: 'batch.handler' };
}
