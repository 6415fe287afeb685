/** branch-deploy with its own adapters, in front of the simulated CodeBuild and Argo CD. */
import type { BuildView } from '@nightshift/lab/world/codebuild/index.ts';
import { createArgocdObjects } from '#functions/adapters/argocd/kubernetes.ts';
import { createDesiredDeploys } from '#functions/adapters/dynamodb/desired-deploys.ts';
import { createNightReader, createOverrides } from '#functions/adapters/dynamodb/night.ts';
import type { Table } from '#functions/adapters/dynamodb/table.ts';
import { buildKey, DEPLOY } from '#functions/adapters/dynamodb/table-keys.ts';
import { createStatusQueue } from '#functions/adapters/forges/status-queue.ts';
import type { KubernetesClient } from '#functions/adapters/kubernetes/client.ts';
import type { Argocd, BranchDeployPorts, Build, Builds, Registry } from '#functions/branch-deploy/ports.ts';
import type { Decision } from '#model/decision.ts';
import type { Pass } from '../faults.ts';
import { createPortCalls, type PortCalls } from '../port-calls.ts';
import { createApplicationsApi } from './applications-api.ts';
import { createArgocdServerWire } from './argocd-server.ts';
import { createDecisionCheck, createRequestChecks, createStatusCheck } from './checks.ts';
import { createLabRegistry } from './lab-registry.ts';
import type { Scene } from './scene.ts';

const HANDLED = /^table\.saveIf deploy \| build#(.+)$/;

export interface Effects {
  readonly synced: Set<string>;
  /** Builds that this attempt marked as handled. */
  readonly handled: Set<string>;
  readonly decisions: Decision[];
  /** Errors that the invocation must report. */
  mustReport: number;
}

/** Between the adapter and the Kubernetes API. */
export type MutateClient = (client: Pick<KubernetesClient, 'request'>) => Pick<KubernetesClient, 'request'>;

type Calls = PortCalls<Effects>;

/** One process of the function: warm from the second invocation on, and it runs one at a time. */
export function createProcess(scene: Scene, mutateClient: MutateClient = (client) => client) {
  const { clock, random, decisions } = scene;
  const calls = createPortCalls<Effects>(clock, random);
  const { through } = calls;
  const checkDecision = createDecisionCheck(scene);
  const checkStatus = createStatusCheck(scene);
  const store = storeOf(scene, calls);
  const ports: BranchDeployPorts = {
    argocd: argocdOf(scene, calls, mutateClient),
    builds: buildsOf(scene, calls),
    registry: registryOf(scene, calls),
    deploys: createDesiredDeploys(store),
    statuses: createStatusQueue({
      statuses: {
        has: () => true,
        post: async (status) => {
          checkStatus(status);
          scene.statuses.push(status);
          return undefined;
        },
      },
      now: () => clock.date(),
    }),
    night: { read: createNightReader(store).read, addOverride: createOverrides(store).add },
    trail: {
      record: (made) =>
        through(
          'trail.record',
          () => {
            decisions.push(...made);
            calls.effects().decisions.push(...made);
            for (const decision of made) checkDecision(decision);
          },
          true,
        ),
    },
    seen: new Set(),
    reported: new Map(),
    now: () => clock.date(),
    pause: (ms) => {
      const current = calls.pass();
      return new Promise((resolve) => {
        clock.after(ms, () => {
          if (!current.crashed()) resolve();
        });
      });
    },
    random: () => random.next(),
  };
  return {
    ports,
    enter: (pass: Pass) =>
      calls.enter(pass, { synced: new Set(), handled: new Set(), decisions: [], mustReport: 0 }),
  };
}

/** Argo CD through its own server or through the Kubernetes API, as the settings say. */
function argocdOf(scene: Scene, calls: Calls, mutateClient: MutateClient): Argocd {
  const { argocd, applications, token, outage } = scene;
  const { through } = calls;
  const observer = createRequestChecks(scene);
  let cached = token();
  const wire = applications
    ? createArgocdObjects(
        mutateClient(
          createApplicationsApi({
            api: applications,
            argocd,
            isDown: () => outage.isDown,
            observer,
            around: (call, act, errorOf) => through(call, act, false, errorOf),
          }),
        ),
      )
    : createArgocdServerWire({
        argocd,
        token: {
          cached: () => cached,
          async readAgain() {
            cached = await through('secret.read', token, true);
            return cached;
          },
        },
        isDown: () => outage.isDown || !argocd.available(),
        observer,
        around: (call, act) => through(call, act, false),
      });
  return {
    ...wire,
    async sync(application, deployId, options) {
      const done = calls.effects();
      const reply = await wire.sync(application, deployId, options);
      if (reply.ok) done.synced.add(application.name);
      return reply;
    },
  };
}

/** ECR. A story without images has none in it. */
function registryOf({ scenario, registry }: Scene, { through }: Calls): Registry {
  const { account, region } = scenario.settings;
  const ecr = createLabRegistry(registry, { account, region });
  return {
    has: ecr.has,
    digests: (image) => through(`ecr.digests ${image.version}`, () => ecr.digests(image), true),
  };
}

function buildsOf({ scenario, codebuild }: Scene, { through }: Calls): Builds {
  const { account, region } = scenario.settings;
  return {
    read: (ids) =>
      through(
        'codebuild.read',
        () =>
          ids.flatMap((id) => {
            const build = codebuild.build(account, region, id);
            return build ? readBuild(build) : [];
          }),
        true,
      ),
    projectCreatedAt: async () => undefined,
    recent: (project) =>
      through(
        'codebuild.recent',
        () =>
          codebuild.project(account, region, project) &&
          codebuild
            .builds(account, region, project)
            .map(({ id }) => id)
            .reverse()
            .slice(0, 100),
        true,
      ),
  };
}

/** The table; it notes which builds this attempt marked as handled. */
function storeOf({ table }: Scene, calls: Calls): Table {
  const { through } = calls;
  return table.through((call, act) => {
    const build = HANDLED.exec(call)?.[1];
    if (build === undefined) return through(call, act, true) as Promise<never>;
    const effects = calls.effects();
    const isThere = () => table.read(DEPLOY, buildKey(build)) !== undefined;
    const acted = () => {
      const before = isThere();
      const result = act();
      if (!before && isThere()) effects.handled.add(build);
      return result;
    };
    return through(call, acted, true) as Promise<never>;
  });
}

/** As the adapter over CodeBuild's API reads it. */
function readBuild(build: BuildView): Build {
  const { sourceVersion, resolvedSourceVersion, endTime } = build;
  return {
    id: build.id,
    project: build.project,
    number: build.number,
    status: build.status,
    initiator: build.initiator,
    location: build.source.location,
    ...(sourceVersion ? { sourceVersion } : {}),
    ...(resolvedSourceVersion ? { resolvedSourceVersion } : {}),
    exported: Object.fromEntries(build.exportedEnvironmentVariables.map(({ name, value }) => [name, value])),
    startedAt: new Date(build.startTime),
    ...(endTime === undefined ? {} : { endedAt: new Date(endTime) }),
  };
}
