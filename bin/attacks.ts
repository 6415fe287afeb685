/** `npm run attacks`: counts what test/attack/ tries, by file, and writes the table into docs/security.md. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const page = join(root, 'docs/security.md');
/** Those of the policy for Applications run on the lab here, and on the real kube-apiserver in `npm run conformance`. */
const ON_THE_LAB = 'test/lab/kubernetes/behaviours.test.ts';

const found = join(mkdtempSync(join(tmpdir(), 'nightshift-attacks-')), 'report.json');
const run = spawnSync(
  join(root, 'node_modules/.bin/vitest'),
  ['run', '--project', 'shared', '--reporter=json', `--outputFile=${found}`, 'test/attack', ON_THE_LAB],
  { cwd: root, encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 },
);
if (run.status === null || !existsSync(found)) throw new Error(`the tests did not run: ${run.stderr}`);
const report = JSON.parse(readFileSync(found, 'utf8')) as {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
};

const rows = report.testResults
  .map(({ name, assertionResults }) => {
    const isOfLab = name.endsWith(ON_THE_LAB);
    const tests = isOfLab
      ? assertionResults.filter(({ fullName }) => fullName.includes('the policy for Applications'))
      : assertionResults;
    return {
      file: isOfLab ? 'application-policy' : basename(name, '.test.ts'),
      passed: tests.filter(({ status }) => status === 'passed').length,
      failed: tests.filter(({ status }) => status === 'failed').length,
    };
  })
  .sort((a, b) => (a.file < b.file ? -1 : 1));
const failed = rows.reduce((sum, row) => sum + row.failed, 0);
if (rows.length === 0 || failed > 0) {
  process.stderr.write(`${run.stderr}\n${failed} attacks got through: docs/security.md was not changed\n`);
  process.exit(1);
}
const total = rows.reduce((sum, { passed }) => sum + passed, 0);
const table = [
  '| attack | cases | got through |',
  '|---|---|---|',
  ...rows.map(({ file, passed }) => `| \`${file}\` | ${passed} | 0 |`),
  `| **all** | **${total}** | **0** |`,
].join('\n');
const text = readFileSync(page, 'utf8');
const [before, after] = [text.split('<!-- attacks -->')[0], text.split('<!-- /attacks -->')[1]];
if (before === undefined || after === undefined)
  throw new Error(`${page} has no place for the table: <!-- attacks --> … <!-- /attacks -->`);
writeFileSync(page, `${before}<!-- attacks -->\n${table}\n<!-- /attacks -->${after}`);
process.stdout.write(`${table}\n`);
