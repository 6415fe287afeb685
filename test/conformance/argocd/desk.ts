/** branch-deploy at work on an Argo CD. CodeBuild and the table are doubles, Argo CD is not. */
import { createDesiredDeploys } from '#functions/adapters/dynamodb/desired-deploys.ts';
import { createNightReader, createOverrides } from '#functions/adapters/dynamodb/night.ts';
import { parseEvent } from '#functions/branch-deploy/event.ts';
import type { Argocd, BranchDeployPorts, Build } from '#functions/branch-deploy/ports.ts';
import { run } from '#functions/branch-deploy/run.ts';
import type { Decision } from '#model/decision.ts';
import type { ApplicationSettings, BranchDeploySettings } from '#model/settings.ts';
import { createMemoryTable } from '#test/simulation/table.ts';
import { type Stage, settingsOf } from './stage.ts';

const ACCOUNT = '111111111111';
const REGION = 'ap-northeast-1';
export const BUILDS = 'api-develop';

/** branch-deploy as it is composed for Lambda, for one application whose branch has its name. */
export function aDesk(
  stage: Pick<Stage, 'repository' | 'now' | 'pause' | 'until'>,
  name: string,
  argocd: Argocd,
  bound: Partial<ApplicationSettings> = {},
  more: Partial<BranchDeploySettings> = {},
) {
  const settings: BranchDeploySettings = {
    environment: 'develop',
    production: false,
    account: ACCOUNT,
    region: REGION,
    cluster: 'develop',
    dryRun: false,
    argocd: { url: 'https://argocd.example.com', tokenSecret: 'token', through: 'server' },
    builds: [
      {
        project: BUILDS,
        repository: stage.repository,
        branch: name,
        applications: [settingsOf({ name, ...bound })],
      },
    ],
    whenAsleep: 'defer',
    imageMinutes: 15,
    driftMinutes: 0,
    ...more,
  };
  const table = createMemoryTable().through();
  const builds: Build[] = [];
  const decisions: Decision[] = [];
  const ports: BranchDeployPorts = {
    argocd,
    builds: {
      read: async (ids) => builds.filter(({ id }) => ids.includes(id)),
      recent: async () => builds.map(({ id }) => id).reverse(),
      projectCreatedAt: async () => undefined,
    },
    registry: { has: () => false, digests: async () => undefined },
    deploys: createDesiredDeploys(table),
    night: { read: createNightReader(table).read, addOverride: createOverrides(table).add },
    trail: { record: async (recorded) => void decisions.push(...recorded) },
    seen: new Set(),
    reported: new Map(),
    now: () => stage.now(),
    pause: (ms) => stage.pause(ms),
    random: () => 0.5,
  };
  const tick = () =>
    run(
      parseEvent({
        source: 'nightshift',
        trigger: 'tick',
        schedule: 'branch-deploy-tick',
        id: 'tick',
        time: stage.now().toISOString(),
      }),
      settings,
      ports,
    );
  return {
    table,
    /** The build ended well, and its event is handled. It took a minute, if it is not said when it started. */
    async built(number: number, sha: string, exported: Build['exported'] = {}, startedAt?: Date) {
      const id = `${BUILDS}:00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
      const ended = stage.now();
      builds.push({
        id,
        project: BUILDS,
        number,
        status: 'SUCCEEDED',
        initiator: 'GitHub-Hookshot/abc',
        // CodeBuild clones over TLS; the loopback's git server has none.
        location: stage.repository.replace(/^http:/, 'https:'),
        sourceVersion: `refs/heads/${name}^{${sha}}`,
        resolvedSourceVersion: sha,
        exported,
        startedAt: startedAt ?? new Date(ended.getTime() - 60_000),
        endedAt: ended,
      });
      await run(parseEvent(anEvent(id, ended)), settings, ports);
    },
    tick,
    /** Ticks until there is a verdict. */
    settled: () =>
      stage.until(
        'a verdict',
        async () => {
          if (['deployed', 'fail'].includes(decisions.at(-1)?.action ?? '')) return true;
          await tick();
          return false;
        },
        300,
      ),
    actions: () => decisions.map(({ action }) => action),
    said: () => decisions.map(({ action, reason }) => `${action}: ${reason}`),
  };
}

function anEvent(id: string, time: Date) {
  return {
    version: '0',
    id: `event-of-${id}`,
    'detail-type': 'CodeBuild Build State Change',
    source: 'aws.codebuild',
    account: ACCOUNT,
    region: REGION,
    time: time.toISOString(),
    resources: [`arn:aws:codebuild:${REGION}:${ACCOUNT}:build/${id}`],
    detail: {
      'build-status': 'SUCCEEDED',
      'project-name': BUILDS,
      'build-id': `arn:aws:codebuild:${REGION}:${ACCOUNT}:build/${id}`,
      'additional-information': { 'build-complete': true },
      version: '1',
    },
  };
}
