/** `npm run conformance`: tests the adapters, the lab and the templates with third-party servers and tools. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Argument, Command } from 'commander';
import { startVitest } from 'vitest/node';
import { PARTS, type PartName } from '#test/conformance/servers/parts.ts';
import { type PartReport, sectionsOf, withSections } from '#test/conformance/servers/report.ts';
import { createFindings } from '#test/conformance/servers/reporter.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SUITES = path.join(ROOT, 'test/conformance');
const DOCUMENT = path.join(ROOT, 'docs/conformance.md');

const program = new Command('conformance')
  .description(
    'Checks every external behaviour that eks-nightshift relies on, with the real servers and clients that are installed.',
  )
  .addArgument(
    new Argument('[parts...]', 'parts to run (default: all)').choices(PARTS.map(({ name }) => name)),
  )
  .option('--write', 'write the tables into docs/conformance.md')
  .addHelpText(
    'after',
    `
Requirements of each part:
${PARTS.map(({ name, needs }) => `  ${name.padEnd(11)} ${needs}`).join('\n')}

Examples:
  npm run conformance
  KUBEBUILDER_ASSETS=/opt/kubebuilder/bin npm run conformance -- kubernetes
  AWS_ENDPOINT_URL=http://127.0.0.1:5000 npm run conformance -- aws --write`,
  )
  .parse();

const [chosen] = program.processedArgs as [PartName[]];
const { write } = program.opts<{ write?: true }>();
const parts = PARTS.filter(({ name }) => chosen.length === 0 || chosen.includes(name)).map((part) => ({
  part,
  missing: part.missing(process.env),
}));
const runnable = parts.filter(({ missing }) => missing === undefined).map(({ part }) => part.name);

const collected = createFindings((file) => path.relative(SUITES, file).split(path.sep)[0] as PartName);
if (runnable.length > 0) {
  const vitest = await startVitest(
    runnable.map((name) => `test/conformance/${name}/`),
    {
      root: ROOT,
      config: path.join(SUITES, 'vitest.config.ts'),
      run: true,
      watch: false,
      reporters: ['default', collected],
    },
  );
  await vitest.close();
}

const reports: PartReport[] = parts.map(({ part, missing }) => ({
  name: part.name,
  title: part.title,
  ...(missing === undefined ? {} : { missing }),
  findings: collected.findings.filter((finding) => finding.part === part.name),
}));
const sections = sectionsOf(reports, new Date().toISOString().slice(0, 10));
console.log([...sections.values()].join('\n\n'));
if (write) await writeFile(DOCUMENT, withSections(await readFile(DOCUMENT, 'utf8'), sections));

// A suite that failed to load has no findings, but then Vitest has already set the exit code.
if (collected.findings.some(({ result }) => result === 'differs')) process.exitCode = 1;
for (const name of runnable)
  if (!collected.findings.some(({ part }) => part === name)) {
    console.error(`conformance: no test of ${name} ran: see above`);
    process.exitCode = 1;
  }
