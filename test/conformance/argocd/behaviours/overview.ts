/** What `nightshift drift` takes for granted. */
import { describe, expect, test } from 'vitest';
import { PROJECT, ROLE, type Stage } from '../stage.ts';

export function overview(stage: () => Stage): void {
  describe('all applications at once', () => {
    test('those that the token sees are listed, with the end of their last sync', async () => {
      await stage().addApplication({ name: 'o-listed' });
      const argocd = stage().overview(await stage().projectToken(PROJECT, ROLE));
      const find = async () => {
        const reply = await argocd.list({ project: PROJECT });
        if (!reply.ok) throw new Error(reply.error.detail);
        return reply.value.find(({ name }) => name === 'o-listed');
      };
      expect(await find()).toMatchObject({ project: PROJECT, namespace: 'argocd' });
      await stage().syncAsAdmin('o-listed');
      const listed = await stage().until('the sync', async () => {
        const found = await find();
        return found?.sync === 'Synced' && found.health === 'Healthy' && found;
      });
      expect(listed.revisions).toEqual([await stage().head('o-listed')]);
      expect(Math.abs(stage().now().getTime() - (listed.deployedAt?.getTime() ?? 0))).toBeLessThan(120_000);
    });

    test('an event records when an application left Synced', async () => {
      await stage().addApplication({ name: 'o-drift' });
      const token = await stage().projectToken(PROJECT, ROLE);
      const argocd = stage().overview(token);
      const server = stage().server(token);
      const settings = { name: 'o-drift', project: PROJECT, prune: false, syncOptions: [] };
      await stage().syncAsAdmin('o-drift');
      const reaches = (sync: string) =>
        stage().until(`o-drift is ${sync}`, async () => {
          const reply = await server.read(settings, { refresh: true });
          return reply.ok && reply.value.sync === sync;
        });
      await reaches('Synced');
      const listed = { name: 'o-drift', project: PROJECT, namespace: 'argocd' } as const;
      const leftSynced = async () => {
        const reply = await argocd.leftSynced({ ...listed, sync: 'OutOfSync', health: '', revisions: [] });
        if (!reply.ok) throw new Error(reply.error.detail);
        return reply.value;
      };
      expect(await leftSynced()).toBeUndefined();
      await stage().push('o-drift');
      await reaches('OutOfSync');
      const at = await stage().until('the event', leftSynced);
      expect(Math.abs(stage().now().getTime() - at.getTime())).toBeLessThan(60_000);
    });
  });
}
