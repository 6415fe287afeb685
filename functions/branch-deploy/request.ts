/** From a build that ended to the deploys that it requests: admitted or not (pure), and written down. */
import { matchBranch } from '#model/branch.ts';
import type { Action } from '#model/decision.ts';
import type { ApplicationSettings, BranchDeploySettings, BuildSettings } from '#model/settings.ts';
import { builtImages, DIGEST } from './images.ts';
import type { Build, DeployContext } from './ports.ts';
import { OF_BUILDS, OF_IMAGES } from './reasons.ts';
import {
  type BuiltImage,
  changeRecord,
  isApplicationName,
  isPending,
  type NewestBuild,
  type RequestedBuild,
} from './record.ts';
import { isOrderInDoubt, type RequestResult, request } from './record-changes.ts';
import { type Report, report } from './report.ts';

export type Admission =
  | {
      readonly admitted: true;
      /** One for each binding that the build satisfies. */
      readonly deploys: readonly {
        readonly build: RequestedBuild;
        readonly applications: readonly ApplicationSettings[];
      }[];
    }
  | { readonly admitted: false; readonly action: Action; readonly reason: string };

/** Which applications the build is deployed to. */
export function admit(
  settings: Pick<BranchDeploySettings, 'builds' | 'environment'>,
  build: Build,
  facts: { readonly now: Date; readonly trigger: string },
): Admission {
  const no = (action: Action, reason: string): Admission => ({ admitted: false, action, reason });
  if (build.status === 'IN_PROGRESS')
    return no('none', build.batch ? OF_BUILDS.batchNotEnded(build.batch) : OF_BUILDS.notEnded);
  if (build.retriedAs) return no('none', OF_BUILDS.retriedByCodeBuild(build.status));
  if (build.status !== 'SUCCEEDED') return no('ignore', OF_BUILDS.endedAs(build.status));
  if (build.number < 1) return no('refuse', OF_BUILDS.withoutNumber);

  const bindings = settings.builds.filter((binding) => isOf(build, binding));
  const invalid = bindings
    .flatMap(({ applications }) => applications)
    .find(({ name }) => !isApplicationName(name));
  if (invalid) return no('refuse', OF_BUILDS.invalidName(invalid.name));
  const deploys = matchingDeploys(settings, build, facts);
  if (deploys.length > 0) return { admitted: true, deploys };
  // A project may feed several branches: the refusals differ only in which branch was bound.
  const match = bindings[0] && matchBranch(bindings[0], build);
  return match && !match.matches
    ? no(match.action, match.reason)
    : no('ignore', OF_BUILDS.notBound(settings.environment, build.project));
}

/** One for each binding that the source of the build satisfies, however the build ended. */
export function matchingDeploys(
  settings: Pick<BranchDeploySettings, 'builds'>,
  build: Build,
  facts: { readonly now: Date; readonly trigger: string },
): Extract<Admission, { admitted: true }>['deploys'] {
  return settings.builds.flatMap((binding) => {
    if (!isOf(build, binding)) return [];
    const match = matchBranch(binding, build);
    return match.matches
      ? [{ build: requestedOf(build, binding, match.sha, facts), applications: binding.applications }]
      : [];
  });
}

/** Nobody can announce a build of CodeBuild, nor the other way round. */
function isOf(build: Build, { project, announced = false }: BuildSettings): boolean {
  return project === build.project && announced === (build.announced ?? false);
}

function requestedOf(
  build: Build,
  { repository, branch }: BuildSettings,
  sha: string | undefined,
  { now, trigger }: { readonly now: Date; readonly trigger: string },
): RequestedBuild {
  return {
    project: build.project,
    build: build.id,
    number: build.number,
    repository,
    branch,
    ...(sha ? { sha } : {}),
    ...(build.startedAt ? { startedAt: build.startedAt.toISOString() } : {}),
    recordedAt: now.toISOString(),
    trigger,
    ...(build.batch ? { batch: build.batch } : {}),
  };
}

