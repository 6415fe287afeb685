/** Applications whose binding names no image, and what that means. `plan` and `doctor` report it. */

export const WITHOUT_IMAGES =
  'deployed means Synced and Healthy at the built commit, and the image is not checked. If the manifests are in another repository, or their tag stays the same, add images: docs/branch-deploy.md';

/** The names, each once. An application is written as its name, or as an object. */
export function applicationsWithoutImages(
  builds: readonly {
    readonly applications: readonly (string | { readonly name: string; readonly images?: unknown })[];
  }[],
): readonly string[] {
  const names = builds.flatMap(({ applications }) =>
    applications.flatMap((one) => {
      if (typeof one === 'string') return [one];
      return one.images === undefined ? [one.name] : [];
    }),
  );
  return [...new Set(names)];
}
