#!/usr/bin/env node
// Plain JavaScript for any installed Node: the program itself needs Node 24, which is a dev dependency of a checkout.
// There it is TypeScript; the published package contains the compiled program.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const source = new URL('./nightshift.ts', import.meta.url);
const script = existsSync(source) ? source : new URL('../dist/bin/nightshift.js', import.meta.url);
const bundled = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url));

if (Number(process.versions.node.split('.')[0]) >= 24) {
  await import(script.href);
} else if (existsSync(bundled)) {
  const { status, signal, error } = spawnSync(bundled, [fileURLToPath(script), ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  if (error) throw error;
  if (signal) process.kill(process.pid, signal);
  process.exitCode = status ?? 1;
} else {
  process.stderr.write(
    `nightshift: unsupported Node ${process.versions.node}: install Node 24, or run npm ci first\n`,
  );
  process.exitCode = 1;
}
