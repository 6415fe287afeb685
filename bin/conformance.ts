/** `npm run conformance`: the adapters, the lab and the templates against software that this project did not write. */
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
    'Checks every outside behaviour that eks-nightshift relies on against real servers and clients, as far as they are here.',
  )
  .addArgument(
    new Argument('[parts...]', 'which of them; all when left out').choices(PARTS.map(({ name }) => name)),
  )
  .option('--write', 'write the tables into docs/conformance.md')
  .addHelpText(
    'after',
    `
What each part needs:
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
const able = parts.filter(({ missing }) => missing === undefined).map(({ part }) => part.name);

const collected = createFindings((file) => path.relative(SUITES, file).split(path.sep)[0] as PartName);
if (able.length > 0) {
  const vitest = await startVitest(
    able.map((name) => `test/conformance/${name}/`),
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

// A suite that could not be loaded has no finding, but Vitest has set the exit code then.
if (collected.findings.some(({ result }) => result === 'differs')) process.exitCode = 1;
for (const name of able)
  if (!collected.findings.some(({ part }) => part === name)) {
    console.error(`conformance: no test of ${name} ran: see above`);
    process.exitCode = 1;
  }
