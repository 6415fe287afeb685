/** `npm run simulate`: random nights with faults, and the checks of the promises after each. */
import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { Severity } from '#test/simulation/faults.ts';
import { breaches, morningFigures, printedFigures } from '#test/simulation/mornings/figures.ts';
import { PROMISES } from '#test/simulation/outcome.ts';
import { reportOf } from '#test/simulation/report.ts';
import { shrink } from '#test/simulation/shrink.ts';
import { simulateMany } from '#test/simulation/simulate-many.ts';
import { listOfStories, STORIES } from '#test/simulation/stories.ts';

const program = new Command('simulate')
  .description(
    'Runs the real program through random nights with faults in every call, and checks its promises.',
  )
  .option('--nights <n>', 'number of nights', wholeNumber(1, 1_000_000), 1000)
  .option(
    '--seed <s>',
    'seed of the first night; the following nights use the following seeds',
    wholeNumber(0, 4_000_000_000),
    1,
  )
  .addOption(
    new Option('--faults <how>', 'severity of the faults')
      .choices(['none', 'light', 'heavy'])
      .default('heavy'),
  )
  .option(
    '--mornings <n>',
    'instead of nights: the figures of promise 10, over so many seeds with 60 mornings each',
    wholeNumber(1, 10_000),
  )
  .option('--json', 'print one JSON object')
  .addHelpText(
    'after',
    `
Examples:
  npm run simulate -- --nights 10000 --seed 1 --faults heavy
  npm run simulate -- --nights 1 --seed 4720 --faults heavy     replay one night
  npm run simulate -- --mornings 20 --seed 2001                how many mornings are ready in time

Each night plays one of: ${listOfStories()}.`,
  )
  .parse();

const options = program.opts<{
  nights: number;
  seed: number;
  faults: Severity;
  json?: true;
  mornings?: number;
}>();
if (options.mornings !== undefined) await simulateMornings(options.mornings);
else await simulateNights();

async function simulateMornings(count: number): Promise<void> {
  const seeds = Array.from({ length: count }, (_, index) => options.seed + index);
  const figures = await morningFigures(seeds);
  console.log(options.json ? JSON.stringify(figures) : printedFigures(figures, seeds));
  if (breaches(figures).length > 0) process.exitCode = 1;
}

async function simulateNights(): Promise<void> {
  const showProgress = process.stderr.isTTY && !options.json;
  const startedAt = performance.now();
  const tally = await simulateMany({
    nights: options.nights,
    seed: options.seed,
    severity: options.faults,
    ...(showProgress
      ? { onProgress: (done: number) => process.stderr.write(`\r${done} of ${options.nights} nights`) }
      : {}),
  });
  if (showProgress) process.stderr.write('\r\x1b[K');

  if (options.json) console.log(JSON.stringify(tally));
  else {
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    console.log(reportOf(tally, { seed: options.seed, severity: options.faults }));
    console.log(`took ${seconds} s on ${availableParallelism()} processors`);
  }

  const [first] = tally.failures;
  if (first) {
    process.exitCode = 1;
    const simulate = STORIES[first.story];
    if (simulate && !options.json) {
      const { outcome, severity } = await shrink(simulate, { ...first, severity: options.faults });
      console.log(
        `\nfirst broken promise: ${first.promise}. ${PROMISES[first.promise]} (${first.story}, seed ${first.seed})`,
      );
      for (const { what } of outcome.violations) console.log(`  ${what}`);
      console.log('shortest trace that reproduces it:');
      for (const line of outcome.trace) console.log(`  ${line}`);
      console.log(`replay: npm run simulate -- --nights 1 --seed ${first.seed} --faults ${severity}`);
    }
  }
}

function wholeNumber(low: number, high: number) {
  return (text: string): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < low || value > high)
      throw new InvalidArgumentError(`use a whole number from ${low} to ${high}, for example ${low + 1}`);
    return value;
  };
}
