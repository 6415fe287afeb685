/**
 * Creates the resources of each environment of a config in the lab: node groups, system and application workloads,
 * Argo CD applications, repositories and CodeBuild projects. Names come from the config if it has them.
 */

import type { BuildProjectSpec } from '@nightshift/lab/assembly/deployment.ts';
import type { ArgocdWorld } from '@nightshift/lab/world/argocd/index.ts';
import type { AwsWorld, EksCluster } from '@nightshift/lab/world/aws/index.ts';
import type { CodebuildWorld, WebhookFilter } from '@nightshift/lab/world/codebuild/index.ts';
import type { Kubernetes } from '@nightshift/lab/world/kubernetes/index.ts';
import type { ApplicationConfig, BuildConfig, EnvironmentConfig, NightshiftConfig } from '#model/config.ts';
import { addPodsOfNodePools, hasFleet, isWithoutGroups, placementOf, warmPoolOf } from './compute.ts';
import { productionBranch } from './day-plan.ts';
import { manifestImage } from './images.ts';

const INSTANCE_TYPES = ['m6i.large', 'm5.large'];
export const BUILD_SECONDS = 180;
/** Pods that start fast: while branch-deploy waits for a rollout, virtual time runs at the speed of real time. */
export const FAST_PODS = {
  'lab.nightshift/start-seconds': '0.5',
  'lab.nightshift/ready-seconds': '0.3',
  'lab.nightshift/exit-seconds': '0.5',
};
const APPLICATION_REPLICAS = 3;
const BATCH_NODES = 2;
/** Pods of 100 millicores that fit beside the DaemonSets on one node of the groups. */
const PODS_PER_NODE = 17;
/** Pods of the same size that every cluster has: CoreDNS, Argo CD, the autoscaler, batch. */
const OTHER_PODS = 10;
/** The lifecycle hook that a self-managed group needs, so that its nodes are drained before they terminate. */
const DRAIN_HOOK = 'nightshift-drain';

/** Name of the cluster's self-managed group. Not created if the config has a managed nodegroup of that name. */
export const selfManagedGroup = (cluster: string) => `${cluster}-batch`;

/** `builds`: those whose applications the cluster will run. The last group is larger where they need more nodes. */
export function addGroups(
  aws: AwsWorld,
  cluster: EksCluster,
  environment: EnvironmentConfig,
  builds: readonly BuildConfig[],
): void {
  const names = managedNames(environment);
  const batch = selfManagedGroup(cluster.name);
  const hasBatch = !names.includes(batch) && !isWithoutGroups(environment);
  // Sizes differ between the groups, so that a mix-up shows.
  const sizes = names.map((_, index) => Math.min(2 + index, 4));
  const usual = sizes.reduce((sum, size) => sum + size, hasBatch ? BATCH_NODES : 0);
  const more = hasFleet(environment) ? 0 : Math.max(0, nodesFor(builds) - usual);
  names.forEach((name, index) => {
    const onDemand = environment.production && index === 0;
    const added = index === names.length - 1 ? more : 0;
    aws.addNodegroup(cluster, {
      name,
      min: 1,
      desired: (sizes[index] ?? 0) + added,
      max: 4 + index + added,
      instanceTypes: INSTANCE_TYPES,
      capacityType: onDemand ? 'ON_DEMAND' : 'SPOT',
      ...warmPoolOf(environment),
    });
  });
  const fallback = environment.production ? undefined : environment.fallbackGroup;
  if (fallback !== undefined) {
    aws.addNodegroup(cluster, {
      name: fallback,
      min: 0,
      desired: 0,
      max: 4,
      instanceTypes: INSTANCE_TYPES,
      capacityType: 'ON_DEMAND',
    });
  }
  if (!hasBatch) return;
  aws.addAutoScalingGroup(cluster, {
    name: batch,
    min: 1,
    desired: BATCH_NODES,
    max: 5,
    instanceTypes: INSTANCE_TYPES,
    spotPercent: environment.production ? 50 : 100,
    labels: { workload: 'batch' },
    lifecycleHooks: [
      {
        name: DRAIN_HOOK,
        transition: 'terminating',
        heartbeatTimeoutSeconds: 300,
        defaultResult: 'CONTINUE',
      },
    ],
  });
}

