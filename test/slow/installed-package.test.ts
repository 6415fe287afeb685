/**
 * An empty project of somebody else, outside of the repository: the tarball is installed without a lock file, the snippets of
 * the docs compile, and the app synthesizes on each Node that the package supports.
 */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WITHOUT_IMAGES } from '#cli/without-images.ts';

const MANIFEST = JSON.parse(readFileSync('package.json', 'utf8')) as {
  version: string;
  devDependencies: Record<string, string>;
};
const NODES = ['22', '24'] as const;
const CONNECTION =
  'arn:aws:codeconnections:ap-northeast-1:111111111111:connection/01234567-89ab-cdef-0123-456789abcdef';

const directory = mkdtempSync(join(tmpdir(), 'nightshift-adopter-'));
const app = join(directory, 'app');

/** The Node of an `npm install node@22` in a folder of its own. */
const nodeOf = (version: string) => join(directory, `node-${version}`, 'node_modules/node/bin/node');

function run(command: string, args: readonly string[], cwd = app): SpawnSyncReturns<string> {
  // As in a shell of the adopter: without the variables and the PATH of the npm script that runs this test.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')));
  return spawnSync(command, args, { cwd, encoding: 'utf8', env });
}

function install(folder: string, ...packages: readonly string[]): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  const { status, stderr } = run('npm', ['install', '--no-audit', '--no-fund', ...packages], folder);
  if (status !== 0) throw new Error(`npm install ${packages.join(' ')} failed: ${stderr}`);
}

/** The code blocks of a page that another app could paste: those that import the package. */
function snippetsOf(page: string): readonly string[] {
  const blocks = [...readFileSync(page, 'utf8').matchAll(/^```ts\n(.*?)^```/gms)].map(
    ([, code = '']) => code,
  );
  return blocks.filter((code) => code.includes("from 'eks-nightshift'"));
}

const SNIPPETS = ['README.md', 'docs/deploy.md'].flatMap(snippetsOf);

/** Every kind of thing that a config can ask a stack for. */
const EVERYTHING = {
  calendars: { japan: { holidays: 'JP', closed: ['2026-12-29/2027-01-03'] } },
  schedules: { office: { timeZone: 'Asia/Tokyo', up: ['Mon-Fri 08:00-22:00'], calendar: 'japan' } },
  environments: {
    develop: {
      account: '111111111111',
      region: 'ap-northeast-1',
      cluster: 'develop',
      schedule: 'office',
      network: { subnets: ['subnet-0a1b2c3d'], securityGroups: ['sg-0a1b2c3d'] },
      notify: { failure: ['oncall@example.com'] },
      encryptionKey: 'create',
      tracing: true,
      warnMinutes: 30,
      deploy: {
        argocd: { url: 'https://argocd.example.com', tokenSecret: 'nightshift/argocd' },
        builds: [
          {
            project: 'api-develop',
            repository: 'https://github.com/example/api',
            branch: 'develop',
            applications: ['api'],
            create: { connection: CONNECTION },
          },
        ],
      },
    },
    production: {
      production: true,
      account: '222222222222',
      region: 'ap-northeast-1',
      cluster: 'production',
    },
  },
};

/** `CHANGE`: JSON of `[path, value]`, put into the config before it is used. */
const APP = `
import { readFileSync } from 'node:fs';
import { App } from 'aws-cdk-lib';
import { NightshiftStack } from 'eks-nightshift';
const config = JSON.parse(readFileSync('everything.json', 'utf8'));
const [path, value] = JSON.parse(process.env.CHANGE ?? '[]');
if (path) {
  const keys = path.split('.');
  const last = keys.pop();
  keys.reduce((at, key) => at[key], config)[last] = value;
}
const app = new App({ outdir: process.env.OUT, analyticsReporting: false });
try {
  for (const environment of Object.keys(config.environments))
    new NightshiftStack(app, 'Nightshift-' + environment, { config, environment });
  app.synth();
} catch (error) {
  if (error.name !== 'ConfigError') throw error;
  console.error(error.message);
  process.exitCode = 1;
}
`;

