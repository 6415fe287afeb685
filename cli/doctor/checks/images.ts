/** Of which applications is the image checked before a deploy counts as deployed? */
import { applicationsWithoutImages, WITHOUT_IMAGES } from '../../without-images.ts';
import type { Check, CheckResult } from '../finding.ts';

export const images: Check = {
  name: 'images',
  why: 'a build makes an image, and a sync deploys manifests: without images, a deploy can end with the old image running',
  evaluate({ settings: { branchDeploy } }): readonly CheckResult[] {
    if (!branchDeploy) return [];
    const without = applicationsWithoutImages(branchDeploy.builds);
    return [
      {
        severity: 'ok',
        found:
          without.length === 0
            ? 'the image of each application is checked'
            : `${without.join(', ')}: ${WITHOUT_IMAGES}`,
      },
    ];
  },
};
