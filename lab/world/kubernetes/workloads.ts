/** The cluster's Deployments as Argo CD sees and sets them. */
import { copyOf } from '../copy.ts';
import type { LivePodObject, Workloads } from '../interfaces.ts';
import { condition, controllerOf, type DeploymentObject } from './objects.ts';
import type { Registry } from './registry.ts';
import { createSeeds } from './seeds.ts';

export function createWorkloads(registry: Registry, now: () => number): Workloads {
  const find = (namespace: string, name: string) => registry.find('deployments.apps', namespace, name);
  return {
    apply(wanted) {
      const { namespace, name, image, replicas, labels, terminationGracePeriodSeconds } = wanted;
      if (!find(namespace, name)) {
        createSeeds(registry).addDeployment(wanted);
        return;
      }
      registry.modify('deployments.apps', namespace, name, (draft) => {
        if (labels) draft.metadata.labels = { ...draft.metadata.labels, ...labels };
        if (!draft.spec) return;
        draft.spec.replicas = replicas;
        const spec = draft.spec.template.spec;
        for (const container of spec?.containers.slice(0, 1) ?? []) container.image = image;
        if (spec && terminationGracePeriodSeconds !== undefined)
          spec.terminationGracePeriodSeconds = terminationGracePeriodSeconds;
      });
    },
    remove(namespace, name) {
      if (find(namespace, name)) registry.delete('deployments.apps', namespace, name);
    },
    health(namespace, name) {
      const deployment = find(namespace, name);
      return deployment ? healthOf(deployment) : 'Missing';
    },
    pods(namespace, name) {
      const uid = find(namespace, name)?.metadata.uid;
      const sets = registry.store
        .all('replicasets.apps')
        .filter((set) => uid !== undefined && controllerOf(set)?.uid === uid);
      return registry.store.all('pods').flatMap((pod) => {
        const set = sets.find(({ metadata }) => metadata.uid === controllerOf(pod)?.uid);
        if (!set) return [];
        const replicaSet = { name: set.metadata.name, uid: set.metadata.uid };
        return [{ pod: copyOf(pod) as unknown as LivePodObject, replicaSet }];
      });
    },
    restart(namespace, name) {
      registry.modify('deployments.apps', namespace, name, (draft) => {
        if (!draft.spec) return;
        const { template } = draft.spec;
        template.metadata = {
          ...template.metadata,
          annotations: {
            ...template.metadata?.annotations,
            'kubectl.kubernetes.io/restartedAt': new Date(now()).toISOString(),
          },
        };
      });
    },
    available: (namespace, name) => (find(namespace, name)?.status?.readyReplicas ?? 0) > 0,
  };
}

/** Argo CD's own assessment of a Deployment. */
function healthOf(deployment: DeploymentObject): 'Healthy' | 'Progressing' | 'Degraded' {
  const { metadata, spec, status } = deployment;
  if ((metadata.generation ?? 0) > (status?.observedGeneration ?? 0)) return 'Progressing';
  if (condition(deployment, 'Progressing')?.reason === 'ProgressDeadlineExceeded') return 'Degraded';
  const { updatedReplicas = 0, replicas = 0, availableReplicas = 0 } = status ?? {};
  if (updatedReplicas < (spec?.replicas ?? 1)) return 'Progressing';
  if (replicas > updatedReplicas) return 'Progressing';
  return availableReplicas < updatedReplicas ? 'Progressing' : 'Healthy';
}
