/**
 * `retire`: before an environment is removed. From then on no pass of night-schedule stops anything; what sleeps is
 * restored with the operator's own credentials, or with `--no-restore` left as it is, by the removal too.
 */
import { environmentOf, type LoadedConfig } from '#lib/config-file.ts';
import { tableNameOf } from '#model/names.ts';
import { ownValue } from '#model/own-value.ts';
import { RefusedError } from './errors.ts';
import type { Io } from './io.ts';
import { type RestoreIo, restoreFromTable, timeoutOf } from './restore.ts';

export interface RetireOptions {
  /** False with `--no-restore`. */
  readonly restore: boolean;
  /** The environment is kept after all. */
  readonly cancel?: boolean;
  readonly timeout?: string;
}

/** A pass that read the table before the note has ended by then. */
const LONGEST_PASS_MS = 60_000;

/** Before the environment is retired: a mistake must not be found a minute after it. */
function refuseOptions({ restore, cancel, timeout }: RetireOptions): void {
  if (cancel && !restore)
    throw new RefusedError(
      '--cancel keeps the environment, and --no-restore is for one that goes: use one of them',
    );
  if (timeout !== undefined) timeoutOf(timeout);
}

/** False where something was not restored. */
export async function retire(
  loaded: LoadedConfig,
  name: string,
  options: RetireOptions,
  io: Pick<Io, 'cloud'> & RestoreIo,
): Promise<boolean> {
  const environment = environmentOf(loaded, name);
  if (environment.production || environment.schedule === undefined)
    throw new RefusedError(
      `${name} has no schedule, so nothing of it sleeps: remove it with cdk destroy Nightshift-${name}`,
    );
  refuseOptions(options);
  const cloud = await io.cloud(name, environment);
  const isRetired = await cloud.retire(options.cancel ? undefined : { restoresNothing: !options.restore });
  if (options.cancel) {
    io.out(
      isRetired
        ? `${name}: not retired any more: the next tick follows the schedule`
        : `${name}: it was not retired`,
    );
    return true;
  }
  io.out(`${name}: retired: night-schedule stops and starts nothing from now on`);
  const next = `next: cdk destroy Nightshift-${name}; to keep it after all: nightshift retire ${name} --cancel`;
  if (!options.restore) {
    io.out(
      `  the removal restores nothing either: what sleeps stays off, and its sizes stay in the table\n  ${next}`,
    );
    return true;
  }
  io.out('  waiting a minute for a pass that may be running');
  await io.pause(LONGEST_PASS_MS);
  const { cluster, region, schedule } = environment;
  const timeZone = ownValue(loaded.config.schedules, schedule)?.timeZone;
  const isComplete = await restoreFromTable(
    {
      table: tableNameOf(name),
      cluster,
      region,
      force: true,
      ...(timeZone ? { timeZone } : {}),
      ...(options.timeout ? { timeout: options.timeout } : {}),
    },
    io,
  );
  io.out(`  ${next}`);
  return isComplete;
}
