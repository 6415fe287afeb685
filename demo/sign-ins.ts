/** The load balancers of the environments whose page is behind a sign-in: with the rule that the owner of each adds. */
import type { AssemblyRun } from '@nightshift/lab/assembly/run.ts';
import { type LoadBalancer, serveLoadBalancer } from '@nightshift/lab/http/load-balancer.ts';
import type { Proxy as ForwardProxy } from '@nightshift/lab/http/proxy.ts';
import type { CertificateAuthority } from '@nightshift/lab/http/tls.ts';
import type { WorldContext } from '@nightshift/lab/world/interfaces.ts';
import type { NightshiftConfig } from '#model/config.ts';
import { functionNameOf } from '#model/names.ts';

export async function serveSignIns(parts: {
  readonly run: AssemblyRun;
  readonly context: WorldContext;
  readonly ca: CertificateAuthority;
  readonly proxy: ForwardProxy;
  readonly config: NightshiftConfig;
  readonly closers: (() => Promise<unknown>)[];
}): Promise<ReadonlyMap<string, LoadBalancer>> {
  const { run, context, ca, proxy, config, closers } = parts;
  const groups = run.deployments.flatMap(({ targetGroups }) => targetGroups);
  const found = new Map<string, LoadBalancer>();
  for (const [name, environment] of Object.entries(config.environments)) {
    const signIn = environment.production ? undefined : environment.selfService?.signIn;
    const targetGroup = groups.find(
      ({ functionName, account }) =>
        functionName === functionNameOf(name, 'self-service') && account === environment.account,
    );
    if (!signIn || !targetGroup) continue;
    const { loadBalancer: arn, address, issuer, clientId } = signIn;
    const host = new URL(address).hostname;
    const balancer = await serveLoadBalancer({ run, context, ca, targetGroup, arn, host, issuer, clientId });
    closers.push(() => balancer.close());
    proxy.route(`${host}:443`, balancer.port);
    proxy.route(`${balancer.keys.host}:443`, balancer.keys.port);
    found.set(name, balancer);
  }
  return found;
}
