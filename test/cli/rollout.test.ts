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
let output: string[];
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
  output = [];
  answers = [];
  environment = {
    ARGOCD_SERVER: endpoint.url.replace('https://', ''),
    ARGOCD_AUTH_TOKEN: lab.argocd.addToken({ project: 'default', role: 'operator' }),
  };
});
afterEach(() => endpoint.close());

const io = (): RolloutIo => ({
  out: (text) => void output.push(text),
  err: (text) => void output.push(`err: ${text}`),
  now: () => lab.context.clock.date(),
  user: 'ana',
  environment,
  ask: async (question) => {
    output.push(question);
    return answers?.shift() ?? (answers ? '' : undefined);
  },
  pause: (ms) => lab.pass(ms / 1000),
});

const runRollout = async (options: RolloutOptions = {}, environment = 'production', application = 'api') =>
  rollout(await loadConfig(CONFIG), { ca: caFile, ...options, environment, application }, io());

const syncs = () => endpoint.requests.filter(({ method }) => method === 'POST').length;

describe('a rollout to production', () => {
  test('asks to type the name, syncs, and waits for Synced and Healthy', async () => {
    const sha = lab.push();
    answers = ['production/api'];
    await runRollout();
    expect(output.at(-1)).toBe(`api: deployed: Synced and Healthy at ${sha.slice(0, 7)}`);
    expect(syncs()).toBe(1);
    expect(lab.argocd.application('api')?.status.operationState?.operation.initiatedBy?.username).toBe(
      'proj:default:operator',
    );
  });

  test.each(['', 'yes', 'y', 'production', 'api', 'production/API'])(
    '%j is no confirmation',
    async (answer) => {
      answers = [answer];
      await expect(runRollout()).rejects.toThrow('nothing was changed: production/api was not typed');
      expect(syncs()).toBe(0);
    },
  );

  test('is refused without a terminal, unless it is confirmed with --yes-production', async () => {
    answers = undefined;
    await expect(runRollout()).rejects.toThrow('add --yes-production');
    expect(syncs()).toBe(0);
    await runRollout({ yesProduction: true });
    expect(syncs()).toBe(1);
  });

  test('syncs to exactly the given revision', async () => {
    const first = lab.sha;
    lab.push();
    await runRollout({ yesProduction: true, revision: first });
    expect(lab.argocd.application('api')?.status.operationState?.syncResult?.revision).toBe(first);
    expect(output.at(-1)).toMatch(/^api: deployed: Healthy at /);
  });

  test('needs the user’s own token', async () => {
    environment['ARGOCD_AUTH_TOKEN'] = undefined;
    await expect(runRollout({ yesProduction: true })).rejects.toThrow('set ARGOCD_AUTH_TOKEN');
  });

  test('needs to know the server', async () => {
    environment['ARGOCD_SERVER'] = undefined;
    await expect(runRollout({ yesProduction: true })).rejects.toThrow('add --server, or set ARGOCD_SERVER');
  });

  test('never sends the token unencrypted', async () => {
    await expect(runRollout({ yesProduction: true, server: 'http://argocd.example.com' })).rejects.toThrow(
      'in the clear',
    );
  });

  test('reports a token that may not sync differently from a wrong name', async () => {
    environment['ARGOCD_AUTH_TOKEN'] = lab.argocd.addToken({
      project: 'default',
      role: 'reader',
      policies: ['get'],
    });
    await expect(runRollout({ yesProduction: true })).rejects.toThrow('permission denied');
    await expect(runRollout({ yesProduction: true }, 'production', 'nobody')).rejects.toThrow('not found');
  });

  test('does not start while another operation runs', async () => {
    lab.argocd.startForeignSync('api', { username: 'bob' });
    await expect(runRollout({ yesProduction: true })).rejects.toThrow(
      'an operation of bob is running on api',
    );
    expect(syncs()).toBe(0);
  });

  test('a sync that fails is an error', async () => {
    lab.argocd.failNextSync('api', { phase: 'Failed', message: 'no such image' });
    await expect(runRollout({ yesProduction: true })).rejects.toThrow(
      'api: failed: the sync ended as Failed: no such image',
    );
  });

  test('a rollout that exceeds its timeout is an error', async () => {
    lab.argocd.changeApplication('api', { syncSeconds: 600 });
    await expect(runRollout({ yesProduction: true, timeout: '2m' })).rejects.toThrow('not finished after 2m');
  });

  test('Suspended is waited for until the timeout: it is not deployed', async () => {
    lab.argocd.changeApplication('api', { suspended: true });
    await expect(runRollout({ yesProduction: true, timeout: '20m' })).rejects.toThrow(
      /api: failed: not finished after 20m: synced to \w+ and Suspended/,
    );
  });

  test('a gateway error while waiting does not end it', async () => {
    endpoint.faults.add({
      method: 'GET',
      kind: 'reply',
      status: 502,
      body: '<html></html>',
      after: 1,
      times: 3,
    });
    await runRollout({ yesProduction: true });
    expect(output.at(-1)).toMatch(/^api: deployed/);
  });

  test('--json prints one decision record and nothing else', async () => {
    await runRollout({ yesProduction: true, json: true });
    const out = output.filter((line) => !line.startsWith('err: '));
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
  await runRollout({}, 'develop');
  expect(output.some((line) => line.includes('This is production'))).toBe(false);
  expect(syncs()).toBe(1);
});

test('an environment that does not exist is refused', async () => {
  await expect(runRollout({}, 'produktion')).rejects.toThrow('there is no environment "produktion" in');
});
