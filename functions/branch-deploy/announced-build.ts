/**
 * A build that ran elsewhere and announces itself. The event's detail type selects the binding, and IAM says who may send
 * it; project, repository and branch are those of the binding. What the event says of them can only refuse the build.
 */
import { isRecord } from '#model/record-schema.ts';
import type { BranchDeploySettings } from '#model/settings.ts';
import type { BranchDeployEvent } from './event.ts';
import type { Build } from './ports.ts';
import { OF_ANNOUNCEMENTS, OF_BUILDS } from './reasons.ts';

type Announcement = Extract<BranchDeployEvent, { kind: 'announcement' }>;

export type ReadAnnouncement =
  | { readonly ok: true; readonly build: Build }
  | { readonly ok: false; readonly action: 'ignore' | 'refuse'; readonly reason: string };

const COMMIT = /^([0-9a-f]{40}|[0-9a-f]{64})$/;
const RUN = /^[\w.-]{1,100}$/;
const STATUSES = ['SUCCEEDED', 'FAILED'];
const MOST_EXPORTED = 50;
const LONGEST_NAME = 200;
const LONGEST_VALUE = 1_000;

export function readAnnouncement(
  event: Announcement,
  settings: Pick<BranchDeploySettings, 'builds' | 'environment' | 'account' | 'region'>,
  now: Date,
): ReadAnnouncement {
  const { project, account, region, detail } = event;
  if (account !== settings.account || region !== settings.region)
    return { ok: false, action: 'ignore', reason: OF_BUILDS.foreign(account, region) };
  const binding = settings.builds.find((one) => one.announced && one.project === project);
  if (!binding)
    return { ok: false, action: 'ignore', reason: OF_BUILDS.notBound(settings.environment, project) };
  const mistake = mistakeIn(detail);
  if (mistake || !isRecord(detail))
    return { ok: false, action: 'refuse', reason: mistake ?? OF_ANNOUNCEMENTS.noDetail };

  const { run, status, number, commit, branch, repository, exported = {} } = detail;
  // Whoever sends it can choose the time.
  const at = event.time && event.time.getTime() < now.getTime() ? event.time : now;
  return {
    ok: true,
    build: {
      announced: true,
      id: `${project}:${run}`,
      project,
      number: Number(number),
      status: String(status),
      initiator: 'events:PutEvents',
      location: typeof repository === 'string' ? repository : binding.repository,
      ...(typeof branch === 'string' ? { sourceVersion: `${branch}^{${commit}}` } : {}),
      resolvedSourceVersion: String(commit),
      exported: exported as Record<string, string>,
      startedAt: at,
      endedAt: at,
    },
  };
}

/** What is wrong with the detail, and what to send instead. */
function mistakeIn(detail: unknown): string | undefined {
  if (!isRecord(detail)) return OF_ANNOUNCEMENTS.noDetail;
  const { run, status, number, commit, branch, repository, exported } = detail;
  const wrong = OF_ANNOUNCEMENTS.wrong;
  if (typeof status !== 'string' || !STATUSES.includes(status))
    return wrong('status', status, '"SUCCEEDED" or "FAILED"');
  if (typeof run !== 'string' || !RUN.test(run))
    return wrong('run', run, 'an id of the run: at most 100 letters, digits, "_", "." and "-"');
  if (!Number.isSafeInteger(number) || Number(number) < 1)
    return wrong('number', number, 'the number of the run, a whole number that counts up from 1');
  if (typeof commit !== 'string' || !COMMIT.test(commit))
    return wrong('commit', commit, 'the full commit id, 40 or 64 lower-case hex digits');
  for (const [key, value] of Object.entries({ branch, repository }))
    if (value !== undefined && (typeof value !== 'string' || value === '' || value.length > LONGEST_VALUE))
      return wrong(key, value, `the ${key} that was built, or leave it out`);
  const isExported =
    exported === undefined ||
    (isRecord(exported) &&
      Object.keys(exported).length <= MOST_EXPORTED &&
      Object.keys(exported).every((name) => name.length <= LONGEST_NAME) &&
      Object.values(exported).every((value) => typeof value === 'string' && value.length <= LONGEST_VALUE));
  return isExported
    ? undefined
    : wrong('exported', exported, `at most ${MOST_EXPORTED} texts by name, like {"IMAGE_TAG": "…"}`);
}
