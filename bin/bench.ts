/** `npm run bench`: the figures that the design sets targets for, measured here and now. */
import { cpus } from 'node:os';
import { Argument, Command, InvalidArgumentError } from 'commander';
import { type BenchResult, table } from '#test/bench/bench.ts';
import { BENCHES } from '#test/bench/benches.ts';
import { clearSites } from '#test/bench/site.ts';

const program = new Command('bench')
  .description(
    'Measures, and holds each figure against its target. Timing is measured here and asserted nowhere.',
  )
  .addArgument(new Argument('[bench]', 'one of them; all when left out').choices(Object.keys(BENCHES)))
  .option(
    '--runs <n>',
    'how often each thing is timed',
    (text) => {
      const runs = Number(text);
      if (!Number.isInteger(runs) || runs < 1 || runs > 1000)
        throw new InvalidArgumentError('write a whole number from 1 to 1000, for example 15');
      return runs;
    },
    15,
  )
  .option('--json', 'print one JSON object')
  .addHelpText('after', '\nExamples:\n  npm run bench\n  npm run bench -- cold-start --runs 30')
  .parse();

const [only] = program.processedArgs as [string | undefined];
const { runs, json } = program.opts<{ runs: number; json?: true }>();
const results: BenchResult[] = [];
try {
  for (const [name, bench] of Object.entries(BENCHES)) {
    if (only !== undefined && only !== name) continue;
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
const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.versions.node}`;
if (json) console.log(JSON.stringify({ machine, date: new Date().toISOString(), results }));
else console.log(`${machine}, ${new Date().toISOString().slice(0, 10)}`);
const missed = results
  .flatMap((result) => result.figures)
  .filter((figure) => figure.target && !figure.target.met);
if (missed.length > 0) {
  if (!json) console.log(`targets not met: ${missed.map((figure) => figure.what).join('; ')}`);
  process.exitCode = 1;
}
