import { describe } from 'vitest';
import { createDrainCluster } from '#functions/adapters/kubernetes/drain-cluster.ts';
import { drainClusterContract } from '#test/contracts/drain-cluster.ts';
import type { Bed } from '../bed.ts';
import { addBudget, addDeployment, must, on, readyPods, SLOW, STUBBORN } from '../objects.ts';

/** The contract that holds for the simulation and the lab too. */
export function describeContract(bed: () => Bed): void {
  describe('the cluster of a drain', () => {
    drainClusterContract(async () => {
      const node = await bed().addNode({ team: 'video' });
      const namespace = await bed().addNamespace();
      return {
        cluster: createDrainCluster(bed().clientFor('spot-drain')),
        instanceId: node.instanceId,
        namespace,
        async addPods(budget) {
          const nodeSelector = on(node.name);
          const pods = { namespace, name: 'web', replicas: 2, graceSeconds: 5 };
          // Those that come in their place give nothing back to the budget yet.
          await addDeployment(bed(), { ...pods, nodeSelector, annotations: { ...STUBBORN, ...SLOW } });
          await readyPods(bed(), namespace, 'app=web', 2);
          if (budget) await addBudget(bed(), { namespace, name: 'web', ...budget });
        },
        async addDaemonSet(name) {
          const labels = { app: name };
          const { metadata } = await must(bed(), 'POST', `/apis/apps/v1/namespaces/${namespace}/daemonsets`, {
            metadata: { name },
            spec: {
              selector: { matchLabels: labels },
              template: {
                metadata: { labels },
                spec: {
                  nodeSelector: on(node.name),
                  containers: [{ name: 'main', image: 'registry.example.com/agent:1.0.0' }],
                },
              },
            },
          });
          return metadata.uid;
        },
        async until(what, look) {
          await bed().until(what, look);
        },
        // The bed is everybody's.
        close: async () => undefined,
      };
    });
  });
}
