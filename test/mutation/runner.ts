/**
 * Runs the tests of the pure modules for Stryker in its own process, without vitest's workers: a mutation takes some
 * hundredths of a second instead of a third. The modules are loaded again for each mutation, so that no module state is
 * shared.
 */
import { globSync, readFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { InstrumenterContext } from '@stryker-mutator/api/core';
import {
  type DryRunResult,
  DryRunStatus,
  determineHitLimitReached,
  type MutantRunOptions,
  type MutantRunResult,
  type TestResult,
  type TestRunner,
  TestStatus,
  toMutantRunResult,
} from '@stryker-mutator/api/test-runner';
import fc from 'fast-check';
import { type Test, testsOf } from './collect.ts';

const TESTS_OF_MODULES = [
  'test/model/**/*.test.ts',
  'test/functions/*/{decide,claim}*.test.ts',
  'test/cli/doctor/pod-ip-capacity.test.ts',
];
/** Those of one module first, so that most mutations are found before the whole passes begin. */
const TESTS = [
  ...TESTS_OF_MODULES,
  'test/functions/{branch-deploy,doorbell,night-schedule,self-service,spot-drain}/*.test.ts',
];
/** Several seconds each, a server on a port, or a snapshot, which only vitest itself compares. */
const LEFT_OUT = [
  'test/model/every-zone.test.ts',
  'test/model/desired.property.test.ts',
  'test/functions/*/handler.test.ts',
  'test/functions/branch-deploy/{crash,events.property,reasons}.test.ts',
  'test/functions/doorbell/mistakes.test.ts',
  'test/functions/night-schedule/{built-in-pools,calls,doorbell-nights,warm-pool}.test.ts',
];

/** Stryker's globals: the instrumented code reads the active mutation here, and stores its coverage. */
type Stryker = Omit<InstrumenterContext, 'hitLimit'> & { hitLimit?: number | undefined };

class InProcessRunner implements TestRunner {
  readonly #modules = new Modules();
  /** The import graph; complete when all tests are loaded. */
  #files: readonly string[] = [];

  constructor() {
    // Deterministic: the same code gives the same score.
    fc.configureGlobal({ seed: 1 });
  }

  capabilities() {
    return { reloadEnvironment: true };
  }

  async dryRun(): Promise<DryRunResult> {
    const stryker = context();
    delete stryker.activeMutant;
    const tests: TestResult[] = [];
    for (const test of await this.#loadAll()) tests.push(await resultOf(test));
    return {
      status: DryRunStatus.Complete,
      tests,
      ...(stryker.mutantCoverage ? { mutantCoverage: stryker.mutantCoverage } : {}),
    };
  }

  async mutantRun(options: MutantRunOptions): Promise<MutantRunResult> {
    const { testFilter, hitLimit, activeMutant, mutantActivation, sandboxFileName } = options;
    const stryker = context();
    delete stryker.activeMutant;
    // The first run has no mutation, and shows which tests import which module.
    if (this.#files.length === 0) await this.#loadAll();
    const wanted = testFilter && new Set(testFilter);
    const files = testFilter
      ? new Set(testFilter.map((id) => id.slice(0, id.indexOf('#'))))
      : this.#testsThatLoad(sandboxFileName);

    this.#modules.forget();
    stryker.hitCount = 0;
    stryker.hitLimit = hitLimit;
    const tests: TestResult[] = [];
    for (const file of files) {
      if (mutantActivation === 'static') stryker.activeMutant = activeMutant.id;
      else delete stryker.activeMutant;
      const loaded = await testsOf(file, () => import(pathToFileURL(file).href)).catch(failedToLoad);
      stryker.activeMutant = activeMutant.id;
      for (const test of loaded) {
        if (test.id !== LOADING && wanted && !wanted.has(test.id)) continue;
        const result = await resultOf(test);
        tests.push(result);
        if (result.status === TestStatus.Failed && !options.disableBail) return judged();
      }
    }
    return judged();

    function judged(): MutantRunResult {
      const limit = determineHitLimitReached(stryker.hitCount, hitLimit);
      return toMutantRunResult(limit ?? { status: DryRunStatus.Complete, tests });
    }
  }

  /** Which tests reach code that runs while its module is loaded is not known, and all passes take a minute. */
  #testsThatLoad(file: string): ReadonlySet<string> {
    const tests = this.#modules.importersOf(file).filter((importer) => this.#files.includes(importer));
    const ofModules = new Set(globSync(TESTS_OF_MODULES));
    const few = tests.filter((test) => ofModules.has(test));
    return new Set(few.length > 0 ? few : tests);
  }

  async #loadAll(): Promise<Test[]> {
    const leftOut = new Set(globSync(LEFT_OUT));
    this.#files = [...new Set(TESTS.flatMap((pattern) => globSync(pattern).sort()))].filter(
      (file) => !leftOut.has(file),
    );
    this.#modules.forget();
    const tests: Test[] = [];
    for (const file of this.#files) {
      tests.push(...(await testsOf(file, () => import(pathToFileURL(file).href))));
    }
    return tests;
  }
}

