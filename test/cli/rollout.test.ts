import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ArgocdEndpoint, serveArgocd } from '@nightshift/lab/http/argocd/server.ts';
import { type CertificateAuthority, createCertificateAuthority } from '@nightshift/lab/http/tls.ts';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type RolloutIo, type RolloutOptions, rollout } from '#cli/rollout.ts';
import { loadConfig } from '#lib/config-file.ts';
import { type ArgocdLab, anArgocdLab } from '../functions/adapters/argocd/contract.ts';

const CONFIG = fileURLToPath(new URL('./fixtures/three.config.ts', import.meta.url));
let ca: CertificateAuthority;
let caFile: string;
let lab: ArgocdLab;
let endpoint: ArgocdEndpoint;
let said: string[];
let answers: string[] | undefined;
let environment: Record<string, string | undefined>;

beforeAll(async () => {
  ca = await createCertificateAuthority();
  caFile = join(tmpdir(), `nightshift-rollout-${process.pid}.pem`);
  await writeFile(caFile, ca.pem);
});

beforeEach(async () => {
  lab = anArgocdLab();
  await lab.pass(10);
  endpoint = await serveArgocd({ argocd: lab.argocd, ca, host: 'argocd.example.com' });
  said = [];
  answers = [];
  environment = {
    ARGOCD_SERVER: endpoint.url.replace('https://', ''),
    ARGOCD_AUTH_TOKEN: lab.argocd.addToken({ project: 'default', role: 'operator' }),
  };
});
afterEach(() => endpoint.close());

const io = (): RolloutIo => ({
  out: (text) => void said.push(text),
  err: (text) => void said.push(`err: ${text}`),
  now: () => lab.context.clock.date(),
  user: 'ana',
  environment,
  ask: async (question) => {
    said.push(question);
    return answers?.shift() ?? (answers ? '' : undefined);
  },
  pause: (ms) => lab.pass(ms / 1000),
});

const roll = async (options: RolloutOptions = {}, name = 'production', application = 'api') =>
  rollout(await loadConfig(CONFIG), name, application, { ca: caFile, ...options }, io());

const syncs = () => endpoint.requests.filter(({ method }) => method === 'POST').length;

describe('a rollout to production', () => {
  test('asks for the name once more, syncs, and waits for Synced and Healthy', async () => {
    const sha = lab.push();
    answers = ['production/api'];
    await roll();
    expect(said.at(-1)).toBe(`api: deployed: Synced and Healthy at ${sha.slice(0, 7)}`);
    expect(syncs()).toBe(1);
    expect(lab.argocd.application('api')?.status.operationState?.operation.initiatedBy?.username).toBe(
      'proj:default:operator',
    );
  });

  test.each(['', 'yes', 'y', 'production', 'api', 'production/API'])(
    '%j is no confirmation',
    async (answer) => {
      answers = [answer];
      await expect(roll()).rejects.toThrow('nothing was done: production/api was not typed');
      expect(syncs()).toBe(0);
    },
  );

  test('is refused where nobody can be asked, unless it was said before', async () => {
    answers = undefined;
    await expect(roll()).rejects.toThrow('write --yes-production');
    expect(syncs()).toBe(0);
    await roll({ yesProduction: true });
    expect(syncs()).toBe(1);
  });

  test('goes to exactly the revision that was named', async () => {
    const first = lab.sha;
    lab.push();
    await roll({ yesProduction: true, revision: first });
    expect(lab.argocd.application('api')?.status.operationState?.syncResult?.revision).toBe(first);
    expect(said.at(-1)).toMatch(/^api: deployed: Healthy at /);
  });

  test('needs a token of the person', async () => {
    environment['ARGOCD_AUTH_TOKEN'] = undefined;
    await expect(roll({ yesProduction: true })).rejects.toThrow('set ARGOCD_AUTH_TOKEN');
  });

  test('needs to know the server', async () => {
    environment['ARGOCD_SERVER'] = undefined;
    await expect(roll({ yesProduction: true })).rejects.toThrow('write --server, or set ARGOCD_SERVER');
  });

  test('never sends the token in the clear', async () => {
    await expect(roll({ yesProduction: true, server: 'http://argocd.example.com' })).rejects.toThrow(
      'in the clear',
    );
  });

  test('a token that may not sync is told apart from a wrong name', async () => {
    environment['ARGOCD_AUTH_TOKEN'] = lab.argocd.addToken({
      project: 'default',
      role: 'reader',
      policies: ['get'],
    });
    await expect(roll({ yesProduction: true })).rejects.toThrow('permission denied');
    await expect(roll({ yesProduction: true }, 'production', 'nobody')).rejects.toThrow('not found');
  });

  test('does not start while another operation runs', async () => {
    lab.argocd.startForeignSync('api', { username: 'bob' });
    await expect(roll({ yesProduction: true })).rejects.toThrow('an operation of bob runs on api');
    expect(syncs()).toBe(0);
  });

  test('a sync that fails is an error', async () => {
    lab.argocd.failNextSync('api', { phase: 'Failed', message: 'no such image' });
    await expect(roll({ yesProduction: true })).rejects.toThrow(
      'api: failed: the sync ended as Failed: no such image',
    );
  });

  test('what does not end in time is an error', async () => {
    lab.argocd.changeApplication('api', { syncSeconds: 600 });
    await expect(roll({ yesProduction: true, timeout: '2m' })).rejects.toThrow('for longer than 2m');
  });

  test('Suspended is not deployed', async () => {
    lab.argocd.changeApplication('api', { suspended: true });
    await expect(roll({ yesProduction: true })).rejects.toThrow('api: suspended');
  });

  test('a gateway that stutters while we wait does not end it', async () => {
    endpoint.faults.add({
      method: 'GET',
      kind: 'reply',
      status: 502,
      body: '<html></html>',
      after: 1,
      times: 3,
    });
    await roll({ yesProduction: true });
    expect(said.at(-1)).toMatch(/^api: deployed/);
  });

  test('--json is one decision record and nothing else', async () => {
    await roll({ yesProduction: true, json: true });
    const out = said.filter((line) => !line.startsWith('err: '));
    expect(out).toHaveLength(1);
    expect(JSON.parse(out[0] ?? '')).toMatchObject({
      environment: 'production',
      capability: 'branch-deploy',
      target: 'api',
      action: 'deployed',
      trigger: 'rollout',
    });
  });
});

test('another environment needs no confirmation', async () => {
  await roll({}, 'develop');
  expect(said.some((line) => line.includes('This is production'))).toBe(false);
  expect(syncs()).toBe(1);
});

test('an environment that does not exist is a mistake of the command line', async () => {
  await expect(roll({}, 'produktion')).rejects.toThrow('there is no such environment');
});
