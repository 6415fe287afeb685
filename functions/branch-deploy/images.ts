/** Which image a build made, and whether it is what runs. Pure. */
import { ownValue } from '#model/own-value.ts';
import type { BranchDeploySettings } from '#model/settings.ts';
import type { ApplicationView, Build, LivePod, Workload } from './ports.ts';
import { OF_IMAGES } from './reasons.ts';
import type { BuiltImage, RequestedBuild } from './record.ts';
import { sourceOf } from './sources.ts';

type ImageSettings = NonNullable<
  BranchDeploySettings['builds'][number]['applications'][number]['images']
>[number];

interface ImageReference {
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: string;
}

/** `host/name:tag@sha256:…`: a colon before the last slash belongs to a port. */
function referenceOf(image: string): ImageReference {
  const [name = '', digest] = image.split('@');
  const [, repository = name, tag] = /^(.+?)(?::([^:/]+))?$/.exec(name) ?? [];
  return {
    repository: repository.toLowerCase().replace(/^(index\.)?docker\.io\/(library\/)?/, ''),
    ...(tag ? { tag } : {}),
    ...(digest ? { digest } : {}),
  };
}

const TAG = /^\w[\w.-]{0,127}$/;
export const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** The images of a build, by the config; or why one of them is refused. */
export function builtImages(
  images: readonly ImageSettings[],
  { number, branch, sha }: Pick<RequestedBuild, 'number' | 'branch' | 'sha'>,
  exported: Build['exported'],
): { readonly images: readonly BuiltImage[] } | { readonly refused: string } {
  const built: BuiltImage[] = [];
  for (const { repository, tag, helmParameter } of images) {
    const exportedValue = typeof tag === 'string' ? undefined : ownValue(exported, tag.exported);
    if (typeof tag !== 'string' && !exportedValue) return { refused: OF_IMAGES.notExported(tag.exported) };
    if (typeof tag === 'string' && !sha && /\{sha7?\}/.test(tag))
      return { refused: OF_IMAGES.withoutCommit(tag) };
    const fields: Readonly<Record<string, string>> = {
      sha: sha ?? '',
      sha7: sha?.slice(0, 7) ?? '',
      // A tag holds no slash.
      branch: branch.replaceAll('/', '-'),
      build: String(number),
    };
    const text =
      typeof tag === 'string'
        ? tag.replace(/\{(\w+)\}/g, (_, field) => ownValue(fields, field) ?? '')
        : exportedValue;
    const version = versionIn(text ?? '', repository);
    if (version === undefined) return { refused: OF_IMAGES.notOurs(text ?? '', repository) };
    built.push({ repository, version, ...(helmParameter ? { helmParameter } : {}) });
  }
  return { images: built };
}

/** A build may export a tag, a digest, or the whole reference: of the bound repository, never of another. */
function versionIn(text: string, repository: string): string | undefined {
  if (TAG.test(text) || DIGEST.test(text)) return text;
  const reference = referenceOf(text);
  if (reference.repository !== referenceOf(repository).repository) return undefined;
  const version = reference.digest ?? reference.tag ?? '';
  return TAG.test(version) || DIGEST.test(version) ? version : undefined;
}

export type Running =
  | { readonly kind: 'runs' | 'no-pod'; readonly reason: string }
  /** Another image of the repository serves, alone or beside the built one; on these workloads where pods were read. */
  | { readonly kind: 'rolling' | 'other'; readonly reason: string; readonly workloads: readonly Workload[] };

/** Whether the live pods run what was built, and nothing else of the same repository. */
export function runningOf(builds: readonly RequestedBuild[], view: ApplicationView): Running | undefined {
  const found = builds.flatMap(({ images = [], bring }) =>
    images.map((image) =>
      view.pods
        ? byPods(image, bring === 'restart', view, view.pods)
        : byTags(image, bring === 'restart', view),
    ),
  );
  const problem = found.find(({ kind }) => kind === 'other') ?? found.find(({ kind }) => kind === 'rolling');
  if (problem || found.length === 0) return problem;
  const kind = found.every((one) => one.kind === 'no-pod') ? 'no-pod' : 'runs';
  return { kind, reason: [...new Set(found.map(({ reason }) => reason))].join(', ') };
}

function byPods(
  image: BuiltImage,
  isFixedTag: boolean,
  view: ApplicationView,
  pods: readonly LivePod[],
): Running {
  const users = pods.flatMap((pod) => {
    const containers = pod.containers.filter((one) => isOf(one.image, image));
    return containers.length > 0 ? [{ pod, containers }] : [];
  });
  if (users.length === 0) return withoutPods(image, view, pods.length > 0);
  const isOurs = (container: Container) => runs(container, image, isFixedTag);
  const others = users.filter(({ containers }) => !containers.every(isOurs));
  const isByDigest = users.some(({ containers }) => containers.some(({ digests }) => digests.length > 0));
  const reason = OF_IMAGES.podsRun(users.length - others.length, users.length, shownAs(image, isByDigest));
  if (others.length === 0) return { kind: 'runs', reason };
  return {
    kind: others.length === users.length ? 'other' : 'rolling',
    reason: OF_IMAGES.instead(
      reason,
      others.flatMap(({ containers }) => containers.filter((one) => !isOurs(one)).map(nameOf)),
    ),
    workloads: unique(others.flatMap(({ pod }) => pod.workload ?? [])),
  };
}

