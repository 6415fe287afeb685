import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { afterAll, describe, expect, test } from 'vitest';
import { checkConfig } from '#model/config/check.ts';
import { aConfig, aDevelopment, anApp, aProduction } from './environments.ts';
import { configWith, hasCase, OPTIONS, REFUSED } from './options.ts';

// A process of its own that bundles three functions: slow on a busy machine.
describe('bin/app.ts', () => {
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
        NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
      },
    });
  };

  test('synthesizes no option, every option and production, without credentials and without findings', () => {
    const { account, region, cluster } = aDevelopment();
    const every = configWith(
      ...OPTIONS.filter((option) => !option.endsWith('=false') && !REFUSED.includes(option)),
    );
    const { status, stdout, stderr } = synth({
      ...every,
      environments: {
        ...every.environments,
        bare: { account, region, cluster },
        production: aProduction(),
      },
    });
    expect(`${stdout}${stderr}`.replaceAll(/^Bundling asset .*\n/gm, '')).toBe('');
    expect(status).toBe(0);
    const files = readdirSync(join(directory, 'out'), { recursive: true }).map(String);
    for (const name of ['develop', 'production', 'bare'])
      expect(files).toContain(`Nightshift-${name}.template.json`);
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

describe('each option of the config', () => {
  const known = { has: () => true, candidates: () => [] };

  // test/slow/every-option.test.ts synthesizes them one by one.
  test('has a value to be tried with', () => {
    expect(OPTIONS.length).toBeGreaterThan(60);
    expect(OPTIONS.filter((option) => !hasCase(option))).toEqual([]);
  });

  test.for(OPTIONS)('%s is valid by itself, unless a rule refuses it', (option) => {
    const { problems } = checkConfig(configWith(option), known);
    expect(problems).toHaveLength(REFUSED.includes(option) ? 1 : 0);
  });
});

describe('the rules of AwsSolutions and Serverless', () => {
  test('would find a queue that accepts unencrypted messages', () => {
    const app = anApp({ production: aProduction() });
    const [stack] = app.environments;
    stack!.spotDrain.function.deadLetters.node.tryRemoveChild('Policy');
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    expect(() => app.synth()).toThrow('AwsSolutions-SQS4');
  });
});
