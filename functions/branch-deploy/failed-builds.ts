/**
 * A commit whose build failed goes live all the same when another commit's sync, or Argo CD by itself, takes the branch to
 * it. Nothing can hold it back, so it is reported: in the decisions, and on the commit.
 */
import type { ApplicationSettings, BranchDeploySettings } from '#model/settings.ts';
import { isOver } from './operation.ts';
import type { ApplicationView, Build, DeployContext } from './ports.ts';
import { OF_BUILDS } from './reasons.ts';
import {
  type ApplicationRecord,
  applicationsOf,
  changeRecord,
  type FailedBuild,
  keyOf,
  withFailedBuild,
  withoutFailedBuilds,
} from './record.ts';
import { report } from './report.ts';
import { matchingDeploys } from './request.ts';
import { sourceOf } from './sources.ts';

/** Argo CD looks at a branch every 2 to 6 minutes: what is not live by then was overtaken by the next commit. */
const WATCHED_MS = 3_600_000;

/** STOPPED is the end of a build that somebody stopped: its commit was not built either. */
const FAILED = ['FAILED', 'FAULT', 'TIMED_OUT', 'STOPPED'];

/** Keeps a build that failed for good with each application that it would have been deployed to. False for any other. */
export async function keepFailedBuild(build: Build, context: DeployContext): Promise<boolean> {
  const { settings, deploys, trigger, now } = context;
  if (settings.dryRun || !FAILED.includes(build.status) || build.retriedAs || build.number < 1) return false;
  for (const { build: requested, applications } of matchingDeploys(settings, build, {
    now: now(),
    trigger,
  })) {
    if (!requested.sha) continue;
    for (const application of applications) {
      const failedBuild = { ...requested, status: build.status };
      await changeRecord(deploys, application, (current) => withFailedBuild(current, failedBuild));
    }
  }
  return true;
}

/** The applications for which failed builds are kept. */
export function withFailedBuilds(
  settings: BranchDeploySettings,
  records: ReadonlyMap<string, ApplicationRecord>,
): readonly ApplicationSettings[] {
  return [...applicationsOf(settings)].flatMap(([key, application]) =>
    records.get(key)?.failedBuilds ? [application] : [],
  );
}

/** Reports those whose commit is live, once each, and forgets them after an hour. Failures of Argo CD are left to deploys. */
export async function reportLiveFailures(
  application: ApplicationSettings,
  context: DeployContext,
): Promise<void> {
  const { argocd, deploys, now } = context;
  const found = await deploys.get(application);
  const { failedBuilds = [] } = found?.value ?? {};
  if (failedBuilds.length === 0) return;
  const read = await argocd.read(application);
  if (!read.ok) return;
  const live = failedBuilds.filter((build) => isLive(build, read.value));
  const isOld = ({ recordedAt }: FailedBuild) => now().getTime() - Date.parse(recordedAt) > WATCHED_MS;
  const done = [...live, ...failedBuilds.filter((build) => isOld(build) && !live.includes(build))];
  // Of two invocations at once only the one that takes them out reports them.
  const changed = await changeRecord(deploys, application, (current) => withoutFailedBuilds(current, done));
  if (!changed) return;
  for (const build of live) {
    const reason = OF_BUILDS.liveAlthough(build, keyOf(application));
    await report(context, application.name, [build], { action: 'warn', reason, facts: { live: true } });
  }
}

/** Its source was synced to the commit, or compared as Synced at it. */
function isLive(build: FailedBuild, view: ApplicationView): boolean {
  const index = sourceOf(build, view);
  const { operation, hydration } = view;
  if (index === undefined || !build.sha) return false;
  const commit = hydration?.dry === build.sha ? hydration.hydrated : build.sha;
  const wasSynced = operation?.phase === 'Succeeded' && isOver(view, operation);
  if (wasSynced && operation.revisions[index] === commit) return true;
  return view.sync === 'Synced' && view.revisions[index] === commit;
}
