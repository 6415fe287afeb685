/** The words of every reason that branch-deploy gives, in one place. */
import type { ApplicationSettings } from '#model/settings.ts';
import type { ApplicationView, Workload } from './ports.ts';
import type { BuiltImage, FailedBuild, RequestedBuild } from './record.ts';

/** A commit by its first seven letters; anything else, such as a chart's version, as it is. */
export const shortSha = (sha: string) => (/^[0-9a-f]{40,64}$/.test(sha) ? sha.slice(0, 7) : sha);

type Operation = NonNullable<ApplicationView['operation']>;
type Hydration = NonNullable<ApplicationView['hydration']>;
type Revisions = readonly string[];

const at = (revisions: Revisions) => revisions.map(shortSha).join(', ') || 'no revision';
const commits = (builds: readonly RequestedBuild[]) =>
  builds.map((build) => shortSha(build.sha ?? 'unknown')).join(', ');
const idOf = ({ project, name }: Pick<ApplicationSettings, 'project' | 'name'>) => `${project}/${name}`;

/** `build 7 of api-develop (0a1b2c3) and build 2 of web` */
const named = (builds: readonly RequestedBuild[]) =>
  builds
    .map(({ number, project, sha }) => `build ${number} of ${project}${sha ? ` (${shortSha(sha)})` : ''}`)
    .join(' and ');

/** Why a build is deployed or not. */
export const OF_BUILDS = {
  foreign: (account: string, region: string) =>
    `the build belongs to account ${account} in ${region}, not to this environment`,
  notBound: (environment: string, project: string) =>
    `no application of ${environment} is bound to ${project}`,
  alreadyHandled: 'the build was already handled',
  unknownBuild: 'CodeBuild has no such build',
  notEnded: 'the build has not ended',
  batchNotEnded: (batch: string) => `the build is a part of batch ${batch}, which has not ended`,
  endedAs: (status: string) => `the build ended as ${status}`,
  withoutNumber: 'the build has no number, so its order is unknown',
  invalidName: (name: string) =>
    `${JSON.stringify(name.slice(0, 120))} is not a valid application name: correct it in the config`,
  newer: ({ number, project, outcome }: RequestedBuild & { readonly outcome?: string }) =>
    `build ${number} of ${project} is newer${outcome ? `: ${outcome}` : ''}`,
  liveAlthough: ({ number, project, sha, status }: FailedBuild, application: string) =>
    `commit ${shortSha(sha ?? 'unknown')} is live in ${application} although build ${number} of ${project} ended as ${status}: another commit's deploy, or Argo CD by itself, synced the branch`,
  retriedByCodeBuild: (status: string) => `the build ended as ${status}, and CodeBuild retries it`,
  dryRun: (builds: readonly RequestedBuild[]) => `${named(builds)} would be synced`,
  noLongerBound: 'the config no longer binds a build to this application',
  unknownProject: 'there is no such CodeBuild project: correct `builds` in the config, or create it',
  succeeded: (builds: readonly RequestedBuild[]) => `${named(builds)} succeeded`,
  succeededMeanwhile: (builds: readonly RequestedBuild[]) =>
    `${named(builds)} succeeded while an older build was synced`,
} as const;

/** Why a build that announced itself is refused. */
export const OF_ANNOUNCEMENTS = {
  noDetail: 'the announcement has no detail: send a JSON object with status, run, number and commit',
  wrong: (key: string, value: unknown, instead: string) =>
    `detail.${key} of the announcement is ${cut(JSON.stringify(value) ?? 'missing')}: send ${instead}`,
} as const;

const cut = (text: string) => (text.length > 120 ? `${text.slice(0, 120)}…` : text);