beforeAll(() => {
  const packed = run('npm', ['pack', '--json', '--pack-destination', directory], process.cwd());
  if (packed.status !== 0) throw new Error(`npm pack failed: ${packed.stderr}`);
  const [tarball = ''] = globSync('*.tgz', { cwd: directory });
  const { 'aws-cdk-lib': cdk, constructs, typescript, '@types/node': types } = MANIFEST.devDependencies;
  install(
    app,
    join(directory, tarball),
    `aws-cdk-lib@${cdk}`,
    `constructs@${constructs}`,
    `typescript@${typescript}`,
    `@types/node@${types}`,
  );
  for (const version of NODES) install(join(directory, `node-${version}`), `node@${version}`);
  writeFileSync(join(app, 'everything.json'), JSON.stringify(EVERYTHING));
  writeFileSync(join(app, 'app.mjs'), APP);
  for (const [index, snippet] of SNIPPETS.entries()) writeFileSync(join(app, `snippet-${index}.ts`), snippet);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('the snippets of the docs', () => {
  test('are there', () => {
    expect(SNIPPETS.length).toBeGreaterThanOrEqual(2);
  });

  test.for([
    ['nodenext', { module: 'nodenext' }],
    ['bundler', { module: 'esnext', moduleResolution: 'bundler' }],
  ] as const)('compile with the module resolution %s, strictly', ([name, options]) => {
    const compilerOptions = {
      ...options,
      target: 'es2024',
      strict: true,
      outDir: `out-${name}`,
      types: ['node'],
    };
    const files = SNIPPETS.map((_, index) => `snippet-${index}.ts`);
    writeFileSync(join(app, `tsconfig.${name}.json`), JSON.stringify({ compilerOptions, files }));
    const { status, stdout } = run('npx', ['tsc', '-p', `tsconfig.${name}.json`]);
    expect(stdout).toBe('');
    expect(status).toBe(0);
  });
});

describe.for(NODES)('on Node %s', (version) => {
  const start = (args: readonly string[], variables: Record<string, string> = {}) =>
    spawnSync(nodeOf(version), args, {
      cwd: app,
      encoding: 'utf8',
      env: { HOME: directory, PATH: process.env['PATH'] ?? '', ...variables },
    });

  test('the snippets of the docs synthesize', () => {
    for (const [index] of SNIPPETS.entries()) {
      const out = join(directory, `snippet-${index}-on-${version}`);
      const { status, stderr } = start([`out-nodenext/snippet-${index}.js`], { CDK_OUTDIR: out });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(globSync('*.template.json', { cwd: out })).toHaveLength(1);
    }
  });

  test('this is the Node that runs', () => {
    expect(start(['--version']).stdout).toMatch(new RegExp(`^v${version}\\.`));
  });

  test('a stack has everything that its config says', () => {
    const out = join(directory, `out-${version}`);
    const { status, stderr } = start(['app.mjs'], { OUT: out });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const template = JSON.parse(readFileSync(join(out, 'Nightshift-develop.template.json'), 'utf8')) as {
      Resources: Record<string, { Type: string; Properties: Record<string, never> }>;
    };
    const resources = Object.values(template.Resources);
    const types = new Set(resources.map(({ Type }) => Type));
    for (const type of [
      'AWS::Lambda::Function',
      'AWS::Scheduler::Schedule',
      'AWS::CodeBuild::Project',
      'AWS::SNS::Subscription',
      'AWS::KMS::Key',
      'AWS::CloudWatch::Alarm',
    ])
      expect([...types]).toContain(type);
    const functions = resources.filter(({ Type }) => Type === 'AWS::Lambda::Function');
    expect(functions).toHaveLength(3);
    for (const { Properties } of functions) {
      expect(Properties['VpcConfig']).toMatchObject({ SubnetIds: ['subnet-0a1b2c3d'] });
      expect(Properties['TracingConfig']).toEqual({ Mode: 'Active' });
    }
  });

  test.for([
    ['schedules.office.timeZone', 'Asia/Tokio', 'did you mean "Asia/Tokyo"?'],
    ['environments.develop.account', '1', 'write the 12 digits'],
    ['environments.develop.warnMinutes', -5, 'a whole number of minutes from 0 to 720'],
    ['environments.develop.region', 'ap-northeast-1a', 'write "ap-northeast-1"'],
    ['environments.develop.encryptionKey', 'alias/topics', "write 'create', or the ARN of a KMS key"],
    ['environments.production.schedule', 'office', 'drained and never stopped'],
  ] as const)('%s = %j is refused with one line', ([path, value, message]) => {
    const { status, stderr } = start(['app.mjs'], {
      OUT: join(directory, 'refused'),
      CHANGE: JSON.stringify([path, value]),
    });
    expect(status).toBe(1);
    const [head, ...lines] = stderr.trimEnd().split('\n');
    expect(head).toBe('the config is invalid:');
    expect(lines).toEqual([expect.stringContaining(message)]);
    expect(lines[0]).toContain(path);
  });

  test('the command line runs with a config in TypeScript, and knows its version', () => {
    const command = join(app, 'node_modules/eks-nightshift/bin/nightshift.mjs');
    const { calendars: _, ...rest } = EVERYTHING;
    const { calendar: __, ...office } = EVERYTHING.schedules.office;
    const config = { ...rest, schedules: { office } };
    writeFileSync(
      join(app, 'nightshift.config.ts'),
      `import { defineConfig } from 'eks-nightshift';\nexport default defineConfig(${JSON.stringify(config)});\n`,
    );
    expect(start([command, '--version']).stdout.trim()).toBe(MANIFEST.version);
    const { status, stdout, stderr } = start([command, 'plan', '--days', '2']);
    // A hint to people, beside what is printed for programs.
    const others = stderr.split('\n').filter((line) => line !== '' && !line.endsWith(WITHOUT_IMAGES));
    expect({ status, others }).toEqual({ status: 0, others: [] });
    expect(stdout).toContain('develop: office, up Mon-Fri 08:00-22:00 (Asia/Tokyo');
  });
});

test('the repository itself starts from a Node that is too old to run it', () => {
  const { status, stdout } = run(nodeOf('22'), [resolve('bin/nightshift.mjs'), '--version'], process.cwd());
  expect({ status, version: stdout.trim() }).toEqual({ status: 0, version: MANIFEST.version });
});
