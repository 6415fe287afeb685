/**
 * The subset of vitest that the tests of pure modules use: `describe` and `test`, with `each` and `for`, and
 * `onTestFinished`. They only collect the tests; the runner runs them. `expect` is vitest's own. A missing function
 * throws, so that no test is skipped silently.
 */
import { format } from 'node:util';

export { expect } from 'vitest';

export interface Test {
  /** File, describes and name: the same in every run. */
  readonly id: string;
  readonly name: string;
  readonly file: string;
  readonly run: () => unknown;
}

type Body = (...given: never[]) => unknown;

let file = '';
let path: readonly string[] = [];
let found: Map<string, Test> = new Map();
let finishing: (() => unknown)[] = [];

/** Collects the tests of one file. `load` imports it. */
export async function testsOf(testFile: string, load: () => Promise<unknown>): Promise<readonly Test[]> {
  file = testFile;
  path = [];
  found = new Map();
  await load();
  return [...found.values()];
}

export const describe = Object.assign(group, { each: eachGroup });

function group(name: string, body: () => void): void {
  path = [...path, name];
  body();
  path = path.slice(0, -1);
}

export function onTestFinished(finish: () => unknown): void {
  finishing.push(finish);
}

export const it = Object.assign(note, { each, for: forEach });
export const test = it;

function note(name: string, run: () => unknown): void {
  const full = [...path, name].join(' > ');
  let id = `${file}#${full}`;
  for (let again = 2; found.has(id); again++) id = `${file}#${full} (${again})`;
  found.set(id, { id, name: full, file, run: () => finished(run) });
}

async function finished(run: () => unknown): Promise<void> {
  finishing = [];
  try {
    await run();
  } finally {
    for (const finish of finishing.reverse()) await finish();
  }
}

/** An array row is spread over the arguments. */
function each(rows: readonly unknown[]) {
  return (name: string, body: Body) => {
    for (const given of spread(rows)) note(titled(name, given), () => body(...given));
  };
}

function eachGroup(rows: readonly unknown[]) {
  return (name: string, body: (...given: never[]) => void) => {
    for (const given of spread(rows)) group(titled(name, given), () => body(...given));
  };
}

function spread(rows: readonly unknown[]): readonly (readonly never[])[] {
  return rows.map((row) => (Array.isArray(row) ? row : [row])) as never[][];
}

function forEach(rows: readonly unknown[]) {
  return (name: string, body: Body) => {
    for (const row of rows) note(titled(name, [row]), () => body(row as never));
  };
}

function titled(name: string, given: readonly unknown[]): string {
  const places = name.match(/%[sdjio]/g)?.length ?? 0;
  return format(name, ...given.slice(0, places));
}
