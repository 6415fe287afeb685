/**
 * How time and size grow with what an adopter has: environments in one app, applications of one environment, records of
 * one table. The number of groups is measured by `pass`.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { serveAws } from '@nightshift/lab/http/aws/server.ts';
import { createAws } from '@nightshift/lab/world/aws/index.ts';
import { createContext } from '@nightshift/lab/world/context.ts';
import pMap from 'p-map';
import { synthesize } from '#demo/synthesize.ts';
import { createDesiredDeploys } from '#functions/adapters/dynamodb/desired-deploys.ts';
import { createTable } from '#functions/adapters/dynamodb/table.ts';
import { emptyRecord } from '#functions/branch-deploy/record.ts';
import { HOUR_MS } from '#model/duration.ts';
import { tableNameOf } from '#model/names.ts';
import { type Bench, type Figure, median } from './bench.ts';
import { MINUTE_MS, raiseSite, type Site, type SiteName, tickAt } from './site.ts';
import { fillTable, recordsOfDays } from './year-of-records.ts';

const ACCOUNT = '111111111111';
const REGION = 'ap-northeast-1';
const ENVIRONMENTS = [2, 10, 50, 200];
const APPLICATIONS: readonly (readonly [number, SiteName])[] = [
  [2, 'develop'],
  [50, 'fifty'],
  [500, 'five-hundred'],
];
const DAYS = [7, 30, 365];
/** CloudFormation's limit of a template. */
const TEMPLATE_LIMIT = 1_000_000;
const MEGABYTE = 1_000_000;

export const scale: Bench = async ({ runs, log }) => {
  const figures: Figure[] = [];
  for (const count of ENVIRONMENTS) {
    log(`scale: ${count} environments`);
    figures.push(...(await environments(count)));
  }
  for (const [count, site] of APPLICATIONS) {
    log(`scale: ${count} applications`);
    figures.push(...(await applications(count, site, Math.min(runs, 5))));
  }
  for (const days of DAYS) {
    log(`scale: a table of ${days} days`);
    figures.push(...(await table(days)));
  }
  return {
    bench: 'scale',
    method:
      'synth: the app in a process of its own; status, explain and savings: the command in a process of its own, from its start to its end, over the lab’s DynamoDB; a tick: the deployed function in a warm process, median; each on this machine',
    figures,
  };
};

/** The time of a synth, the size of what it writes, and the time of `status` over all of them. */
async function environments(count: number): Promise<Figure[]> {
  const names = Array.from({ length: count }, (_, index) => `team-${String(index + 1).padStart(3, '0')}`);
  return withFolder(async (folder) => {
    const configPath = await writeConfig(folder, names);
    const directory = path.join(folder, 'cdk.out');
    const began = performance.now();
    await synthesize({ configPath, directory });
    const synthMs = performance.now() - began;
    const templates = (await readdir(directory)).filter((file) => file.endsWith('.template.json'));
    const sizes = await pMap(templates, async (file) => (await stat(path.join(directory, file))).size);
    const largest = Math.max(...sizes);
    const status = await withTables({ configPath, names, days: 1 }, (run) => run('status'));
    return [
      { what: `${count} environments: synth`, value: synthMs / 1_000, unit: 's' },
      {
        what: `${count} environments: largest template`,
        value: largest / 1_000,
        unit: 'KB',
        target: { what: '< 1,000 KB, CloudFormation’s limit', met: largest < TEMPLATE_LIMIT },
      },
      { what: `${count} environments: status`, value: status.ms / 1_000, unit: 's' },
      { what: `${count} environments: status, AWS calls`, value: status.calls, unit: 'calls' },
    ];
  });
}

/** What branch-deploy does every minute when each application was deployed once and nothing waits. */
async function applications(count: number, name: SiteName, times: number): Promise<Figure[]> {
  const site = await raiseSite(name);
  try {
    await recordDeploys(site);
    const run = site.run('branch-deploy');
    const tick = () => site.live(() => run.invoke(tickAt(site.context.clock.now())));
    await tick();
    const measured: { readonly calls: number; readonly ms: number }[] = [];
    for (let time = 0; time < times; time++) {
      await site.pass(MINUTE_MS);
      const before = site.calls();
      const { consumption } = await tick();
      measured.push({ calls: site.calls() - before, ms: consumption.handlerMs });
    }
    return [
      {
        what: `${count} applications, quiet tick: AWS calls`,
        value: Math.max(...measured.map(({ calls }) => calls)),
        unit: 'calls',
      },
      {
        what: `${count} applications, quiet tick: time`,
        value: median(measured.map(({ ms }) => ms)),
        unit: 'ms',
      },
    ];
  } finally {
    await site.close();
  }
}