/** What a sync waits for, and how it ended. */
export const OF_SYNCS = {
  blocked: (by: string) => `waiting for an operation of ${by} to end`,
  deleting: 'the application is being deleted',
  autoSynced: ({ project }: RequestedBuild) =>
    `the config wants the revision that ${project} built, and Argo CD syncs the application by itself to what it tracks: remove \`revision\` from the config, or \`automated\` from the Application`,
  notItsSource: ({ project, repository }: RequestedBuild) =>
    `the config wants the revision that ${project} built, and what Argo CD syncs is not ${repository}: remove \`revision\` from the config`,
  withoutCommit: ({ project }: RequestedBuild) =>
    `the config wants the revision that ${project} built, and the commit of the build is unknown`,
  wrongBranch: (tracked: string, { repository, branch }: RequestedBuild) =>
    `the application tracks ${tracked} of ${repository}, but the config binds ${branch}`,
  alreadyThere: (revisions: Revisions, running?: { readonly reason: string }) =>
    `already Synced and Healthy at ${at(revisions)}${running ? `; ${running.reason}` : ''}`,
  requested: 'the sync was requested',
  notStarted: 'Argo CD has not started the sync',
  running: ({ finishedAt, message }: Operation) =>
    `${finishedAt ? 'a retry of the sync is pending' : 'the sync is running'}${message ? `: ${message}` : ''}`,
  brokenByNight: (phase: string) => `the sync ended as ${phase} while the cluster slept`,
  timedOut: ({ message }: Operation) => `Argo CD ended the sync at its own time limit: ${message}`,
  ended: ({ phase, message }: Operation) => `the sync ended as ${phase}: ${message || 'no message'}`,
  notCompared: 'Argo CD has not compared the application since the sync',
  oldRevision: (revisions: Revisions, builds: readonly RequestedBuild[]) =>
    `the sync ended at ${at(revisions)}, not at ${commits(builds)}`,
  oldRevisionAgain: (tries: number, revisions: Revisions, builds: readonly RequestedBuild[]) =>
    `${tries} syncs ended at ${at(revisions)}, not at ${commits(builds)}`,
  wrongDefault: (revisions: Revisions, { repository, branch, sha }: RequestedBuild) =>
    `the application tracks the default branch of ${repository}, which is at ${at(revisions)}, not at ${shortSha(sha ?? 'unknown')} of ${branch}: set its targetRevision to ${branch}`,
  notHydrated: ({ dry, message }: Hydration, builds: readonly RequestedBuild[]) =>
    `the source hydrator is at ${shortSha(dry ?? 'no commit')}, not at ${commits(builds)}${message ? `: ${message}` : ''}`,
  notAtHydrated: (revisions: Revisions, hydrated: string) =>
    `Argo CD is at ${at(revisions)}, not at the hydrated commit ${shortSha(hydrated)}`,
  notComparable: (condition: string | undefined) =>
    `the sync succeeded, but Argo CD cannot compare the application: ${condition || 'no message'}`,
  settling: (sync: string) => `the sync succeeded, but the application is ${sync}`,
  stillOutOfSync: (sync: string) =>
    `the sync succeeded, but the application is still ${sync}: the differences are not pruned or not part of the sync`,
  deployed: (revisions: Revisions) => `Synced and Healthy at ${at(revisions)}`,
  deployedLater: (revisions: Revisions, builds: readonly RequestedBuild[]) =>
    `Synced and Healthy at ${at(revisions)}, to which the branch has moved on from ${commits(builds)}`,
  deployedBefore: (revisions: Revisions, tracked: Revisions) =>
    `Healthy at ${at(revisions)}; the branch has moved on to ${at(tracked)} since`,
  withFailedBuild: (reason: string, { sha, number, project }: RequestedBuild) =>
    `${reason}; build ${number} of ${project} (${shortSha(sha ?? 'unknown')}) failed`,
  deployedByAutoSync: (revisions: Revisions) =>
    `Synced and Healthy at ${at(revisions)} by Argo CD's auto-sync, which followed ours`,
  unhealthy: (revisions: Revisions, health: string, message: string) =>
    `synced to ${at(revisions)} and ${health}: ${message || 'no message'}`,
  suspended: (revisions: Revisions) =>
    `synced to ${at(revisions)} and Suspended: it goes on by itself, or a person has to resume it`,
  notHealthyYet: (revisions: Revisions, health: string) => `synced to ${at(revisions)} and ${health}`,
  autoSyncFollowed: "Argo CD's auto-sync followed ours",
  autoSyncFollowedAgain: (tries: number, { phase, message }: Operation) =>
    `Argo CD's auto-sync followed ours ${tries} times: ${phase} ${message}`,
  replacedBy: ({ by, revisions, phase }: Operation, running?: { readonly reason: string }) =>
    `an operation of ${by} to ${at(revisions)} replaced ours and ended as ${phase}${running ? `; ${running.reason}` : ''}`,
  notShown: 'Argo CD does not show the sync yet',
  neverShown: 'Argo CD never showed the sync, however often it was requested',
  neverStarted: 'the requested sync never started',
  tooLong: (reason: string, minutes: number) => `${reason}, for more than ${minutes} minutes`,
} as const;

const imageOf = ({ repository, version }: Pick<BuiltImage, 'repository' | 'version'>) =>
  `${repository.split('/').at(-1)}${version.startsWith('sha256:') ? `@${version.slice(0, 19)}…` : `:${shortSha(version)}`}`;
const liveOf = (images: readonly string[]) =>
  images.map((image) => image.split('/').at(-1)).join(', ') || 'no image of its repository';

