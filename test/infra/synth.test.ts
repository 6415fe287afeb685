import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import { afterAll, describe, expect, test } from 'vitest';
import { aConfig, aDevelopment, anApp, aProduction } from './environments.ts';

// A process of its own that bundles three functions: slow on a busy machine.
describe('bin/app.ts', { timeout: 90_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'nightshift-synth-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  const synth = (config: unknown) => {
    const path = join(directory, 'nightshift.config.mjs');
    writeFileSync(path, `export default ${JSON.stringify(config)};`);
    return spawnSync(process.execPath, ['bin/app.ts'], {
      encoding: 'utf8',
      // No credentials, no profile, no proxy: nothing but the config.
      env: {
        HOME: directory,
        PATH: process.env['PATH'],
        NIGHTSHIFT_CONFIG: path,
        CDK_OUTDIR: join(directory, 'out'),
      },
    });
  };

  test('writes an assembly with the code of each function, without credentials and without findings', () => {
    const { status, stdout } = synth(aConfig({ develop: aDevelopment(), production: aProduction() }));
    expect(stdout).not.toMatch(/AwsSolutions|Serverless/);
    expect(status).toBe(0);
    const files = readdirSync(join(directory, 'out'), { recursive: true }).map(String);
    expect(files).toContain('Nightshift-develop.template.json');
    expect(files).toContain('Nightshift-production.template.json');
    expect(files.filter((file) => file.endsWith('index.mjs'))).toHaveLength(3);
  });

  test('reports each problem of the config on its own line, and nothing else', () => {
    const { status, stderr } = synth(aConfig({ develop: aDevelopment({ account: '12', region: 'tokyo' }) }));
    expect(status).toBe(1);
    const lines = stderr.trim().split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[1]).toContain('environments.develop.account: "12"');
    expect(lines[2]).toContain('environments.develop.region: "tokyo"');
  });
});

describe('the rules of AwsSolutions and Serverless', () => {
  test('have no findings, whatever the environments use', () => {
    const deploy = aDevelopment().deploy!;
    const connection = 'arn:aws:codeconnections:ap-northeast-1:111111111111:connection/0a1b2c3d';
    const policies = ['arn:aws:iam::111111111111:policy/push-images'];
    const waking = {
      ...deploy,
      whenAsleep: 'wake' as const,
      builds: deploy.builds.map((build) => ({ ...build, create: { connection, policies, docker: true } })),
    };
    const app = anApp({
      develop: aDevelopment({
        deploy: waking,
        drain: { replaceEarly: true },
        network: { subnets: ['subnet-0a1b2c3d'], securityGroups: ['sg-0a1b2c3d'] },
      }),
      production: aProduction(),
    });
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app));
    expect(() => app.synth()).not.toThrow();
  });

  test('would find a queue that accepts unencrypted messages', () => {
    const app = anApp({ production: aProduction() });
    const [stack] = app.environments;
    stack!.spotDrain.function.deadLetters.node.tryRemoveChild('Policy');
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    expect(() => app.synth()).toThrow('AwsSolutions-SQS4');
  });
});