/** The modules of the sandbox. A number in their URL makes Node load them again for each mutation. */
class Modules {
  readonly #root = pathToFileURL(`${process.cwd()}/`).href;
  readonly #sources = new Map<string, string>();
  readonly #importers = new Map<string, Set<string>>();
  #generation = 0;

  constructor() {
    registerHooks({
      resolve: (specifier, { parentURL = '', ...rest }, next) => {
        const ours = parentURL.startsWith(this.#root);
        if (ours && specifier === 'vitest') {
          return { url: new URL('./collect.ts', import.meta.url).href, shortCircuit: true };
        }
        const found = next(specifier, { parentURL, ...rest });
        if (!this.#isOurs(found.url)) return found;
        if (ours) this.#noteImport(bare(parentURL), found.url);
        return { ...found, url: `${found.url}?${this.#generation}` };
      },
      load: (url, loadContext, next) => {
        if (!this.#isOurs(url) || !bare(url).endsWith('.ts')) return next(url, loadContext);
        return { format: 'module', source: this.#source(bare(url)), shortCircuit: true };
      },
    });
  }

  forget(): void {
    this.#generation++;
  }

  /** The files that import a file directly or indirectly, nearest first, by their names in the sandbox. */
  importersOf(file: string): readonly string[] {
    const seen = new Set([pathToFileURL(file).href]);
    for (const url of seen) for (const importer of this.#importers.get(url) ?? []) seen.add(importer);
    return [...seen].map((url) => relative(process.cwd(), fileURLToPath(url)));
  }

  #isOurs(url: string): boolean {
    return url.startsWith(this.#root) && !url.includes('/node_modules/');
  }

  #noteImport(importer: string, imported: string): void {
    const known = this.#importers.get(imported) ?? new Set();
    this.#importers.set(imported, known.add(importer));
  }

  #source(url: string): string {
    const known = this.#sources.get(url) ?? stripTypeScriptTypes(readFileSync(fileURLToPath(url), 'utf8'));
    this.#sources.set(url, known);
    return known;
  }
}

async function resultOf({ id, name, file, run }: Test): Promise<TestResult> {
  const stryker = context();
  const begun = performance.now();
  stryker.currentTestId = id;
  let failure: unknown;
  try {
    await run();
  } catch (error) {
    failure = error ?? 'nothing was thrown';
  }
  delete stryker.currentTestId;
  const result = { id, name, fileName: file, timeSpentMs: performance.now() - begun };
  return failure === undefined
    ? { ...result, status: TestStatus.Success }
    : { ...result, status: TestStatus.Failed, failureMessage: String(failure) };
}

const LOADING = 'loading';

/** A test file that fails to load with a mutation has killed it. */
function failedToLoad(error: unknown): readonly Test[] {
  const run = () => {
    throw error;
  };
  return [{ id: LOADING, name: LOADING, file: LOADING, run }];
}

function context(): Stryker {
  const known = globalThis as { __stryker__?: Stryker };
  known.__stryker__ ??= {} as Stryker;
  return known.__stryker__;
}

function bare(url: string): string {
  return url.replace(/\?\d+$/, '');
}

function create(): TestRunner {
  return new InProcessRunner();
}
create.inject = [] as const;

export const strykerPlugins = [{ kind: 'TestRunner', name: 'in-process', factory: create }];
