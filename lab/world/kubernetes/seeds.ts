/** Creates workloads from short descriptions. */

import type { ObjectInput } from './objects.ts';
import { isEqual } from './patch.ts';
import type { Registry } from './registry.ts';
import { resourceOfKind } from './resources.ts';
import type { BudgetSeed, DeploymentSeed, Kubernetes } from './types.ts';

type Seeds = Pick<Kubernetes, 'addNamespace' | 'addDeployment' | 'addDaemonSet' | 'addPdb' | 'applyObjects'>;

/** Order of creation; all other kinds come last. */
const order = ['Namespace', 'PriorityClass', 'ServiceAccount', 'ClusterRole', 'Role', 'ConfigMap', 'Secret'];

export function createSeeds(registry: Registry): Seeds {
  const addNamespace = (name: string) => {
    if (!registry.find('namespaces', undefined, name))
      registry.create('namespaces', undefined, { metadata: { name } });
  };

  const addWorkload = (key: 'deployments.apps' | 'daemonsets.apps', seed: DeploymentSeed) => {
    const namespace = seed.namespace ?? 'default';
    addNamespace(namespace);
    const { spec, ...rest } = workload(seed);
    registry.create(key, namespace, {
      ...rest,
      spec: key === 'deployments.apps' ? { replicas: seed.replicas ?? 1, ...spec } : spec,
    });
  };

  return {
    addNamespace,
    addDeployment: (seed) => addWorkload('deployments.apps', seed),
    addDaemonSet: (seed) =>
      addWorkload('daemonsets.apps', { tolerations: [{ operator: 'Exists' }], ...seed }),
    addPdb(seed: BudgetSeed) {
      const namespace = seed.namespace ?? 'default';
      addNamespace(namespace);
      const { minAvailable, maxUnavailable, unhealthyPodEvictionPolicy } = seed;
      registry.create('poddisruptionbudgets.policy', namespace, {
        metadata: { name: seed.name },
        spec: {
          selector: { matchLabels: { ...seed.matchLabels } },
          ...(minAvailable === undefined ? {} : { minAvailable }),
          ...(maxUnavailable === undefined ? {} : { maxUnavailable }),
          ...(unhealthyPodEvictionPolicy === undefined ? {} : { unhealthyPodEvictionPolicy }),
        },
      });
    },
    applyObjects(objects) {
      const rank = ({ kind = '' }: ObjectInput) =>
        order.includes(kind) ? order.indexOf(kind) : order.length;
      for (const object of [...objects].sort((a, b) => rank(a) - rank(b))) applyObject(registry, object);
    },
  };
}

function applyObject(registry: Registry, object: ObjectInput): void {
  const { apiVersion = '', kind = '', metadata = {} } = object;
  const resource = resourceOfKind(apiVersion, kind);
  if (!resource)
    throw new Error(`the lab's Kubernetes has no ${kind} in "${apiVersion}": leave the object out`);
  const namespace = resource.namespaced ? (metadata.namespace ?? 'default') : undefined;
  const name = metadata.name ?? '';
  const existing = registry.find(resource.key, namespace, name);
  if (!existing) registry.create(resource.key, namespace, object);
  else if (!isEqual({ ...existing, metadata: undefined }, { ...object, metadata: undefined }))
    registry.update(resource.key, namespace, name, object);
}

function workload(seed: DeploymentSeed) {
  const labels = seed.labels ?? { app: seed.name };
  const requests = {
    ...(seed.cpu === undefined ? {} : { cpu: seed.cpu }),
    ...(seed.memory === undefined ? {} : { memory: seed.memory }),
  };
  return {
    metadata: {
      name: seed.name,
      labels: { ...labels },
      ...(seed.annotations ? { annotations: { ...seed.annotations } } : {}),
    },
    spec: {
      selector: { matchLabels: { ...labels } },
      template: {
        metadata: {
          labels: { ...labels },
          ...(seed.podAnnotations ? { annotations: { ...seed.podAnnotations } } : {}),
        },
        spec: {
          ...(seed.terminationGracePeriodSeconds === undefined
            ? {}
            : { terminationGracePeriodSeconds: seed.terminationGracePeriodSeconds }),
          ...(seed.priorityClassName === undefined ? {} : { priorityClassName: seed.priorityClassName }),
          ...(seed.nodeSelector ? { nodeSelector: { ...seed.nodeSelector } } : {}),
          ...(seed.tolerations ? { tolerations: seed.tolerations.map((one) => ({ ...one })) } : {}),
          containers: [
            {
              name: seed.name,
              image: seed.image ?? `registry.example.com/${seed.name}:1.0.0`,
              ...(Object.keys(requests).length > 0 ? { resources: { requests } } : {}),
            },
          ],
        },
      },
    },
  };
}
