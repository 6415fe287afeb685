/** Which image a build made, and whether it is what runs. Pure. */
import { ownValue } from '#model/own-value.ts';
import type { BranchDeploySettings } from '#model/settings.ts';
import type { ApplicationView, Build } from './ports.ts';
import { OF_IMAGES } from './reasons.ts';
import type { BuiltImage, RequestedBuild } from './record.ts';

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
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** The images of a build, by the config; or why one of them is refused. */
export function builtImages(
  images: readonly ImageSettings[],
  { number, branch, sha }: Pick<RequestedBuild, 'number' | 'branch' | 'sha'>,
  exported: Build['exported'],
): { readonly images: readonly BuiltImage[] } | { readonly refused: string } {
  const built: BuiltImage[] = [];
  for (const { repository, tag } of images) {
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
    built.push({ repository, version });
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
  /** Another image of the repository serves, alone or beside the built one. */
  | { readonly kind: 'rolling' | 'other'; readonly reason: string };

/** Whether the live pods run what was built, and nothing else of the same repository. */
export function runningOf(
  builds: readonly RequestedBuild[],
  { images = [] }: ApplicationView,
): Running | undefined {
  const built = builds.flatMap((build) => build.images ?? []);
  if (built.length === 0) return undefined;
  if (images.length === 0) return { kind: 'no-pod', reason: OF_IMAGES.noPod };
  for (const image of built) {
    const live = images.filter(
      (one) => referenceOf(one).repository === referenceOf(image.repository).repository,
    );
    const ours = live.filter((one) => isVersion(one, image));
    if (ours.length === 0) return { kind: 'other', reason: OF_IMAGES.notRunning(image, live) };
    if (ours.length < live.length) return { kind: 'rolling', reason: OF_IMAGES.olderServes(image, live) };
  }
  return { kind: 'runs', reason: OF_IMAGES.runs(built) };
}

function isVersion(live: string, { version }: BuiltImage): boolean {
  const { tag, digest } = referenceOf(live);
  return DIGEST.test(version) ? digest === version : tag === version;
}
