/** Which source of an application a build was of, and at which commit of it the application is. Pure. */
import { sameRepository } from '#model/branch.ts';
import type { ApplicationView, SyncOptions } from './ports.ts';
import { OF_SYNCS } from './reasons.ts';
import type { RequestedBuild } from './record.ts';

/** Two lists of revisions, one for each source. */
export const sameRevisions = (one: readonly string[], other: readonly string[]) =>
  one.length === other.length && one.every((value, index) => value === other[index]);

/**
 * The index of the source that a build was of. A repository may be there twice, such as for its chart and for its
 * values: then it is the source that tracks the branch.
 */
export function sourceOf(
  build: Pick<RequestedBuild, 'repository' | 'branch'>,
  view: ApplicationView,
): number | undefined {
  const indexes = view.sources.flatMap(({ repository }, index) =>
    sameRepository(repository, build.repository) ? [index] : [],
  );
  const tracking = (tracks: (target: string) => boolean) =>
    indexes.find((index) => tracks(view.sources[index]?.targetRevision ?? ''));
  return tracking((target) => isBranch(target, build.branch)) ?? tracking(isDefault) ?? indexes[0];
}

/** True where the build's commit is what its source is at, or where the application does not track that repository. */
export function isAt(build: RequestedBuild, view: ApplicationView, revisions: readonly string[]): boolean {
  const index = sourceOf(build, view);
  if (index === undefined || build.sha === undefined) return true;
  return commitAt(view, revisions[index]) === build.sha;
}

/** With the source hydrator a revision is a commit of manifests, and the commit of the source is the dry one. */
function commitAt({ hydration }: ApplicationView, revision: string | undefined): string | undefined {
  if (!hydration) return revision;
  return revision !== undefined && revision === hydration.hydrated ? hydration.dry : undefined;
}

/** An application that tracks another branch of the very repository would be synced for nothing. */
export function wrongBranch(builds: readonly RequestedBuild[], view: ApplicationView): string | undefined {
  for (const build of builds) {
    const tracked = view.sources[sourceOf(build, view) ?? -1]?.targetRevision;
    if (tracked && !isDefault(tracked) && !isBranch(tracked, build.branch))
      return OF_SYNCS.wrongBranch(tracked, build);
  }
  return undefined;
}

/** Argo CD does not say which branch is the default one: it is ours where it is at the commit that was built. */
export function tracksDefault(build: RequestedBuild, view: ApplicationView): boolean {
  const index = sourceOf(build, view);
  return index !== undefined && isDefault(view.sources[index]?.targetRevision ?? '');
}

/** Names the commits of builds whose very commit is to be synced. */
export function namedRevisions(
  builds: readonly RequestedBuild[],
  view: ApplicationView,
): SyncOptions | undefined {
  const named = builds.flatMap((build) => {
    const index = sourceOf(build, view);
    if (build.revision !== 'built' || !build.sha || index === undefined) return [];
    return [{ position: index + 1, revision: build.sha }];
  });
  const [first] = named;
  if (!first) return undefined;
  return view.sources.length > 1 ? { revisions: named } : { revision: first.revision };
}

/** Why the source hydrator has nothing to sync yet; undefined where it has, or where there is none. */
export function notHydrated(builds: readonly RequestedBuild[], view: ApplicationView): string | undefined {
  const { hydration } = view;
  if (!hydration) return undefined;
  const missing = builds.filter(
    (build) => sourceOf(build, view) !== undefined && !isHydrated(build, hydration),
  );
  if (missing.length > 0) return OF_SYNCS.notHydrated(hydration, missing);
  return hydration.hydrated && view.revisions[0] !== hydration.hydrated
    ? OF_SYNCS.notAtHydrated(view.revisions, hydration.hydrated)
    : undefined;
}

/** Of its commit, or of what the branch was at after its push: a build starts after the push. */
function isHydrated(
  { sha, startedAt }: RequestedBuild,
  { dry, startedAt: hydratedAt }: NonNullable<ApplicationView['hydration']>,
): boolean {
  if (sha === undefined || sha === dry) return true;
  return dry !== undefined && startedAt !== undefined && (hydratedAt?.getTime() ?? 0) > Date.parse(startedAt);
}

const isBranch = (target: string, branch: string) => target === branch || target === `refs/heads/${branch}`;
const isDefault = (target: string) => target === '' || target === 'HEAD';
