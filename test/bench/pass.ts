/** A pass of night-schedule over ever more groups: how many AWS calls, how long, how much memory. */
import { type Bench, type Figure, median } from './bench.ts';
import { MONTH_MINUTES, ticksDollars } from './lambda-time.ts';
import { type AccountSite, type FunctionUnderTest, MINUTE_MS, raiseAccount, tickAt } from './site.ts';

const SIZES = [1, 10, 100, 500, 2_000];
const QUIET_CALLS = (groups: number) => Math.ceil(groups / 100) + 3;
const LONGEST_MS = 10_000;

export const pass: Bench = async ({ runs, log }) => {
  const figures: Figure[] = [];
  const memory: string[] = [];
  for (const groups of SIZES) {
    log(`pass: ${groups} groups`);
    const site = await raiseAccount('develop');
    try {
      await addGroups(site, groups);
      const run = site.run('night-schedule');
      await settle(site, run);

      const quiet = await measure(site, run, Math.min(runs, 10));
      figures.push(
        {
          what: `${groups} groups, quiet: AWS calls`,
          value: Math.max(...quiet.map(({ calls }) => calls)),
          unit: 'calls',
          target: {
            what: `≤ ${QUIET_CALLS(groups)}`,
            met: quiet.every(({ calls }) => calls <= QUIET_CALLS(groups)),
          },
        },
        {
          what: `${groups} groups, quiet: time`,
          value: median(quiet.map(({ ms }) => ms)),
          unit: 'ms',
          ...(groups === 500
            ? { target: { what: '< 10 s', met: quiet.every(({ ms }) => ms < LONGEST_MS) } }
            : {}),
        },
        {
          what: `${groups} groups, quiet: duration of a month’s ticks`,
          value: ticksDollars(
            {
              cpuMs: median(quiet.map(({ cpuMs }) => cpuMs)),
              awsCalls: median(quiet.map(({ calls }) => calls)),
            },
            { memoryMb: site.specOf('night-schedule').memoryMb, ticks: MONTH_MINUTES },
          ),
          unit: '$ a month',
        },
      );
      memory.push(`${groups}: ${Math.round(Math.max(...quiet.map((one) => one.memoryMb)))} MB`);

      await site.context.clock.runUntil(Date.parse('2026-11-24T13:00:05Z'));
      const [stop] = await measure(site, run, 1);
      if (!stop) continue;
      const requested = site.front.counts()['eks:UpdateNodegroupConfig'] ?? 0;
      if (requested !== groups) throw new Error(`the stop resized ${requested} of ${groups} groups`);
      figures.push(
        { what: `${groups} groups, stop: AWS calls`, value: stop.calls, unit: 'calls' },
        {
          what: `${groups} groups, stop: time`,
          value: stop.ms,
          unit: 'ms',
          ...(groups === 500 ? { target: { what: '< 10 s', met: stop.ms < LONGEST_MS } } : {}),
        },
      );
    } finally {
      await site.close();
    }
  }
  return {
    bench: 'pass',
    method:
      'the deployed function in a warm process, over the lab’s AWS; quiet: median of the passes, most calls of any; stop: the pass that saves every size and scales to zero',
    figures,
    notes: [`pass, most memory of the process: ${memory.join(', ')}`],
  };
};

async function addGroups(site: AccountSite, count: number): Promise<void> {
  for (let index = 1; index <= count; index++) {
    site.aws.addNodegroup(site.cluster, {
      name: `group-${String(index).padStart(4, '0')}`,
      min: 1,
      desired: 1,
      max: 3,
      instanceTypes: ['m6i.large'],
      capacityType: 'SPOT',
    });
  }
  await site.pass(10 * MINUTE_MS);
}

/** The first passes write down what they find. */
async function settle(site: AccountSite, run: FunctionUnderTest): Promise<void> {
  for (let round = 0; round < 2; round++) {
    await run.invoke(tickAt(site.context.clock.now()));
    await site.pass(MINUTE_MS);
  }
}

async function measure(site: AccountSite, run: FunctionUnderTest, times: number) {
  const measured: {
    readonly calls: number;
    readonly ms: number;
    readonly cpuMs: number;
    readonly memoryMb: number;
  }[] = [];
  for (let round = 0; round < times; round++) {
    const before = site.calls();
    const { consumption } = await run.invoke(tickAt(site.context.clock.now()));
    const calls = site.calls() - before;
    if (calls === 0) throw new Error('a pass without a single call was no pass');
    measured.push({
      calls,
      ms: consumption.handlerMs,
      cpuMs: consumption.cpuMs,
      memoryMb: consumption.memoryMb,
    });
    if (round + 1 < times) await site.pass(MINUTE_MS);
  }
  return measured;
}