/** The records that a deploy of each application leaves. */
async function recordDeploys(site: Site): Promise<void> {
  const deploys = createDesiredDeploys(site.table);
  const { builds = [] } = site.environment.config.deploy ?? {};
  const at = new Date(site.context.clock.now() - HOUR_MS).toISOString();
  const applications = builds.flatMap((build) =>
    build.applications.map((application) => ({
      build,
      name: typeof application === 'string' ? application : application.name,
    })),
  );
  await pMap(
    applications,
    ({ build: { project, repository, branch }, name }) => {
      const build = { project, build: `${project}:${crypto.randomUUID()}`, number: 1, repository, branch };
      const newest = {
        ...build,
        recordedAt: at,
        trigger: 'event',
        outcome: 'deployed' as const,
        settledAt: at,
      };
      const record = { ...emptyRecord({ name, project: 'default' }), newest: { [project]: newest } };
      return deploys.saveIf(record, 'absent');
    },
    { concurrency: 20 },
  );
}

/** The records of an environment with seven groups and ten deploys a day. */
async function table(days: number): Promise<Figure[]> {
  const records = recordsOfDays('team-001', new Date(), days);
  const items = [records.state, records.mornings, ...records.ledger, ...records.decisions];
  const bytes = items.reduce((sum, item) => sum + Buffer.byteLength(JSON.stringify(item)), 0);
  return withFolder(async (folder) => {
    const names = ['team-001'];
    const configPath = await writeConfig(folder, names);
    const [explain, savings] = await withTables({ configPath, names, days }, async (run) => [
      await run('explain', 'team-001'),
      await run('savings', '--days', String(days)),
    ]);
    return [
      { what: `${days} days: items`, value: items.length, unit: 'items' },
      { what: `${days} days: size`, value: bytes / MEGABYTE, unit: 'MB' },
      { what: `${days} days: explain, the last day`, value: explain.ms / 1_000, unit: 's' },
      { what: `${days} days: savings of all of them`, value: savings.ms / 1_000, unit: 's' },
    ];
  });
}

async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(tmpdir(), 'nightshift-scale-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function writeConfig(folder: string, names: readonly string[]): Promise<string> {
  const file = path.join(folder, 'nightshift.config.json');
  const environment = (name: string) => ({
    account: ACCOUNT,
    region: REGION,
    cluster: name,
    schedule: 'office',
    nodegroups: 'all',
    deploy: {
      argocd: { url: `https://argocd.${name}.example.com`, tokenSecret: `nightshift/argocd-${name}` },
      builds: [
        {
          project: `api-${name}`,
          repository: 'https://github.com/example/api',
          branch: 'develop',
          applications: ['api'],
        },
      ],
    },
  });
  const config = {
    schedules: { office: { timeZone: 'Asia/Tokyo', up: ['Mon-Fri 08:00-22:00'] } },
    environments: Object.fromEntries(names.map((name) => [name, environment(name)])),
  };
  await writeFile(file, JSON.stringify(config));
  return file;
}

type Run = (...command: readonly string[]) => Promise<{ readonly ms: number; readonly calls: number }>;

/** Tables with the records of so many days, and a way to run commands of the program over them as an operator does. */
async function withTables<T>(
  { configPath, names, days }: { configPath: string; names: readonly string[]; days: number },
  work: (run: Run) => Promise<T>,
): Promise<T> {
  const aws = createAws(createContext({ start: new Date(), seed: 1 }));
  const operator = aws.addPrincipal({
    arn: `arn:aws:iam::${ACCOUNT}:role/Operator`,
    account: ACCOUNT,
    sessionName: 'ana',
  });
  const front = await serveAws({ aws });
  try {
    const credentials = {
      accessKeyId: operator.accessKeyId,
      secretAccessKey: operator.secretAccessKey,
      sessionToken: operator.sessionToken ?? '',
    };
    const client = new DynamoDBClient({ endpoint: front.url, region: REGION, credentials });
    for (const name of names) {
      await front.createTable({ account: ACCOUNT, region: REGION, name: tableNameOf(name) });
      await fillTable(createTable(client, tableNameOf(name)), recordsOfDays(name, new Date(), days));
    }
    client.destroy();
    const variables = {
      NIGHTSHIFT_CONFIG: configPath,
      AWS_ENDPOINT_URL: front.url,
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_SESSION_TOKEN: credentials.sessionToken,
    };
    return await work(async (...command) => {
      const before = front.calls.length;
      const began = performance.now();
      await runCommand(command, variables);
      return { ms: performance.now() - began, calls: front.calls.length - before };
    });
  } finally {
    await front.close();
  }
}

async function runCommand(
  command: readonly string[],
  variables: Readonly<Record<string, string>>,
): Promise<void> {
  const program = path.join(import.meta.dirname, '..', '..', 'bin', 'nightshift.ts');
  const child = spawn(process.execPath, [program, ...command], {
    env: { ...process.env, ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  if (code !== 0) throw new Error(`nightshift ${command.join(' ')} ended with ${code}: ${output.trim()}`);
}
