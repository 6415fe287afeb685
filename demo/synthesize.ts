/** Synthesizes the app as `npm run synth` does, or another app, in a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

export class SynthesisError extends Error {
  override name = 'SynthesisError';
}

/** Throws `SynthesisError` with the output of the app. */
export async function synthesize(options: {
  /** Absolute. */
  readonly configPath: string;
  readonly directory: string;
  /** Absolute; default: the one of the config. */
  readonly app?: string;
}): Promise<void> {
  const app = options.app ?? path.join(import.meta.dirname, '..', 'bin', 'app.ts');
  const child = spawn(process.execPath, [app], {
    env: { ...process.env, NIGHTSHIFT_CONFIG: options.configPath, CDK_OUTDIR: options.directory },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const append = (text: string) => {
    output += text;
  };
  child.stdout.setEncoding('utf8').on('data', append);
  child.stderr.setEncoding('utf8').on('data', append);
  const stop = () => child.kill();
  process.once('exit', stop);
  const [code] = (await once(child, 'close')) as [number | null];
  process.off('exit', stop);
  if (code !== 0) throw new SynthesisError(output.trim() || `the CDK app exited with code ${code}`);
}