/** What the live pods run. */
export const OF_IMAGES = {
  name: imageOf,
  byTag: (image: BuiltImage) => `${imageOf(image)} (by tag)`,
  notStarted: (image: string) => `${image.split('/').at(-1)}, not started`,
  podsRun: (some: number, all: number, image: string) => `${some} of ${all} pods run ${image}`,
  instead: (reason: string, others: readonly string[]) =>
    `${reason}, the others ${[...new Set(others)].join(', ')}`,
  runs: (image: BuiltImage) => `the pods run ${imageOf(image)} (by tag)`,
  podsUnknown: 'the digests of the live pods are unknown, and the tag does not say which build runs',
  restart: (workloads: readonly Pick<Workload, 'kind' | 'name'>[], reason: string) =>
    `restarting ${workloads.map(({ kind, name }) => `${kind} ${name}`).join(', ')}: ${reason}`,
  notRolled: (reason: string, tries: number) =>
    `${reason}, after ${tries} restarts: does its imagePullPolicy say Always, and did another build move the tag?`,
  notRestartable: (reason: string) => `${reason}, and no workload that can be restarted owns them`,
  setOnApplication: (builds: readonly RequestedBuild[]) =>
    `setting the image of ${named(builds)} on the Application`,
  notSetYet: 'the image was set on the Application, and Argo CD does not show it yet',
  reverted: (tries: number, by: string | undefined) =>
    `the image was set on the Application ${tries} times and was put back each time${by ? `: ${by} made it` : ''}; let it ignore that field (ignoreApplicationDifferences, ignoreDifferences), or write the image into the manifests`,
  revertedLater: (by: string | undefined) =>
    `the image that was deployed is no longer set on the Application${by ? `: ${by} may have put it back` : ''}`,
  whichSource:
    'the application has several sources, and none is the repository that was built: on which the image is to be set is unknown',
  unknownImage: ({ repository, version }: BuiltImage) =>
    `ECR has no image ${version} in ${repository}: does the build push it, and to this repository?`,
  withoutDigest: ({ repository, version }: BuiltImage) =>
    `the digest of ${repository}:${version} is unknown, and the tag alone does not say which build runs: export the digest`,
  noPod: 'no pod runs',
  notRunning: (image: BuiltImage, live: readonly string[]) =>
    `the pods run ${liveOf(live)}, not ${imageOf(image)}`,
  olderServes: (image: BuiltImage, live: readonly string[]) =>
    `the pods run ${liveOf(live)}, not only ${imageOf(image)}`,
  unverified: (reason: string) =>
    `${reason}; whether what was built runs is unknown: name its \`images\` in the config`,
  notExported: (name: string) => `the build exports no ${name}, which is to name its image`,
  withoutCommit: (tag: string) => `the commit of the build is unknown, and its image is tagged ${tag}`,
  notOurs: (text: string, repository: string) =>
    `${JSON.stringify(text.slice(0, 120))} is no tag or digest of ${repository}`,
} as const;

/** Why Argo CD or GitHub did not do what was requested. */
export const OF_FAILURES = {
  busy: (detail: string) => `Argo CD is busy: ${detail}`,
  window: (detail: string) => `a sync window blocks it: ${detail}; retried every 5 minutes`,
  deleting: (detail: string) => `the application is being deleted: ${detail}`,
  permanent: (detail: string) => `Argo CD refuses the sync: ${detail}`,
  forbidden: (detail: string, application: Pick<ApplicationSettings, 'project' | 'name'>) =>
    `Argo CD or Kubernetes does not permit it for ${idOf(application)}: ${detail}`,
  missing: (detail: string, application: Pick<ApplicationSettings, 'project' | 'name'>) =>
    `there is no application ${idOf(application)}: ${detail}`,
  retried: (detail: string) => `${detail}: the deploy is kept and retried`,
  givenUp: (detail: string) => `given up after a day: ${detail}`,
  statusNotPosted: (sha: string, detail: string) =>
    `the status of commit ${shortSha(sha)} was not posted: ${detail}`,
} as const;

/** What the night and the time since mean for a deploy. */
export const OF_NIGHTS = {
  starting: 'the cluster is starting',
  notUp: 'the cluster is not up yet',
  waking: (why: string) => `waking the cluster: ${why}`,
  deferred: (until: string | undefined, why: string) =>
    `deferred until ${until ?? 'the cluster is awake'}: ${why}`,
  failedOvernight: ({ by, phase }: Operation) =>
    `the last operation, by ${by}, ended as ${phase} while the cluster slept`,
  drift: (since: string, revisions: Revisions) =>
    `OutOfSync since ${since}: what runs differs from ${revisions.join(', ') || 'its source'}`,
} as const;
