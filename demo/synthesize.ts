/** Synthesizes the app as `npm run synth` does, in a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

export class SynthesisError extends Error {
  override name = 'SynthesisError';
}

/** Throws `SynthesisError` with what the app said. */
export async function synthesize(options: {
  /** Absolute. */
  readonly configPath: string;
  readonly directory: string;
}): Promise<void> {
  const app = path.join(import.meta.dirname, '..', 'bin', 'app.ts');
  const child = spawn(process.execPath, [app], {
    env: { ...process.env, NIGHTSHIFT_CONFIG: options.configPath, CDK_OUTDIR: options.directory },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  const keep = (text: string) => {
    said += text;
  };
  child.stdout.setEncoding('utf8').on('data', keep);
  child.stderr.setEncoding('utf8').on('data', keep);
  const stop = () => child.kill();
  process.once('exit', stop);
  const [code] = (await once(child, 'close')) as [number | null];
  process.off('exit', stop);
  if (code !== 0) throw new SynthesisError(said.trim() || `the CDK app ended with ${code}`);
}
