import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ArgocdEndpoint, serveArgocd } from '@nightshift/lab/http/argocd/server.ts';
import { type CertificateAuthority, createCertificateAuthority } from '@nightshift/lab/http/tls.ts';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { EXIT } from '#cli/commands/invocation.ts';
import { type DriftIo, type DriftOptions, drift } from '#cli/drift.ts';
import { runCommand } from '#cli/program.ts';
import { type LoadedConfig, loadConfig } from '#lib/config-file.ts';
import type { DeployConfig } from '#model/config.ts';
import { type ArgocdLab, anArgocdLab } from '../functions/adapters/argocd/contract.ts';

const CONFIG = fileURLToPath(new URL('./fixtures/three.config.ts', import.meta.url));
let ca: CertificateAuthority;
let caFile: string;
let loaded: LoadedConfig;
let lab: ArgocdLab;
let endpoint: ArgocdEndpoint;
let output: string[];
let environment: Record<string, string | undefined>;

beforeAll(async () => {
  ca = await createCertificateAuthority();
  caFile = join(tmpdir(), `nightshift-drift-${process.pid}.pem`);
  await writeFile(caFile, ca.pem);
});

beforeEach(async () => {
  loaded = await loadConfig(CONFIG);
  lab = anArgocdLab();
  await lab.pass(10);
  endpoint = await serveArgocd({ argocd: lab.argocd, ca, host: 'argocd.example.com' });
  output = [];
  environment = {
    ARGOCD_SERVER: endpoint.url.replace('https://', ''),
    ARGOCD_AUTH_TOKEN: lab.argocd.addToken({ project: 'default', role: 'reader', policies: ['get'] }),
  };
});
afterEach(() => endpoint.close());

const io = (): DriftIo => ({
  out: (text) => void output.push(text),
  err: (text) => void output.push(`err: ${text}`),
  now: () => lab.context.clock.date(),
  environment,
});
const runDrift = (options: DriftOptions = {}, name: string | undefined = 'production') =>
  drift(loaded, name, { ca: caFile, ...options }, io());
const document = () => JSON.parse(output.join('\n')) as { outOfSync: Record<string, unknown>[] };

/** Somebody pushes, and Argo CD sees it with its next comparison. */
const driftAway = async () => {
  lab.push();
  await lab.pass(200);
  lab.argocd.applications();
};

const deployOf = (url: string, driftMinutes?: number): DeployConfig => ({
  argocd: { url, tokenSecret: 'token' },
  builds: [],
  ...(driftMinutes === undefined ? {} : { driftMinutes }),
});
const withDeploys = (deploys: Record<string, DeployConfig>): LoadedConfig => ({
  ...loaded,
  config: {
    ...loaded.config,
    environments: Object.fromEntries(
      Object.entries(loaded.config.environments).map(([name, one]) => [
        name,
        name in deploys ? ({ ...one, deploy: deploys[name] } as typeof one) : one,
      ]),
    ),
  },
});

