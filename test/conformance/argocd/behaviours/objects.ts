/** The Application as an object of the Kubernetes API: what somebody writes there, and what Argo CD makes of it. */
import { describe, expect, test } from 'vitest';
import { DEPLOY_INFO } from '#functions/adapters/argocd/application.ts';
import type { Stage } from '../stage.ts';

export function objects(stage: () => Stage): void {
  describe('the Application object', () => {
    const operation = (deployId: string) => ({
      initiatedBy: { username: 'nightshift' },
      info: [{ name: DEPLOY_INFO, value: deployId }],
      sync: {},
    });
    const stateOf = async (name: string) => (await stage().object(name)).status?.operationState;
    const ended = (name: string, deployId: string) =>
      stage().until(`the end of ${deployId}`, async () => {
        const { operation: pendingOperation, status } = await stage().object(name);
        const state = status?.operationState;
        const isIts = state?.operation.info?.some(({ value }) => value === deployId);
        return pendingOperation === undefined && isIts && state?.finishedAt !== undefined && state;
      });

    test('the annotation for a refresh is gone when it was answered', async () => {
      const name = 'p-refresh';
      await stage().addApplication({ name });
      const refresh = 'argocd.argoproj.io/refresh';
      await stage().patchObject(name, { metadata: { annotations: { [refresh]: 'normal' } } });
      await stage().until('the answer', async () => {
        const { metadata, status } = await stage().object(name);
        return status?.reconciledAt !== undefined && metadata.annotations?.[refresh] === undefined;
      });
    });

    test('an operation is carried out although the state of the last one was left there', async () => {
      const name = 'p-left';
      await stage().addApplication({ name });
      await stage().patchObject(name, { operation: operation('deploy-1') });
      expect((await ended(name, 'deploy-1')).phase).toBe('Succeeded');
      await stage().patchObject(name, { operation: operation('deploy-2') });
      expect((await ended(name, 'deploy-2')).phase).toBe('Succeeded');
    });

    test('an operation that is written over one in progress is lost when that one ends', async () => {
      const name = 'p-over';
      await stage().addApplication({ name, hook: true });
      await stage().patchObject(name, { operation: operation('deploy-1') });
      await stage().until('the hook', async () => /hook/.test((await stateOf(name))?.message ?? ''));
      await stage().patchObject(name, { operation: operation('deploy-2') });
      await stage().pause(1_000);
      expect((await stateOf(name))?.operation.info?.[0]?.value).toBe('deploy-1');
      await stage().terminateAsAdmin(name);
      expect((await ended(name, 'deploy-1')).phase).toBe('Failed');
      await stage().pause(2_000);
      expect((await stateOf(name))?.operation.info?.[0]?.value).toBe('deploy-1');
    });
  });
}
