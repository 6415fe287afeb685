/** Delivery of CodeBuild's events is best effort: what they did not announce is found by looking. */
import type { ApplicationSettings, BranchDeploySettings } from '#model/settings.ts';
import { keyOf } from './bindings.ts';
import type { BranchDeployContext } from './run.ts';
import { TIMES } from './times.ts';
import { wanting } from './wanting.ts';

/** The project's builds that ended and that no event has brought here. */
export async function findLost(
  trigger: string,
  settings: BranchDeploySettings,
  ports: BranchDeployContext,
): Promise<readonly ApplicationSettings[]> {
  const projects = [...new Set(settings.builds.map((binding) => binding.project))];
  const found: ApplicationSettings[] = [];
  const itself = (project: string) => project;
  await ports.recorder.guardEach(projects, itself, async (project) => {
    const ids = await ports.builds.recent(project);
    if (ids === undefined) {
      // Said once by each warm process: the mistake does not pass by itself.
      if (ports.seen.has(project)) return;
      ports.seen.add(project);
      ports.recorder.record({
        target: project,
        action: 'fail',
        reason: 'there is no such CodeBuild project: correct `builds` in the config, or create it',
        trigger,
      });
      return;
    }
    const unseen = ids.filter((id) => !ports.seen.has(id));
    if (unseen.length === 0) return;
    const [known, builds] = await Promise.all([ports.deploys.known(project), ports.builds.read(unseen)]);
    const oldest = ports.now().getTime() - TIMES.lookBackMs;
    const lost = builds
      .filter((build) => build.status === 'SUCCEEDED' && !known.has(build.id))
      .filter((build) => (build.endedAt?.getTime() ?? 0) >= oldest)
      .sort((one, other) => one.number - other.number);
    for (const build of lost) found.push(...(await wanting(build, trigger, settings, ports)));
    for (const build of builds) if (build.status !== 'IN_PROGRESS') ports.seen.add(build.id);
  });
  return [...new Map(found.map((application) => [keyOf(application), application])).values()];
}
