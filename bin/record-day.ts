/**
 * Records the sample day for `nightshift console --demo`: every write to the tables, with its time, as the functions made
 * it on the lab.
 *
 *   node bin/record-day.ts
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { AwsExchange } from '@nightshift/lab/http/aws/server.ts';
import type { RecordedDay, RecordedWrite } from '#cli/console/demo/recorded-day.ts';
import type { Lab } from '#demo/lab.ts';
import { playSampleDay } from '#demo/sample/sample-day.ts';
import { synthesize } from '#demo/synthesize.ts';
import { loadConfig } from '#lib/config-file.ts';

/** The recording is the same whenever it is made. */
const NOW = new Date('2026-11-22T00:00:00Z');
const FILE = 'cli/console/demo/recorded-day.json.gz';
/** What the console reads. */
const PARTITIONS = new Set(['night', 'override', 'deploy', 'ledger', 'decision']);

const loaded = await loadConfig();
const directory = mkdtempSync(path.join(tmpdir(), 'nightshift-record-'));
const assemblyDir = path.join(directory, 'out');
const writes: RecordedWrite[] = [];
let lab: Lab | undefined;
try {
  await synthesize({ configPath: loaded.path, directory: assemblyDir });
  const day = await playSampleDay({
    config: loaded.config,
    assemblyDir,
    now: NOW,
    onReady(started) {
      lab = started;
    },
    onExchange: (exchange) => record(exchange),
  });
  lab = day.lab;
  const recorded: RecordedDay = {
    config: loaded.config,
    from: day.plan.start.toISOString(),
    to: day.plan.end.toISOString(),
    writes,
  };
  const packed = gzipSync(JSON.stringify(recorded), { level: 9 });
  writeFileSync(FILE, packed);
  process.stdout.write(`${FILE}: ${writes.length} writes, ${packed.length} bytes\n`);
} finally {
  await lab?.close();
  rmSync(directory, { recursive: true });
}

function record({ service, request, reply }: AwsExchange): void {
  if (service !== 'dynamodb' || reply.status !== 200 || !lab) return;
  const operation = String(request.headers['x-amz-target']).split('.').at(-1);
  if (operation !== 'PutItem' && operation !== 'DeleteItem') return;
  const {
    TableName,
    Key,
    Item = Key,
  } = JSON.parse(request.body.toString()) as {
    TableName: string;
    Key?: Item;
    Item?: Item;
  };
  const [partition = '', key = ''] = [Item?.['pk']?.S, Item?.['sk']?.S];
  if (!PARTITIONS.has(partition)) return;
  writes.push({
    at: new Date(lab.context.clock.now()).toISOString(),
    environment: TableName.replace(/^.*nightshift-/, ''),
    partition,
    key,
    ...(operation === 'PutItem' ? { value: JSON.parse(Item?.['value']?.S ?? 'null') as unknown } : {}),
  });
}

type Item = Readonly<Record<string, { readonly S?: string }>>;
