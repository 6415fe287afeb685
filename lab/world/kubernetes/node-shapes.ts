/** Allocatable resources of an instance type, as the EKS AMI computes them. */
import type { InstanceView } from '../interfaces.ts';

export interface NodeShape {
  readonly cpu: number;
  readonly memoryMi: number;
  /** Addresses of the network interfaces: interfaces × (addresses − 1) + 2, as in eni-max-pods.txt. */
  readonly pods: number;
  readonly architecture: 'amd64' | 'arm64';
}

const GiB = 1024;

/** Sizes of the general families: vCPU, GiB per vCPU by family, pods by size. */
const sizes: Readonly<Record<string, { cpu: number; pods: number }>> = {
  medium: { cpu: 1, pods: 8 },
  large: { cpu: 2, pods: 29 },
  xlarge: { cpu: 4, pods: 58 },
  '2xlarge': { cpu: 8, pods: 58 },
  '4xlarge': { cpu: 16, pods: 234 },
  '8xlarge': { cpu: 32, pods: 234 },
  '12xlarge': { cpu: 48, pods: 234 },
  '16xlarge': { cpu: 64, pods: 737 },
  '24xlarge': { cpu: 96, pods: 737 },
};

const burstable: Readonly<Record<string, { cpu: number; memory: number; pods: number }>> = {
  nano: { cpu: 2, memory: 0.5, pods: 4 },
  micro: { cpu: 2, memory: 1, pods: 4 },
  small: { cpu: 2, memory: 2, pods: 11 },
  medium: { cpu: 2, memory: 4, pods: 17 },
  large: { cpu: 2, memory: 8, pods: 35 },
  xlarge: { cpu: 4, memory: 16, pods: 58 },
  '2xlarge': { cpu: 8, memory: 32, pods: 58 },
};

export function isNodeType(type: string): boolean {
  return shapeOf(type) !== undefined;
}

export function nodeShape(type: string): NodeShape {
  const shape = shapeOf(type);
  if (!shape) {
    throw new Error(
      `the lab knows no instance type "${type}"; add it to lab/world/kubernetes/node-shapes.ts`,
    );
  }
  return shape;
}

function shapeOf(type: string): NodeShape | undefined {
  const [family = '', size = ''] = type.split('.');
  const architecture = /^[a-z]+[0-9]+g/.test(family) || family === 'a1' ? 'arm64' : 'amd64';
  if (family.startsWith('t')) {
    const shape = burstable[size];
    if (shape) return { cpu: shape.cpu, memoryMi: shape.memory * GiB, pods: shape.pods, architecture };
  }
  const shape = sizes[size];
  if (!shape) return undefined;
  const perCpu = family.startsWith('c') ? 2 : family.startsWith('r') || family.startsWith('x') ? 8 : 4;
  return { cpu: shape.cpu, memoryMi: shape.cpu * perCpu * GiB, pods: shape.pods, architecture };
}

/** CPU that EKS reserves for the system, in millicores: 6 % of the first core, 1 %, 0.5 %, 0.25 % of the next. */
export function reservedCpuMilli(cores: number): number {
  const steps = [60, 10, 5, 5];
  let reserved = 0;
  for (let core = 0; core < cores; core++) reserved += steps[core] ?? 2.5;
  return Math.round(reserved);
}

export function allocatable(shape: NodeShape): Record<string, string> {
  // kube-reserved of the EKS AMI: 11 MiB a pod + 255 MiB, and the kubelet's own eviction threshold of 100 MiB.
  const memory = Math.max(64, Math.round(shape.memoryMi * 0.975 - (11 * shape.pods + 255) - 100));
  return {
    cpu: `${shape.cpu * 1000 - reservedCpuMilli(shape.cpu)}m`,
    memory: `${memory}Mi`,
    pods: String(shape.pods),
    'ephemeral-storage': '18181869946',
  };
}

export function capacity(shape: NodeShape): Record<string, string> {
  return {
    cpu: String(shape.cpu),
    memory: `${Math.round(shape.memoryMi * 0.975)}Mi`,
    pods: String(shape.pods),
    'ephemeral-storage': '20893676Ki',
  };
}

/** The labels that the kubelet and EKS' cloud provider give every node, under those of its group. */
export function nodeLabels(instance: InstanceView, nodeName: string): Record<string, string> {
  const shape = nodeShape(instance.type);
  return {
    'beta.kubernetes.io/arch': shape.architecture,
    'beta.kubernetes.io/instance-type': instance.type,
    'beta.kubernetes.io/os': 'linux',
    'failure-domain.beta.kubernetes.io/region': instance.region,
    'failure-domain.beta.kubernetes.io/zone': instance.zone,
    'kubernetes.io/arch': shape.architecture,
    'kubernetes.io/hostname': nodeName,
    'kubernetes.io/os': 'linux',
    'node.kubernetes.io/instance-type': instance.type,
    'topology.kubernetes.io/region': instance.region,
    'topology.kubernetes.io/zone': instance.zone,
    ...instance.labels,
  };
}