type Container = LivePod['containers'][number];

function runs({ image: live, started, digests }: Container, image: BuiltImage, isFixedTag: boolean): boolean {
  if (!started) return false;
  if (image.digests?.length && digests.length > 0) return isSame(digests, image);
  return !isFixedTag && isVersion(live, image);
}

/** The same digest, or that of an index and of one of its platforms: each list begins with the image itself. */
function isSame(live: readonly string[], { digests: built = [] }: BuiltImage): boolean {
  const [one, other] = [live[0], built[0]];
  return (one !== undefined && built.includes(one)) || (other !== undefined && live.includes(other));
}

/** Zero replicas, or a job that is not running: then the manifests say what would run. */
function withoutPods(
  image: BuiltImage,
  { desiredImages = [] }: ApplicationView,
  hasOthers: boolean,
): Running {
  const desired = desiredImages.filter((one) => isOf(one, image));
  const isDesired = desired.some((one) => isVersion(one, image));
  const isUnknown = desired.length === 0 && !hasOthers;
  if (isDesired || isUnknown) return { kind: 'no-pod', reason: OF_IMAGES.noPod };
  return { kind: 'other', reason: OF_IMAGES.notRunning(image, desired), workloads: [] };
}

/** The manifests that were synced last name an image of the build. */
export function wereSynced(
  { images = [] }: RequestedBuild,
  { desiredImages = [] }: ApplicationView,
): boolean {
  return images.some((image) => desiredImages.some((one) => isOf(one, image) && isVersion(one, image)));
}

/** By Argo CD's summary of the images of live pods. It says nothing of a tag that stays the same. */
function byTags(image: BuiltImage, isFixedTag: boolean, view: ApplicationView): Running {
  const { images = [] } = view;
  const live = images.filter((one) => isOf(one, image));
  if (live.length === 0) return withoutPods(image, view, images.length > 0);
  if (isFixedTag) return { kind: 'other', reason: OF_IMAGES.podsUnknown, workloads: [] };
  const ours = live.filter((one) => isVersion(one, image));
  if (ours.length === 0) return { kind: 'other', reason: OF_IMAGES.notRunning(image, live), workloads: [] };
  if (ours.length < live.length)
    return { kind: 'rolling', reason: OF_IMAGES.olderServes(image, live), workloads: [] };
  return { kind: 'runs', reason: OF_IMAGES.runs(image) };
}

/** Of the same repository. */
export const isOf = (live: string, { repository }: BuiltImage) =>
  referenceOf(live).repository === referenceOf(repository).repository;

function isVersion(live: string, { version }: BuiltImage): boolean {
  const { tag, digest } = referenceOf(live);
  return DIGEST.test(version) ? digest === version : tag === version;
}

function shownAs(image: BuiltImage, isByDigest: boolean): string {
  const digest = isByDigest ? image.digests?.[0] : undefined;
  return digest ? OF_IMAGES.name({ ...image, version: digest }) : OF_IMAGES.byTag(image);
}

function nameOf({ image, started, digests }: Container): string {
  const { repository, tag } = referenceOf(image);
  const [digest] = digests;
  if (!started) return OF_IMAGES.notStarted(image);
  return OF_IMAGES.name({ repository, version: digest ?? tag ?? 'latest' });
}

function unique(workloads: readonly Workload[]): readonly Workload[] {
  return [...new Map(workloads.map((one) => [`${one.kind}/${one.namespace}/${one.name}`, one])).values()];
}

/**
 * The source on which the images of a build are to be set: that of its repository, or the only one. Undefined where
 * several may be meant.
 */
export function sourceForImages(build: RequestedBuild, view: ApplicationView): number | undefined {
  return sourceOf(build, view) ?? (view.sources.length === 1 ? 0 : undefined);
}

/** The builds whose images are to be set on the Application, and are not. */
export function withoutOverrides(
  builds: readonly RequestedBuild[],
  view: ApplicationView,
): readonly RequestedBuild[] {
  return builds.filter(
    (build) =>
      build.bring === 'parameter' && !(build.images ?? []).every((image) => isSet(image, build, view)),
  );
}

function isSet(image: BuiltImage, build: RequestedBuild, view: ApplicationView): boolean {
  const { images = [], parameters = {} } = view.overrides?.[sourceForImages(build, view) ?? -1] ?? {};
  if (image.helmParameter) return parameters[image.helmParameter] === image.version;
  // `[old=]name:tag`
  const entries = images.map((entry) => entry.slice(entry.indexOf('=') + 1));
  return entries.some((entry) => isOf(entry, image) && isVersion(entry, image));
}
