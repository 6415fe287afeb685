/**
 * The first hour of somebody who has the tarball alone: from an empty folder, on each Node that the package supports, to a
 * plan, the stacks, a policy and the files for Terraform. Nothing of it reads AWS.
 */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const { devDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  devDependencies: Record<string, string>;
};
const directory = mkdtempSync(join(tmpdir(), 'nightshift-first-hour-'));
let tarball = '';

/** As in a shell of the adopter: without the variables of the npm script that runs this test. */
function run(
  command: string,
  args: readonly string[],
  { cwd, node }: { readonly cwd: string; readonly node?: string },
): SpawnSyncReturns<string> {
  const own = Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_|VITEST|AWS_)/.test(name));
  const env = Object.fromEntries(own) as NodeJS.ProcessEnv;
  const path = (env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
  env['PATH'] = [...(node === undefined ? [] : [node]), ...path].join(delimiter);
  return spawnSync(command, args, { cwd, encoding: 'utf8', env });
}

function succeed(result: SpawnSyncReturns<string>): string {
  if (result.status !== 0) throw new Error(`exit code ${result.status}: ${result.stdout}${result.stderr}`);
  return result.stdout;
}

beforeAll(() => {
  succeed(run('npm', ['pack', '--pack-destination', directory], { cwd: process.cwd() }));
  tarball = join(directory, globSync('*.tgz', { cwd: directory })[0] ?? '');
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe.for(['22', '24'])('with the tarball alone, on Node %s', (version) => {
  const folder = join(directory, `project-${version}`);
  const node = join(directory, `node-${version}`, 'node_modules/node/bin');
  const bin = join(folder, 'node_modules/.bin');
  const nightshift = (...args: string[]) => run(join(bin, 'nightshift'), args, { cwd: folder, node });

  beforeAll(() => {
    const home = join(directory, `node-${version}`);
    mkdirSync(home);
    mkdirSync(folder);
    writeFileSync(join(home, 'package.json'), '{ "private": true }');
    succeed(run('npm', ['install', '--no-audit', '--no-fund', `node@${version}`], { cwd: home }));
    succeed(run('npm', ['install', '--no-audit', '--no-fund', tarball], { cwd: folder }));
  });

  test('init --yes writes a project, and says what its package.json lacks', () => {
    const text = succeed(nightshift('init', '--yes', '--ci', 'github'));
    for (const file of ['nightshift.config.ts', 'app.ts', 'cdk.json', 'manifests/kustomization.yaml'])
      expect(existsSync(join(folder, file))).toBe(true);
    expect(text).toContain('kept     package.json: run npm pkg set type=module && npm install');
    succeed(run('npm', ['pkg', 'set', 'type=module'], { cwd: folder }));
    const { 'aws-cdk': cli, 'aws-cdk-lib': lib, constructs } = devDependencies;
    const packages = [`aws-cdk@${cli}`, `aws-cdk-lib@${lib}`, `constructs@${constructs}`];
    succeed(run('npm', ['install', '--no-audit', '--no-fund', ...packages], { cwd: folder }));
    expect(succeed(nightshift('init', '--yes', '--ci', 'github'))).toContain('it has all that is needed');
  });

  test('plan shows the week', () => {
    const { status, stdout, stderr } = nightshift('plan', '--from', '2026-11-23');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('develop: office, up Mon-Fri 08:00-20:00');
    expect(stdout).toContain('7 days: up 60 h, down 108 h');
  });

  test('cdk synth makes the stack', () => {
    const { status, stdout, stderr } = run(join(bin, 'cdk'), ['synth', '--quiet'], { cwd: folder, node });
    expect({ status, output: status === 0 ? '' : stdout + stderr }).toEqual({ status: 0, output: '' });
    expect(existsSync(join(folder, 'cdk.out/Nightshift-develop.template.json'))).toBe(true);
  });

  test('policy developer prints a policy', () => {
    const { Statement } = JSON.parse(succeed(nightshift('policy', 'developer'))) as {
      Statement: { Sid: string }[];
    };
    expect(Statement.map(({ Sid }) => Sid)).toContain('WriteOverrides');
  });

  test('template writes the template, the zips and the example', () => {
    succeed(nightshift('template', 'develop'));
    const out = join(folder, 'nightshift-develop');
    expect(readdirSync(out).sort()).toEqual(['Nightshift-develop.template.json', 'assets', 'main.tf']);
    expect(readdirSync(join(out, 'assets')).length).toBeGreaterThan(0);
  });

  test('a wrong name is one line', () => {
    const { status, stderr } = nightshift('status', 'develp');
    expect({ status, lines: stderr.trimEnd().split('\n') }).toEqual({
      status: 1,
      lines: [
        'nightshift: there is no environment "develp" in nightshift.config.ts: did you mean "develop"?',
      ],
    });
  });
});
