/** The applications of the config, by the key under which they are kept. */
import type { ApplicationSettings, BranchDeploySettings } from '#model/settings.ts';

/** Settings hold for the life of a process. */
const known = new WeakMap<BranchDeploySettings, ReadonlyMap<string, ApplicationSettings>>();

/** By key, each once, whatever number of builds is bound to it. */
export function applicationsOf(settings: BranchDeploySettings): ReadonlyMap<string, ApplicationSettings> {
  const found = known.get(settings);
  if (found) return found;
  const applications = new Map(
    settings.builds.flatMap((binding) =>
      binding.applications.map((application) => [keyOf(application), application] as const),
    ),
  );
  known.set(settings, applications);
  return applications;
}

/** For people. */
export const nameOf = ({ name }: { readonly name: string }): string => name;

export function keyOf(application: { readonly project: string; readonly name: string }): string {
  return `${application.project}/${application.name}`;
}
