import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { afterAll, describe, expect, test } from 'vitest';
import { bundle, bundleOptions, handlerOf, limitOf } from '#lib/bundle/function-bundle.ts';
import { settingsOf } from '#lib/settings/settings.ts';
import type { Capability } from '#model/decision.ts';
import { aConfig, aDevelopment, NOW } from './environments.ts';

const settings = settingsOf(
  aConfig({
    develop: aDevelopment({
      selfService: { links: true },
      doorbell: { applications: ['https://shop.develop.example.com/'], cloudFront: true },
    }),
  }),
  'develop',
  NOW,
);
const functions = [
  ['night-schedule', settings.nightSchedule],
  ['spot-drain', settings.spotDrain],
  ['branch-deploy', settings.branchDeploy],
  ['self-service', settings.selfService],
  ['doorbell', settings.doorbell],
] as const;

/** Starts the function, and prints every file that Node loaded for it. */
const STARTED = `
import { registerHooks } from 'node:module';
import { basename } from 'node:path';
const files = [];
registerHooks({
  load(url, context, next) {
    if (url.startsWith('file:')) files.push(basename(url));
    return next(url, context);
  },
});
const { handler } = await import('./index.mjs');
console.log(JSON.stringify({ handler: typeof handler, files }));
process.exit();`;

describe.for(functions)('the bundle of %s', ([capability, own]) => {
  const directory = mkdtempSync(join(tmpdir(), 'nightshift-bundle-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  const { bytes, start, parts } = bundle(capability, directory);
  const sizeOf = (files: readonly string[]) =>
    files.reduce((sum, file) => sum + readFileSync(join(directory, file)).length, 0);

  test(`loads at most ${limitOf(capability) / 1000} KB at a start`, () => {
    expect(start.bytes).toBe(sizeOf(start.chunks));
    expect(start.bytes).toBeLessThanOrEqual(limitOf(capability));
    expect(bytes).toBe(sizeOf(readdirSync(directory)));
  });

  test('leaves the clients that few invocations need for later', () => {
    const names = (list: typeof parts) =>
      list.map(({ name }) => name).filter((name) => name.startsWith('@aws-sdk/client-'));
    const later = [
      '@aws-sdk/client-sns',
      ...(capability === 'night-schedule'
        ? ['@aws-sdk/client-eks', '@aws-sdk/client-elastic-load-balancing-v2']
        : []),
    ];
    expect(names(parts)).toEqual(expect.arrayContaining(later));
    expect(names(start.parts).sort()).toEqual(
      {
        'branch-deploy': [],
        'self-service': [],
        doorbell: [],
        'night-schedule': ['@aws-sdk/client-auto-scaling'],
        'spot-drain': [],
      }[capability],
    );
  });

  test('leaves the chain of credentials and the Kubernetes client out', () => {
    const names = parts.map((part) => part.name);
    expect(names.filter((name) => /credential-provider|token-providers|nested-clients/.test(name))).toEqual(
      [],
    );
    expect(names).not.toContain('@kubernetes/client-node');
    expect(names).toContain('eks-nightshift');
  });

  test('requires modules of Node only, which is all that its require finds', () => {
    const { metafile } = buildSync({ ...bundleOptions(capability), outdir: directory, write: false });
    const required = Object.values(metafile.outputs)
      .flatMap(({ imports }) => imports)
      .filter(({ external, kind }) => external && kind === 'require-call')
      .map(({ path }) => path);
    expect(required).toContain('crypto');
    expect(required.filter((name) => !isBuiltin(name))).toEqual([]);
  });

  test('is all that a function needs: it loads beside nothing else, with the environment of its template, and what was measured', () => {
    const answer = execFileSync(process.execPath, ['--input-type=module', '-e', STARTED], {
      cwd: directory,
      encoding: 'utf8',
      env: {
        AWS_REGION: 'ap-northeast-1',
        AWS_ACCESS_KEY_ID: 'id',
        AWS_SECRET_ACCESS_KEY: 'key',
        NIGHTSHIFT_SETTINGS: JSON.stringify(own),
        NIGHTSHIFT_TABLE: 'nightshift-develop',
        NIGHTSHIFT_LINK_KEY: 'arn:aws:kms:ap-northeast-1:111111111111:key/a-key',
        POWERTOOLS_SERVICE_NAME: capability,
      },
    });
    const { handler, files } = JSON.parse(answer) as { handler: string; files: string[] };
    expect(handler).toBe('function');
    expect(files.sort()).toEqual([...start.chunks].sort());
  });
});

test('a handler that is not there is an error that names it', () => {
  expect(() => handlerOf('day-shift' as Capability)).toThrow(
    'the handler of day-shift is missing: functions/day-shift/handler.ts does not exist',
  );
});
