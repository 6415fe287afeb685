/** What `npm pack` would publish, built into a folder of its own. */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundle } from '#lib/bundle/function-bundle.ts';

const directory = mkdtempSync(join(tmpdir(), 'nightshift-package-'));
const installed = join(directory, 'node_modules/eks-nightshift');
const run = (...args: string[]) =>
  execFileSync(process.execPath, args, { cwd: directory, encoding: 'utf8', stdio: 'pipe' });

/** Names and contents, so that two folders can be compared. */
const filesOf = (folder: string) =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));

beforeAll(() => {
  // Installed as npm would: what `files` names, beside the packages that it needs.
  mkdirSync(join(directory, 'node_modules'));
  execFileSync(process.execPath, ['bin/build.ts', join(installed, 'dist')], { stdio: 'pipe' });
  for (const name of ['package.json', 'bin/nightshift.mjs', 'manifests'])
    cpSync(name, join(installed, name), { recursive: true });
  symlinkSync(resolve('node_modules'), join(installed, 'node_modules'));
  for (const name of ['aws-cdk-lib', 'constructs'])
    symlinkSync(resolve('node_modules', name), join(directory, 'node_modules', name));
});
afterAll(() => rmSync(directory, { recursive: true }));

// Processes of their own that compile and bundle: slow on a busy machine.
describe('the package', () => {
  test('holds what was built, and neither sources nor the lab nor tests', () => {
    const [packed] = JSON.parse(
      execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
        encoding: 'utf8',
        stdio: 'pipe',
      }),
    );
    const roots = new Set(
      packed.files
        .map(({ path }: { path: string }) => path.split('/')[0])
        .filter((root: string) => root !== 'dist'),
    );
    expect([...roots].sort()).toEqual(
      [
        'CHANGELOG.md',
        'LICENSE',
        'README.ja.md',
        'README.md',
        'bin',
        'docs',
        'manifests',
        'package.json',
      ].sort(),
    );
    expect(existsSync(join(installed, 'dist/lib/index.d.ts'))).toBe(true);
  });

  test.for(['night-schedule', 'spot-drain', 'branch-deploy'] as const)(
    'brings the bundle of %s that was tested here, and no source to bundle it from again',
    (capability) => {
      const fresh = join(directory, 'fresh', capability);
      bundle(capability, fresh);
      expect(filesOf(join(installed, 'dist/bundles', capability))).toEqual(filesOf(fresh));
      expect(globSync(`dist/functions/${capability}/handler.*`, { cwd: installed })).toEqual([]);
    },
  );

  test('is the same to the byte when it is built and packed again', () => {
    const pack = (name: string): Buffer => {
      const folder = join(directory, name);
      mkdirSync(folder);
      if (name === 'first') cpSync(join(installed, 'dist'), join(folder, 'dist'), { recursive: true });
      else execFileSync(process.execPath, ['bin/build.ts', join(folder, 'dist')], { stdio: 'pipe' });
      const { files } = JSON.parse(readFileSync('package.json', 'utf8')) as { files: string[] };
      for (const file of ['package.json', 'README.md', 'LICENSE', ...files])
        if (file !== 'dist') cpSync(file, join(folder, file), { recursive: true });
      execFileSync('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], {
        cwd: folder,
        stdio: 'pipe',
      });
      const [tarball = ''] = globSync('*.tgz', { cwd: folder });
      return readFileSync(join(folder, tarball));
    };
    const [first, second] = [pack('first'), pack('second')];
    expect(first.length).toBeGreaterThan(100_000);
    expect(second.equals(first)).toBe(true);
  });

  test('brings the licences of what its bundles hold', () => {
    const notices = readFileSync(join(installed, 'dist/bundles/LICENSES.txt'), 'utf8');
    for (const name of ['@smithy/core', '@aws-sdk/client-sns', '@middy/core', 'temporal-polyfill'])
      expect(notices).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+, `, 'm'));
    expect(notices).toContain('Apache License');
    expect(notices).toContain('Permission is hereby granted');
  });

  test('gives its constructs to another CDK app, whose functions are the finished bundles of the package', () => {
    writeFileSync(
      join(directory, 'app.mjs'),
      `import { App, Stack } from 'aws-cdk-lib';
       import { NightSchedule, StateTable, defineConfig } from 'eks-nightshift';
       const app = new App({ outdir: 'cdk.out', analyticsReporting: false });
       const stack = new Stack(app, 'Mine', { env: { account: '111111111111', region: 'ap-northeast-1' } });
       const config = defineConfig({
         schedules: { office: { timeZone: 'Asia/Tokyo', up: ['Mon-Fri 08:00-22:00'] } },
         environments: { develop: { account: '111111111111', region: 'ap-northeast-1', cluster: 'develop', schedule: 'office' } },
       });
       const of = { config, environment: 'develop' };
       new NightSchedule(stack, 'Night', { ...of, table: new StateTable(stack, 'State', of) });
       app.synth();`,
    );
    run('app.mjs');
    const template = JSON.parse(readFileSync(join(directory, 'cdk.out/Mine.template.json'), 'utf8'));
    const types = Object.values<{ Type: string }>(template.Resources).map(({ Type }) => Type);
    expect(types).toContain('AWS::Lambda::Function');
    expect(types).toContain('AWS::Scheduler::Schedule');
    const [asset = ''] = globSync('cdk.out/asset.*/index.mjs', { cwd: directory });
    expect(filesOf(join(directory, dirname(asset)))).toEqual(
      filesOf(join(installed, 'dist/bundles/night-schedule')),
    );
  });

  test('brings the command line', () => {
    writeFileSync(
      join(directory, 'nightshift.config.mjs'),
      `export default {
         schedules: { office: { timeZone: 'Asia/Tokyo', up: ['Mon-Fri 08:00-22:00'] } },
         environments: { develop: { account: '111111111111', region: 'ap-northeast-1', cluster: 'develop', schedule: 'office' } },
       };`,
    );
    const text = run(
      join(installed, 'bin/nightshift.mjs'),
      'plan',
      '-c',
      'nightshift.config.mjs',
      '--days',
      '2',
    );
    expect(text).toContain('develop');
  });
});
