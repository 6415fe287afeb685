/** Applications that have been OutOfSync for long: said once, changed by nobody. */
import type { ApplicationSettings } from '#model/settings.ts';
import type { CarryPorts } from './carry.ts';
import { type ApplicationRecord, emptyRecord } from './record.ts';

/** Compares the application with what is kept of it. Trouble with Argo CD is left to those who have a deploy to make. */
export async function lookForDrift(
  application: ApplicationSettings,
  record: ApplicationRecord | undefined,
  trigger: string,
  limitMs: number,
  { argocd, deploys, recorder, now }: CarryPorts,
): Promise<void> {
  const read = await argocd.read(application);
  if (!read.ok) return;
  const { sync, revisions, pendingOperation } = read.value;
  if (sync === 'Unknown' || pendingOperation) return;
  const drift = record?.drift;
  if (sync === 'Synced' && !drift) return;

  const kept = await deploys.get(application);
  const { drift: _, ...rest } = kept?.value ?? emptyRecord(application);
  const over = kept?.version ?? 'absent';
  if (sync === 'Synced') {
    await deploys.save(rest, over);
    return;
  }
  const since = drift?.since ?? now().toISOString();
  const report = now().getTime() - Date.parse(since) >= limitMs && !drift?.reported;
  if (drift && !report) return;
  const saved = await deploys.save(
    { ...rest, drift: { since, ...(report ? { reported: true } : {}) } },
    over,
  );
  if (!report || saved === undefined) return;
  recorder.record({
    target: application.name,
    action: 'warn',
    reason: `OutOfSync since ${since}: what runs is not what ${revisions.join(', ') || 'its source'} says`,
    trigger,
    facts: { since },
  });
}
