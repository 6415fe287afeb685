import { NightshiftError } from '#functions/shared/errors.ts';
import type { ApplicationSettings } from '#model/settings.ts';
import type { DesiredDeploys } from './ports.ts';
import type { ApplicationRecord } from './record.ts';

/** Reads, edits and writes until no other write came between. Undefined where there was nothing to change. */
export async function changeRecord(
  deploys: DesiredDeploys,
  application: Pick<ApplicationSettings, 'project' | 'name'>,
  edit: (current: ApplicationRecord) => ApplicationRecord | undefined,
): Promise<{ before: ApplicationRecord; after: ApplicationRecord } | undefined> {
  for (let turn = 0; turn < 20; turn++) {
    const kept = await deploys.get(application);
    if (!kept) return undefined;
    const after = edit(kept.value);
    if (!after) return undefined;
    if ((await deploys.save(after, kept.version)) !== undefined) return { before: kept.value, after };
  }
  throw new NightshiftError(
    `the record of ${application.project}/${application.name} was written by others 20 times in a row: too many invocations work on it`,
  );
}
