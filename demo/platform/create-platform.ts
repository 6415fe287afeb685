/** Creates the nodegroups, access entries, add-ons and workloads that a platform's template and manifests describe. */
import type { AwsWorld, EksCluster } from '@nightshift/lab/world/aws/index.ts';
import type { Kubernetes, ObjectInput } from '@nightshift/lab/world/kubernetes/index.ts';
import type { ImageRegistry } from '@nightshift/lab/world/registry/registry.ts';
import { ecrRepository } from '#model/image-repository.ts';
import { ARGOCD, FAST_PODS } from '../sample/resources.ts';
import { addAddOnPods } from './add-on-pods.ts';
import type { KubernetesObject } from './kustomize-transformers.ts';
import { type Chart, isServed, type PlatformCluster } from './platform.ts';

/** Addresses that a node of 4xlarge takes from its subnet, with whole interfaces. */
const ADDRESSES_PER_NODE = 240;

/** For `addCluster`. */
export function clusterOptionsOf({ template }: PlatformCluster) {
  const subnets = template.nodegroups.flatMap((group) => group.subnets);
  const byCidr = new Map(subnets.map((subnet) => [subnet.cidr, subnet]));
  return { version: template.version, subnets: [...byCidr.values()], addressesPerNode: ADDRESSES_PER_NODE };
}

export function addPlatformGroups(aws: AwsWorld, cluster: EksCluster, { template }: PlatformCluster): void {
  for (const { subnets, ...group } of template.nodegroups)
    aws.addNodegroup(cluster, { ...group, zones: [...new Set(subnets.map(({ zone }) => zone))] });
  for (const { principalArn, kubernetesGroups, username } of template.accessEntries)
    aws.addAccessEntry(cluster, {
      principalArn,
      kubernetesGroups,
      ...(username === undefined ? {} : { username }),
    });
}

/** What Argo CD has synced before the day begins, and the pods of add-ons. */
export function addPlatformWorkloads(
  kubernetes: Kubernetes,
  images: ImageRegistry,
  { template, objects, charts }: PlatformCluster,
): void {
  addAddOnPods(kubernetes, template.addOns, FAST_PODS);
  for (const chart of charts) addChart(kubernetes, chart);
  const minimum = minimumsOf(objects);
  const served = objects.filter(isServed);
  for (const { image } of served.flatMap(containersOf)) pushImage(images, image);
  for (const namespace of new Set(served.flatMap(({ metadata }) => metadata.namespace ?? [])))
    kubernetes.addNamespace(namespace);
  kubernetes.applyObjects(
    served.map(
      (object) => (object.kind === 'Deployment' ? runnable(object, minimum) : object) as ObjectInput,
    ),
  );
}

/** A HorizontalPodAutoscaler of pods without load keeps its minimum. By `<namespace>/<deployment>`. */
function minimumsOf(objects: readonly KubernetesObject[]): ReadonlyMap<string, number> {
  return new Map(
    objects
      .filter(({ kind }) => kind === 'HorizontalPodAutoscaler')
      .map(({ metadata, spec }) => {
        const { scaleTargetRef, minReplicas = 1 } = spec as {
          scaleTargetRef: { name: string };
          minReplicas?: number;
        };
        return [`${metadata.namespace}/${scaleTargetRef.name}`, minReplicas];
      }),
  );
}

function runnable(deployment: KubernetesObject, minimum: ReadonlyMap<string, number>): KubernetesObject {
  const { namespace, name } = deployment.metadata;
  const spec = deployment['spec'] as {
    replicas?: number;
    template: { metadata?: { annotations?: Record<string, string> } };
  };
  const replicas = spec.replicas ?? minimum.get(`${namespace}/${name}`) ?? 1;
  const metadata = {
    ...spec.template.metadata,
    annotations: { ...spec.template.metadata?.annotations, ...FAST_PODS },
  };
  return { ...deployment, spec: { ...spec, replicas, template: { ...spec.template, metadata } } };
}

function containersOf({ kind, spec }: KubernetesObject): readonly { readonly image: string }[] {
  if (kind !== 'Deployment') return [];
  return (spec as { template: { spec: { containers: { image: string }[] } } }).template.spec.containers;
}

/** What the manifests name was built before the day. */
function pushImage(images: ImageRegistry, image: string): void {
  const [repository = '', tag] = image.split(/:(?=[\w.-]+$)/);
  const place = ecrRepository(repository);
  if (!place || tag === undefined) return;
  images.addRepository(place, place.name);
  images.push(place, { name: place.name, tag });
}

/** The two whose pods matter to nightshift. */
function addChart(kubernetes: Kubernetes, { name, namespace, values }: Chart): void {
  if (name === 'argo-cd')
    kubernetes.addDeployment({
      name: ARGOCD.deployment,
      namespace,
      replicas: 2,
      cpu: '100m',
      memory: '128Mi',
      podAnnotations: FAST_PODS,
    });
  if (name !== 'cluster-autoscaler') return;
  const { fullnameOverride = name, nodeSelector } = values as {
    fullnameOverride?: string;
    nodeSelector?: Readonly<Record<string, string>>;
  };
  kubernetes.addDeployment({
    name: fullnameOverride,
    namespace,
    replicas: 1,
    ...(nodeSelector ? { nodeSelector } : {}),
  });
}
