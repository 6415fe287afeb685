/** Delivery of CodeBuild's events is best effort: builds that none announced are found by listing the latest. */
import type { ApplicationSettings } from '#model/settings.ts';
import { keepFailedBuild } from './failed-builds.ts';
import type { DeployContext } from './ports.ts';
import { OF_BUILDS } from './reasons.ts';
import { keyOf } from './record.ts';
import { requestDeploys } from './request.ts';

/** A build that ended longer ago was not missed, it is history. */
const HISTORY_MS = 3 * 86_400_000;

/** Requests what was missed, and returns the applications that now wait for a deploy. */
export async function findMissedBuilds(context: DeployContext): Promise<readonly ApplicationSettings[]> {
  // What is announced is kept by nobody who could be asked: EventBridge delivers it at least once.
  const ofCodeBuild = context.settings.builds.filter(({ announced }) => !announced);
  const projects = [...new Set(ofCodeBuild.map(({ project }) => project))];
  const waiting = new Map<string, ApplicationSettings>();
  await context.recorder.guardEach(
    projects,
    (project) => project,
    async (project) => {
      for (const application of await findIn(project, context)) waiting.set(keyOf(application), application);
    },
  );
  return [...waiting.values()];
}

async function findIn(project: string, context: DeployContext): Promise<readonly ApplicationSettings[]> {
  const { builds, deploys, recorder, seen, now } = context;
  const ids = await builds.recent(project);
  if (ids === undefined) {
    // Once by each warm process: this does not change by itself.
    if (seen.has(project)) return [];
    seen.add(project);
    recorder.record({ target: project, action: 'fail', reason: OF_BUILDS.unknownProject });
    return [];
  }
  const unseen = ids.filter((id) => !seen.has(id));
  if (unseen.length === 0) return [];
  const [known, read] = await Promise.all([deploys.known(project), builds.read(unseen)]);
  const oldest = now().getTime() - HISTORY_MS;
  const ended = read
    .filter(({ id }) => !known.has(id))
    .filter(({ endedAt }) => (endedAt?.getTime() ?? 0) >= oldest)
    .sort((one, other) => one.number - other.number);
  const waiting: ApplicationSettings[] = [];
  for (const build of ended) {
    if (build.status === 'SUCCEEDED') waiting.push(...(await requestDeploys(build, context)));
    else await keepFailedBuild(build, context);
  }
  for (const { id, status } of read) if (status !== 'IN_PROGRESS') seen.add(id);
  return waiting;
}
