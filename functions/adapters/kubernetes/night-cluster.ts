/** The cluster as night-schedule needs it, through the Kubernetes API: each part is loaded with its first call. */
import type {
  Autoscaler,
  BuiltInPools,
  CronJobs,
  KeepUpRequests,
  Nodes,
} from '#functions/night-schedule/ports.ts';
import type { AutoscalerConfig } from '#model/config.ts';
import type { KubernetesClient } from './client.ts';

export function lazyNodes(client: Pick<KubernetesClient, 'list'>): Nodes {
  const load = async () => (await import('./nodes.ts')).createNodes(client);
  return {
    ready: async () => (await load()).ready(),
    all: async () => (await load()).all(),
  };
}

export function lazyAutoscaler(
  client: Pick<KubernetesClient, 'request' | 'list'>,
  config: AutoscalerConfig | undefined,
  builtIn?: BuiltInPools,
): Autoscaler {
  let loading: Promise<Autoscaler> | undefined;
  const load = () => {
    loading ??= import('./autoscaler.ts').then(({ createAutoscaler }) =>
      createAutoscaler(client, config, builtIn),
    );
    return loading;
  };
  return {
    observe: async () => (await load()).observe(),
    pause: async (view, terminateAt) => (await load()).pause(view, terminateAt),
    deleteClaims: async (claims) => (await load()).deleteClaims(claims),
    resume: async (saved) => (await load()).resume(saved),
  };
}

export function lazyCronJobs(
  client: Pick<KubernetesClient, 'request' | 'list'>,
  selector: string | undefined,
): CronJobs {
  let loading: Promise<CronJobs> | undefined;
  const load = () => {
    loading ??= import('./cron-jobs.ts').then(({ createCronJobs }) => createCronJobs(client, selector));
    return loading;
  };
  return {
    list: async () => (await load()).list(),
    suspend: async (job) => (await load()).suspend(job),
    resume: async (saved) => (await load()).resume(saved),
  };
}

export function lazyKeepUpRequests(client: Pick<KubernetesClient, 'request'>): KeepUpRequests {
  return {
    read: async () => (await import('./keep-up-request.ts')).createKeepUpRequests(client).read(),
  };
}
