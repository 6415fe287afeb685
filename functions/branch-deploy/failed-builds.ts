/**
 * A commit whose build failed goes live all the same when another commit's sync, or Argo CD by itself, takes the branch to
 * it. Nothing can hold it back, so it is reported: in the decisions, and on the commit.
 */
import { ownValue } from '#model/own-value.ts';
import type { ApplicationSettings, BranchDeploySettings } from '#model/settings.ts';
import { isOver } from './operation.ts';
import type { ApplicationView, Build, DeployContext } from './ports.ts';
import { OF_BUILDS } from './reasons.ts';
import { type ApplicationRecord, applicationsOf, changeRecord, type FailedBuild, keyOf } from './record.ts';
import { withFailedBuild, withFailedBuilds } from './record-changes.ts';
import { report } from './report.ts';
import { matchingDeploys } from './request.ts';
import { sourceOf } from './sources.ts';

/** A night long: what failed in the evening goes live with the sync of the morning. */
const WATCHED_MS = 24 * 3_600_000;

/** STOPPED is the end of a build that somebody stopped: its commit was not built either. */
const FAILED = ['FAILED', 'FAULT', 'TIMED_OUT', 'STOPPED'];

/** Keeps a build that failed for good with each application that it would have been deployed to. */
export async function keepFailedBuild(build: Build, context: DeployContext): Promise<void> {
  const { settings, deploys, trigger, now } = context;
  const endedAt = build.endedAt ?? now();
  if (now().getTime() - endedAt.getTime() > WATCHED_MS) return;
  if (settings.dryRun || !FAILED.includes(build.status) || build.retriedAs || build.number < 1) return;
  for (const { build: requested, applications } of matchingDeploys(settings, build, {
    now: now(),
    trigger,
  })) {
    if (!requested.sha) continue;
    for (const application of applications) {
      const failedBuild = { ...requested, recordedAt: endedAt.toISOString(), status: build.status };
      await changeRecord(deploys, application, (current) => withFailedBuild(current, failedBuild));
    }
  }
}

/** The applications for which failed builds are kept. */
export function overtakenByFailures(
  settings: BranchDeploySettings,
  records: ReadonlyMap<string, ApplicationRecord>,
): readonly ApplicationSettings[] {
  return [...applicationsOf(settings)].flatMap(([key, application]) =>
    records.get(key)?.failedBuilds ? [application] : [],
  );
}

/** Reports those whose commit is live, once each, and forgets them after a day. Failures of Argo CD are left to deploys. */
export async function reportLiveFailures(
  application: ApplicationSettings,
  context: DeployContext,
): Promise<void> {
  const { argocd, deploys, now } = context;
  const found = await deploys.get(application);
  const { failedBuilds = [] } = found?.value ?? {};
  const isOld = ({ recordedAt }: FailedBuild) => now().getTime() - Date.parse(recordedAt) > WATCHED_MS;
  const isOpen = failedBuilds.some((build) => !build.reported && !isOld(build));
  if (!isOpen && !failedBuilds.some(isOld)) return;
  const read = isOpen ? await argocd.read(application) : undefined;
  // A later build of the same commit succeeded.
  const wasBuilt = ({ project, sha }: FailedBuild) => ownValue(found?.value.newest, project)?.sha === sha;
  const isLiveNow = (build: FailedBuild) =>
    read?.ok === true && !wasBuilt(build) && isLive(build, read.value);
  // Marked only once it is recorded: a process that dies in between has reported nothing.
  const reported = new Set<string>();
  for (const build of failedBuilds) {
    if (build.reported || isOld(build) || !isLiveNow(build)) continue;
    const reason = OF_BUILDS.liveAlthough(build, keyOf(application));
    const facts = { live: true };
    if (await report(context, application.name, [build], { action: 'warn', reason, facts }))
      reported.add(build.build);
  }
  await changeRecord(deploys, application, (current) =>
    withFailedBuilds(current, { old: isOld, live: ({ build }) => reported.has(build) }),
  );
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
