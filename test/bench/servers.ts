/** Benches that need servers which Node alone does not bring: those of the conformance run. */
import { PARTS, type PartName } from '#test/conformance/servers/parts.ts';
import type { Bench } from './bench.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Does not run, and says why, where the servers of the conformance part are missing. */
export function withServers(
  name: string,
  partName: PartName,
  bench: Bench,
  env: Environment = process.env,
): Bench {
  return async (options) => {
    const missing = missingServers(partName, env);
    return missing === undefined ? bench(options) : { bench: name, method: '', figures: [], missing };
  };
}

function missingServers(name: PartName, env: Environment): string | undefined {
  const part = PARTS.find((one) => one.name === name);
  if (!part) throw new Error(`the conformance run has no part ${name}`);
  // A bench changes what it runs on: never a server of somebody.
  const missing = part.missing({ ...env, ARGOCD_SERVER: undefined });
  return missing === undefined ? undefined : `${missing}. It needs ${part.needs}`;
}
