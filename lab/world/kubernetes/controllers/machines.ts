/** The instances of the cluster as Kubernetes sees them: each boots, registers its node and gets a kubelet. */
import type { InstanceView } from '../../interfaces.ts';
import type { ImageRegistry } from '../../registry/registry.ts';
import { allocatable, capacity, nodeLabels, nodeShape } from '../node-shapes.ts';
import {
  controllerOf,
  isPodTerminating,
  type KubeObject,
  type ObjectInput,
  type PodObject,
  timestamp,
  withCondition,
} from '../objects.ts';
import type { LostPod } from '../types.ts';
import type { ControllerContext } from './controller.ts';
import { createKubelet, type Kubelet } from './kubelet.ts';

export interface Machines {
  readonly lostPods: readonly LostPod[];
  /** The node's name while its object exists. */
  nodeOf(instanceId: string): string | undefined;
  instanceOf(nodeName: string): InstanceView | undefined;
  isAlive(nodeName: string): boolean;
  /** Its kubelet reports: false too where the instance runs and the kubelet has died. */
  isReporting(nodeName: string): boolean;
  /** The kubelet dies, and its instance runs on: nothing ends a pod there any more. */
  killKubelet(nodeName: string): void;
  /** Called when the kubelet of a node stops, or starts again. */
  onKubelet(listener: (nodeName: string, alive: boolean) => void): void;
}

/** From `running` to the node's registration: kernel, cloud-init and nodeadm. */
const BOOT_MS = { least: 20_000, spread: 20_000 };
/** From there to Ready: the CNI plugin has to come up. */
const READY_MS = 10_000;

interface Machine {
  readonly view: InstanceView;
  alive: boolean;
  kubelet: Kubelet | undefined;
  isKubeletDead?: true;
}

export function createMachines(
  context: ControllerContext,
  options: {
    readonly cluster: string;
    readonly version?: string;
    readonly images?: Pick<ImageRegistry, 'pull'>;
  },
): Machines {
  const { registry, recordEvent, clock } = context;
  const machines = new Map<string, Machine>();
  const byNode = new Map<string, Machine>();
  const lostPods: LostPod[] = [];
  const listeners = new Set<(nodeName: string, alive: boolean) => void>();
  const reportKubelet = (nodeName: string, alive: boolean) => {
    for (const listener of listeners) listener(nodeName, alive);
  };

  const boot = (view: InstanceView) => {
    const machine: Machine = { view, alive: true, kubelet: undefined };
    machines.set(view.id, machine);
    clock.after(BOOT_MS.least + context.random() * BOOT_MS.spread, () => {
      if (machine.alive) register(machine);
    });
  };

  const register = (machine: Machine) => {
    const { view } = machine;
    const name = view.privateDnsName;
    byNode.set(name, machine);
    if (!registry.find('nodes', undefined, name)) createNode(view, options.version ?? '1.33', context);
    const node = registry.get('nodes', undefined, name);
    recordEvent('kubelet', node as KubeObject, 'Normal', 'Starting', 'Starting kubelet.');
    recordEvent(
      'node-controller',
      node as KubeObject,
      'Normal',
      'RegisteredNode',
      `Node ${name} event: Registered Node ${name} in Controller`,
    );
    machine.kubelet = createKubelet(context, view, options.images);
    reportKubelet(name, true);
    clock.after(READY_MS, () => {
      if (!machine.alive || machine.isKubeletDead || !registry.find('nodes', undefined, name)) return;
      setReady(name);
    });
  };

  const setReady = (name: string) => {
    const node = registry.modifyStatus('nodes', undefined, name, (draft) => {
      const now = clock.now();
      let conditions = draft.status?.conditions;
      for (const one of pressures) conditions = withCondition(conditions, { ...one, status: 'False' }, now);
      draft.status = {
        ...draft.status,
        conditions: withCondition(
          conditions,
          {
            type: 'Ready',
            status: 'True',
            reason: 'KubeletReady',
            message: 'kubelet is posting ready status',
            lastHeartbeatTime: timestamp(now),
          },
          now,
        ),
      };
    });
    recordEvent(
      'kubelet',
      node as KubeObject,
      'Normal',
      'NodeReady',
      `Node ${name} status is now: NodeReady`,
    );
  };

  const lose = (view: InstanceView) => {
    const machine = machines.get(view.id);
    if (!machine?.alive) return;
    machine.alive = false;
    machines.delete(view.id);
    if (!machine.kubelet) return;
    machine.kubelet.stop();
    const name = view.privateDnsName;
    for (const pod of registry.store.podsOn(name)) {
      if (pod.status?.phase === 'Running') lostPods.push(lostPod(pod, view, clock.now()));
    }
    reportKubelet(name, false);
  };

  const isOurs = (view: InstanceView) => view.cluster === options.cluster;
  context.signals.on('instance-running', (view) => {
    if (isOurs(view) && !machines.has(view.id)) boot(view);
  });
  context.signals.on('instance-gone', (view) => {
    if (isOurs(view)) lose(view);
  });

  registry.subscribe(
    ({ object, type }) => {
      const nodeName = object.spec?.nodeName as string | undefined;
      const machine = nodeName === undefined ? undefined : byNode.get(nodeName);
      if (!machine?.alive) return;
      machine.kubelet?.see(object as PodObject, type === 'DELETED');
    },
    ['pods'],
  );

  return {
    lostPods,
    nodeOf(instanceId) {
      for (const [name, { view }] of byNode)
        if (view.id === instanceId) return registry.find('nodes', undefined, name) ? name : undefined;
      return undefined;
    },
    instanceOf: (nodeName) => byNode.get(nodeName)?.view,
    isAlive: (nodeName) => byNode.get(nodeName)?.alive ?? false,
    isReporting(nodeName) {
      const machine = byNode.get(nodeName);
      return machine?.alive === true && !machine.isKubeletDead;
    },
    killKubelet(nodeName) {
      const machine = byNode.get(nodeName);
      if (!machine?.alive || !machine.kubelet) return;
      machine.kubelet.stop();
      machine.isKubeletDead = true;
      reportKubelet(nodeName, false);
    },
    onKubelet: (listener) => void listeners.add(listener),
  };
}

