/** `npm run platform -- synth`, as a person runs it: offline, without credentials, with the rules of cdk-nag. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { afterAll, describe, expect, test } from 'vitest';
import { aPlatform, aPlatformApp } from '#test/platform/a-platform.ts';

const directory = mkdtempSync(join(tmpdir(), 'nightshift-platform-synth-'));
afterAll(() => rmSync(directory, { recursive: true }));

test('synthesizes eight stacks without credentials and without findings', () => {
  const outdir = join(directory, 'out');
  const { status, stdout, stderr } = spawnSync(process.execPath, ['examples/platform/app.ts'], {
    encoding: 'utf8',
    env: { HOME: directory, PATH: process.env['PATH'], CDK_OUTDIR: outdir },
  });
  expect(`${stdout}${stderr}`.replaceAll(/^Bundling asset .*\n/gm, '')).toBe('');
  expect(status).toBe(0);
  const templates = readdirSync(outdir).filter((file) => file.endsWith('.template.json'));
  expect(templates.sort()).toEqual(
    ['Nightshift', 'Platform'].flatMap((stack) =>
      ['develop', 'production', 'sandbox', 'staging'].map((name) => `${stack}-${name}.template.json`),
    ),
  );
  // What is missing the CDK would ask AWS for.
  expect(JSON.parse(readFileSync(join(outdir, 'manifest.json'), 'utf8')).missing).toBeUndefined();
  // Nothing of the platform is uploaded; the functions of nightshift are.
  const assets = JSON.parse(readFileSync(join(outdir, 'Platform-develop.assets.json'), 'utf8'));
  expect(Object.keys(assets.files)).toHaveLength(1);
});

describe('the rules of AwsSolutions', () => {
  test.for([
    ['a restricted endpoint', () => ({ endpointCidrs: ['203.0.113.0/24'] })],
    ['Argo CD in the cluster', () => ({ argocd: { kind: 'self-hosted' as const } })],
    [
      'a zone whose parent is in the account',
      (one) => ({ dns: { ...one.dns, delegation: { parentZoneId: 'Z0123456789' } } }),
    ],
  ] as [string, Parameters<typeof aPlatform>[1]][])('are met with %s', ([, changes]) => {
    const app = aPlatformApp(aPlatform('develop', changes));
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    expect(() => app.synth()).not.toThrow();
  });
});
