/** The applications of the config, by the key under which they are kept. */
import type { ApplicationSettings, BranchDeploySettings } from '#model/settings.ts';

/** By key, each once, whatever number of builds is bound to it. */
export function applicationsOf(settings: BranchDeploySettings): ReadonlyMap<string, ApplicationSettings> {
  return new Map(
    settings.builds.flatMap((binding) =>
      binding.applications.map((application) => [keyOf(application), application] as const),
    ),
  );
}

export function keyOf(application: { readonly project: string; readonly name: string }): string {
  return `${application.project}/${application.name}`;
}
