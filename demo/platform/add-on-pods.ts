/**
 * What the add-ons of EKS run in a cluster: name, namespace and size of their workloads as EKS installs them by default
 * (November 2026). The lab's pods have these requests and run no program.
 */
import type { Kubernetes } from '@nightshift/lab/world/kubernetes/index.ts';

interface AddOnWorkload {
  readonly kind: 'DaemonSet' | 'Deployment';
  readonly name: string;
  readonly namespace?: string;
  readonly replicas?: number;
  readonly cpu?: string;
  readonly memory?: string;
  /** EKS installs a PodDisruptionBudget of one pod with it. */
  readonly budget?: boolean;
}

const WORKLOADS: Readonly<Record<string, readonly AddOnWorkload[]>> = {
  'vpc-cni': [{ kind: 'DaemonSet', name: 'aws-node', cpu: '50m' }],
  'kube-proxy': [{ kind: 'DaemonSet', name: 'kube-proxy', cpu: '100m' }],
  'eks-pod-identity-agent': [{ kind: 'DaemonSet', name: 'eks-pod-identity-agent' }],
  coredns: [{ kind: 'Deployment', name: 'coredns', replicas: 2, cpu: '100m', memory: '70Mi', budget: true }],
  'metrics-server': [
    { kind: 'Deployment', name: 'metrics-server', replicas: 2, cpu: '100m', memory: '200Mi', budget: true },
  ],
  'external-dns': [{ kind: 'Deployment', name: 'external-dns', namespace: 'external-dns' }],
  'fluent-bit': [
    { kind: 'DaemonSet', name: 'fluent-bit', namespace: 'fluent-bit', cpu: '50m', memory: '50Mi' },
  ],
  'aws-ebs-csi-driver': [
    { kind: 'DaemonSet', name: 'ebs-csi-node', cpu: '30m', memory: '120Mi' },
    {
      kind: 'Deployment',
      name: 'ebs-csi-controller',
      replicas: 2,
      cpu: '60m',
      memory: '240Mi',
      budget: true,
    },
  ],
};

/** Those that are known here: see `unknownAddOns`. */
export function addAddOnPods(
  kubernetes: Kubernetes,
  addOns: readonly string[],
  podAnnotations: Readonly<Record<string, string>>,
): void {
  for (const workload of addOns.flatMap((name) => WORKLOADS[name] ?? [])) {
    const { kind, name, namespace = 'kube-system', replicas = 1, budget, cpu, memory } = workload;
    const seed = {
      name,
      namespace,
      ...(cpu === undefined ? {} : { cpu }),
      ...(memory === undefined ? {} : { memory }),
    };
    if (kind === 'DaemonSet') kubernetes.addDaemonSet(seed);
    else kubernetes.addDeployment({ ...seed, replicas, podAnnotations, terminationGracePeriodSeconds: 10 });
    if (budget) kubernetes.addPdb({ name, namespace, matchLabels: { app: name }, maxUnavailable: 1 });
  }
}

export function unknownAddOns(addOns: readonly string[]): readonly string[] {
  return addOns.filter((name) => WORKLOADS[name] === undefined);
}
