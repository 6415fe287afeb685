/**
 * What each memory size would cost and take. Lambda gives a function a share of a processor for its memory, so the
 * processor time that is measured here becomes a duration there; what it waits for AWS does not depend on it.
 */
import type { FunctionSpec } from '@nightshift/lab/assembly/function-runner.ts';
import type { Capability } from '#model/decision.ts';
import { type Bench, type Figure, median } from './bench.ts';
import { MONTH_MINUTES, ONE_PROCESSOR_MB, processorMs, ticksDollars } from './lambda-time.ts';
import { interruptionOf } from './notice.ts';
import { CALL_MS, type FunctionUnderTest, MINUTE_MS, raiseSite, type Site, tickAt } from './site.ts';

const SIZES_MB = [128, 256, 512, 1024, 1769];
/** Reserve for cases that this run does not include. */
const MOST_MEMORY = 0.8;
const GROUP = 'memory';
const PODS = 40;

interface Work {
  /** Median of the processor time. */
  readonly cpuMs: number;
  readonly awsCalls: number;
  readonly memoryMb: number;
}

interface Plan {
  readonly capability: Capability;
  readonly ticksAMonth: number;
  /** Work whose duration matters. */
  readonly busy: { readonly what: string; run(site: Site, one: FunctionUnderTest): Promise<Work> };
}

const PLANS: readonly Plan[] = [
  {
    capability: 'night-schedule',
    ticksAMonth: MONTH_MINUTES,
    busy: { what: 'the stop', run: stop },
  },
  {
    capability: 'branch-deploy',
    ticksAMonth: MONTH_MINUTES,
    busy: { what: 'a build that succeeded', run: build },
  },
  {
    capability: 'spot-drain',
    ticksAMonth: MONTH_MINUTES / 5,
    busy: { what: `an interruption, ${PODS} pods`, run: interruption },
  },
];

export const memory: Bench = async ({ runs, log }) => {
  const figures: Figure[] = [];
  const notes: string[] = [];
  for (const plan of PLANS) {
    for (const memoryMb of SIZES_MB) {
      log(`memory: ${plan.capability} with ${memoryMb} MB`);
      const site = await raiseSite('develop');
      try {
        const deployed = site.specOf(plan.capability);
        const one = site.run(plan.capability, { spec: sized(deployed, memoryMb) });
        await one.invoke(tickAt(site.context.clock.now()));
        const quiet = await quietTicks(site, one, Math.min(runs, 10));
        const busy = await plan.busy.run(site, one);
        const chosen = deployed.memoryMb === memoryMb;
        const what = `${plan.capability}, ${memoryMb} MB${chosen ? ' (chosen)' : ''}`;
        const dollars = ticksDollars(quiet, { memoryMb, ticks: plan.ticksAMonth });
        const most = Math.max(quiet.memoryMb, busy.memoryMb);
        figures.push(
          { what: `${what}: quiet ticks`, value: dollars, unit: '$ a month' },
          {
            what: `${what}: ${plan.busy.what}, at its share of a processor`,
            value: processorMs(busy.cpuMs, memoryMb),
            unit: 'ms',
          },
          {
            what: `${what}: most memory`,
            value: most,
            unit: 'MB',
            ...(chosen
              ? {
                  target: {
                    what: `≤ ${Math.round(memoryMb * MOST_MEMORY)} MB`,
                    met: most <= memoryMb * MOST_MEMORY,
                  },
                }
              : {}),
          },
        );
        if (chosen)
          notes.push(
            `memory, ${plan.capability}: ${quiet.cpuMs.toFixed(1)} ms of a processor and ${quiet.awsCalls} AWS calls for a quiet tick, ${busy.cpuMs.toFixed(0)} ms for ${plan.busy.what}`,
          );
      } finally {
        await site.close();
      }
    }
  }
  return {
    bench: 'memory',
    method: `the deployed functions in warm processes with each size’s heap; processor time × ${ONE_PROCESSOR_MB} MB / memory, and for a tick ${CALL_MS} ms of waiting for each AWS call`,
    figures,
    notes,
  };
};

function sized(spec: FunctionSpec, memoryMb: number): FunctionSpec {
  return { ...spec, memoryMb };
}

async function quietTicks(site: Site, one: FunctionUnderTest, times: number): Promise<Work> {
  const works: Work[] = [];
  for (let round = 0; round < times; round++) {
    works.push(await workOf(site, () => one.invoke(tickAt(site.context.clock.now()))));
    await site.pass(MINUTE_MS);
  }
  return {
    cpuMs: median(works.map(({ cpuMs }) => cpuMs)),
    awsCalls: median(works.map(({ awsCalls }) => awsCalls)),
    memoryMb: Math.max(...works.map(({ memoryMb }) => memoryMb)),
  };
}

async function workOf(site: Site, doing: () => ReturnType<FunctionUnderTest['invoke']>): Promise<Work> {
  const before = site.calls();
  const { consumption } = await site.live(doing);
  return {
    cpuMs: consumption.cpuMs,
    awsCalls: site.calls() - before,
    memoryMb: consumption.memoryMb,
  };
}

async function stop(site: Site, one: FunctionUnderTest): Promise<Work> {
  await site.context.clock.runUntil(Date.parse('2026-11-24T13:00:05Z'));
  const work = await workOf(site, () => one.invoke(tickAt(site.context.clock.now())));
  if (!site.front.counts()['eks:UpdateNodegroupConfig']) throw new Error('the pass stopped nothing');
  return work;
}

async function build(site: Site, one: FunctionUnderTest): Promise<Work> {
  const ended: unknown[] = [];
  const off = site.context.signals.on('event', (event) => {
    if (event.detail['build-status'] === 'SUCCEEDED') ended.push(event);
  });
  site.lab.codebuild.push({ repository: 'https://github.com/example/api', ref: 'refs/heads/develop' });
  await site.pass(4 * MINUTE_MS);
  off();
  const [event] = ended;
  if (event === undefined) throw new Error('no build succeeded');
  return workOf(site, () => one.invoke(event));
}

async function interruption(site: Site, one: FunctionUnderTest): Promise<Work> {
  const labels = { workload: GROUP };
  const group = site.aws.addAutoScalingGroup(site.cluster, {
    name: GROUP,
    min: 1,
    desired: 1,
    max: 1,
    instanceTypes: ['m6i.4xlarge'],
    spotPercent: 100,
    labels,
  });
  await site.pass(5 * MINUTE_MS);
  site.environment.kubernetes.addDeployment({
    name: GROUP,
    replicas: PODS,
    nodeSelector: labels,
    terminationGracePeriodSeconds: 1,
  });
  await site.pass(2 * MINUTE_MS);
  const [instance] = [...group.instances.keys()];
  if (instance === undefined) throw new Error('the group has no instance');
  return workOf(site, () => one.invoke(interruptionOf(site, instance)));
}
