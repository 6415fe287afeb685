/**
 * docs/deploy.md, from an empty folder and account to the removal: each command of the page is run, in its order, in a project
 * that has the package from its tarball. The CDK and CloudFormation are those of others; the cluster is the lab's.
 */
import { spawn, spawnSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkedOn, note } from '../checked-on.ts';
import { type RunningLab, startRunningLab } from '../clients/a-running-lab.ts';
import { type Ministack, startMinistack } from '../servers/ministack.ts';
import { commandsOf } from './page.ts';

const ROOT = process.cwd();
const DEVELOP = '111111111111';
const STAGING = '222222222222';
const REGION = 'ap-northeast-1';

interface Expectation {
  readonly command: RegExp;
  /** `ministack`: CloudFormation and what it creates. `lab`: the cluster and the functions. */
  readonly on: 'ministack' | 'lab';
  /** What it prints, on either stream. */
  readonly prints?: RegExp;
  /** Exit code 1 is an answer too: `doctor` with a failure, `diff` with a difference. */
  readonly mayFail?: string;
  /** What is added because nobody types here. */
  readonly more?: string;
  /** Not run, and why. */
  readonly skipped?: string;
}

/** In the order in which a command is looked up; each command of the page must be here. */
const EXPECTED: readonly Expectation[] = [
  {
    command: /^npm install eks-nightshift /,
    on: 'lab',
    skipped: 'the package is not published: test/slow/installed-package.test.ts installs its tarball so',
  },
  { command: /^npx eks-nightshift init/, on: 'lab', more: ' --yes', prints: /nightshift\.config\.ts/ },
  { command: /^npm install$/, on: 'lab' },
  { command: /^npx nightshift plan/, on: 'lab', prints: /develop, staging: office, up Mon-Fri/ },
  { command: /^npx cdk synth/, on: 'ministack' },
  { command: /^aws eks describe-cluster/, on: 'lab', prints: /"API(_AND_CONFIG_MAP)?"/ },
  {
    command: /^aws eks update-cluster-config/,
    on: 'lab',
    skipped: 'the page says "if it says CONFIG_MAP", and the cluster says API',
  },
  { command: /^kubectl apply -k/, on: 'lab', prints: /(created|configured|unchanged)/ },
  {
    command: /^npx nightshift manifests/,
    on: 'lab',
    prints: /does not deploy through the Kubernetes API/,
    mayFail: 'the page says "with argocd.through", and the sample uses the server of Argo CD',
  },
  {
    command: /^kubectl delete -k/,
    on: 'lab',
    prints: /deleted/,
    mayFail: 'the folder of production is a part of the other',
  },
  { command: /^aws secretsmanager create-secret/, on: 'ministack', prints: /nightshift\/argocd-develop/ },
  { command: /^npx cdk bootstrap/, on: 'ministack', prints: /bootstrapped/ },
  { command: /^npx cdk diff/, on: 'ministack', prints: /Nightshift-develop/ },
  { command: /^npm update eks-nightshift && npx cdk diff/, on: 'ministack', prints: /Nightshift-develop/ },
  {
    command: /^npx cdk deploy/,
    on: 'ministack',
    more: ' --require-approval never --progress events',
    prints: /✅/,
  },
  {
    command: /^npx nightshift doctor/,
    on: 'lab',
    prints: /pod-ip-capacity/,
    mayFail: 'the lab has no subscriber of the alarms',
  },
  { command: /^npx nightshift status/, on: 'lab', prints: /awake/ },
  { command: /^npx nightshift explain/, on: 'lab', prints: /develop/ },
  { command: /^npx nightshift keep-up/, on: 'lab', prints: /develop/ },
  { command: /^npx nightshift wake/, on: 'lab', prints: /develop/ },
  { command: /^npx nightshift retire/, on: 'lab', prints: /next: cdk destroy Nightshift-develop/ },
  { command: /^npx cdk destroy/, on: 'ministack', more: ' --force', prints: /destroyed/ },
  { command: /^aws cloudformation delete-stack/, on: 'ministack' },
  {
    command: /^aws dynamodb delete-resource-policy/,
    on: 'ministack',
    mayFail: 'ministack keeps no policies of tables',
  },
  { command: /^aws dynamodb delete-table/, on: 'ministack', prints: /nightshift-develop/ },
  {
    command: /^npx nightshift restore/,
    on: 'lab',
    prints: /night-schedule ran on the table nightshift-develop|nothing to restore/,
    mayFail: 'night-schedule still runs on the lab',
  },
  { command: /^aws dynamodb query/, on: 'lab', prints: /"Items"/ },
];

const COMMANDS = commandsOf(readFileSync('docs/deploy.md', 'utf8'));
const expectationOf = (command: string) => EXPECTED.find((one) => one.command.test(command));

const directory = mkdtempSync(path.join(tmpdir(), 'nightshift-page-'));
const project = path.join(directory, 'project');
let ministack: Ministack;
let lab: RunningLab;

checkedOn(() => `ministack ${ministack.version}, and the lab`);

