/** Of which applications is the image checked before a deploy counts as deployed? */
import { sameRepository } from '#model/branch.ts';
import type { ApplicationSettings, BuildSettings } from '#model/settings.ts';
import { applicationsWithoutImages, WITHOUT_IMAGES } from '../../without-images.ts';
import type { ApplicationFacts } from '../facts.ts';
import type { Check, CheckResult } from '../finding.ts';
import { observed } from '../observation.ts';

export const images: Check = {
  name: 'images',
  why: 'a build makes an image, and a sync deploys manifests: without images, a deploy can end with the old image running',
  evaluate({ settings: { branchDeploy }, kubernetes }): readonly CheckResult[] {
    if (!branchDeploy) return [];
    const known = observed(kubernetes.applications) ?? [];
    // With a hub they are in another cluster, and another application may have the name here.
    const elsewhere = branchDeploy.argocd.hub ? [] : unverified(branchDeploy.builds, known);
    const warned = new Set(elsewhere.map(({ target }) => target));
    const without = applicationsWithoutImages(branchDeploy.builds).filter((name) => !warned.has(name));
    if (without.length > 0)
      return [...elsewhere, { severity: 'ok', found: `${without.join(', ')}: ${WITHOUT_IMAGES}` }];
    return elsewhere.length > 0
      ? elsewhere
      : [{ severity: 'ok', found: 'the image of each application is checked' }];
  },
};

/** Those whose manifests are of another repository than the one that is built. */
function unverified(
  builds: readonly BuildSettings[],
  known: readonly ApplicationFacts[],
): readonly CheckResult[] {
  return builds.flatMap((build) =>
    build.applications.flatMap((application) => {
      const found = application.images ? undefined : find(known, application);
      if (!found || found.repositories.length === 0) return [];
      if (found.repositories.some((one) => sameRepository(one, build.repository))) return [];
      return [
        {
          severity: 'warning' as const,
          target: application.name,
          found: `its source is ${found.repositories.join(', ')}, not the repository ${build.repository} that ${build.project} builds, and no image is bound: the verdict of each deploy will be unverified`,
          advice: `write applications: [{ name: '${application.name}', images: [{ repository: '…', tag: '{sha7}' }] }] with the repository and the tag that ${build.project} pushes: docs/branch-deploy-images.md`,
        },
      ];
    }),
  );
}

function find(
  known: readonly ApplicationFacts[],
  { name, namespace }: ApplicationSettings,
): ApplicationFacts | undefined {
  const named = known.filter((one) => one.name === name && (!namespace || one.namespace === namespace));
  // Without a namespace it is Argo CD's own, and that of a name which is there once.
  return named.length === 1 ? named[0] : named.find((one) => one.namespace === 'argocd');
}
