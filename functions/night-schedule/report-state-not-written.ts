/** A pass whose state another pass overtook. */
import { MINUTE_MS } from '#model/duration.ts';
import { OTHER_PASS_FIRST } from './apply-context.ts';
import { type NightScheduleDeps, type Pass, STATE_NOT_WRITTEN } from './pass.ts';

/** Once is another pass; without an end it is a failure. */
export function reportStateNotWritten(
  { settings }: NightScheduleDeps,
  { now, recorder, reported }: Pass,
): void {
  const target = settings.cluster;
  const since = reported.get(STATE_NOT_WRITTEN) ?? now.toISOString();
  reported.set(STATE_NOT_WRITTEN, since);
  const minutes = Math.floor((now.getTime() - Date.parse(since)) / MINUTE_MS);
  if (minutes < Math.min(settings.stopDeadlineMinutes, settings.startDeadlineMinutes)) {
    recorder.record({ target, action: 'none', reason: OTHER_PASS_FIRST });
    return;
  }
  const reason = `the state of the night is not written since ${minutes} min: ${OTHER_PASS_FIRST} each time`;
  if (recorder.isNews('late#state')) recorder.record({ target, action: 'fail', reason });
}
