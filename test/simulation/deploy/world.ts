/** The lab's git host, CodeBuild and Argo CD in simulated time, branch-deploy's ports in front of them, and eyes on them. */

import { type ArgocdOptions, createArgocd, serveApplications } from '@nightshift/lab/world/argocd/index.ts';
import { type BuildView, createCodebuild } from '@nightshift/lab/world/codebuild/index.ts';
import { createContext } from '@nightshift/lab/world/context.ts';
import type { Workloads, WorldContext } from '@nightshift/lab/world/interfaces.ts';
import { createRegistry } from '@nightshift/lab/world/kubernetes/registry.ts';
import { createStore } from '@nightshift/lab/world/kubernetes/store.ts';
import { createArgocdObjects } from '#functions/adapters/argocd/kubernetes.ts';
import { createDesiredDeploys } from '#functions/adapters/dynamodb/desired-deploys.ts';
import { createNightReader } from '#functions/adapters/dynamodb/night-reader.ts';
import { createOverrides } from '#functions/adapters/dynamodb/overrides.ts';
import { buildKey, DEPLOY, NIGHT, STATE_KEY } from '#functions/adapters/dynamodb/table-keys.ts';
import type { KubernetesClient } from '#functions/adapters/kubernetes/client.ts';
import type { Argocd, BranchDeployPorts, Build, Builds } from '#functions/branch-deploy/ports.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import type { Decision } from '#model/decision.ts';
import { desiredAt } from '#model/desired.ts';
import type { Desired, Override } from '#model/schedule.ts';
import type { ApplicationSettings } from '#model/settings.ts';
import { createSimulatedClock, type SimulatedClock } from '../clock.ts';
import type { Pass } from '../faults.ts';
import { overrideIn, overridesIn } from '../override.ts';
import { createPortCalls } from '../port-calls.ts';
import type { WorldOptions } from '../story.ts';
import { createMemoryTable, type MemoryTable } from '../table.ts';
import { createApplicationsApi, type ObjectEyes } from './applications-api.ts';
import { createArgocdServerWire } from './argocd-server.ts';
import { OTHER_BRANCH, PRODUCTION, REPOSITORY, type Scenario } from './scenario.ts';

export type DeployWorld = ReturnType<typeof createDeployWorld>;

export interface Deeds {
  readonly synced: Set<string>;
  /** Builds that this attempt marked as handled. */
  readonly handled: Set<string>;
  readonly decisions: Decision[];
  /** Errors that must be heard of: nothing in the function may swallow them. */
  loud: number;
}

const MINUTE = 60_000;
const HANDLED = /^table\.saveIf deploy \| build#(.+)$/;
/** An invocation that began before the stop looks on for 25 s, and calls take their time. */
const AFTER_STOP_MS = 60_000;
/** From the wish to be awake to nodes that are Ready. */
const START_MS = 3 * MINUTE;

/** Between the adapter and the Kubernetes API. */
export type MutateClient = (client: Pick<KubernetesClient, 'request'>) => Pick<KubernetesClient, 'request'>;

/** A cluster that is more than what a deploy sees of it. */
export interface DeployGround {
  readonly clock: SimulatedClock;
  readonly context: WorldContext;
  readonly table: MemoryTable;
  readonly workloads: Workloads & { readonly images: ReadonlyMap<string, string> };
  readonly argocd: Pick<ArgocdOptions, 'inCluster' | 'runsPods'>;
  /** What is true of the cluster, whatever anybody wrote down of it: since when it sleeps, or is not up yet. */
  readonly night: { state(): Pick<ClusterState, 'phase' | 'since'> | undefined };
}

