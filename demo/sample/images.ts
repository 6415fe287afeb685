/** The images of the sample's applications: what their builds push to ECR, and what their manifests name. */
import type { CodebuildWorld } from '@nightshift/lab/world/codebuild/index.ts';
import type { WorldContext } from '@nightshift/lab/world/interfaces.ts';
import type { ImageRegistry } from '@nightshift/lab/world/registry/registry.ts';
import type { ApplicationConfig, BuildConfig } from '#model/config.ts';
import { ecrRepository } from '#model/image-repository.ts';
import { ANNOUNCEMENT_SOURCE } from '#model/trigger.ts';

type Bound = Exclude<ApplicationConfig, string>;
type Image = NonNullable<Bound['images']>[number];

/** An image of ECR whose tag follows from the commit and the branch. */
function tagOf({ repository, tag }: Image, branch: string): string | undefined {
  if (!ecrRepository(repository) || typeof tag !== 'string') return undefined;
  const text = tag.replaceAll('{branch}', branch.replaceAll('/', '-'));
  return /\{(?!sha7?\})/.test(text) ? undefined : text;
}

/** Of the image that manifests name which nobody writes. */
const FIRST_TAG = 'first';

/** The image that the manifests of an application name: that of their own commit, as far as the lab can say so. */
export function manifestImage(application: Bound, branch: string): string {
  const [image] = application.images ?? [];
  // Until branch-deploy sets another one.
  if (image && application.bring === 'parameter') return `${image.repository}:${FIRST_TAG}`;
  const tag = image && tagOf(image, branch);
  return image && tag !== undefined
    ? `${image.repository}:${tag.replace('{sha}', '{revision}').replace('{sha7}', '{revision7}')}`
    : `registry.example.com/${application.name}:{revision}`;
}

/** A build pushes the images of its commit before its end is announced; the branch's commit of today has its own already. */
export function pushBuiltImages(
  context: WorldContext,
  services: { readonly codebuild: CodebuildWorld; readonly images: ImageRegistry },
  {
    account,
    region,
    builds,
  }: { readonly account: string; readonly region: string; readonly builds: readonly BuildConfig[] },
): void {
  const { codebuild, images } = services;
  const push = ({ applications, branch }: BuildConfig, sha: string) => {
    for (const application of applications) {
      if (typeof application === 'string') continue;
      for (const image of application.images ?? []) {
        const repository = ecrRepository(image.repository);
        const tag = tagOf(image, branch)?.replace('{sha}', sha).replace('{sha7}', sha.slice(0, 7));
        if (!repository || tag === undefined) continue;
        images.addRepository(repository, repository.name);
        const { name } = repository;
        if (application.bring === 'parameter' && !images.find(repository, name, { tag: FIRST_TAG }))
          images.push(repository, { name, tag: FIRST_TAG });
        images.push(repository, { name, tag });
      }
    }
  };
  for (const build of builds) {
    const sha = codebuild.git.revisionOf(build.repository, `refs/heads/${build.branch}`);
    if (sha) push(build, sha);
  }
  const pushed = new Set<string>();
  context.signals.on('event', ({ account: where, region: place, source, detail, ...event }) => {
    if (source === ANNOUNCEMENT_SOURCE) {
      const announced = builds.find((one) => one.announced && one.project === event['detail-type']);
      const commit = detail['commit'];
      if (where === account && place === region && announced && typeof commit === 'string')
        push(announced, commit);
      return;
    }
    const { 'build-status': status, 'build-id': id } = detail as Readonly<Record<string, unknown>>;
    if (where !== account || place !== region || status !== 'SUCCEEDED' || typeof id !== 'string') return;
    const ended = codebuild.build(account, region, id);
    const build = builds.find(({ project }) => project === ended?.project);
    // An event that is delivered twice is one build.
    if (!build || !ended?.resolvedSourceVersion || pushed.has(ended.id)) return;
    pushed.add(ended.id);
    push(build, ended.resolvedSourceVersion);
  });
}
