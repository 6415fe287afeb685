/**
 * How a function becomes one file. The same options build the asset of the stack and the bundles that the tests
 * weigh, so a figure in a test is a figure of what is deployed.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type BuildOptions, buildSync, type Metafile } from 'esbuild';
import type { Capability } from '#model/decision.ts';

/** A function's bundle may be this long, in bytes: what a cold start has to read and parse. */
export const BUNDLE_LIMIT = 400_000;

/** The folder of `lib` and `functions`: the repository, or `dist` in the published package. */
const root = dirname(import.meta.dirname);

/** Where the function of a capability begins; a missing file is an error that says which one. */
export function handlerOf(capability: Capability): string {
  const folder = join(root, 'functions', capability);
  const entry = ['handler.ts', 'handler.js']
    .map((name) => join(folder, name))
    .find((path) => existsSync(path));
  if (entry === undefined)
    throw new Error(
      `the handler of ${capability} is missing: functions/${capability}/handler.ts does not exist`,
    );
  return entry;
}

export function bundleOptions(capability: Capability) {
  return {
    absWorkingDir: root,
    entryPoints: [handlerOf(capability)],
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    // The SDK's ES modules instead of its CommonJS ones: less code, and no `require` that an .mjs file lacks.
    mainFields: ['module', 'main'],
    minify: true,
    legalComments: 'none',
    metafile: true,
    logLevel: 'silent',
    alias: {
      ...Object.fromEntries(BUILTINS.map((name) => [`node:${name}`, builtin(name)])),
      buffer: builtin('buffer'),
      '@aws-sdk/credential-provider-node': leftOut('credential-chain'),
      '@aws-sdk/endpoint-cache': leftOut('endpoint-cache'),
      '@smithy/core/event-streams': leftOut('event-streams'),
      bowser: leftOut('bowser'),
    },
  } satisfies BuildOptions;
}

/**
 * What the functions and the SDK use of Node's own modules. An `import` of such a module makes Node read every one of its
 * exports, and with some of them, `process` and `fs` above all, load a good deal that nobody asked for: together a
 * fifth of a start. The files that stand in take the few names that are used. Another name is an error of the build.
 */
const BUILTINS = [
  'buffer',
  'console',
  'crypto',
  'fs',
  'fs/promises',
  'https',
  'os',
  'path',
  'process',
  'stream',
  'timers',
  'timers/promises',
  'tls',
] as const;

function builtin(name: (typeof BUILTINS)[number]): string {
  return join(root, 'functions/adapters/builtin', name.replace('/', '-'));
}

/** Parts of the SDK that no function needs: each file says why, and throws should it be needed after all. */
function leftOut(part: string): string {
  return join(root, 'functions/adapters/left-out', part);
}

export interface Bundle {
  readonly bytes: number;
  /** Bytes in the bundle by package name; ours are under `eks-nightshift`. Largest first. */
  readonly parts: readonly { readonly name: string; readonly bytes: number }[];
  /** The source files of which something is left in the bundle, from the package's root (in the published one, from `dist`). */
  readonly files: readonly string[];
}

/** Writes `index.mjs` into the directory, and beside it the chunks that it loads when they are needed. */
export function bundle(capability: Capability, directory: string): Bundle {
  const result = buildSync({
    ...bundleOptions(capability),
    splitting: true,
    outdir: directory,
    entryNames: 'index',
    chunkNames: '[name]-[hash]',
    outExtension: { '.js': '.mjs' },
  });
  return weigh(result.metafile);
}

function weigh(metafile: Metafile): Bundle {
  const parts = new Map<string, number>();
  const files: string[] = [];
  let bytes = 0;
  for (const output of Object.values(metafile.outputs)) {
    bytes += output.bytes;
    for (const [path, input] of Object.entries(output.inputs)) {
      if (input.bytesInOutput === 0) continue;
      files.push(path);
      const name = packageOf(path);
      parts.set(name, (parts.get(name) ?? 0) + input.bytesInOutput);
    }
  }
  return {
    bytes,
    parts: [...parts].map(([name, bytes]) => ({ name, bytes })).sort((a, b) => b.bytes - a.bytes),
    files,
  };
}

function packageOf(path: string): string {
  return /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? 'eks-nightshift';
}