/** With room for the pod that each application starts in addition while it is rolled out. */
function nodesFor(builds: readonly BuildConfig[]): number {
  const applications = builds.reduce((sum, build) => sum + build.applications.length, 0);
  return Math.ceil((applications * (APPLICATION_REPLICAS + 1) + OTHER_PODS) / PODS_PER_NODE);
}

function managedNames(environment: EnvironmentConfig): readonly string[] {
  const batch = selfManagedGroup(environment.cluster);
  const { nodegroups, keep, autoscaler } = environment;
  const ofAll = isWithoutGroups(environment) ? [] : ['system', 'workers'];
  const named = nodegroups === undefined || nodegroups === 'all' ? ofAll : nodegroups;
  const hostGroup = autoscaler && 'hostGroup' in autoscaler ? autoscaler.hostGroup : undefined;
  const host = hostGroup === undefined ? [] : [hostGroup];
  const fallback = environment.production ? undefined : environment.fallbackGroup;
  return [...new Set([...host, ...named, ...(keep ?? [])])].filter(
    (name) => name !== batch && name !== fallback,
  );
}

export function addSystemWorkloads(kubernetes: Kubernetes, environment: EnvironmentConfig): void {
  for (const name of ['aws-node', 'kube-proxy', 'log-agent']) {
    kubernetes.addDaemonSet({ name, namespace: 'kube-system', cpu: '50m', memory: '64Mi' });
  }
  const addReplicated = (name: string, namespace: string) => {
    kubernetes.addDeployment({
      name,
      namespace,
      replicas: 2,
      cpu: '100m',
      memory: '128Mi',
      terminationGracePeriodSeconds: 10,
      podAnnotations: FAST_PODS,
    });
    kubernetes.addPdb({ name, namespace, matchLabels: { app: name }, maxUnavailable: 1 });
  };
  addReplicated('coredns', 'kube-system');
  // EKS runs that of Auto Mode.
  if (environment.autoscaler && environment.autoscaler.kind !== 'auto-mode') {
    const { kind, namespace, deployment, hostGroup } = environment.autoscaler;
    kubernetes.addDeployment({
      name: deployment,
      namespace,
      replicas: kind === 'karpenter' ? 2 : 1,
      ...placementOf(environment, hostGroup),
    });
  }
  addPodsOfNodePools(kubernetes, environment);
  // Runs on the self-managed group only.
  if (!isWithoutGroups(environment))
    kubernetes.addDeployment({
      name: 'batch',
      namespace: 'batch',
      replicas: 4,
      cpu: '100m',
      nodeSelector: { workload: 'batch' },
      terminationGracePeriodSeconds: 10,
      podAnnotations: FAST_PODS,
    });
  if (environment.deploy) addReplicated('argocd-server', 'argocd');
}

export const ARGOCD = { namespace: 'argocd', deployment: 'argocd-server' } as const;

/** The builds whose applications run in the environment's cluster. */
export function buildsIn(environment: EnvironmentConfig, config: NightshiftConfig): readonly BuildConfig[] {
  return environment.deploy?.builds ?? (environment.production ? productionBuilds(config) : []);
}

/** Adds each application once, also if several builds name it. */
export function addApplications(
  argocd: ArgocdWorld,
  kubernetes: Kubernetes,
  builds: readonly BuildConfig[],
): void {
  const seen = new Set<string>();
  for (const build of builds) {
    for (const application of build.applications) {
      const bound = applicationOf(application);
      const { name, project, namespace } = bound;
      const key = `${namespace ?? ''}/${name}`;
      if (seen.has(key)) continue;
      seen.add(key);
      if (project) argocd.addProject({ name: project });
      // A platform's manifests may have brought it.
      const replicas = kubernetes.api.find('deployments.apps', name, name)?.spec?.replicas;
      if (replicas === undefined) addApplicationPods(kubernetes, name);
      argocd.addApplication({
        name,
        ...(project ? { project } : {}),
        ...(namespace ? { namespace } : {}),
        repoURL: build.repository,
        targetRevision: build.branch,
        deployments: [
          {
            namespace: name,
            name,
            image: manifestImage(bound, build.branch),
            replicas: replicas ?? APPLICATION_REPLICAS,
          },
        ],
        syncSeconds: 1,
      });
    }
  }
}

