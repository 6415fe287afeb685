/** The ConfigMap through which whoever may write it keeps the cluster up: it can be read while no node is left. */
import type { KeepUpRequest, KeepUpRequests } from '#functions/night-schedule/ports.ts';
import { NightshiftError } from '#functions/shared/errors.ts';
import { isRecord } from '#model/record-schema.ts';
import type { KubernetesClient } from './client.ts';
import { isDenied, isNotFound } from './errors.ts';

const PATH = '/api/v1/namespaces/nightshift/configmaps/keep-up';
/** The next tick reads it again. */
const TIMEOUT_MS = 3_000;

export function createKeepUpRequests(client: Pick<KubernetesClient, 'request'>): KeepUpRequests {
  return {
    async read() {
      const { body } = await client
        .request<unknown>({ method: 'GET', path: PATH, timeoutMs: TIMEOUT_MS })
        .catch((cause: unknown) => {
          if (!isNotFound(cause) && !isDenied(cause)) throw cause;
          const found = isNotFound(cause) ? 'does not exist' : 'may not be read';
          throw new NightshiftError(
            `the ConfigMap nightshift/keep-up ${found}: kubectl apply -k manifests/self-service`,
            { cause },
          );
        });
      return requestIn(body);
    },
  };
}

function requestIn(body: unknown): KeepUpRequest | undefined {
  const metadata = isRecord(body) && body['kind'] === 'ConfigMap' ? body['metadata'] : undefined;
  const version = isRecord(metadata) ? metadata['resourceVersion'] : undefined;
  if (!isRecord(body) || !isRecord(metadata) || typeof version !== 'string')
    throw new NightshiftError(`kubernetes answered GET ${PATH} with something that is no ConfigMap`);
  const data = isRecord(body['data']) ? body['data'] : {};
  const field = (name: string) => {
    const value = data[name];
    return typeof value === 'string' ? value.trim() : '';
  };
  const request = { until: field('until'), reason: field('reason'), requestedBy: field('requestedBy') };
  // Emptied, or as it was applied.
  if (Object.values(request).every((value) => value === '')) return undefined;
  const writtenAt = lastWriteIn(metadata);
  return { version, ...request, ...(writtenAt ? { writtenAt } : {}) };
}

/** Of the fields that somebody owns: the API server dates each change of their values. */
function lastWriteIn(metadata: Readonly<Record<string, unknown>>): Date | undefined {
  const entries: readonly unknown[] = Array.isArray(metadata['managedFields'])
    ? metadata['managedFields']
    : [];
  const times = entries
    .map((entry) => (isRecord(entry) && typeof entry['time'] === 'string' ? Date.parse(entry['time']) : 0))
    .filter((time) => time > 0);
  return times.length > 0 ? new Date(Math.max(...times)) : undefined;
}
