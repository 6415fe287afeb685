import { describe, expect, it } from 'vitest';
import { isOpen } from '#lab/world/argocd/sync-windows.ts';
import type { SyncWindow } from '#lab/world/argocd/types.ts';

const MINUTE = 60_000;

describe('a sync window', () => {
  it.each<SyncWindow>([
    { kind: 'deny', schedule: '0 22 * * 1-5', duration: '8h', timeZone: 'Asia/Tokyo' },
    { kind: 'deny', schedule: '*/20 3 * * *', duration: '10m' },
    // The clock is put back on 25 October.
    { kind: 'allow', schedule: '30 2 * * *', duration: '1h30m', timeZone: 'Europe/Berlin' },
  ])('is open or shut whatever it was asked about before: $schedule for $duration', (window) => {
    const begin = Date.UTC(2026, 9, 24);
    // Forwards, and now and then back.
    const instants = Array.from(
      { length: 300 },
      (_, index) => begin + (index - (index % 7) * 5) * 11 * MINUTE,
    );
    const answers = instants.map((instant) => isOpen(window, instant));
    expect(answers).toEqual(instants.map((instant) => isOpen({ ...window }, instant)));
    expect(new Set(answers)).toEqual(new Set([true, false]));
  });

  it('opens after the instant of its schedule, and is shut when its time has passed', () => {
    const window: SyncWindow = { kind: 'deny', schedule: '0 22 * * *', duration: '1h' };
    const at = (text: string) => isOpen(window, Date.parse(`2026-10-24T${text}Z`));
    expect(['22:00:00.000', '22:00:00.001', '22:59:59.999', '23:00:00.000'].map(at)).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });
});
