/** The cluster's Deployments as Argo CD sees and sets them. */
import type { Workloads } from '../interfaces.ts';
import { condition, type DeploymentObject } from './objects.ts';
import type { Registry } from './registry.ts';
import { createSeeds } from './seeds.ts';

export function createWorkloads(registry: Registry): Workloads {
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
