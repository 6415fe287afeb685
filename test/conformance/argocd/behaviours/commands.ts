/** The two commands of a person that talk to Argo CD. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { drift } from '#cli/drift.ts';
import { rollout } from '#cli/rollout.ts';
import { loadConfig } from '#lib/config-file.ts';
import { PROJECT, type Stage } from '../stage.ts';

const CONFIG = fileURLToPath(new URL('../../../cli/fixtures/three.config.ts', import.meta.url));

export function commands(stage: () => Stage): void {
  describe('the commands of a person', () => {
    let folder: string;
    let ca: string;
    let environment: Record<string, string>;
    beforeAll(async () => {
      folder = await mkdtemp(path.join(tmpdir(), 'nightshift-conformance-'));
      ca = path.join(folder, 'ca.pem');
      await writeFile(ca, stage().endpoint.ca);
      environment = {
        ARGOCD_SERVER: stage().endpoint.url.replace('https://', ''),
        ARGOCD_AUTH_TOKEN: await stage().accountToken('deployer'),
      };
    });
    afterAll(() => rm(folder, { recursive: true, force: true }));

    const terminal = () => {
      const said: string[] = [];
      return {
        said,
        io: {
          out: (text: string) => void said.push(text),
          err: (text: string) => void said.push(`err: ${text}`),
          now: () => stage().now(),
          user: 'ana',
          environment,
          ask: async () => undefined,
          pause: (ms: number) => stage().pause(ms),
        },
      };
    };

    test('nightshift rollout brings an application to a commit, and waits until it is Healthy there', async () => {
      await stage().addApplication({ name: 'c-rollout' });
      const first = await stage().head('c-rollout');
      await stage().push('c-rollout');
      const { said, io } = terminal();
      const options = { ca, project: PROJECT, revision: first, yesProduction: true };
      await rollout(
        await loadConfig(CONFIG),
        { ...options, environment: 'production', application: 'c-rollout' },
        io,
      );
      expect(said.at(-1)).toMatch(new RegExp(`^c-rollout: deployed: .*Healthy at ${first.slice(0, 7)}`));
      const { status } = await stage().object('c-rollout');
      expect(status?.operationState?.operation.initiatedBy?.username).toBe('deployer');
    });

    test('nightshift drift lists what is OutOfSync with the time at which it was seen', async () => {
      await stage().addApplication({ name: 'c-drift' });
      await stage().syncAsAdmin('c-drift');
      const refreshed = (sync: string) =>
        stage().until(`c-drift is ${sync}`, async () => {
          const reply = await stage().ask({
            path: `/api/v1/applications/c-drift?project=${PROJECT}&refresh=normal`,
            token: environment['ARGOCD_AUTH_TOKEN'] ?? '',
          });
          return (JSON.parse(reply.body) as Read).status.sync.status === sync;
        });
      await refreshed('Synced');
      await stage().push('c-drift');
      await refreshed('OutOfSync');
      const found = await stage().until('the drift', async () => {
        const { said, io } = terminal();
        const options = { ca, project: PROJECT, json: true };
        await drift(await loadConfig(CONFIG), 'production', options, io);
        const { outOfSync } = JSON.parse(said.join('\n')) as Drift;
        return outOfSync.find(({ name, exact }) => name === 'c-drift' && exact);
      });
      expect(found.tooLong).toBe(false);
      expect(Math.abs(stage().now().getTime() - Date.parse(found.since))).toBeLessThan(60_000);
    });
  });
}

interface Read {
  readonly status: { readonly sync: { readonly status: string } };
}

interface Drift {
  readonly outOfSync: readonly {
    readonly name: string;
    readonly since: string;
    readonly exact: boolean;
    readonly tooLong: boolean;
  }[];
}
