import type { ConfigProblem } from '#model/config/problem.ts';
import { didYouMean } from '#model/nearest.ts';

/** The config is invalid. `problems` contains every problem found; the message has one line for each. */
export class ConfigError extends Error {
  override name = 'ConfigError';
  readonly file: string;
  readonly problems: readonly ConfigProblem[];

  constructor(file: string, problems: readonly ConfigProblem[], options: { cause?: unknown } = {}) {
    super(
      [`${file} is invalid:`, ...problems.map((problem) => `  ${formatProblem(problem)}`)].join('\n'),
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.file = file;
    this.problems = problems;
  }
}

function formatProblem({ path, value, message }: ConfigProblem): string {
  return [path, value, message].filter((part) => part !== undefined && part !== '').join(': ');
}

/** A name that a person typed belongs to no environment. The config itself is valid. */
export class UnknownEnvironmentError extends Error {
  override name = 'UnknownEnvironmentError';

  constructor(name: string, known: readonly string[], file: string) {
    super(`there is no environment "${name}" in ${file}: ${didYouMean(name, known)}`);
  }
}
