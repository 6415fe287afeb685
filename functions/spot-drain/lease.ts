/**
 * The lease of a claim: short, and renewed while its worker lives. A worker that dies is missed within seconds, and the
 * next invocation takes the claim over.
 */
import type { Versioned } from '#functions/shared/versioned.ts';
import { openHooks } from './claim.ts';
import { saveChange, workerOf } from './claim-instance.ts';
import type { Context } from './ports.ts';
import type { Claim } from './records.ts';

/** What a later invocation must know of the work so far. */
export type Progress = Partial<Pick<Claim, 'cordonedAt' | 'returned'>>;

export interface Lease {
  /** False once another invocation has taken the claim. */
  isOurs(): boolean;
  /** Written with the next renewal. */
  note(progress: Progress): void;
  /** Ends the renewal, and resolves when nothing is under way any more. */
  release(): Promise<Progress>;
}

const RENEW_MS = 5_000;

/** Renews the lease, and sends the heartbeats of the lifecycle actions that are due, until it is released. */
export function keepLease(context: Context, claim: Claim): Lease {
  const { clock } = context;
  const heartbeats = new Map<string, number>();
  let progress: Progress = {};
  let isOurs = true;
  let isReleased = false;
  let ring = (): void => undefined;

  const renewing = (async () => {
    while (isOurs && !isReleased) {
      const alarm = clock.alarm(RENEW_MS);
      ring = alarm.ring;
      await alarm.rang;
      if (!isReleased) isOurs = await renew(context, claim, progress, heartbeats);
    }
  })();
  return {
    isOurs: () => isOurs,
    note(noted) {
      progress = { ...progress, ...noted };
    },
    async release() {
      isReleased = true;
      ring();
      await renewing;
      return progress;
    },
  };
}

/** False where another invocation has taken the claim. */
async function renew(
  context: Context,
  claim: Claim,
  progress: Progress,
  heartbeats: Map<string, number>,
): Promise<boolean> {
  const { instanceId } = claim;
  const renewed = await context.recorder.guard(`claim of ${instanceId}`, async () => {
    const current = await context.claims.read(instanceId);
    if (current?.value.owner !== claim.owner) return { isLost: current !== undefined };
    const { leaseUntil } = workerOf(context);
    const saved = await saveChange(context, current, (newest) => ({
      ...newest,
      ...progress,
      leaseUntil: leaseUntil.toISOString(),
    }));
    return { isLost: saved === undefined, current };
  });
  if (renewed?.current) await sendDueHeartbeats(context, renewed.current, heartbeats);
  return renewed?.isLost !== true;
}

async function sendDueHeartbeats(
  { clock, lifecycle, recorder }: Context,
  { value: claim }: Versioned<Claim>,
  heartbeats: Map<string, number>,
): Promise<void> {
  const now = clock.now().getTime();
  const due = openHooks(claim).filter((hook) => {
    const last = heartbeats.get(hook.name) ?? Date.parse(hook.startedAt);
    return now - last >= (hook.heartbeatSeconds * 1_000) / 3;
  });
  await Promise.all(
    due.map((hook) =>
      recorder.guard(`heartbeat of ${hook.name}`, async () => {
        await lifecycle.heartbeat(hook, claim.instanceId);
        heartbeats.set(hook.name, now);
      }),
    ),
  );
}
