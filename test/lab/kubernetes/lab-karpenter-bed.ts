/** A bed on the lab's Karpenter, which runs as a Deployment on a node of its own. */
import { anInstance } from '@nightshift/lab/test/kubernetes/cluster.ts';
import type { InstanceView, WorldContext } from '@nightshift/lab/world/interfaces.ts';
import type { ScaleOut } from '@nightshift/lab/world/kubernetes/index.ts';
import type { KarpenterBed } from '#test/conformance/karpenter/bed.ts';
import { addDeployment, deploymentPath, must, on, readyPods } from '#test/conformance/kubernetes/objects.ts';
import { aLabServer } from './lab-bed.ts';

const NAMESPACE = 'kube-system';
const NAME = 'karpenter';
const LAUNCH_MS = 5_000;
/** Beside the nodes of the bed. */
const FIRST_INSTANCE = 100;

export async function aLabKarpenterBed(): Promise<KarpenterBed> {
  const { bed, context } = await aLabServer(fleetOf);
  const { clock } = context;
  const pass = (seconds: number) => clock.runUntil(clock.now() + seconds * 1_000);
  const host = await bed.addNode();
  const pod = { namespace: NAMESPACE, name: NAME, nodeSelector: on(host.name) };
  await addDeployment(bed, { ...pod, replicas: 1 });
  const scale = (replicas: number) =>
    must(bed, 'PATCH', deploymentPath(NAMESPACE, NAME), { spec: { replicas } });
  const runs = () => readyPods(bed, NAMESPACE, `app=${NAME}`, 1);
  await runs();
  return {
    software: bed.software,
    instanceType: 'm5.large',
    podCpu: '1200m',
    nodeClassRef: { group: 'karpenter.k8s.aws', kind: 'EC2NodeClass', name: 'default' },
    clientFor: bed.clientFor,
    ask: bed.ask,
    addNamespace: bed.addNamespace,
    until: bed.until,
    asked: bed.asked,
    close: bed.close,
    now: () => clock.date(),
    pass: async (seconds) => void (await pass(seconds)),
    async withoutKarpenter(work) {
      await scale(0);
      await pass(30);
      try {
        return await work();
      } finally {
        await scale(1);
        await runs();
      }
    },
  };
}

/** Launches whatever it is asked for. */
function fleetOf({ clock, signals }: WorldContext): ScaleOut {
  const instances = new Map<string, InstanceView>();
  return {
    groups: () => [],
    setDesired(group) {
      throw new Error(`no group ${group}`);
    },
    fleet: {
      zones: ['ap-northeast-1a'],
      launch({ instanceType, labels, capacityType }) {
        const about = { type: instanceType, labels, capacityType, autoScalingGroup: '' };
        const instance = anInstance(FIRST_INSTANCE + instances.size, about);
        instances.set(instance.id, instance);
        clock.after(LAUNCH_MS, () => signals.emit('instance-running', instance));
        return instance.id;
      },
      terminate(id) {
        const instance = instances.get(id);
        if (instance) signals.emit('instance-gone', instance);
      },
    },
  };
}
