/**
 * The lease of a claim: short, and renewed while its worker lives. A worker that dies is missed within seconds, and the
 * next invocation takes the claim over.
 */
import type { Versioned } from '#functions/shared/versioned.ts';
import { openHooks } from './claim.ts';
import { saveChange, workerOf } from './claim-instance.ts';
import type { Context } from './ports.ts';
import type { Claim } from './records.ts';

/** What is learnt in the course of the work, and what a later invocation must know of it. */
export type Progress = Partial<Pick<Claim, 'cordonedAt' | 'force' | 'nightlyStop'>>;

export interface Lease {
  /** False once another invocation has taken the claim. */
  isOurs(): boolean;
  /** As it was last written, with all progress. */
  claim(): Versioned<Claim>;
  /** Writes it at once; where that fails, with the next renewal. False: another invocation has taken the claim. */
  note(progress: Progress): Promise<boolean>;
  /** Ends the renewal, and resolves when nothing is under way any more: with the newest claim, and all that was noted. */
  release(): Promise<{ readonly claim: Versioned<Claim>; readonly progress: Progress }>;
}

const RENEW_MS = 5_000;

/** Renews the lease, and sends the heartbeats of the lifecycle actions that are due, until it is released. */
export function keepLease(context: Context, taken: Versioned<Claim>): Lease {
  const { clock } = context;
  const heartbeats = new Map<string, number>();
  let newest = taken;
  let progress: Progress = {};
  let isOurs = true;
  let isReleased = false;
  let noting: Promise<unknown> = Promise.resolve();
  let ring = (): void => undefined;

  const save = async (): Promise<void> => {
    const saved = await context.recorder.guard(`claim of ${taken.value.instanceId}`, () =>
      renew(context, newest, progress),
    );
    if (saved === 'taken') isOurs = false;
    else if (saved && saved.version > newest.version) newest = saved;
  };

  const renewing = (async () => {
    while (isOurs && !isReleased) {
      const alarm = clock.alarm(RENEW_MS);
      ring = alarm.ring;
      await alarm.rang;
      if (isReleased) return;
      await save();
      if (isOurs) await sendDueHeartbeats(context, newest, heartbeats);
    }
  })();
  const claim = () => ({ ...newest, value: { ...newest.value, ...progress } });
  return {
    isOurs: () => isOurs,
    claim,
    async note(noted) {
      progress = { ...progress, ...noted };
      const saving = save();
      noting = Promise.all([noting, saving]);
      await saving;
      return isOurs;
    },
    async release() {
      isReleased = true;
      ring();
      await Promise.all([renewing, noting]);
      return { claim: newest, progress };
    },
  };
}

/** `taken`: by another invocation. Undefined where the claim was removed. */
async function renew(
  context: Context,
  claim: Versioned<Claim>,
  progress: Progress,
): Promise<Versioned<Claim> | 'taken' | undefined> {
  const leaseUntil = workerOf(context).leaseUntil.toISOString();
  const saved = await saveChange(context, claim, (newest) => ({ ...newest, ...progress, leaseUntil }));
  if (saved) return saved;
  return (await context.claims.read(claim.value.instanceId)) ? 'taken' : undefined;
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
