/** Git host, CodeBuild and Argo CD of a deploy in simulated time, and what is observed of them for the checks. */
import {
  type ApplicationSeed,
  type ArgocdOptions,
  createArgocd,
  serveApplications,
} from '@nightshift/lab/world/argocd/index.ts';
import { createCodebuild } from '@nightshift/lab/world/codebuild/index.ts';
import { createContext } from '@nightshift/lab/world/context.ts';
import type { Workloads, WorldContext } from '@nightshift/lab/world/interfaces.ts';
import { createRegistry } from '@nightshift/lab/world/kubernetes/registry.ts';
import { createStore } from '@nightshift/lab/world/kubernetes/store.ts';
import { createImageRegistry, type ImageRegistry } from '@nightshift/lab/world/registry/registry.ts';
import type { CommitStatus } from '#functions/branch-deploy/ports.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import type { Decision } from '#model/decision.ts';
import { createSimulatedClock, type SimulatedClock } from '../clock.ts';
import type { WorldOptions } from '../story.ts';
import { createMemoryTable, type MemoryTable } from '../table.ts';
import { createDeliverer, POLICIES, prepareRegistry, seedOf } from './delivery.ts';
import { startNight } from './night-stand-in.ts';
import { createRollouts } from './rollouts.ts';
import { OTHER_BRANCH, PRODUCTION, REPOSITORY, type Scenario, secondsOf } from './scenario.ts';

const MINUTE = 60_000;

/** A world that other functions share. */
export interface SharedDeployWorld {
  readonly clock: SimulatedClock;
  readonly context: WorldContext;
  readonly table: MemoryTable;
  readonly workloads: Workloads & { readonly images: ReadonlyMap<string, string> };
  /** What its kubelets pull from. */
  readonly registry: ImageRegistry;
  readonly argocd: Pick<ArgocdOptions, 'inCluster' | 'runsPods'>;
  /** The actual state of the cluster, whatever is recorded: since when it sleeps, or is not up yet. */
  readonly night: { state(): Pick<ClusterState, 'phase' | 'since'> | undefined };
}

export interface SceneOptions extends WorldOptions<Scenario> {
  readonly table?: MemoryTable | undefined;
  readonly shared?: SharedDeployWorld;
}

export type Scene = ReturnType<typeof createScene>;

export function createScene(options: SceneOptions) {
  const { scenario, random, violate, exercise, shared } = options;
  const { settings } = scenario;
  const start = new Date(scenario.start);
  const clock = shared?.clock ?? createSimulatedClock(start, options.settle);
  const context = shared?.context ?? { ...createContext({ start, seed: scenario.seed }), clock: clock.world };
  const codebuild = createCodebuild(context);
  const registry = shared?.registry ?? createImageRegistry(context);
  const workloads =
    shared?.workloads ?? createRollouts(clock, { rolloutSeconds: scenario.rolloutSeconds, images: registry });
  const when = () => clock.date().toISOString();

  const { delivery } = scenario;
  const place = { account: settings.account, region: settings.region };
  addBuilds(codebuild, scenario);
  if (delivery) prepareRegistry(delivery, { place, codebuild, registry });
  const argocd = createArgocd(context, {
    workloads,
    revisionOf: (repository, revision, at) => codebuild.git.revisionOf(repository, revision, at),
    onPush: (listener) => codebuild.git.onPush(listener),
    ...shared?.argocd,
  });
  argocd.addProject({ name: PRODUCTION.project });
  const token = createToken(argocd, clock, scenario);
  const bound = settings.builds.flatMap(({ applications }) => applications);
  for (const { name } of bound)
    if (!scenario.missing.includes(name))
      addApplication(argocd, scenario, {
        name,
        project: 'default',
        branch: 'develop',
        ...(delivery ? seedOf(delivery, place, name) : {}),
      });
  addApplication(argocd, scenario, { ...OTHER_BRANCH, branch: 'staging' });
  addApplication(argocd, scenario, { ...PRODUCTION, branch: 'main' });

  const applications =
    settings.argocd.through === 'kubernetes' ? createRegistry(createStore(clock), context) : undefined;
  if (applications) serveApplications(context, argocd, applications);

  const table = shared?.table ?? options.table ?? createMemoryTable();
  /** Commits of the branch, oldest first. */
  const commits: string[] = [];
  const parts = { place, clock, codebuild, argocd, registry, workloads, commits };
  const deliverer =
    delivery && createDeliverer(delivery, { ...parts, applications: bound.map(({ name }) => name) });
  return {
    scenario,
    random,
    violate,
    exercise,
    clock,
    context,
    when,
    codebuild,
    workloads,
    argocd,
    token,
    bound,
    applications,
    table,
    night: shared?.night ?? startNight(settings.schedule, clock, table),
    /** Recorded by branch-deploy. */
    decisions: [] as Decision[],
    /**
     * By application, the newest commit at which Argo CD showed it Synced and Healthy, as its index in `commits`: -1 for
     * an earlier one. What was observed once may be reported later.
     */
    seenHealthy: new Map<string, number>(),
    syncs: new Map<string, number>(),
    commits,
    registry,
    deliverer,
    /** The states of commits, as they were posted. */
    statuses: [] as CommitStatus[],
    /** Argo CD does not answer. */
    outage: { isDown: false },
  };
}

function addBuilds(codebuild: ReturnType<typeof createCodebuild>, scenario: Scenario): void {
  const { account, region } = scenario.settings;
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
      buildSeconds: ({ number }) => secondsOf(scenario, number),
      outcome: ({ number }) => (scenario.failing[number - 1] ? 'FAILED' : 'SUCCEEDED'),
    });
}

/** The value of the secret: the first token, and from its renewal on a new one. */
function createToken(argocd: ReturnType<typeof createArgocd>, clock: SimulatedClock, scenario: Scenario) {
  const start = Date.parse(scenario.start);
  const inMinutes = (minutes: number) => new Date(start + minutes * MINUTE);
  const newToken = (expires?: Date) =>
    argocd.addToken({
      project: 'default',
      role: 'nightshift',
      ...(expires ? { expires } : {}),
      ...(scenario.delivery ? { policies: POLICIES } : {}),
    });
  let token = newToken(scenario.token && inMinutes(scenario.token.expires));
  if (scenario.token)
    clock.at(inMinutes(scenario.token.renewed).getTime(), () => {
      token = newToken();
    });
  return () => token;
}

function addApplication(
  argocd: ReturnType<typeof createArgocd>,
  { autoSync }: Scenario,
  {
    name,
    project,
    branch,
    ...seed
  }: { readonly name: string; readonly project: string; readonly branch: string } & Partial<ApplicationSeed>,
): void {
  argocd.addApplication({
    name,
    project,
    repoURL: `${REPOSITORY}.git`,
    targetRevision: branch,
    ...(autoSync.includes(name) ? { autoSync: {} } : {}),
    deployments: [{ namespace: 'app', name, image: `${name}:{revision}`, replicas: 1 }],
    ...seed,
  });
}
