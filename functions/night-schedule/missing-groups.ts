/** Groups that Auto Scaling does not list any more. */
import { DAY_MS, MINUTE_MS } from '#model/duration.ts';
import { type NightScheduleDeps, NONE_LISTED, type Pass, UNLISTED_PREFIX } from './pass.ts';
import type { Group } from './ports.ts';

export const NO_GROUP_IS_LISTED =
  'auto scaling lists no group of the cluster, although there were some: nothing is concluded from that for a day';

/** A list without any group where some are known is rather a fault than the truth: only for a whole day it is believed. */
export function isTrulyEmpty({ memory, now, reported }: Pass): boolean {
  const { saved, notes, state } = memory;
  const known = saved.size + (notes.seen?.value.groups ?? 0) + (state?.value.groups.length ?? 0);
  if (known === 0) return true;
  const since = reported.get(NONE_LISTED);
  if (since === undefined) reported.set(NONE_LISTED, now.toISOString());
  return since !== undefined && now.getTime() - Date.parse(since) >= DAY_MS;
}

/** So long a group whose sizes are saved, and that is not listed, is rather one that a reply lacks than one that was deleted. */
const LISTED_AGAIN_MS = 10 * MINUTE_MS;

/**
 * A stop is under way, and fewer groups are listed than a few minutes ago: one that waits to be stopped last has no saved sizes
 * that would show what the list lacks.
 */
function isShortened({ memory: { state, notes }, now }: Pass, all: readonly Group[]): boolean {
  const before = notes.seen?.value;
  if (state?.value.phase !== 'stopping' || before?.groups === undefined) return false;
  return all.length < before.groups && now.getTime() - Date.parse(before.at) < LISTED_AGAIN_MS;
}

/**
 * A group that is not listed for a whole day was deleted: its sizes must not become those of a new one of its name. Returns
 * those that are missing for some minutes only: the night is neither over nor complete without them.
 */
export async function dropGone(
  { settings, store }: NightScheduleDeps,
  pass: Pass,
  all: readonly Group[],
): Promise<readonly string[]> {
  const { memory, now, recorder, reported } = pass;
  const unlisted = isShortened(pass, all) ? ['a group that was listed minutes ago'] : [];
  if (all.length > 0) reported.delete(NONE_LISTED);
  for (const [group, { version }] of memory.saved) {
    const key = `${UNLISTED_PREFIX}${group}`;
    const since = reported.get(key);
    const age = since === undefined ? 0 : now.getTime() - Date.parse(since);
    if (all.some(({ name }) => name === group)) reported.delete(key);
    else if (since === undefined) reported.set(key, now.toISOString());
    else if (age >= DAY_MS && !settings.dryRun) {
      await recorder.guard(group, () => store.clearSaved(group, version));
      reported.delete(key);
      recorder.record({
        target: group,
        action: 'ignore',
        reason: 'the group does not exist for a day: its saved sizes are dropped',
      });
    }
    if (reported.has(key) && age < LISTED_AGAIN_MS) unlisted.push(group);
  }
  return unlisted;
}
