/** Whether the environment is paused. Lifecycle actions are completed all the same: they would hold instances for an hour. */
import { isPaused, pausedText } from '#model/pause.ts';
import { patienceUntil, whileTransient } from './patience.ts';
import type { Context } from './ports.ts';

/** The beginning of the reasons. Undefined where there is no pause, or its record cannot be read: that is reported. */
export async function readPause(context: Context, deadline: Date | undefined): Promise<string | undefined> {
  const { clock, night, recorder } = context;
  const pause = await recorder.guard('pause', () =>
    whileTransient(context, patienceUntil(context, deadline), () => night.pause()),
  );
  return isPaused(pause, clock.now()) ? pausedText(pause) : undefined;
}
