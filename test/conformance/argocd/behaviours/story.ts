/** The whole of branch-deploy for the event of one build. CodeBuild and the table are doubles, Argo CD is not. */
import { describe, expect, test } from 'vitest';
import { aDesk, BUILDS } from '../desk.ts';
import { PROJECT, ROLE, type Stage } from '../stage.ts';

export function story(stage: () => Stage): void {
  describe('branch-deploy from the event of a build to its verdict', () => {
    const through = {
      server: async () => stage().server(await stage().projectToken(PROJECT, ROLE)),
      kubernetes: async () => stage().objects(),
    };

    test.each(['server', 'kubernetes'] as const)(
      'a merge is deployed: Synced and Healthy at its commit, through the %s',
      async (way) => {
        const name = `t-merged-${way}`;
        await stage().addApplication({ name });
        const sha = await stage().push(name);
        const desk = aDesk(stage(), name, await through[way]());
        await desk.built(1, sha);
        await desk.settled();
        expect(desk.said()).toEqual([
          `sync: build 1 of ${BUILDS} (${sha.slice(0, 7)}) succeeded`,
          `deployed: Synced and Healthy at ${sha.slice(0, 7)}`,
        ]);
        const { status } = await stage().object(name);
        expect(status?.operationState?.phase).toBe('Succeeded');
      },
    );

    test('of two merges the later one is live, and both are deployed with it', async () => {
      const name = 't-twice';
      await stage().addApplication({ name });
      const former = await stage().push(name);
      const later = await stage().push(name);
      const desk = aDesk(stage(), name, await through.server());
      await desk.built(1, former);
      await desk.built(2, later);
      await desk.settled();
      expect(desk.actions()).not.toContain('superseded');
      expect(desk.actions().filter((action) => action === 'deployed')).toHaveLength(2);
      expect(desk.said().at(-1)).toMatch(/^deployed: .*Synced and Healthy at /);
      expect(desk.said().at(-1)).toContain(later.slice(0, 7));
    });

    test('an application that is busy is waited for, and then synced', async () => {
      const name = 't-busy';
      await stage().addApplication({ name, hook: true });
      await stage().syncAsAdmin(name);
      const sha = await stage().push(name);
      const desk = aDesk(stage(), name, await through.server());
      await desk.built(1, sha);
      expect(desk.actions()).toEqual(['wait']);
      await stage().terminateAsAdmin(name);
      await stage().until('the end of the foreign operation', async () => {
        const { operation } = await stage().object(name);
        return operation === undefined;
      });
      await desk.tick();
      await stage().until('our operation', async () => {
        const { operation } = await stage().object(name);
        return operation?.initiatedBy?.username === `proj:${PROJECT}:${ROLE}`;
      });
      expect(desk.actions().at(-1)).not.toBe('fail');
    });

    test('in a closed window it is deferred', async () => {
      const name = 't-frozen';
      await stage().addApplication({ name, project: 'frozen' });
      const sha = await stage().push(name);
      const argocd = stage().server(await stage().projectToken('frozen', ROLE));
      const desk = aDesk(stage(), name, argocd, { project: 'frozen' });
      await desk.built(1, sha);
      expect(desk.actions()).toEqual(['defer']);
      expect(desk.said()[0]).toContain('blocked by sync window');
    });

    test('a sync that failed is said to have failed, with the message of Argo CD', async () => {
      const name = 't-failed';
      await stage().addApplication({ name, webhook: true });
      const sha = await stage().push(name);
      const desk = aDesk(stage(), name, await through.server());
      await desk.built(1, sha);
      await desk.settled();
      expect(desk.actions().at(-1)).toBe('fail');
      expect(desk.said().at(-1)).toContain('one or more objects failed to apply');
    });

    test('a rollout that breaks is said to be Degraded', async () => {
      const name = 't-degraded';
      await stage().addApplication({ name });
      await stage().rollout(name, 'fails');
      const sha = await stage().push(name);
      const desk = aDesk(stage(), name, await through.server());
      await desk.built(1, sha);
      await desk.settled();
      expect(desk.actions().at(-1)).toBe('fail');
      expect(desk.said().at(-1)).toContain('Degraded');
      // It has three minutes to settle.
    }, 300_000);

    test('a token without the right to sync is a failure that names it', async () => {
      const name = 't-forbidden';
      await stage().addApplication({ name, project: 'others' });
      const sha = await stage().push(name);
      const argocd = stage().server(await stage().projectToken('others', 'reader'));
      const desk = aDesk(stage(), name, argocd, { project: 'others' });
      await expect(desk.built(1, sha)).rejects.toThrow(name);
      expect(desk.said().at(-1)).toMatch(/^fail: .*permission denied: applications, sync/);
    });
  });
}