export function createDeployWorld(
  options: WorldOptions<Scenario> & {
    readonly mutateClient?: MutateClient | undefined;
    readonly table?: MemoryTable | undefined;
    readonly ground?: DeployGround;
  },
) {
  const { scenario, chance, violate, exercise, ground, mutateClient = (client) => client } = options;
  const { settings } = scenario;
  const { account, region } = settings;
  const start = new Date(scenario.start);
  const clock = ground?.clock ?? createSimulatedClock(start, options.settle);
  const context = ground?.context ?? { ...createContext({ start, seed: scenario.seed }), clock: clock.world };
  const codebuild = createCodebuild(context);
  const workloads = ground?.workloads ?? createRollouts(clock, scenario.rolloutSeconds);
  const when = () => clock.date().toISOString();

  codebuild.addRepository(REPOSITORY);
  for (const branch of ['main', 'staging', 'develop'])
    codebuild.push({ repository: REPOSITORY, ref: `refs/heads/${branch}` });
  for (const branch of ['develop', 'staging'])
    codebuild.addProject({
      account,
      region,
      name: `api-${branch}`,
      repository: REPOSITORY,
      webhook: {
        filterGroups: [
          [
            { type: 'EVENT', pattern: 'PUSH' },
            { type: 'HEAD_REF', pattern: `^refs/heads/${branch}$` },
          ],
        ],
      },
      buildSeconds: ({ number }) => scenario.buildSeconds[number - 1] ?? 20,
      outcome: ({ number }) => (scenario.failing[number - 1] ? 'FAILED' : 'SUCCEEDED'),
    });
  const argocd = createArgocd(context, {
    workloads,
    revisionOf: (repository, revision, at) => codebuild.git.revisionOf(repository, revision, at),
    onPush: (listener) => codebuild.git.onPush(listener),
    ...ground?.argocd,
  });
  argocd.addProject({ name: PRODUCTION.project });
  const inMinutes = (minutes: number) => new Date(start.getTime() + minutes * MINUTE);
  const newToken = (expires?: Date) =>
    argocd.addToken({ project: 'default', role: 'nightshift', ...(expires ? { expires } : {}) });
  /** What the secret holds. */
  let token = newToken(scenario.token && inMinutes(scenario.token.expires));
  if (scenario.token)
    clock.at(inMinutes(scenario.token.renewed).getTime(), () => {
      token = newToken();
    });
  const bound = settings.builds.flatMap(({ applications }) => applications);
  for (const { name } of bound) if (!scenario.missing.includes(name)) add(name, 'default', 'develop');
  add(OTHER_BRANCH.name, OTHER_BRANCH.project, 'staging');
  add(PRODUCTION.name, PRODUCTION.project, 'main');

  const applications =
    settings.argocd.through === 'kubernetes' ? createRegistry(createStore(clock), context) : undefined;
  if (applications) serveApplications(context, argocd, applications);

  const table = ground?.table ?? options.table ?? createMemoryTable();
  const decisions: Decision[] = [];
  /**
   * By application, the newest commit at which Argo CD showed it Synced and Healthy, as its place in `commits`: -1 for
   * one of before. What was seen once may be said later.
   */
  const seenWell = new Map<string, number>();
  const syncs = new Map<string, number>();
  /** Commits of the branch, oldest first. */
  const commits: string[] = [];
  let isDown = false;

  const night = ground?.night ?? putToSleep();

  const checkSync = (application: Pick<ApplicationSettings, 'name' | 'project'>) => {
    exercise(2);
    if (!bound.some(({ name, project }) => name === application.name && project === application.project))
      violate(2, `${when()} ${application.project}/${application.name} is not ours to sync`);
    const state = night.state();
    if (!state) return;
    exercise(3);
    const sleptMs = clock.now() - Date.parse(state.since);
    if (state.phase !== 'awake' && sleptMs > AFTER_STOP_MS)
      violate(3, `${when()} ${application.name} was synced while the cluster was ${state.phase}`);
  };

  const newProcess = () => {
    const calls = createPortCalls<Deeds>(clock, chance);
    const { through } = calls;
    let kept = token;
    const eyes: ObjectEyes = {
      read(application) {
        exercise(2);
        if (!bound.some(({ name }) => name === application.name))
          violate(2, `${when()} ${application.name} is none of ours to read`);
      },
      sync: checkSync,
      refused: (why) => violate(2, `${when()} the role of branch-deploy does not allow it: ${why}`),
      written({ name }, { isBlind, over }) {
        if (isBlind)
          violate(3, `${when()} a sync of ${name} was written over whatever came since it was read`);
        if (over) {
          const by = over.initiatedBy?.username ?? 'Argo CD itself';
          violate(3, `${when()} a sync of ${name} was written over one of ${by}`);
        }
      },
      synced: ({ name }) => void syncs.set(name, (syncs.get(name) ?? 0) + 1),
      shown({ name }, { sync, health, revisions }) {
        if (sync !== 'Synced' || health !== 'Healthy') return;
        const at = commits.indexOf(revisions[0] ?? '');
        if (at >= (seenWell.get(name) ?? at)) seenWell.set(name, at);
      },
    };
    const wire = applications
      ? createArgocdObjects(
          mutateClient(
            createApplicationsApi({
              api: applications,
              argocd,
              isDown: () => isDown,
              eyes,
              around: (call, act, errorOf) => through(call, act, false, errorOf),
            }),
          ),
        )
      : createArgocdServerWire({
          argocd,
          token: {
            kept: () => kept,
            async readAgain() {
              kept = await through('secret.read', () => token, true);
              return kept;
            },
          },
          isDown: () => isDown || !argocd.available(),
          eyes,
          around: (call, act) => through(call, act, false),
        });
    const watched: Argocd = {
      ...wire,
      async sync(application, deployId, options) {
        const done = calls.deeds();
        const reply = await wire.sync(application, deployId, options);
        if (reply.ok) done.synced.add(application.name);
        return reply;
      },
    };
    const builds: Builds = {
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
    const store = table.through((call, act) => {
      const build = HANDLED.exec(call)?.[1];
      if (build === undefined) return through(call, act, true) as Promise<never>;
      const deeds = calls.deeds();
      const isThere = () => table.read(DEPLOY, buildKey(build)) !== undefined;
      const acted = () => {
        const before = isThere();
        const result = act();
        if (!before && isThere()) deeds.handled.add(build);
        return result;
      };
      return through(call, acted, true) as Promise<never>;
    });
    const ports: BranchDeployPorts = {
      argocd: watched,
      builds,
      deploys: createDesiredDeploys(store),
      night: { read: createNightReader(store).read, addOverride: createOverrides(store).add },
      trail: {
        record: (made) =>
          through(
            'trail.record',
            () => {
              decisions.push(...made);
              calls.deeds().decisions.push(...made);
              for (const decision of made) hold(decision);
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
      random: () => chance.next(),
    };
    return {
      ports,
      enter: (pass: Pass) =>
        calls.enter(pass, { synced: new Set(), handled: new Set(), decisions: [], loud: 0 }),
    };
  };

  /** Holds what is said against what Argo CD showed. */
  const hold = (decision: Decision) => {
    exercise(7);
    if (!decision.reason.trim() || !decision.trigger.trim())
      violate(7, `${when()} ${decision.action} ${decision.target} has no reason or no trigger`);
    if (decision.action !== 'deployed') return;
    exercise(4);
    const from = commits.indexOf(String(decision['sha']));
    const seen = seenWell.get(decision.target);
    if (seen === undefined || seen < from)
      violate(4, `${when()} ${decision.target} is said to be deployed and was never seen so`);
  };

  function putToSleep() {
    const sleeper = createSleeper();
    if (settings.schedule) {
      sleeper.look();
      clock.world.every(20_000, sleeper.look);
    }
    return sleeper;
  }

  /** What night-schedule does, as far as a deploy can see it. */
  function createSleeper() {
    const read = () => table.read<ClusterState>(NIGHT, STATE_KEY);
    /** What it should be holds until `until`, as long as the override is the same. */
    let wish: (Desired & { readonly override: string | undefined }) | undefined;
    const isWished = (now: Date, override: Override | undefined) =>
      wish?.override === override?.id && now.getTime() < (wish?.until?.getTime() ?? 0);
    return {
      state: read,
      look() {
        const { schedule } = settings;
        if (!schedule) return;
        const now = clock.date();
        const override = overrideIn(table, now);
        if (!wish || !isWished(now, override))
          wish = { ...desiredAt(schedule, now, overridesIn(table)), override: override?.id };
        const desired = wish;
        const before = read();
        const age = before ? now.getTime() - Date.parse(before.since) : 0;
        const phase: ClusterState['phase'] =
          desired.state === 'asleep'
            ? 'asleep'
            : !before || before.phase === 'awake'
              ? 'awake'
              : before.phase === 'starting' && age >= START_MS
                ? 'awake'
                : 'starting';
        if (before?.phase === phase) return;
        const next: ClusterState = {
          phase,
          desired: desired.state,
          reason: desired.reason,
          since: now.toISOString(),
          groups: [],
        };
        void table.through().save(NIGHT, STATE_KEY, next);
      },
    };
  }

  function add(name: string, project: string, branch: string): void {
    argocd.addApplication({
      name,
      project,
      repoURL: `${REPOSITORY}.git`,
      targetRevision: branch,
      ...(scenario.autoSync.includes(name) ? { autoSync: {} } : {}),
      deployments: [{ namespace: 'app', name, image: `${name}:{revision}`, replicas: 1 }],
    });
  }

  return {
    context,
    clock,
    codebuild,
    argocd,
    workloads,
    table,
    decisions,
    commits,
    syncs,
    bound,
    newProcess,
    when,
    state: night.state,
    setDown(down: boolean) {
      isDown = down;
    },
    push(branch: string) {
      const { sha } = codebuild.push({ repository: REPOSITORY, ref: `refs/heads/${branch}` });
      if (branch === 'develop') commits.push(sha);
    },
    builds: () => codebuild.builds(account, region, 'api-develop'),
  };
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

/** Deployments whose pods are Ready some seconds after a new image. */
function createRollouts(
  clock: { now(): number },
  rolloutSeconds: number,
): Workloads & { readonly images: ReadonlyMap<string, string> } {
  const applied = new Map<string, { readonly image: string; readonly at: number }>();
  const images = new Map<string, string>();
  const health: Workloads['health'] = (namespace, name) => {
    const found = applied.get(`${namespace}/${name}`);
    if (!found) return 'Missing';
    return clock.now() - found.at < rolloutSeconds * 1_000 ? 'Progressing' : 'Healthy';
  };
  return {
    images,
    apply({ namespace, name, image }) {
      const key = `${namespace}/${name}`;
      if (applied.get(key)?.image === image) return;
      applied.set(key, { image, at: clock.now() });
      images.set(key, image);
    },
    health,
    available: (namespace, name) => health(namespace, name) === 'Healthy',
  };
}
