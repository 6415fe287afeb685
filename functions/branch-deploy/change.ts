import { change } from '#functions/shared/retry.ts';
import type { ApplicationSettings } from '#model/settings.ts';
import type { DesiredDeploys } from './ports.ts';
import type { ApplicationRecord } from './record.ts';

/** Changes the record over whatever others write to it. Undefined where there was nothing to change. */
export async function changeRecord(
  deploys: DesiredDeploys,
  application: Pick<ApplicationSettings, 'project' | 'name'>,
  edit: (current: ApplicationRecord) => ApplicationRecord | undefined,
): Promise<{ before: ApplicationRecord; after: ApplicationRecord } | undefined> {
  const changed = await change({
    read: () => deploys.get(application),
    edit: (current) => current && edit(current),
    save: deploys.save,
    what: `the record of ${application.project}/${application.name}`,
  });
  return changed?.before && { before: changed.before, after: changed.after };
}
