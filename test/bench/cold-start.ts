/**
 * Process start → handler ready, for each function's bundle, beside an empty handler and two bare ones with the SDK's clients
 * of the services that each invocation calls: bundled as the SDK is, and without the credential chain as the functions are.
 * And the bytes that a start loads: the entry file with its static imports, not the chunks of an `import()`.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildSync } from 'esbuild';
import { type Bundle, bundle, bundleOptions, limitOf } from '#lib/bundle/function-bundle.ts';
import { loadConfig } from '#lib/config-file.ts';
import { settingsOf } from '#lib/settings/settings.ts';
import type { EnvironmentConfig } from '#model/config.ts';
import type { Capability } from '#model/decision.ts';
import { LINK_KEY_VARIABLE, SETTINGS_VARIABLE, TABLE_VARIABLE } from '#model/settings.ts';
import { type Bench, type Figure, median } from './bench.ts';

/** A start may take so much of what a bare handler takes that calls the same services by the SDK. */
const START_RATIO = 0.85;

const CAPABILITIES: readonly Capability[] = [
  'night-schedule',
  'spot-drain',
  'branch-deploy',
  'self-service',
  'doorbell',
];

export const coldStart: Bench = async ({ runs, log }) => {
  const folder = mkdtempSync(join(tmpdir(), 'nightshift-bench-'));
  try {
    const settingsFor = await measuredSettings();
    const empty = emptyHandler(folder);
    const figures: Figure[] = [];
    const notes: string[] = [];
    for (const capability of CAPABILITIES) {
      log(`cold-start: ${capability}`);
      const directory = join(folder, capability);
      mkdirSync(directory);
      const made = bundle(capability, directory);
      const environment = {
        AWS_REGION: settingsFor['spot-drain'].region,
        AWS_ACCESS_KEY_ID: 'a',
        AWS_SECRET_ACCESS_KEY: 'b',
        [TABLE_VARIABLE]: 'nightshift',
        [LINK_KEY_VARIABLE]:
          'arn:aws:kms:ap-northeast-1:111111111111:key/01234567-89ab-4def-8123-456789abcdef',
        [SETTINGS_VARIABLE]: JSON.stringify(settingsFor[capability]),
      };
      const times = await inTurn(runs, environment, {
        ours: join(directory, 'index.mjs'),
        bare: bareHandler(directory, capability, { chain: true }),
        lean: bareHandler(directory, capability, { chain: false }),
        empty,
      });
      figures.push(...figuresOf(capability, made, times));
      const parts = made.start.parts
        .slice(0, 8)
        .map((part) => `${part.name} ${Math.round(part.bytes / 1000)}`);
      notes.push(`${capability}, KB loaded at a start, by package: ${parts.join(', ')}`);
    }
    return {
      bench: 'cold-start',
      method: `median of ${runs} new processes each, in turn`,
      figures,
      notes,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

async function measuredSettings() {
  const { config } = await loadConfig();
  const name = Object.entries(config.environments).find(
    ([, one]) => !one.production && one.schedule && one.deploy,
  )?.[0];
  if (name === undefined)
    throw new Error('the config has no environment with a schedule and a deploy to measure');
  const environment = {
    ...config.environments[name],
    selfService: { links: true },
    doorbell: { cloudFront: true, applications: ['https://api.example.com/'] },
  } as EnvironmentConfig;
  const environments = { ...config.environments, [name]: environment };
  const settings = settingsOf({ ...config, environments }, name, new Date());
  return {
    'night-schedule': settings.nightSchedule,
    'spot-drain': settings.spotDrain,
    'branch-deploy': settings.branchDeploy,
    'self-service': settings.selfService,
    doorbell: settings.doorbell,
  };
}

function figuresOf(capability: Capability, made: Bundle, times: Times): Figure[] {
  return [
    ...starts(capability, times),
    {
      what: `${capability}, empty handler`,
      value: times.empty.wall,
      unit: 'ms',
    },
    {
      what: `${capability}, loaded at a start`,
      value: made.start.bytes / 1000,
      unit: 'KB',
      target: { what: `≤ ${limitOf(capability) / 1000} KB`, met: made.start.bytes <= limitOf(capability) },
    },
    { what: `${capability}, all chunks`, value: made.bytes / 1000, unit: 'KB' },
  ];
}

function starts(capability: Capability, { ours, bare, lean }: Times): Figure[] {
  const what = 'bare handler, the same services by the SDK';
  return [
    {
      what: `${capability}, start`,
      value: ours.wall,
      unit: 'ms',
      baseline: { what, value: bare.wall },
      target: { what: `≤ ${START_RATIO} ×`, met: ours.wall <= START_RATIO * bare.wall },
    },
    {
      what: `${capability}, start, processor time`,
      value: ours.cpu,
      unit: 'ms',
      baseline: { what, value: bare.cpu },
    },
    {
      what: `${capability}, start, beside lean`,
      value: ours.wall,
      unit: 'ms',
      baseline: { what: 'bare handler without the credential chain', value: lean.wall },
    },
  ];
}

function emptyHandler(folder: string): string {
  const file = join(folder, 'empty.mjs');
  writeFileSync(file, 'export const handler = async () => undefined;\n');
  return file;
}

/** Those clients, bundled with the options of the stack, and nothing else. */
function bareHandler(
  directory: string,
  capability: Capability,
  { chain }: { readonly chain: boolean },
): string {
  const clients = capability === 'night-schedule' ? [TABLE, GROUPS] : [TABLE];
  const source = join(directory, 'bare.ts');
  const file = join(directory, chain ? 'bare.mjs' : 'lean.mjs');
  writeFileSync(
    source,
    [
      ...clients.map(({ name }, index) => `import * as sdk${index} from '${name}';`),
      'const region = process.env.AWS_REGION;',
      "const credentials = async () => ({ accessKeyId: 'a', secretAccessKey: 'b' });",
      `export const clients = [${clients.map(({ client }, index) => `new sdk${index}.${client}({ region, credentials })`).join(', ')}];`,
      'export const handler = async () => clients.length;',
    ].join('\n'),
  );
  const { metafile: _, alias, ...options } = bundleOptions(capability);
  buildSync({
    ...options,
    ...(chain ? {} : { alias }),
    entryPoints: [source],
    outfile: file,
    nodePaths: [join(import.meta.dirname, '../../node_modules')],
  });
  return file;
}

/** What each invocation calls: the table, and night-schedule the groups too. */
const TABLE = { name: '@aws-sdk/client-dynamodb', client: 'DynamoDBClient' };
const GROUPS = { name: '@aws-sdk/client-auto-scaling', client: 'AutoScalingClient' };

type Times = Readonly<Record<'ours' | 'bare' | 'lean' | 'empty', Start>>;

interface Start {
  /** From the start of the process until the handler could be called, in milliseconds. */
  readonly wall: number;
  /** User and system time until then. */
  readonly cpu: number;
}

async function inTurn<T extends string>(
  runs: number,
  environment: Readonly<Record<string, string>>,
  files: Readonly<Record<T, string>>,
): Promise<Record<T, Start>> {
  const names = Object.keys(files) as T[];
  const starts = Object.fromEntries(names.map((name) => [name, [] as Start[]])) as Record<T, Start[]>;
  for (let run = -1; run < runs; run++)
    for (const name of names) {
      const start = await startOf(files[name], environment);
      // The first one warms the file cache.
      if (run >= 0) starts[name].push(start);
    }
  const middle = (name: T) => ({
    wall: median(starts[name].map(({ wall }) => wall)),
    cpu: median(starts[name].map(({ cpu }) => cpu)),
  });
  return Object.fromEntries(names.map((name) => [name, middle(name)])) as Record<T, Start>;
}

/** As the process itself counts. */
async function startOf(file: string, environment: Readonly<Record<string, string>>): Promise<Start> {
  const script = `const { handler } = await import(${JSON.stringify(`file://${file}`)});
const wall = performance.now();
if (typeof handler !== 'function') throw new Error('no handler');
const { user, system } = process.cpuUsage();
process.stdout.write(JSON.stringify({ wall, cpu: (user + system) / 1000 }));
process.exit(0);`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
    env: { ...environment },
  });
  return JSON.parse(stdout) as Start;
}