describe('drift', () => {
  test('of no application succeeds', async () => {
    expect(await runDrift()).toBe(true);
    expect(output).toEqual(['production: 0 of 3 applications OutOfSync, limit 1 h (times in UTC)']);
  });

  test('is listed with its start, and is no failure yet', async () => {
    await driftAway();
    const seen = lab.context.clock.now();
    await lab.pass(1_200);
    expect(await runDrift({ json: true })).toBe(true);
    const { outOfSync } = document();
    expect(outOfSync.map(({ name }) => name).sort()).toEqual(['api', 'team']);
    for (const one of outOfSync) {
      expect(one).toMatchObject({ exact: true, tooLong: false });
      expect(seen - Date.parse(String(one['since']))).toBeLessThan(200_000);
    }
  });

  test('for longer than the limit is a failure, and marked', async () => {
    await driftAway();
    await lab.pass(1_200);
    expect(await runDrift({ limit: '10m' })).toBe(false);
    expect(output).toHaveLength(3);
    expect(output[1]).toMatch(
      /^ {2}! default\/\w+ +Healthy +[0-9a-f]{7}.* since \w+ 2026-11-25 05:0\d \(\d+ min\)$/,
    );
  });

  test('that is older than the events of Kubernetes is counted from the last sync', async () => {
    lab.argocd.startForeignSync('api');
    await lab.pass(60);
    const synced = lab.context.clock.now();
    await driftAway();
    await lab.pass(2 * 3_600);
    expect(await runDrift({ json: true })).toBe(false);
    const api = document().outOfSync.find(({ name }) => name === 'api');
    expect(api).toMatchObject({ exact: false, tooLong: true });
    expect(Math.abs(synced - Date.parse(String(api?.['since'])))).toBeLessThan(60_000);
    output = [];
    await runDrift();
    expect(output.join('\n')).toMatch(/at the earliest since its last sync, .* \(at most 2 h/);
  });

  test('is read-only, limited to what the token sees and to a project', async () => {
    await driftAway();
    await runDrift({ project: 'default' });
    await runDrift({ project: 'other' });
    expect(output.at(-1)).toMatch(/^production: 0 of 0 applications/);
    expect(new Set(endpoint.requests.map(({ method }) => method))).toEqual(new Set(['GET']));
    expect(output.join('\n')).not.toContain('theirs');
  });

  test('uses the limit of the config, and no limit for 0', async () => {
    await driftAway();
    await lab.pass(1_200);
    const limited = (minutes: number) =>
      drift(
        withDeploys({ develop: deployOf(endpoint.url, minutes) }),
        'develop',
        { ca: caFile },
        { ...io(), environment: { ...environment, ARGOCD_SERVER: undefined } },
      );
    expect(await limited(5)).toBe(false);
    expect(await limited(60)).toBe(true);
    expect(await limited(0)).toBe(true);
    expect(output.join('\n')).toContain('no limit (times in Asia/Tokyo)');
  });

  test('is counted from the last sync, with a warning, when the events cannot be read', async () => {
    await driftAway();
    endpoint.faults.add({
      method: 'GET',
      path: /\/api\/events$/,
      kind: 'reply',
      status: 502,
      body: '<html>',
    });
    expect(await runDrift()).toBe(true);
    expect(output.filter((line) => line.startsWith('err: '))).toEqual([
      expect.stringMatching(/events of api: .* answered 502/),
    ]);
  });

  test('lists applications that Argo CD cannot compare', async () => {
    lab.argocd.changeApplication('api', { targetRevision: 'no-such-branch' });
    await lab.pass(200);
    expect(await runDrift()).toBe(true);
    expect(output.at(-1)).toBe('Unknown, Argo CD cannot compare them: default/api');
  });
});

describe('the command', () => {
  const command = (...args: string[]) =>
    runCommand(['--config', CONFIG, 'drift', ...args], {
      ...io(),
      color: false,
      user: 'ana',
      cloud: noCloud,
    });
  const noCloud = () => Promise.reject(new Error('AWS was called'));
  afterEach(() => void vi.unstubAllEnvs());

  test('exits with 1 for a drift that is too long, with 2 when Argo CD is unreachable, otherwise with 0', async () => {
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    await driftAway();
    await lab.pass(1_200);
    expect(await command('production', '--ca', caFile)).toBe(EXIT.done);
    expect(await command('production', '--ca', caFile, '--limit', '10m')).toBe(EXIT.refused);
    await endpoint.close();
    expect(await command('production', '--ca', caFile)).toBe(EXIT.cloud);
  });
});

describe('the token of drift', () => {
  test('is the user’s own', async () => {
    environment['ARGOCD_AUTH_TOKEN'] = undefined;
    await expect(runDrift()).rejects.toThrow('set ARGOCD_AUTH_TOKEN');
  });

  test('that is rejected is an error, not a drift', async () => {
    environment['ARGOCD_AUTH_TOKEN'] = 'a.b.c';
    await expect(runDrift()).rejects.toThrow('production: Argo CD does not accept the token');
  });

  test('is sent to one server only', async () => {
    const two = withDeploys({
      develop: deployOf('https://argocd.develop.example.com'),
      tools: deployOf('https://argocd.tools.example.com'),
    });
    environment['ARGOCD_SERVER'] = undefined;
    await expect(drift(two, undefined, {}, io())).rejects.toThrow(
      'develop and tools use different Argo CD servers, and a token is valid for one: name the environment',
    );
  });

  test('is not sent when no server is known', async () => {
    environment['ARGOCD_SERVER'] = undefined;
    await expect(runDrift()).rejects.toThrow('production has no Argo CD in the config: add --server');
    await expect(drift(loaded, undefined, {}, io())).rejects.toThrow('no environment has an Argo CD');
  });

  test('of one server for all environments needs no name; those without one are named', async () => {
    const one = withDeploys({ develop: deployOf(endpoint.url) });
    environment['ARGOCD_SERVER'] = undefined;
    expect(await drift(one, undefined, { ca: caFile }, io())).toBe(true);
    expect(output.filter((line) => line.includes('skipped'))).toHaveLength(3);
    expect(output.at(-1)).toMatch(/^develop: 0 of 3/);
  });
});
