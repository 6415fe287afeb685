/** From a build's event to Argo CD: how soon the sync is requested, and how many syncs a burst and a morning make. */

import type { AwsEvent } from '@nightshift/lab/world/interfaces.ts';
import pMap from 'p-map';
import { createNightReader } from '#functions/adapters/dynamodb/night.ts';
import { type Bench, median, percentile } from './bench.ts';
import { type FunctionUnderTest, MINUTE_MS, raiseSite, type Site, tickAt } from './site.ts';

const BUILDS = 100;
const APPLICATIONS = 50;
const ENVIRONMENTS = 50;
const PUSHES = 20;
const BUILD_MS = 4 * MINUTE_MS;
const EVENING = Date.parse('2026-11-24T13:00:00Z');
const MORNING = Date.parse('2026-11-24T23:00:00Z');
/** Longer than any morning of the lab. */
const MOST_TICKS = 40;

export const deploy: Bench = async ({ log }) => {
  const site = await raiseSite('fifty');
  try {
    const environments = Array.from({ length: ENVIRONMENTS }, () => site.run('branch-deploy'));
    await pMap(environments, (one) => one.invoke(tickAt(site.context.clock.now())), { concurrency: 2 });

    log(`deploy: ${BUILDS} builds`);
    const delays: number[] = [];
    for (let from = 0; from < BUILDS; from += ENVIRONMENTS) {
      delays.push(...(await oneByOne(site, environments, from % APPLICATIONS)));
      await site.pass(5 * MINUTE_MS);
    }
    log(`deploy: a burst of ${PUSHES}`);
    const burst = await atOnce(site, environments.slice(0, PUSHES));
    log(`deploy: the morning with ${APPLICATIONS} deploys`);
    const replay = await throughTheNight(site, environments);

    return {
      bench: 'deploy',
      method: `the deployed function in ${ENVIRONMENTS} warm processes over the lab’s CodeBuild and Argo CD; from the event’s delivery to the sync request at Argo CD’s server, ${BUILDS} builds one after the other`,
      figures: [
        { what: `${BUILDS} builds, event → sync request, p50`, value: median(delays), unit: 'ms' },
        { what: `${BUILDS} builds, event → sync request, p99`, value: percentile(delays, 0.99), unit: 'ms' },
        {
          what: `burst of ${PUSHES} pushes`,
          value: burst,
          unit: 'syncs',
          baseline: { what: 'one for each', value: PUSHES },
          target: { what: '≤ 2', met: burst >= 1 && burst <= 2 },
        },
        {
          what: `${APPLICATIONS} deploys of the night`,
          value: replay.syncs,
          unit: 'syncs',
          target: { what: `${APPLICATIONS}, none lost`, met: replay.deployed === APPLICATIONS },
        },
        {
          what: `${APPLICATIONS} deploys, from awake until the last was healthy`,
          value: replay.minutes,
          unit: 'minutes',
        },
      ],
    };
  } finally {
    await site.close();
  }
};

/** Builds of as many applications as there are environments; the next event comes when the last one's sync was requested. */
async function oneByOne(
  site: Site,
  environments: readonly FunctionUnderTest[],
  from: number,
): Promise<number[]> {
  const events = await eventsOf(site, () => {
    for (let index = 0; index < environments.length; index++) push(site, from + index);
  });
  const delays: number[] = [];
  await site.live(async () => {
    const invocations: Promise<unknown>[] = [];
    for (const [index, event] of events.entries()) {
      const before = syncs(site);
      const began = performance.now();
      const invocation = environments[index]?.invoke(event);
      if (invocation) invocations.push(invocation);
      await until(() => syncs(site) > before, `the sync of ${String(event.detail['project-name'])}`);
      delays.push(performance.now() - began);
    }
    await Promise.all(invocations);
  });
  return delays;
}

