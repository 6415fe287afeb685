import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ArgocdEndpoint, serveArgocd } from '@nightshift/lab/http/argocd/server.ts';
import { type CertificateAuthority, createCertificateAuthority } from '@nightshift/lab/http/tls.ts';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type DriftIo, type DriftOptions, drift } from '#cli/drift.ts';
import { EXIT, run } from '#cli/program.ts';
import { type LoadedConfig, loadConfig } from '#lib/config-file.ts';
import type { DeployConfig } from '#model/config.ts';
import { type ArgocdLab, anArgocdLab } from '../functions/adapters/argocd/contract.ts';

const CONFIG = fileURLToPath(new URL('./fixtures/three.config.ts', import.meta.url));
let ca: CertificateAuthority;
let caFile: string;
let loaded: LoadedConfig;
let lab: ArgocdLab;
let endpoint: ArgocdEndpoint;
let said: string[];
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
  said = [];
  environment = {
    ARGOCD_SERVER: endpoint.url.replace('https://', ''),
    ARGOCD_AUTH_TOKEN: lab.argocd.addToken({ project: 'default', role: 'reader', policies: ['get'] }),
  };
});
afterEach(() => endpoint.close());

const io = (): DriftIo => ({
  out: (text) => void said.push(text),
  err: (text) => void said.push(`err: ${text}`),
  now: () => lab.context.clock.date(),
  environment,
});
const look = (options: DriftOptions = {}, name: string | undefined = 'production') =>
  drift(loaded, name, { ca: caFile, ...options }, io());
const document = () => JSON.parse(said.join('\n')) as { outOfSync: Record<string, unknown>[] };

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
  test('of nothing is well', async () => {
    expect(await look()).toBe(true);
    expect(said).toEqual(['production: 0 of 3 applications OutOfSync, the limit is 1 h (times of UTC)']);
  });

  test('is listed with the time at which it was seen, and is no failure yet', async () => {
    await driftAway();
    const seen = lab.context.clock.now();
    await lab.pass(1_200);
    expect(await look({ json: true })).toBe(true);
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
    expect(await look({ limit: '10m' })).toBe(false);
    expect(said).toHaveLength(3);
    expect(said[1]).toMatch(
      /^ {2}! default\/\w+ +Healthy +[0-9a-f]{7}.* since \w+ 2026-11-25 05:0\d \(\d+ min\)$/,
    );
  });

  test('that began before Kubernetes forgot it is counted from the last sync', async () => {
    lab.argocd.startForeignSync('api');
    await lab.pass(60);
    const synced = lab.context.clock.now();
    await driftAway();
    await lab.pass(2 * 3_600);
    expect(await look({ json: true })).toBe(false);
    const api = document().outOfSync.find(({ name }) => name === 'api');
    expect(api).toMatchObject({ exact: false, tooLong: true });
    expect(Math.abs(synced - Date.parse(String(api?.['since'])))).toBeLessThan(60_000);
    said = [];
    await look();
    expect(said.join('\n')).toMatch(/since its last sync or later, .* \(at most 2 h/);
  });

  test('is read only, of what the token sees, and narrowed to a project', async () => {
    await driftAway();
    await look({ project: 'default' });
    await look({ project: 'other' });
    expect(said.at(-1)).toMatch(/^production: 0 of 0 applications/);
    expect(new Set(endpoint.requests.map(({ method }) => method))).toEqual(new Set(['GET']));
    expect(said.join('\n')).not.toContain('theirs');
  });

  test('has the limit of the config, and none at 0', async () => {
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
    expect(said.join('\n')).toContain('without a limit (times of Asia/Tokyo)');
  });

  test('that Argo CD cannot tell the time of is counted from the last sync, and said', async () => {
    await driftAway();
    endpoint.faults.add({
      method: 'GET',
      path: /\/api\/events$/,
      kind: 'reply',
      status: 502,
      body: '<html>',
    });
    expect(await look()).toBe(true);
    expect(said.filter((line) => line.startsWith('err: '))).toEqual([
      expect.stringMatching(/the events of api: .* answered 502/),
    ]);
  });

  test('says which application cannot be compared at all', async () => {
    lab.argocd.changeApplication('api', { targetRevision: 'no-such-branch' });
    await lab.pass(200);
    expect(await look()).toBe(true);
    expect(said.at(-1)).toBe('Unknown, Argo CD cannot compare them: default/api');
  });
});

describe('the command', () => {
  const command = (...args: string[]) =>
    run(['--config', CONFIG, 'drift', ...args], { ...io(), color: false, user: 'ana', cloud: noCloud });
  const noCloud = () => Promise.reject(new Error('AWS was asked'));
  afterEach(() => void vi.unstubAllEnvs());

  test('exits with 1 for what is OutOfSync too long, with 0 for all else, and with 2 where Argo CD does not answer', async () => {
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
  test('is a person’s', async () => {
    environment['ARGOCD_AUTH_TOKEN'] = undefined;
    await expect(look()).rejects.toThrow('set ARGOCD_AUTH_TOKEN');
  });

  test('that is not taken is told apart from a drift', async () => {
    environment['ARGOCD_AUTH_TOKEN'] = 'a.b.c';
    await expect(look()).rejects.toThrow('production: Argo CD does not take the token');
  });

  test('is sent to one server only', async () => {
    const two = withDeploys({
      develop: deployOf('https://argocd.develop.example.com'),
      tools: deployOf('https://argocd.tools.example.com'),
    });
    environment['ARGOCD_SERVER'] = undefined;
    await expect(drift(two, undefined, {}, io())).rejects.toThrow(
      'develop and tools have Argo CDs of their own, and a token is for one: name the environment',
    );
  });

  test('is not sent where no server is known', async () => {
    environment['ARGOCD_SERVER'] = undefined;
    await expect(look()).rejects.toThrow('production has no Argo CD in the config: write --server');
    await expect(drift(loaded, undefined, {}, io())).rejects.toThrow('no environment has an Argo CD');
  });

  test('of one server for all environments needs no name; those without one are named', async () => {
    const one = withDeploys({ develop: deployOf(endpoint.url) });
    environment['ARGOCD_SERVER'] = undefined;
    expect(await drift(one, undefined, { ca: caFile }, io())).toBe(true);
    expect(said.filter((line) => line.includes('left out'))).toHaveLength(3);
    expect(said.at(-1)).toMatch(/^develop: 0 of 3/);
  });
});
