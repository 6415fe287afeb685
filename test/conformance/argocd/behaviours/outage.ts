import { describe, expect, test } from 'vitest';
import { PROJECT, ROLE, type Stage, settingsOf } from '../stage.ts';

export function outage(stage: () => Stage): void {
  describe('when the API server is gone', () => {
    test('a request fails as transient, and its outcome is unknown', async () => {
      const argocd = stage().server(await stage().projectToken(PROJECT, ROLE));
      await stage().addApplication({ name: 'z-gone' });
      expect((await argocd.read(settingsOf({ name: 'z-gone' }))).ok).toBe(true);
      await stage().stopServer();
      const failure = { kind: 'transient', outcomeUnknown: true };
      expect(await argocd.read(settingsOf({ name: 'z-gone' }))).toMatchObject({ ok: false, error: failure });
      expect(await argocd.sync(settingsOf({ name: 'z-gone' }), 'd')).toMatchObject({
        ok: false,
        error: failure,
      });
    });
  });
}
