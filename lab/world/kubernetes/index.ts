/** One cluster's Kubernetes: API, controllers, and the kubelets on its instances. In virtual time, without I/O. */
import type { WorldContext } from '../interfaces.ts';
import { createAuthorizer } from './authorize.ts';
import { bootstrap } from './bootstrap.ts';
import { setBuiltInPools } from './built-in-pools.ts';
import { createClusterAutoscaler } from './controllers/cluster-autoscaler.ts';
import { type ControllerContext, createEventRecorder } from './controllers/controller.ts';
import { createCronJobController } from './controllers/cron-job.ts';
import { createDaemonSetController } from './controllers/daemon-set.ts';
import { createDeploymentController } from './controllers/deployment.ts';
import { createDisruptionController } from './controllers/disruption.ts';
import { createGarbageCollector } from './controllers/garbage-collector.ts';
import { createKarpenter } from './controllers/karpenter.ts';
import { createMachines } from './controllers/machines.ts';
import { createNodeLifecycle } from './controllers/node-lifecycle.ts';
import { createReplicaSetController } from './controllers/replica-set.ts';
import { createScheduler } from './controllers/scheduler.ts';
import { createVolumeAttachments } from './controllers/volume-attachments.ts';
import { evict, runAtOnce } from './eviction.ts';
import { controllerOf, isMirrorPod } from './objects.ts';
import { createRegistry } from './registry.ts';
import { createSeeds } from './seeds.ts';
import { isStatus } from './status.ts';
import { createStore } from './store.ts';
import type { Kubernetes, KubernetesOptions } from './types.ts';
import { createWorkloads } from './workloads.ts';

export { type KubeObject, type ObjectInput, timestamp } from './objects.ts';
export { StatusError } from './status.ts';
export type * from './types.ts';

export function createKubernetes(context: WorldContext, options: KubernetesOptions): Kubernetes {
  const { cluster, account, region } = options;
  const store = createStore(context.clock);
  const api = createRegistry(store, context);
  const controllers: ControllerContext = {
    ...context,
    registry: api,
    recordEvent: createEventRecorder(context, api),
  };
  bootstrap(api);
  createGarbageCollector(controllers);
  createDeploymentController(controllers);
  createReplicaSetController(controllers);
  createDaemonSetController(controllers);
  createCronJobController(controllers);
  createScheduler(controllers);
  createDisruptionController(controllers);
  createVolumeAttachments(controllers);
  const machines = createMachines(controllers, options);
  createNodeLifecycle(controllers, machines, options.isStopped);
  if (options.scaleOut) createClusterAutoscaler(controllers, machines, options.scaleOut);
  const fleet = options.scaleOut?.fleet;
  if (fleet) createKarpenter(controllers, machines, { fleet, isOutside: options.autoMode ?? false });

  const evictPod: Kubernetes['evictPod'] = (namespace, name) => {
    const body = { metadata: { name, namespace } };
    runAtOnce(evict(api, context, { namespace, name, body, dryRun: false }));
  };

  return {
    cluster,
    account,
    region,
    gitVersion: `v${options.version ?? '1.33'}.5-eks-3025e55`,
    api,
    serves: ({ custom, group }) => !custom || (options.customGroups?.includes(group) ?? true),
    authorize: createAuthorizer(store),
    lostPods: machines.lostPods,
    evictPod,
    podsOn: store.podsOn,
    nodeOf: machines.nodeOf,
    killKubelet: machines.killKubelet,

    cordon(instanceId) {
      const node = machines.nodeOf(instanceId);
      if (node === undefined) return;
      api.amend('nodes', undefined, node, (draft) => {
        draft.spec = { ...draft.spec, unschedulable: true };
      });
    },
    evict(instanceId) {
      const node = machines.nodeOf(instanceId);
      if (node === undefined) return true;
      const pods = store
        .podsOn(node)
        .filter((pod) => controllerOf(pod)?.kind !== 'DaemonSet' && !isMirrorPod(pod));
      for (const pod of pods) {
        if (pod.metadata.deletionTimestamp) continue;
        try {
          evictPod(pod.metadata.namespace ?? '', pod.metadata.name);
        } catch (error) {
          // Refused by a budget: EKS retries for up to 15 minutes.
          if (!isStatus(error, 429) && !isStatus(error, 500)) throw error;
        }
      }
      const left = store.podsOn(node);
      return !pods.some((pod) => left.some((other) => other.metadata.uid === pod.metadata.uid));
    },
    setBuiltInPools: (names) => setBuiltInPools(api, names),
    ...createSeeds(api),
    ...createWorkloads(api, context.clock.now),
  };
}
