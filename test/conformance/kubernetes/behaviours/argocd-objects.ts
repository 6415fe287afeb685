import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createArgocdObjects } from '#functions/adapters/argocd/kubernetes.ts';
import type { Argocd } from '#functions/branch-deploy/ports.ts';
import type { ApplicationSettings } from '#model/settings.ts';
import type { Bed } from '../bed.ts';
import { type Json, must } from '../objects.ts';

const NAMESPACE = 'argocd';
const COLLECTION = `/apis/argoproj.io/v1alpha1/namespaces/${NAMESPACE}/applications`;

/** The API that Argo CD's objects live behind. No Argo CD runs: what it does with them is another part of the run. */
export function describeArgocdObjects(bed: () => Bed): void {
  describe("an Application, through the Kubernetes API with branch-deploy's role", () => {
    let argocd: Argocd;
    let count = 0;
    let name: string;
    beforeAll(() => {
      argocd = createArgocdObjects(bed().clientFor('branch-deploy'));
    });
    beforeEach(async () => {
      name = `api-${++count}`;
      await must(bed(), 'POST', COLLECTION, {
        apiVersion: 'argoproj.io/v1alpha1',
        kind: 'Application',
        metadata: { name },
        spec: {
          project: 'develop',
          source: { repoURL: 'https://github.com/example/api', targetRevision: 'develop', path: '.' },
          destination: { server: 'https://kubernetes.default.svc', namespace: 'api' },
          syncPolicy: { syncOptions: ['CreateNamespace=true'], retry: { limit: 2 } },
        },
        status: {
          sync: { status: 'OutOfSync' },
          health: { status: 'Healthy' },
          operationState: { phase: 'Succeeded', message: 'an older one' },
        },
      });
    });
    const application = (overrides: Partial<ApplicationSettings> = {}): ApplicationSettings => ({
      name,
      project: 'develop',
      prune: false,
      syncOptions: [],
      ...overrides,
    });
    const stored = (): Promise<Json> => must(bed(), 'GET', `${COLLECTION}/${name}`);

    test('is read, and refreshed by an annotation', async () => {
      expect(await argocd.read(application())).toMatchObject({ ok: true, value: { sync: 'OutOfSync' } });
      expect(await argocd.read(application(), { refresh: true })).toMatchObject({ ok: true });
      expect((await stored()).metadata.annotations).toEqual({ 'argocd.argoproj.io/refresh': 'normal' });
    });

    test('is given an operation over the version that was read, and loses the state of the last one', async () => {
      const before = await stored();
      expect(await argocd.sync(application(), 'deploy-1', { revision: 'abc' })).toMatchObject({ ok: true });
      const after = await stored();
      expect(after.operation).toEqual({
        initiatedBy: { username: 'nightshift' },
        info: [{ name: expect.any(String), value: 'deploy-1' }],
        sync: { revision: 'abc', prune: false, syncOptions: ['CreateNamespace=true'] },
        retry: { limit: 2 },
      });
      expect(after.status).toEqual({ sync: before.status.sync, health: before.status.health });
      expect(after.spec).toEqual(before.spec);
    });

    test('is busy while an operation is on it', async () => {
      await argocd.sync(application(), 'deploy-1');
      expect(await argocd.sync(application(), 'deploy-2')).toMatchObject({
        ok: false,
        error: { kind: 'busy' },
      });
    });

    test('that changed since it was read takes no patch over the old version: 409', async () => {
      const { metadata } = await stored();
      await argocd.read(application(), { refresh: true });
      const { status, body } = await bed().ask('branch-deploy', {
        method: 'PATCH',
        path: `${COLLECTION}/${name}`,
        contentType: 'application/merge-patch+json',
        body: { metadata: { resourceVersion: metadata.resourceVersion }, operation: {} },
      });
      expect(status).toBe(409);
      expect(body).toMatchObject({
        reason: 'Conflict',
        message: `Operation cannot be fulfilled on applications.argoproj.io "${name}": the object has been modified; please apply your changes to the latest version and try again`,
      });
    });

    test('that is not there is missing, and in another namespace it is forbidden', async () => {
      expect(await argocd.read(application({ name: 'none' }))).toMatchObject({
        error: { kind: 'missing' },
      });
      expect(await argocd.read(application({ namespace: 'default' }))).toMatchObject({
        error: { kind: 'forbidden' },
      });
    });
  });
}
