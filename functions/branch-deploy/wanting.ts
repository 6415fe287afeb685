/** From a build that ended to what is wanted: judged once, written down for each application, said. */
import type { DecisionRecorder } from '#functions/shared/decision-recorder.ts';
import { change } from '#functions/shared/retry.ts';
import type { ApplicationSettings, BranchDeploySettings } from '#model/settings.ts';
import { admit } from './admit.ts';
import { keyOf } from './bindings.ts';
import { describe } from './decide.ts';
import type { Build, DesiredDeploys } from './ports.ts';
import { emptyRecord, isPending, type Requested, type RequestedBuild, request } from './record.ts';
import type { BuildReporter } from './report.ts';

interface WantingPorts {
  readonly deploys: DesiredDeploys;
  readonly recorder: DecisionRecorder;
  readonly reporter: BuildReporter;
  readonly now: () => Date;
}

/** Writes down that the build is wanted, says why if it is not, and names the applications that now wait for it. */
export async function wanting(
  build: Build,
  trigger: string,
  settings: BranchDeploySettings,
  ports: WantingPorts,
): Promise<readonly ApplicationSettings[]> {
  const { deploys, recorder, reporter } = ports;
  const admission = admit(settings, build, { now: ports.now(), trigger });
  if (!admission.admitted) {
    if (!(await deploys.markKnown(build.id, ports.now()))) return [];
    await recorder.recordWritten({
      target: build.project,
      action: admission.action,
      reason: admission.reason,
      trigger,
      facts: { build: build.id, number: build.number },
    });
    return [];
  }
  const applications: ApplicationSettings[] = [];
  const late: (() => Promise<unknown>)[] = [];
  for (const { requested, applications: bound } of admission.deploys) {
    for (const application of bound) {
      if (settings.dryRun) {
        const reason = `${describe([requested])} would be synced`;
        late.push(() => reporter.about(application.name, [requested], 'sync', reason));
        continue;
      }
      const result = await record(application, requested, ports);
      if (result === 'waits') applications.push(application);
      else if (result !== 'settled') {
        const { older, facts } = result;
        late.push(() => reporter.about(application.name, [requested], 'superseded', older, facts));
      }
    }
  }
  // Everything is written down: what comes now is for people, and of doubled events only one is to say it.
  if (await deploys.markKnown(build.id, ports.now())) for (const say of late) await say();
  return applications;
}

/** Whether the application now waits for this build; `older` says why it never will. */
async function record(
  application: ApplicationSettings,
  requested: RequestedBuild,
  { deploys, reporter }: WantingPorts,
): Promise<'waits' | 'settled' | { readonly older: string; readonly facts: Facts }> {
  let result: Requested | undefined;
  let pending = false;
  const changed = await change({
    read: () => deploys.get(application),
    edit(current) {
      result = request(current ?? emptyRecord(application), requested);
      pending = current !== undefined && isPending(current);
      return result.result === 'requested' ? result.record : undefined;
    },
    save: deploys.save,
    what: `the record of ${keyOf(application)}`,
  });
  if (result?.result === 'older') {
    const { newest } = result;
    return {
      older: `build ${newest.number} of ${requested.project} is newer`,
      facts: commitOf(requested, newest),
    };
  }
  if (!changed || result?.result !== 'requested') return pending ? 'waits' : 'settled';
  for (const older of result.superseded) {
    await reporter.about(
      application.name,
      [older],
      'superseded',
      `build ${requested.number} of ${requested.project} is newer`,
      commitOf(older, requested),
    );
  }
  return 'waits';
}

type Facts = Readonly<Record<string, boolean>>;

/** Whether the newer build is of the same commit. */
function commitOf(older: RequestedBuild, newer: RequestedBuild): Facts {
  return older.sha !== undefined && older.sha === newer.sha ? { sameCommit: true } : {};
}
