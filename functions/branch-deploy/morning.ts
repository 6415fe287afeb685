/** After the wake: Argo CD does not retry a revision that failed, so what failed overnight would stay broken. */
import type { ApplicationSettings, BranchDeploySettings } from '#model/settings.ts';
import { applicationsOf, keyOf, nameOf } from './bindings.ts';
import { isOver } from './decide.ts';
import type { ApplicationView, Argocd } from './ports.ts';
import { type ApplicationRecord, emptyRecord, isPending, type NightMark } from './record.ts';
import type { BranchDeployContext } from './run.ts';
import { TIMES } from './times.ts';

/** Applications that have nothing pending, and whose last operation failed while the cluster slept. */
export async function afterTheNight(
  mark: NightMark,
  records: ReadonlyMap<string, ApplicationRecord>,
  trigger: string,
  settings: BranchDeploySettings,
  ports: BranchDeployContext,
): Promise<readonly ApplicationSettings[]> {
  const { argocd, deploys, now } = ports;
  const checked = new Set(mark.checked ?? []);
  const broken: ApplicationSettings[] = [];
  const left = [...applicationsOf(settings).values()].filter(
    (application) => !checked.has(keyOf(application)),
  );
  await ports.recorder.guardEach(left, nameOf, async (application) => {
    const record = records.get(keyOf(application));
    const operation = record && isPending(record) ? 'pending' : await operationOf(application, argocd);
    if (operation === 'unknown') return;
    // Once: what fails in the morning as well does not fail for the night.
    checked.add(keyOf(application));
    if (operation === 'pending' || operation === 'none' || operation.phase === 'Succeeded') return;
    if ((operation.finishedAt ?? operation.startedAt).getTime() < Date.parse(mark.since)) return;
    if (await reopen(application, operation, trigger, settings, ports)) broken.push(application);
  });
  // Argo CD may need a minute longer than the nodes, and an operation may still run: looked at again for a while.
  const morning = mark.morning ?? now().toISOString();
  const over = now().getTime() - Date.parse(morning) > TIMES.morningMs;
  if (over || left.every((application) => checked.has(keyOf(application)))) await deploys.clearNight();
  else await deploys.markNight({ since: mark.since, morning, checked: [...checked] });
  return broken;
}

/** The last operation, when it is over. */
async function operationOf(
  application: ApplicationSettings,
  argocd: Argocd,
): Promise<NonNullable<ApplicationView['operation']> | 'none' | 'unknown'> {
  const read = await argocd.read(application);
  if (!read.ok) return ['transient', 'unauthorized'].includes(read.trouble.kind) ? 'unknown' : 'none';
  const { operation, pendingOperation } = read.value;
  if (!operation) return pendingOperation ? 'unknown' : 'none';
  return isOver(read.value, operation) ? operation : 'unknown';
}

/** What was deployed last is wanted once more; or what is bound, where nothing was ever deployed by us. */
async function reopen(
  application: ApplicationSettings,
  operation: NonNullable<ApplicationView['operation']>,
  trigger: string,
  settings: BranchDeploySettings,
  { deploys, now }: BranchDeployContext,
): Promise<boolean> {
  const kept = await deploys.get(application);
  const record = kept?.value ?? emptyRecord(application);
  if (isPending(record)) return true;
  const again = `the last operation, of ${operation.by}, ended as ${operation.phase} while the cluster slept`;
  const recordedAt = now().toISOString();
  const newest = Object.values(record.newest).map(({ outcome: _, settledAt: __, ...build }) => build);
  const bound = settings.builds
    .filter((binding) => binding.applications.some((other) => keyOf(other) === keyOf(application)))
    .slice(0, 1)
    .map(({ project, repository, branch }) => ({
      project,
      repository,
      branch,
      build: `${project}:overnight`,
      number: 0,
    }));
  const requested = (newest.length > 0 ? newest : bound).map((build) => ({
    ...build,
    recordedAt,
    trigger,
    again,
  }));
  return (await deploys.save({ ...record, requested }, kept?.version ?? 'absent')) !== undefined;
}