const pressures = [
  {
    type: 'MemoryPressure',
    reason: 'KubeletHasSufficientMemory',
    message: 'kubelet has sufficient memory available',
  },
  { type: 'DiskPressure', reason: 'KubeletHasNoDiskPressure', message: 'kubelet has no disk pressure' },
  { type: 'PIDPressure', reason: 'KubeletHasSufficientPID', message: 'kubelet has sufficient PID available' },
];

/** Only pods that a Fargate profile selects run there. */
function taintsOfFargate({ labels }: InstanceView) {
  const key = 'eks.amazonaws.com/compute-type';
  return labels[key] === 'fargate' ? [{ key, value: 'fargate', effect: 'NoSchedule' }] : [];
}

function createNode(view: InstanceView, version: string, { registry, clock, hex }: ControllerContext): void {
  const name = view.privateDnsName;
  const shape = nodeShape(view.type);
  const now = clock.now();
  const node: ObjectInput = {
    kind: 'Node',
    apiVersion: 'v1',
    metadata: {
      name,
      labels: nodeLabels(view, name),
      annotations: {
        'alpha.kubernetes.io/provided-node-ip': view.privateIp,
        'node.alpha.kubernetes.io/ttl': '0',
        'volumes.kubernetes.io/controller-managed-attach-detach': 'true',
      },
    },
    spec: {
      providerID: `aws:///${view.zone}/${view.id}`,
      taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }, ...taintsOfFargate(view)],
    },
    status: {
      capacity: capacity(shape),
      allocatable: allocatable(shape),
      addresses: [
        { type: 'InternalIP', address: view.privateIp },
        { type: 'InternalDNS', address: name },
        { type: 'Hostname', address: name },
      ],
      daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
      nodeInfo: {
        architecture: shape.architecture,
        bootID: hex(32),
        containerRuntimeVersion: 'containerd://1.7.29',
        kernelVersion: '6.12.46-66.121.amzn2023.x86_64',
        kubeProxyVersion: `v${version}.5-eks-113cf36`,
        kubeletVersion: `v${version}.5-eks-113cf36`,
        machineID: hex(32),
        operatingSystem: 'linux',
        osImage: 'Amazon Linux 2023.9.20251110',
        systemUUID: hex(32),
      },
      conditions: [
        ...pressures.map((one) => ({
          ...one,
          status: 'False',
          lastHeartbeatTime: timestamp(now),
          lastTransitionTime: timestamp(now),
        })),
        {
          type: 'Ready',
          status: 'False',
          reason: 'KubeletNotReady',
          message:
            'container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized',
          lastHeartbeatTime: timestamp(now),
          lastTransitionTime: timestamp(now),
        },
      ],
    },
  };
  registry.create('nodes', undefined, node, { own: true });
}

function lostPod(pod: PodObject, view: InstanceView, at: number): LostPod {
  return {
    at,
    namespace: pod.metadata.namespace ?? '',
    name: pod.metadata.name,
    node: view.privateDnsName,
    instanceId: view.id,
    terminating: isPodTerminating(pod),
    daemonSet: controllerOf(pod)?.kind === 'DaemonSet',
  };
}
