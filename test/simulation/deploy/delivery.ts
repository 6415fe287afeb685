/**
 * How the images of a story come to the cluster. The manifests of such a story are in a repository of their own; a bot
 * writes the tag of a build into them some time after its end, the tag stays the same, or branch-deploy sets the image on
 * the Application.
 */
import type { ApplicationSeed, createArgocd } from '@nightshift/lab/world/argocd/index.ts';
import type { BuildView, createCodebuild } from '@nightshift/lab/world/codebuild/index.ts';
import type { Workloads } from '@nightshift/lab/world/interfaces.ts';
import type { ImageRegistry, Place } from '@nightshift/lab/world/registry/registry.ts';
import type { ApplicationSettings, BranchDeploySettings } from '#model/settings.ts';
import type { Random } from '../random.ts';

export const MANIFESTS = 'https://github.com/example/manifests';
const SECOND = 1_000;
/** A tag that each build moves. */
const FIXED_TAG = 'develop';
const FIRST_TAG = 'first';

export interface Delivery {
  readonly bring: 'manifest' | 'restart' | 'parameter';
  /** Images of an index. */
  readonly platforms: number;
  /** From the end of a build until the manifests name its image, by its number. */
  readonly writtenAfter: readonly number[];
  /** A second Deployment of the same image is written so much later. */
  readonly workerAfter: number;
}

export function createDelivery(random: Random): Delivery {
  return {
    bring: random.pick(['manifest', 'manifest', 'restart', 'parameter']),
    platforms: random.pick([0, 2]),
    writtenAfter: Array.from({ length: 12 }, () => random.pick([1, 20, 90, 300])),
    workerAfter: random.pick([0, 45]),
  };
}

const repositoryOf = ({ account, region }: Place) => `${account}.dkr.ecr.${region}.amazonaws.com/api`;

/** The binding names the image that each build makes. */
export function withDelivery(settings: BranchDeploySettings, { bring }: Delivery): BranchDeploySettings {
  const tag = bring === 'restart' ? FIXED_TAG : '{sha7}';
  const images = [{ repository: repositoryOf(settings), tag }];
  const deliver = (application: ApplicationSettings): ApplicationSettings => ({
    ...application,
    images,
    ...(bring === 'manifest' ? {} : { bring }),
  });
  return {
    ...settings,
    builds: settings.builds.map((binding) => ({
      ...binding,
      applications: binding.applications.map(deliver),
    })),
  };
}

/** What branch-deploy needs beside `get` and `sync`. */
export const POLICIES = ['get', 'sync', 'update', 'action/apps/Deployment/restart'] as const;

export interface DeliveryParts {
  readonly place: Place;
  readonly clock: { now(): number; at(time: number, act: () => void): unknown };
  readonly codebuild: ReturnType<typeof createCodebuild>;
  readonly argocd: ReturnType<typeof createArgocd>;
  readonly registry: ImageRegistry;
  readonly workloads: Pick<Workloads, 'pods'>;
  readonly applications: readonly string[];
  /** Commits of the branch, oldest first. */
  readonly commits: readonly string[];
}

export type Deliverer = ReturnType<typeof createDeliverer>;

/** Before the applications are there. */
export function prepareRegistry(
  { bring, platforms }: Delivery,
  { place, codebuild, registry }: Pick<DeliveryParts, 'place' | 'codebuild' | 'registry'>,
): void {
  codebuild.addRepository(MANIFESTS);
  codebuild.push({ repository: MANIFESTS, ref: 'refs/heads/main' });
  registry.addRepository(place, 'api');
  registry.push(place, { name: 'api', tag: bring === 'restart' ? FIXED_TAG : FIRST_TAG, platforms });
}

/** The source of an application whose manifests are in their own repository. */
export function seedOf(
  { bring }: Delivery,
  place: Place,
  name: string,
): Pick<ApplicationSeed, 'repoURL' | 'targetRevision' | 'deployments'> {
  const image = `${repositoryOf(place)}:${bring === 'restart' ? FIXED_TAG : FIRST_TAG}`;
  return {
    repoURL: `${MANIFESTS}.git`,
    targetRevision: 'main',
    deployments: [deployment(name, image), deployment(`${name}-worker`, image)],
  };
}

const deployment = (name: string, image: string) => ({ namespace: 'app', name, image, replicas: 1 });

/** Pushes the image of each build that succeeds, and has the bot write it. */
export function createDeliverer(delivery: Delivery, parts: DeliveryParts) {
  const { place, clock, codebuild, argocd, registry, workloads, applications, commits } = parts;
  /** Which commit a digest was made of, as its index. */
  const madeOf = new Map<string, number>();
  /** The newest commit that the manifests name, by Deployment. */
  const written = new Map<string, string>();

  const write = (names: readonly string[], sha: string) => {
    const isNewer = (name: string) =>
      commits.indexOf(sha) > commits.indexOf(written.get(name) ?? 'none of them');
    const newer = names.filter(isNewer);
    if (newer.length === 0) return;
    for (const name of newer) written.set(name, sha);
    codebuild.push({ repository: MANIFESTS, ref: 'refs/heads/main' });
    for (const application of applications) {
      if (!argocd.has(application)) continue;
      const deployments = [application, `${application}-worker`].map((name) =>
        deployment(name, `${repositoryOf(place)}:${written.get(name)?.slice(0, 7) ?? FIRST_TAG}`),
      );
      argocd.changeApplication(application, { deployments });
    }
  };

  return {
    /** A build has started that will succeed. */
    follow({ number, startTime, resolvedSourceVersion, sourceVersion }: BuildView, seconds: number): void {
      const sha = resolvedSourceVersion ?? /\^\{(\w+)\}$/.exec(sourceVersion ?? '')?.[1] ?? '';
      const end = startTime + seconds * SECOND;
      clock.at(end - SECOND, () => {
        const tag = delivery.bring === 'restart' ? FIXED_TAG : sha.slice(0, 7);
        const pushed = registry.push(place, { name: 'api', tag, platforms: delivery.platforms });
        madeOf.set(pushed.digest, commits.indexOf(sha));
      });
      if (delivery.bring !== 'manifest') return;
      const after = end + (delivery.writtenAfter[number - 1] ?? 20) * SECOND;
      clock.at(after, () => write(applications, sha));
      clock.at(after + delivery.workerAfter * SECOND, () =>
        write(
          applications.map((name) => `${name}-worker`),
          sha,
        ),
      );
    },
    /** The oldest commit that serves in the application's pods, as its index; -1 for one before all of them. */
    oldestOf(application: string): number {
      const pods = [application, `${application}-worker`].flatMap(
        (name) => workloads.pods?.('app', name) ?? [],
      );
      const live = pods.flatMap(({ pod }) => {
        if (pod.metadata.deletionTimestamp || pod.status?.phase === 'Succeeded') return [];
        const digest = pod.status?.containerStatuses?.[0]?.imageID.split('@')[1] ?? '';
        return [madeOf.get(digest) ?? -1];
      });
      return live.length === 0 ? -1 : Math.min(...live);
    },
  };
}
