/** A build that runs elsewhere: after its time it announces its end, as `docs/announce-build/announce.sh` does. */
import type { WorldContext } from '@nightshift/lab/world/interfaces.ts';
import type { BuildConfig } from '#model/config.ts';
import { ANNOUNCEMENT_SOURCE } from '#model/trigger.ts';
import { BUILD_SECONDS } from './resources.ts';

export function announceBuild(
  { clock, signals, uuid }: WorldContext,
  { account, region }: { readonly account: string; readonly region: string },
  { project, branch, repository }: BuildConfig,
  commit: string,
): void {
  clock.after(BUILD_SECONDS * 1_000, () =>
    signals.emit('event', {
      version: '0',
      id: uuid(),
      'detail-type': project,
      source: ANNOUNCEMENT_SOURCE,
      account,
      time: clock
        .date()
        .toISOString()
        .replace(/\.\d{3}Z$/, 'Z'),
      region,
      resources: [],
      // Minutes count up from one run to the next.
      detail: {
        status: 'SUCCEEDED',
        run: commit,
        number: Math.floor(clock.now() / 60_000),
        commit,
        branch,
        repository,
      },
    }),
  );
}
