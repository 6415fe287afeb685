/** `npm run bench`: measures the figures for which the design sets targets. */

import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { Argument, Command, InvalidArgumentError } from 'commander';
import { type BenchResult, table } from '#test/bench/bench.ts';
import { BENCHES } from '#test/bench/benches.ts';
import { growthPicture } from '#test/bench/growth.ts';
import { clearSites } from '#test/bench/site.ts';

const program = new Command('bench')
  .description('Measures each figure and compares it with its target. No test asserts a timing.')
  .addArgument(new Argument('[bench]', 'benchmark to run (default: all)').choices(Object.keys(BENCHES)))
  .option(
    '--runs <n>',
    'repetitions of each measurement',
    (text) => {
      const runs = Number(text);
      if (!Number.isInteger(runs) || runs < 1 || runs > 1000)
        throw new InvalidArgumentError('use a whole number from 1 to 1000, for example 15');
      return runs;
    },
    15,
  )
  .option('--json', 'print one JSON object')
  .option('--picture <file>', 'run pass and scale, and draw how their figures grow into this SVG file')
  .addHelpText(
    'after',
    '\nExamples:\n  npm run bench\n  npm run bench -- cold-start --runs 30\n  npm run bench -- --picture docs/growth.svg',
  )
  .parse();

const [only] = program.processedArgs as [string | undefined];
const { runs, json, picture } = program.opts<{ runs: number; json?: true; picture?: string }>();
if (picture !== undefined && only !== undefined)
  program.error(`error: --picture runs pass and scale: leave out "${only}"`);
const DRAWN = ['pass', 'scale'];
const results: BenchResult[] = [];
try {
  for (const [name, bench] of Object.entries(BENCHES)) {
    if (only !== undefined && only !== name) continue;
    if (picture !== undefined && !DRAWN.includes(name)) continue;
    const result = await bench({
      runs,
      log: (line) => void (process.stderr.isTTY && process.stderr.write(`${line}\n`)),
    });
    results.push(result);
    if (!json) console.log(`${table(result)}\n`);
  }
} finally {
  await clearSites();
}
if (picture !== undefined) await writeFile(picture, growthPicture(results));
const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.versions.node}`;
if (json) console.log(JSON.stringify({ machine, date: new Date().toISOString(), results }));
else console.log(`${machine}, ${new Date().toISOString().slice(0, 10)}`);
const [missing] = results.flatMap((result) => result.missing ?? []);
if (only !== undefined && missing !== undefined) program.error(`error: ${only} cannot run here: ${missing}`);
const missed = results
  .flatMap((result) => result.figures)
  .filter((figure) => figure.target && !figure.target.met);
if (missed.length > 0) {
  if (!json) console.log(`targets not met: ${missed.map((figure) => figure.what).join('; ')}`);
  process.exitCode = 1;
}