/** The syncs of one application after many pushes whose builds end together. */
async function atOnce(site: Site, environments: readonly FunctionUnderTest[]): Promise<number> {
  const events = await eventsOf(site, () => {
    for (let pushes = 0; pushes < environments.length; pushes++) push(site, 0);
  });
  const before = syncs(site);
  await site.live(() => Promise.all(events.map((event, index) => environments[index]?.invoke(event))));
  await finish(site, environments[0], 5);
  return syncs(site) - before;
}

/** Every application is built while the cluster sleeps, and is to be deployed in the morning. */
async function throughTheNight(site: Site, environments: readonly FunctionUnderTest[]) {
  const { clock } = site.context;
  const night = site.run('night-schedule');
  const [first] = environments;
  if (!first) throw new Error('there is no environment');
  const minute = async (...functions: readonly FunctionUnderTest[]) => {
    await site.live(() => Promise.all(functions.map((one) => one.invoke(tickAt(clock.now())))));
    await clock.runUntil((Math.floor(clock.now() / MINUTE_MS) + 1) * MINUTE_MS);
  };
  await clock.runUntil(EVENING);
  for (let ticks = 0; ticks < 20; ticks++) await minute(night, first);

  const wanted: string[] = [];
  const events = await eventsOf(site, () => {
    for (let index = 0; index < APPLICATIONS; index++) wanted.push(push(site, index));
  });
  const before = syncs(site);
  await site.live(() =>
    pMap(
      environments,
      async (one, index) => {
        for (let at = index; at < events.length; at += environments.length) await one.invoke(events[at]);
      },
      { concurrency: 4 },
    ),
  );
  if (syncs(site) !== before) throw new Error('something was synced while the cluster slept');

  await clock.runUntil(MORNING);
  let awakeAt = 0;
  let deployed = 0;
  for (let ticks = 0; ticks < MOST_TICKS && deployed < APPLICATIONS; ticks++) {
    await minute(night, first);
    const state = await createNightReader(site.table).state();
    if (awakeAt === 0 && state?.phase === 'awake') awakeAt = clock.now();
    deployed = wanted.filter((sha, index) => isDeployed(site, index, sha)).length;
  }
  return { syncs: syncs(site) - before, deployed, minutes: (clock.now() - awakeAt) / MINUTE_MS };
}

const nameOf = (index: number) => `app-${String(index + 1).padStart(2, '0')}`;

/** Returns the commit. */
function push(site: Site, index: number): string {
  const repository = `https://github.com/example/${nameOf(index)}`;
  return site.lab.codebuild.push({ repository, ref: 'refs/heads/develop' }).sha;
}

function isDeployed(site: Site, index: number, sha: string): boolean {
  const status = site.environment.argocd?.application(nameOf(index))?.status;
  return (
    status?.sync?.revision === sha && status.sync.status === 'Synced' && status.health?.status === 'Healthy'
  );
}

/** The events of the builds that `doing` starts, when all of them have succeeded. */
async function eventsOf(site: Site, doing: () => void): Promise<readonly AwsEvent[]> {
  const events: AwsEvent[] = [];
  const stop = site.context.signals.on('event', (event) => {
    const isEnd = event.detail['build-status'] === 'SUCCEEDED';
    if (isEnd && event['detail-type'] === 'CodeBuild Build State Change') events.push(event);
  });
  doing();
  await site.pass(BUILD_MS);
  stop();
  return events;
}

/** Sync requests that Argo CD's server accepted. */
function syncs(site: Site): number {
  const requests = site.environment.argocdEndpoint?.requests ?? [];
  return requests.filter(
    ({ method, path, status }) => method === 'POST' && path.endsWith('/sync') && status === 200,
  ).length;
}

/** The ticks that follow. */
async function finish(site: Site, run: FunctionUnderTest | undefined, ticks: number): Promise<void> {
  for (let tick = 0; tick < ticks; tick++) {
    await site.live(async () => run?.invoke(tickAt(site.context.clock.now())));
    await site.pass(MINUTE_MS);
  }
}

async function until(holds: () => boolean, what: string): Promise<void> {
  const end = performance.now() + 20_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`${what} was not requested within 20 s`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
