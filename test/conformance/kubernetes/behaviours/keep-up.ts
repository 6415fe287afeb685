import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { createKeepUpRequests } from '#functions/adapters/kubernetes/keep-up-request.ts';
import type { Bed } from '../bed.ts';

const PATH = '/api/v1/namespaces/nightshift/configmaps/keep-up';

export function describeKeepUp(bed: () => Bed): void {
  describe('the ConfigMap keep-up', () => {
    const requests = () => createKeepUpRequests(bed().clientFor('night-schedule'));
    /** As `kubectl patch --type merge` sends it, which reads the object first. */
    const patch = async (data: Readonly<Record<string, string | null>>) => {
      await bed().ask('keep-up', { method: 'GET', path: PATH });
      const contentType = 'application/merge-patch+json';
      return bed().ask('keep-up', { method: 'PATCH', path: PATH, contentType, body: { data } });
    };

    test('requests nothing as it was applied, and is read by night-schedule with its Role alone', async () => {
      expect(await requests().read()).toBeUndefined();
    });

    test('is patched by people who have the group, and each change is a version of its own', async () => {
      const data = { until: '23:30', reason: 'release 4.2', requestedBy: 'ana' };
      expect((await patch(data)).status).toBe(200);
      const first = await requests().read();
      expect(first).toMatchObject(data);
      // The real server dates what was changed.
      const written = first?.writtenAt?.getTime() ?? bed().clock.now().getTime();
      expect(Math.abs(written - bed().clock.now().getTime())).toBeLessThan(60_000);
      // Written again it changes nothing, and is no other request.
      await patch(data);
      expect((await requests().read())?.version).toBe(first?.version);
      await patch({ until: '23:45' });
      expect((await requests().read())?.version).not.toBe(first?.version);
      await patch({ until: null, reason: null, requestedBy: null });
      expect(await requests().read()).toBeUndefined();
    });

    test('takes the line of docs/self-service.md, typed into kubectl by somebody with the Role alone', async (context) => {
      const kubectl = await bed().kubectl();
      if (kubectl === undefined) return context.skip('there is no kubectl here');
      const document = await readFile(new URL('../../../../docs/self-service.md', import.meta.url), 'utf8');
      const [, line = ''] = /^kubectl (patch configmap .*)$/m.exec(document) ?? [];
      const KUBECONFIG = await bed().kubeconfigFor('keep-up');
      const shell = promisify(execFile)('sh', ['-c', `"$0" ${line}`, kubectl], {
        env: { ...process.env, KUBECONFIG },
      });
      expect((await bed().live(() => shell)).stdout).toMatch(/^configmap\/keep-up patched/);
      expect(await requests().read()).toMatchObject({
        until: '23:30',
        reason: 'release 4.2',
        requestedBy: 'ana',
      });
      await patch({ until: null, reason: null, requestedBy: null });
    });

    test('is the only object that its readers and writers reach', async () => {
      const others = '/api/v1/namespaces/nightshift/configmaps';
      const contentType = 'application/merge-patch+json';
      const body = { data: { until: '23:30' } };
      for (const [who, method, path] of [
        ['nobody', 'GET', PATH],
        ['nobody', 'PATCH', PATH],
        ['night-schedule', 'PATCH', PATH],
        ['night-schedule', 'GET', others],
        ['keep-up', 'GET', others],
        ['keep-up', 'PATCH', `${others}/kube-root-ca.crt`],
        ['keep-up', 'DELETE', PATH],
        ['keep-up', 'GET', '/api/v1/nodes'],
      ] as const) {
        const asking = method === 'PATCH' ? { method, path, contentType, body } : { method, path };
        expect([who, method, path, (await bed().ask(who, asking)).status]).toEqual([who, method, path, 403]);
      }
    });
  });
}
