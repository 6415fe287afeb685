/** `kubectl` as it is installed here, or as KUBECTL names it. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Kubectl {
  /** `v1.33.4` */
  readonly version: string;
  /** Throws with what it wrote where it failed. */
  drain(kubeconfig: string, node: string): Promise<void>;
}

/** Undefined where there is none. */
export async function findKubectl(): Promise<Kubectl | undefined> {
  const program = process.env['KUBECTL'] || 'kubectl';
  try {
    const { stdout } = await run(program, ['version', '--client', '--output=json']);
    const { clientVersion } = JSON.parse(stdout) as { clientVersion?: { gitVersion?: string } };
    return {
      version: clientVersion?.gitVersion ?? 'of an unknown version',
      async drain(kubeconfig, node) {
        await run(program, [
          `--kubeconfig=${kubeconfig}`,
          'drain',
          node,
          '--ignore-daemonsets',
          '--delete-emptydir-data',
          '--timeout=120s',
        ]);
      },
    };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