function addApplicationPods(kubernetes: Kubernetes, name: string): void {
  kubernetes.addDeployment({
    name,
    namespace: name,
    replicas: APPLICATION_REPLICAS,
    cpu: '100m',
    memory: '128Mi',
    terminationGracePeriodSeconds: 10,
    podAnnotations: FAST_PODS,
  });
  kubernetes.addPdb({ name, namespace: name, matchLabels: { app: name }, maxUnavailable: 1 });
}

/** The projects of the applications that the environment's token has to reach. */
export function projectsOf(builds: readonly BuildConfig[]): readonly string[] {
  return [
    ...new Set(
      builds.flatMap(({ applications }) =>
        applications.map((one) => applicationOf(one).project ?? 'default'),
      ),
    ),
  ];
}

export function applicationOf(application: ApplicationConfig): Exclude<ApplicationConfig, string> {
  return typeof application === 'string' ? { name: application } : application;
}

/** A project of a stack gets the template's webhook filter; any other one a filter for pushes of its branch. */
export function addBuildProjects(
  codebuild: CodebuildWorld,
  environment: EnvironmentConfig,
  builds: readonly BuildConfig[],
  stackProjects: readonly BuildProjectSpec[],
): void {
  const { account, region } = environment;
  for (const { project, repository, branch, announced } of builds) {
    // It runs elsewhere.
    if (announced || codebuild.project(account, region, project)) continue;
    const stack = stackProjects.find(({ name }) => name === project);
    codebuild.addProject({
      account,
      region,
      name: project,
      repository,
      webhook: { filterGroups: (stack?.filterGroups as WebhookFilter[][] | undefined) ?? [pushesOf(branch)] },
      buildSeconds: BUILD_SECONDS,
    });
  }
}

/** Builds of production's branch. Their applications are only synced by hand. */
export function productionBuilds(config: NightshiftConfig): readonly BuildConfig[] {
  const branch = productionBranch(config);
  const known = new Map<string, BuildConfig>();
  for (const environment of Object.values(config.environments)) {
    for (const build of environment.deploy?.builds ?? []) {
      if (known.has(build.repository)) continue;
      const project = `${build.repository
        .split('/')
        .at(-1)
        ?.replace(/\.git$/, '')}-${branch}`;
      const applications = build.applications.map((application) => applicationOf(application).name);
      known.set(build.repository, { project, repository: build.repository, branch, applications });
    }
  }
  return [...known.values()];
}

/** Filter for pushes of exactly this branch: not of one with the same prefix, no tags, no pull requests. */
function pushesOf(branch: string) {
  const escaped = branch
    .replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
    .replaceAll('\\/', '/')
    .replaceAll('\\-', '-');
  return [
    { type: 'EVENT', pattern: 'PUSH' },
    { type: 'HEAD_REF', pattern: `^refs/heads/${escaped}$` },
  ] as const;
}

export function addRepository(codebuild: CodebuildWorld, repository: string, branch: string): void {
  codebuild.addRepository(repository, { provider: providerOf(repository) });
  if (codebuild.git.revisionOf(repository, `refs/heads/${branch}`)) return;
  codebuild.git.push({ repository, ref: `refs/heads/${branch}`, author: 'lab', message: 'first commit' });
}

function providerOf(repository: string) {
  const host = new URL(repository).hostname;
  if (host.includes('gitlab')) return 'GITLAB';
  if (host.includes('bitbucket')) return 'BITBUCKET';
  return host === 'github.com' ? 'GITHUB' : 'GITHUB_ENTERPRISE';
}
