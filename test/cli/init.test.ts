import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CloudError } from '#cli/errors.ts';
import type { Found, FoundCluster } from '#cli/init/found.ts';
import { type InitIo, type InitOptions, init } from '#cli/init/init.ts';
import { loadConfig } from '#lib/config-file.ts';

let folder: string;
let output: string[];
let questions: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nightshift-init-'));
  output = [];
  questions = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

const aCluster = (given: Partial<FoundCluster> = {}): FoundCluster => ({
  name: 'develop',
  account: '123456789012',
  region: 'ap-northeast-1',
  nodegroups: ['web', 'system'],
  tags: {},
  ...given,
});
const seen = (given: Partial<Found>): Found => ({ clusters: [], projects: [], unseen: [], ...given });

async function run(options: InitOptions, replies: readonly string[] = [], found: Found | Error = seen({})) {
  const left = [...replies];
  const io: InitIo = {
    out: (text) => output.push(text),
    err: (text) => output.push(text),
    now: () => new Date('2026-11-24T00:00:00Z'),
    environment: { AWS_REGION: 'ap-northeast-1' },
    folder,
    timeZone: 'Asia/Tokyo',
    async ask(question) {
      questions.push(question);
      return left.shift();
    },
    async observe() {
      if (found instanceof Error) throw found;
      return found;
    },
  };
  await init(options, io);
  return output.join('\n');
}

/** As the adopter's own program would load it: without the package, which is not installed in this folder. */
async function configOf() {
  const path = join(folder, 'nightshift.config.ts');
  const text = readFileSync(path, 'utf8').replace(
    "import { defineConfig } from 'eks-nightshift';",
    'const defineConfig = <T>(config: T): T => config;',
  );
  const copy = join(folder, `loaded-${Math.random()}.ts`);
  writeFileSync(copy, text);
  return (await loadConfig(copy)).config;
}

describe('init', () => {
  test('offline writes a sample that is valid, and asks nothing', async () => {
    const text = await run({ yes: true });
    expect(questions).toEqual([]);
    const { environments } = await configOf();
    expect(environments['develop']).toMatchObject({ cluster: 'develop', schedule: 'office', dryRun: true });
    for (const name of ['app.ts', 'cdk.json', 'package.json', '.gitignore', 'manifests/kustomization.yaml'])
      expect(existsSync(join(folder, name))).toBe(true);
    expect(text).toContain('A sample was written');
  });

  test('looks only after it was allowed to', async () => {
    await run({}, ['n'], new Error('it looked'));
    expect(questions[0]).toContain('read-only? [Y/n]');
    await expect(run({})).rejects.toThrow('add --yes for a sample');
  });

  test('writes each cluster that it found, production as production', async () => {
    const clusters = [
      aCluster({ autoscaler: { kind: 'karpenter', namespace: 'kube-system', deployment: 'karpenter' } }),
      aCluster({ region: 'eu-west-1', autoscaler: { kind: 'auto-mode' } }),
      aCluster({
        name: 'Shop_Staging',
        autoscaler: {
          kind: 'cluster-autoscaler',
          namespace: 'kube-system',
          deployment: 'scaler',
          hostGroup: 'system',
        },
      }),
      aCluster({
        name: 'old',
        autoscaler: { kind: 'cluster-autoscaler', namespace: 'kube-system', deployment: 'scaler' },
      }),
      aCluster({ name: 'shop-prod' }),
      aCluster({ name: 'shop', tags: { stage: 'live' } }),
    ];
    const text = await run({ ci: 'github' }, ['y', ''], seen({ clusters }));
    const { environments } = await configOf();
    expect(Object.keys(environments)).toEqual([
      'develop-ap-northeast-1',
      'develop-eu-west-1',
      'shop-staging',
      'old',
      'shop-prod',
      'shop',
    ]);
    expect(environments['develop-ap-northeast-1']).toMatchObject({
      autoscaler: { kind: 'karpenter' },
      dryRun: true,
    });
    expect(environments['shop-staging']).toMatchObject({
      cluster: 'Shop_Staging',
      autoscaler: { hostGroup: 'system' },
    });
    // Without its host group it would be refused: it is a comment.
    expect(environments['old']).not.toHaveProperty('autoscaler');
    for (const name of ['shop-prod', 'shop']) expect(environments[name]).toMatchObject({ production: true });
    expect(text).toContain('Written as production, which is never stopped: shop-prod, shop');
    expect(readFileSync(join(folder, '.github/workflows/nightshift.yml'), 'utf8')).toContain('npx cdk diff');
  });

  test('says what it could not see', async () => {
    const unseen = ['autoscaler and Argo CD in develop: the cluster denied list deployments'];
    expect(await run({ region: ['eu-west-1'] }, ['y'], seen({ clusters: [aCluster()], unseen }))).toContain(
      `Not seen:\n  ${unseen[0]}`,
    );
  });

  test('writes a sample where AWS cannot be reached, and says why', async () => {
    const text = await run({ region: ['eu-west-1'] }, ['y'], new CloudError('no AWS credentials found'));
    expect(text).toContain('everything in eu-west-1: no AWS credentials found');
    expect(Object.keys((await configOf()).environments)).toEqual(['develop']);
  });

  test('overwrites a file only after it was allowed to', async () => {
    writeFileSync(join(folder, 'app.ts'), '// mine');
    writeFileSync(join(folder, 'cdk.json'), '{}');
    await run({ region: ['eu-west-1'] }, ['n', 'y', 'n']);
    expect(questions.slice(1)).toEqual([
      'app.ts exists and is different. Overwrite it? [y/N] ',
      'cdk.json exists and is different. Overwrite it? [y/N] ',
    ]);
    expect(readFileSync(join(folder, 'app.ts'), 'utf8')).toContain('runApp');
    expect(readFileSync(join(folder, 'cdk.json'), 'utf8')).toBe('{}');
  });

  test('offline keeps every file, and says what the package.json lacks', async () => {
    writeFileSync(join(folder, 'app.ts'), '// mine');
    writeFileSync(
      join(folder, 'package.json'),
      '{ "dependencies": { "eks-nightshift": "*", "aws-cdk-lib": "*" } }',
    );
    const text = await run({ yes: true });
    expect(readFileSync(join(folder, 'app.ts'), 'utf8')).toBe('// mine');
    expect(text).toContain(
      'kept     package.json: run npm pkg set type=module && npm install constructs aws-cdk',
    );
  });

  test.for([['github'], ['gitlab']] as const)('writes a job for %s that is YAML', async ([ci]) => {
    const { parse } = await import('yaml');
    await run({ yes: true, ci });
    const path = ci === 'github' ? '.github/workflows/nightshift.yml' : '.gitlab-ci.yml';
    const job = parse(readFileSync(join(folder, path), 'utf8'));
    expect(JSON.stringify(job)).toContain('npx nightshift plan --days 14');
  });

  test('refuses a kind of CI that it does not know', async () => {
    await expect(run({ yes: true, ci: 'jenkins' })).rejects.toThrow('--ci jenkins: write github or gitlab');
  });
});