/** Writes the requests down, records why there is none, and returns the applications that now wait for a deploy. */
export async function requestDeploys(
  build: Build,
  context: DeployContext,
): Promise<readonly ApplicationSettings[]> {
  const { settings, deploys, recorder, trigger, now } = context;
  const admission = admit(settings, build, { now: now(), trigger });
  if (!admission.admitted) {
    const { action, reason } = admission;
    // Of an event that came twice only one is recorded.
    if (action === 'none' || (await deploys.markKnown(build.id, now()))) {
      const facts = { build: build.id, number: build.number };
      recorder.record({ target: build.project, action, reason, facts });
    }
    return [];
  }
  const waiting: ApplicationSettings[] = [];
  const reports: (() => Promise<unknown>)[] = [];
  for (const { build: requested, applications } of admission.deploys) {
    for (const application of applications) {
      const result = settings.dryRun
        ? { report: dryRun(requested) }
        : await requestDeploy(application, requested, build.exported, context);
      if (result === 'waits') waiting.push(application);
      else if (result !== 'ended')
        reports.push(() => report(context, application.name, [requested], result.report));
    }
  }
  // Everything is written down: what comes now is for people, and of doubled events only one reports it.
  if (await deploys.markKnown(build.id, now())) for (const send of reports) await send();
  return waiting;
}

function dryRun(build: RequestedBuild): Report {
  return { action: 'sync', reason: OF_BUILDS.dryRun([build]), facts: { dryRun: true } };
}

/** Whether the application waits for this build, has deployed it before, or never will. */
async function requestDeploy(
  application: ApplicationSettings,
  build: RequestedBuild,
  exported: Build['exported'],
  context: DeployContext,
): Promise<'waits' | 'ended' | { readonly report: Report }> {
  const made = builtImages(application.images ?? [], build, exported);
  if ('refused' in made) return { report: { action: 'refuse', reason: made.refused } };
  const known = await withDigests(made.images, application, context);
  if ('refused' in known) return { report: { action: 'refuse', reason: known.refused } };
  const requested = deliveredTo(application, build, known.images, context.settings.imageMinutes);
  let result = { kind: 'duplicate' } as RequestResult;
  let waits = false;
  await changeRecord(context.deploys, application, async (current) => {
    const isOfCodeBuild = context.settings.builds.some(
      ({ project, announced }) => project === build.project && !announced,
    );
    const createdAt =
      isOfCodeBuild && isOrderInDoubt(current, requested)
        ? await context.builds.projectCreatedAt(build.project)
        : undefined;
    result = request(current, requested, createdAt);
    if (result.kind === 'older') return result.record;
    waits = result.kind === 'requested' || (result.kind === 'duplicate' && isPending(current));
    return result.kind === 'requested' ? result.record : undefined;
  });
  if (result.kind === 'older') return { report: supersededBy(result.newest, build, result.newest.outcome) };
  for (const older of result.kind === 'requested' ? result.superseded : [])
    await report(context, application.name, [older], supersededBy(build, older));
  return waits ? 'waits' : 'ended';
}

/** The digests that the registry knows of the images; or why one of them is refused. */
async function withDigests(
  images: readonly BuiltImage[],
  { bring }: ApplicationSettings,
  { registry }: DeployContext,
): Promise<{ readonly images: readonly BuiltImage[] } | { readonly refused: string }> {
  const known: BuiltImage[] = [];
  for (const image of images) {
    const isDigest = DIGEST.test(image.version);
    const isAsked = registry.has(image.repository);
    const digests = isAsked ? await registry.digests(image) : isDigest ? [image.version] : undefined;
    // A tag may still be pushed; until then only the tag is known.
    if (!digests && isAsked && (isDigest || bring === 'restart'))
      return { refused: OF_IMAGES.unknownImage(image) };
    if (!digests && bring === 'restart') return { refused: OF_IMAGES.withoutDigest(image) };
    known.push(digests ? { ...image, digests } : image);
  }
  return { images: known };
}

function deliveredTo(
  { bring, revision }: ApplicationSettings,
  build: RequestedBuild,
  images: readonly BuiltImage[],
  imageMinutes: number,
): RequestedBuild {
  return {
    ...build,
    ...(images.length > 0 ? { images, imageMinutes } : {}),
    ...(bring ? { bring } : {}),
    ...(revision ? { revision } : {}),
  };
}

/** `outcome` is that of the newer one, where it has ended. */
function supersededBy(
  { outcome: _, ...newer }: NewestBuild,
  older: RequestedBuild,
  outcome?: NewestBuild['outcome'],
): Report {
  const sameCommit = older.sha !== undefined && older.sha === newer.sha;
  return {
    action: 'superseded',
    reason: OF_BUILDS.newer(newer),
    facts: { ...(sameCommit && { sameCommit }), ...(outcome && { newer: outcome }) },
  };
}
