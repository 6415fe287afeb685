/** From a build that ended to what is wanted: judged once, written down for each application, said. */
import type { ApplicationSettings, BranchDeploySettings } from '#model/settings.ts';
import { admit } from './admit.ts';
import { keyOf } from './bindings.ts';
import { describe } from './decide.ts';
import type { Build, DesiredDeploys } from './ports.ts';
import { emptyRecord, isPending, type WantedBuild, want } from './record.ts';
import type { Reporter } from './report.ts';

interface WantingPorts {
  readonly deploys: DesiredDeploys;
  readonly reporter: Reporter;
  readonly now: () => Date;
}

/** Writes down that the build is wanted, says why if it is not, and names the applications that now wait for it. */
export async function wanting(
  build: Build,
  trigger: string,
  settings: BranchDeploySettings,
  ports: WantingPorts,
): Promise<readonly ApplicationSettings[]> {
  const { deploys, reporter } = ports;
  const admission = admit(settings, build, { now: ports.now(), trigger });
  if (!admission.admitted) {
    if (!(await deploys.markKnown(build.id, ports.now()))) return [];
    await reporter.say({
      target: build.project,
      action: admission.action,
      reason: admission.reason,
      trigger,
      facts: { build: build.id, number: build.number },
    });
    return [];
  }
  const applications: ApplicationSettings[] = [];
  const late: (() => Promise<void>)[] = [];
  for (const { wanted, applications: bound } of admission.deploys) {
    for (const application of bound) {
      if (settings.dryRun) {
        const reason = `dry run, nothing was changed: ${describe([wanted])} would be synced`;
        late.push(() => reporter.about(application.name, [wanted], 'sync', reason, { dryRun: true }));
        continue;
      }
      const result = await record(application, wanted, ports);
      if (result === 'waits') applications.push(application);
      else if (result !== 'settled') {
        const { older, facts } = result;
        late.push(() => reporter.about(application.name, [wanted], 'superseded', older, facts));
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
  wanted: WantedBuild,
  { deploys, reporter }: WantingPorts,
): Promise<'waits' | 'settled' | { readonly older: string; readonly facts: Facts }> {
  for (let turn = 0; turn < 20; turn++) {
    const kept = await deploys.get(application);
    const result = want(kept?.value ?? emptyRecord(application), wanted);
    if (result.result === 'duplicate') return kept && isPending(kept.value) ? 'waits' : 'settled';
    if (result.result === 'older') {
      const { newest } = result;
      return {
        older: `build ${newest.number} of ${wanted.project} is newer`,
        facts: commitOf(wanted, newest),
      };
    }
    if ((await deploys.save(result.record, kept?.version ?? 'absent')) === undefined) continue;
    for (const older of result.superseded) {
      await reporter.about(
        application.name,
        [older],
        'superseded',
        `build ${wanted.number} of ${wanted.project} is newer`,
        commitOf(older, wanted),
      );
    }
    return 'waits';
  }
  throw new Error(`the record of ${keyOf(application)} was written by others 20 times in a row`);
}

type Facts = Readonly<Record<string, boolean>>;

/** Whether the newer build is of the same commit. */
function commitOf(older: WantedBuild, newer: WantedBuild): Facts {
  return older.sha !== undefined && older.sha === newer.sha ? { sameCommit: true } : {};
}
