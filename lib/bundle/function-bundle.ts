/**
 * How a function becomes an entry file and its chunks. The same options build the asset of the stack, the bundles of the
 * published package and those that the tests and the bench measure, so a figure in a test is a figure of what is deployed.
 */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type BuildOptions, buildSync, type Metafile } from 'esbuild';
import type { Capability } from '#model/decision.ts';

/** Bytes that a cold start of a function may load. Chunks that no start loads are not counted: they cost it nothing. */
const START_LIMIT = 150_000;
/** With the SDK's client of Auto Scaling, which each pass of night-schedule calls. */
const START_LIMIT_WITH_CLIENT = 320_000;

export function limitOf(capability: Capability): number {
  return capability === 'night-schedule' ? START_LIMIT_WITH_CLIENT : START_LIMIT;
}

/** The folder of `lib` and `functions`: the repository, or `dist` in the published package. */
const root = join(import.meta.dirname, '../..');

const ENTRY = 'index.mjs';

/** The handler's source; a missing file is an error that says which one. */
export function handlerOf(capability: Capability): string {
  const entry = join(root, 'functions', capability, 'handler.ts');
  if (!existsSync(entry))
    throw new Error(
      `the handler of ${capability} is missing: functions/${capability}/handler.ts does not exist`,
    );
  return entry;
}

/**
 * The folder of the bundle that `bin/build.ts` has put into the published package; undefined in the repository, which has
 * the sources. An adopter's npm may install other versions of the SDK's parts than those that were tested, so the package
 * brings finished bundles.
 */
export function publishedBundle(capability: Capability): string | undefined {
  const folder = join(root, 'bundles', capability);
  return existsSync(join(folder, ENTRY)) ? folder : undefined;
}

export function bundleOptions(capability: Capability) {
  return {
    absWorkingDir: root,
    entryPoints: [handlerOf(capability)],
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    // For the modules of Node that a CommonJS package needs: an .mjs file has no `require`, and the bundle has every package.
    banner: { js: 'const require = process.getBuiltinModule;' },
    // The SDK's ES modules instead of its CommonJS ones: less code.
    mainFields: ['module', 'main'],
    minify: true,
    legalComments: 'none',
    metafile: true,
    logLevel: 'silent',
    alias: { '@aws-sdk/credential-provider-node': join(root, 'lib/bundle/stubs/credential-chain.ts') },
  } satisfies BuildOptions;
}

export interface Part {
  readonly name: string;
  readonly bytes: number;
}

export interface Bundle {
  /** Of the entry file and every chunk. */
  readonly bytes: number;
  /** What a cold start loads: the entry file and the chunks that it imports statically. */
  readonly start: {
    readonly bytes: number;
    /** File names in the bundle's folder. */
    readonly chunks: readonly string[];
    /** Bytes by package name; ours are under `eks-nightshift`. Largest first. */
    readonly parts: readonly Part[];
  };
  /** As those of the start, of all chunks. */
  readonly parts: readonly Part[];
  /** The source files of which something is left in the bundle, from the repository's root. */
  readonly files: readonly string[];
}

/** Writes `index.mjs` into the directory, and beside it the chunks that it loads at once or when they are needed. */
export function bundle(capability: Capability, directory: string): Bundle {
  const result = buildSync({
    ...bundleOptions(capability),
    splitting: true,
    outdir: directory,
    entryNames: 'index',
    chunkNames: '[name]-[hash]',
    outExtension: { '.js': '.mjs' },
  });
  return measure(result.metafile.outputs);
}

type Outputs = Metafile['outputs'];

function measure(outputs: Outputs): Bundle {
  const all = Object.keys(outputs);
  const start = loadedAtStart(outputs);
  const sources = all.flatMap((path) => Object.entries(outputs[path]?.inputs ?? {}));
  return {
    bytes: bytesOf(outputs, all),
    start: {
      bytes: bytesOf(outputs, start),
      chunks: start.map((path) => basename(path)),
      parts: partsOf(outputs, start),
    },
    parts: partsOf(outputs, all),
    files: sources.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path),
  };
}

/** The entry and what it imports, directly or through other chunks, without what a dynamic `import()` loads later. */
function loadedAtStart(outputs: Outputs): readonly string[] {
  const loaded = new Set(Object.keys(outputs).filter((path) => basename(path) === ENTRY));
  for (const path of loaded)
    for (const { path: imported, kind, external } of outputs[path]?.imports ?? [])
      if (kind === 'import-statement' && !external) loaded.add(imported);
  return [...loaded];
}

function bytesOf(outputs: Outputs, paths: readonly string[]): number {
  return paths.reduce((sum, path) => sum + (outputs[path]?.bytes ?? 0), 0);
}

function partsOf(outputs: Outputs, paths: readonly string[]): readonly Part[] {
  const parts = new Map<string, number>();
  for (const path of paths)
    for (const [source, { bytesInOutput }] of Object.entries(outputs[path]?.inputs ?? {})) {
      if (bytesInOutput === 0) continue;
      const name = packageOf(source);
      parts.set(name, (parts.get(name) ?? 0) + bytesInOutput);
    }
  return [...parts].map(([name, bytes]) => ({ name, bytes })).sort((a, b) => b.bytes - a.bytes);
}

function packageOf(path: string): string {
  return /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? 'eks-nightshift';
}
