/** The load balancers of the environments whose page is behind a sign-in: with the rule that the owner of each adds. */
import type { AssemblyRun } from '@nightshift/lab/assembly/run.ts';
import type { Proxy as ForwardProxy } from '@nightshift/lab/http/proxy.ts';
import { type SignInListener, serveSignInListener } from '@nightshift/lab/http/sign-in-listener.ts';
import type { CertificateAuthority } from '@nightshift/lab/http/tls.ts';
import type { WorldContext } from '@nightshift/lab/world/interfaces.ts';
import type { NightshiftConfig } from '#model/config.ts';
import { functionNameOf } from '#model/names.ts';

export interface SignInParts {
  readonly run: AssemblyRun;
  readonly context: WorldContext;
  readonly ca: CertificateAuthority;
  readonly proxy: ForwardProxy;
  readonly config: NightshiftConfig;
  readonly closers: (() => Promise<unknown>)[];
}

/** By environment. */
export async function serveSignIns(parts: SignInParts): Promise<ReadonlyMap<string, SignInListener>> {
  const { run, context, ca, proxy, config, closers } = parts;
  const found = new Map<string, SignInListener>();
  for (const [name, environment] of Object.entries(config.environments)) {
    const signIn = environment.production ? undefined : environment.selfService?.signIn;
    const { account, region } = environment;
    const targetGroup = run.deployments
      .filter(({ stack }) => stack.account === account && stack.region === region)
      .flatMap(({ targetGroups }) => targetGroups)
      .find(({ functionArn }) => functionArn.endsWith(`:${functionNameOf(name, 'self-service')}`));
    if (!signIn || !targetGroup) continue;
    const { loadBalancer: arn, address, issuer, clientId } = signIn;
    const host = new URL(address).hostname;
    const listener = await serveSignInListener({
      ...{ run, context, ca, account, region, targetGroup },
      ...{ arn, host, issuer, clientId },
    });
    closers.push(() => listener.close());
    proxy.route(`${host}:443`, listener.port);
    proxy.route(`${listener.keys.host}:443`, listener.keys.port);
    found.set(name, listener);
  }
  return found;
}
