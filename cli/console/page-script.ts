/** The page's script. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

/** Bundles it into one file, from its source in this repository or from the published package. */
export async function bundlePageScript(): Promise<string> {
  const folder = join(import.meta.dirname, 'page');
  const entry = ['client.ts', 'client.js'].map((name) => join(folder, name)).find((path) => existsSync(path));
  if (!entry) throw new Error(`the script of the console is missing: ${join(folder, 'client.ts')}`);
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    legalComments: 'none',
    write: false,
    logLevel: 'silent',
  });
  return outputFiles[0]?.text ?? '';
}
