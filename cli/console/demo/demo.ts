/** `console --demo`: the recorded day, played at 60 times its speed, on this machine only. */
import type { LoadedConfig } from '#lib/config-file.ts';
import { scheduleOf } from '#lib/settings/schedule.ts';
import { HOUR_MS } from '#model/duration.ts';
import type { Cloud } from '../../cloud.ts';
import { CloudError } from '../../errors.ts';
import type { Io } from '../../io.ts';
import { createDemoCloud } from './demo-cloud.ts';
import { readRecordedDay } from './recorded-day.ts';

const SPEED = 60;
/** After a whole day of history, shortly before the evening's stop. */
const HISTORY_MS = 24.2 * HOUR_MS;

export interface Demo {
  readonly loaded: LoadedConfig;
  readonly io: Pick<Io, 'cloud' | 'now' | 'user'>;
}

/** `elapsedMs`: since the demonstration began. */
export function createDemo(user: string, elapsedMs: () => number): Demo {
  const day = readRecordedDay();
  const start = Date.parse(day.from) + HISTORY_MS;
  const now = () => new Date(start + elapsedMs() * SPEED);
  const clouds = new Map<string, Cloud>();
  for (const [name, { cluster, schedule }] of Object.entries(day.config.environments))
    clouds.set(
      name,
      createDemoCloud({
        name,
        cluster,
        schedule: schedule ? scheduleOf(day.config, schedule, new Date(start)) : undefined,
        writes: day.writes.filter(({ environment }) => environment === name),
        now,
      }),
    );
  return {
    loaded: { config: day.config, path: 'the recorded day' },
    io: {
      now,
      user,
      async cloud(name) {
        const cloud = clouds.get(name);
        if (!cloud) throw new CloudError(`there is no environment "${name}" in the recorded day`);
        return cloud;
      },
    },
  };
}