/** Of an adopter's shell: no variable of npm's or of this run, the project's programs only through npx. */
function shell(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|NODE_(?!EXTRA_CA)|VITEST|AWS_)/.test(name),
  );
  const node = path.dirname(process.execPath);
  const folders = (process.env['PATH'] ?? '')
    .split(path.delimiter)
    .filter((one) => !one.includes('node_modules'));
  return {
    ...Object.fromEntries(own),
    PATH: [node, ...folders].join(path.delimiter),
    CI: 'true',
    NO_COLOR: '1',
  };
}

function succeed(command: string, cwd: string): void {
  const { status, stdout, stderr } = spawnSync('sh', ['-c', command], {
    cwd,
    env: shell(),
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${command}: ${stdout}${stderr}`);
}

/** The tarball, and what `npm install` would bring from a registry; ministack needs a template without what it does not know. */
function makeProject(): void {
  const { devDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    devDependencies: Record<string, string>;
  };
  mkdirSync(project);
  succeed(`npm pack --pack-destination ${directory}`, ROOT);
  const tarball = path.join(directory, globSync('*.tgz', { cwd: directory })[0] ?? '');
  const packages = ['aws-cdk', 'aws-cdk-lib', 'constructs'].map((name) => `${name}@${devDependencies[name]}`);
  writeFileSync(path.join(project, 'package.json'), '{ "private": true, "type": "module" }');
  succeed(`npm install --no-audit --no-fund --prefer-offline ${tarball} ${packages.join(' ')}`, project);
  writeFileSync(path.join(project, 'token.txt'), 'token');
  writeFileSync(
    path.join(directory, 'aws-config'),
    `[profile staging]\nregion = ${REGION}\naws_access_key_id = ${STAGING}\naws_secret_access_key = x\n`,
  );
}

/** "Correct account, region, cluster and hours": those of the sample, whose cluster the lab has. */
function correctConfig(): void {
  const sample = readFileSync(path.join(ROOT, 'nightshift.config.ts'), 'utf8');
  writeFileSync(
    path.join(project, 'nightshift.config.ts'),
    sample.replace("'./model/config.ts'", "'eks-nightshift'"),
  );
  const file = path.join(project, 'cdk.json');
  const cdk = JSON.parse(readFileSync(file, 'utf8')) as { app: string };
  const strip = path.join(ROOT, 'test/conformance/deploy/strip.ts');
  writeFileSync(file, JSON.stringify({ ...cdk, app: `${cdk.app} && ${process.execPath} ${strip}` }));
}

function environmentOf(on: Expectation['on'], command: string): NodeJS.ProcessEnv {
  if (on === 'lab') {
    const { PATH: _, ...variables } = lab.environment('develop');
    const cluster = command.includes('production') ? 'production' : 'develop';
    return { ...variables, ...shell(), KUBECONFIG: lab.kubeconfig(cluster) };
  }
  return {
    ...shell(),
    CDK_VALIDATION: 'false',
    AWS_ENDPOINT_URL: ministack.url,
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    AWS_CONFIG_FILE: path.join(directory, 'aws-config'),
    AWS_PAGER: '',
    // With a profile it is the profile that names the account.
    ...(command.includes('--profile') ? {} : { AWS_ACCESS_KEY_ID: DEVELOP, AWS_SECRET_ACCESS_KEY: 'x' }),
  };
}

function run(
  command: string,
  on: Expectation['on'],
): Promise<{ readonly code: number | null; readonly text: string }> {
  const child = spawn('bash', ['-o', 'pipefail', '-c', command], {
    cwd: project,
    env: environmentOf(on, command),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  child.stderr.on('data', (chunk) => (text += chunk));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, text }));
  });
}

beforeAll(async () => {
  makeProject();
  [ministack, lab] = await Promise.all([
    startMinistack(process.env['MINISTACK_ASSETS'] ?? '', { account: DEVELOP, region: REGION }),
    startRunningLab(),
  ]);
}, 900_000);
afterAll(async () => {
  await Promise.all([ministack?.close(), lab?.close()]);
  rmSync(directory, { recursive: true, force: true });
});

describe('docs/deploy.md', { retry: 0 }, () => {
  test('has no command that this walk does not know', () => {
    expect(COMMANDS.length).toBeGreaterThan(25);
    expect(COMMANDS.filter(({ command }) => !expectationOf(command))).toEqual([]);
  });

  test.for(COMMANDS.map(({ heading, command }) => [heading, command] as const))(
    '%s: %s',
    { timeout: 600_000 },
    async ([, command], context) => {
      const expected = expectationOf(command);
      if (!expected) return expect.unreachable();
      if (expected.skipped !== undefined) {
        note(context, `Not run: ${expected.skipped}.`);
        return context.skip();
      }
      const { code, text } = await run(`${command}${expected.more ?? ''}`, expected.on);
      if (expected.prints) expect(text).toMatch(expected.prints);
      if (code !== 0 && expected.mayFail !== undefined)
        note(context, `Exit code ${code}: ${expected.mayFail}.`);
      else expect({ code, text: code === 0 ? '' : text }).toEqual({ code: 0, text: '' });
      if (command.startsWith('npx eks-nightshift init')) correctConfig();
    },
  );
});
