/**
 * The Argo CD that EKS runs as a capability of a cluster: its address is known to EKS only.
 * https://docs.aws.amazon.com/eks/latest/userguide/argocd.html
 */
import { DescribeCapabilityCommand, EKSClient } from '@aws-sdk/client-eks';
import { awsClientDefaults } from '#functions/adapters/aws/clients.ts';
import { errorName } from '#functions/adapters/aws/errors.ts';
import type { Secret } from '#functions/adapters/aws/secret.ts';
import { withTimeLimit } from '#functions/adapters/aws/time-limit.ts';
import type { Argocd, ArgocdFailure, Result } from '#functions/branch-deploy/ports.ts';
import { createArgocdServer } from './server.ts';

export interface CapabilityOptions {
  readonly cluster: string;
  /** The name of the capability. */
  readonly capability: string;
  readonly token: Secret;
  readonly client?: Pick<EKSClient, 'send'>;
  readonly ca?: string;
}

export interface ArgocdCapability {
  readonly url: string;
  /** Where it looks for applications. */
  readonly namespace?: string;
  readonly version?: string;
}

/** The capability, or why it cannot be used. Throws the SDK's error where AWS forbids the call. */
export async function describeArgocdCapability(
  client: Pick<EKSClient, 'send'>,
  cluster: string,
  name: string,
): Promise<Result<ArgocdCapability>> {
  const no = (kind: ArgocdFailure['kind'], detail: string): Result<never> => ({
    ok: false,
    error: { kind, detail },
  });
  const what = `the capability ${name} of cluster ${cluster}`;
  try {
    const command = new DescribeCapabilityCommand({ clusterName: cluster, capabilityName: name });
    const { capability } = await client.send(command);
    if (capability?.type !== 'ARGOCD')
      return no('permanent', `${what} is of the type ${capability?.type}, not ARGOCD`);
    const { serverUrl, namespace } = capability.configuration?.argoCd ?? {};
    if (!serverUrl)
      return no(
        'transient',
        `${what} is ${capability.status}, and has no address yet: wait until it is ACTIVE`,
      );
    return {
      ok: true,
      value: {
        url: serverUrl.includes('://') ? serverUrl : `https://${serverUrl}`,
        ...(namespace ? { namespace } : {}),
        ...(capability.version ? { version: capability.version } : {}),
      },
    };
  } catch (error) {
    if (errorName(error) !== 'ResourceNotFoundException') throw error;
    return no('missing', `EKS does not know ${what}: correct argocd.capability in the config`);
  }
}

/** Its address is read with the first request, and again after a request could not be sent or answered. */
export function createArgocdCapability(options: CapabilityOptions): Argocd {
  const client = options.client ?? withTimeLimit(new EKSClient(awsClientDefaults()));
  let connected: (Argocd & { close(): void }) | undefined;

  const through = async <T>(request: (argocd: Argocd) => Promise<Result<T>>): Promise<Result<T>> => {
    if (!connected) {
      const found = await describeArgocdCapability(client, options.cluster, options.capability);
      if (!found.ok) return found;
      const argocd = { url: found.value.url, ...(options.ca ? { ca: options.ca } : {}) };
      connected = createArgocdServer({ argocd, token: options.token });
    }
    const reply = await request(connected);
    if (!reply.ok && reply.error.outcomeUnknown) {
      connected.close();
      connected = undefined;
    }
    return reply;
  };
  return {
    read: (application, how) => through((argocd) => argocd.read(application, how)),
    sync: (application, deployId, how) => through((argocd) => argocd.sync(application, deployId, how)),
    pods: (application) => through((argocd) => argocd.pods(application)),
    restart: (application, workload, at) => through((argocd) => argocd.restart(application, workload, at)),
    setImages: (application, images, source) =>
      through((argocd) => argocd.setImages(application, images, source)),
  };
}
