/**
 * Makes `dist/` for publishing, or the folder that is named: plain JavaScript with declarations, because Node strips no types inside of
 * node_modules, and the finished bundles of the functions. Imports through `imports` of package.json are made relative, so that the
 * package needs none of them.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { transformSync } from 'esbuild';
import { bundle } from '#lib/bundle/function-bundle.ts';
import type { Capability } from '#model/decision.ts';
import { noticesOf } from './bundle-notices.ts';
import { sbomOf } from './sbom-text.ts';

const CAPABILITIES: readonly Capability[] = [
  'night-schedule',
  'spot-drain',
  'branch-deploy',
  'self-service',
  'doorbell',
];

const root = join(import.meta.dirname, '..');
const dist = resolve(process.argv[2] ?? join(root, 'dist'));

rmSync(dist, { recursive: true, force: true });
const { status } = spawnSync(
  join(root, 'node_modules/.bin/tsc'),
  ['-p', 'tsconfig.build.json', '--outDir', dist],
  {
    cwd: root,
    stdio: 'inherit',
  },
);
if (status !== 0) process.exit(status ?? 1);

for (const declarations of globSync('**/*.d.ts', { cwd: dist })) {
  write(declarations, readFileSync(join(dist, declarations), 'utf8'));
  const source = declarations.replace(/\.d\.ts$/, '.ts');
  const { code } = transformSync(readFileSync(join(root, source), 'utf8'), {
    loader: 'ts',
    format: 'esm',
    target: 'node22',
  });
  write(source.replace(/\.ts$/, '.js'), code);
}

const DEMO = 'cli/console/demo/recorded-day.json.gz';
copyFileSync(join(root, DEMO), join(dist, DEMO));

const bundled = CAPABILITIES.flatMap(
  (capability) => bundle(capability, join(dist, 'bundles', capability)).files,
);
writeFileSync(join(dist, 'bundles/LICENSES.txt'), noticesOf(bundled, root));
const read = (file: string) => JSON.parse(readFileSync(join(root, file), 'utf8'));
writeFileSync(join(dist, 'sbom.cdx.json'), sbomOf(read('package-lock.json'), read('package.json')));

function write(name: string, text: string): void {
  const path = join(dist, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, withBuiltImports(text, dirname(path)));
}

/** `#model/config.ts` and `./config.ts` become relative paths that end in `.js`. */
function withBuiltImports(text: string, folder: string): string {
  return text.replace(/((?:from|import) ?\(?["'])([#.][^"']*)\.ts(?=["'])/g, (_, before, path: string) => {
    if (path.startsWith('.')) return `${before}${path}.js`;
    const found = relative(folder, join(dist, path.slice(1)))
      .split(sep)
      .join('/');
    return `${before}${found.startsWith('.') ? found : `./${found}`}.js`;
  });
}
