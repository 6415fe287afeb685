#!/usr/bin/env node
// Plain JavaScript for any installed Node. A checkout runs the TypeScript of this folder, which needs the Node that is its
// dev dependency; the published package contains the compiled program, for any Node that loads a config in TypeScript.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const source = new URL('./nightshift.ts', import.meta.url);
const isCheckout = existsSync(source);
const script = isCheckout ? source : new URL('../dist/bin/nightshift.js', import.meta.url);
const bundled = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));
const needed = isCheckout ? [24, 0] : [22, 18];

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major > needed[0] || (major === needed[0] && minor >= needed[1])) {
  hideTypeStrippingWarning();
  await import(script.href);
} else if (isCheckout && existsSync(bundled)) {
  const { status, signal, error } = spawnSync(bundled, [fileURLToPath(script), ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  if (error) throw error;
  if (signal) process.kill(process.pid, signal);
  process.exitCode = status ?? 1;
} else {
  const help = isCheckout ? 'run npm ci, which brings Node 24' : 'install Node 22.18 or newer';
  process.stderr.write(`nightshift: unsupported Node ${process.versions.node}: ${help}\n`);
  process.exitCode = 1;
}

/** Node 22 warns on each run that it strips the types of nightshift.config.ts. */
function hideTypeStrippingWarning() {
  const emit = process.emitWarning;
  process.emitWarning = (warning, ...rest) => {
    if (!String(warning).startsWith('Type Stripping is an experimental feature')) emit(warning, ...rest);
  };
}
