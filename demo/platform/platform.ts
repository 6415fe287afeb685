/**
 * The clusters of a platform as its template and its manifests describe them: what the lab creates in place of the sample's
 * own clusters, and a list of what it does not play.
 */
import { statSync } from 'node:fs';
import path from 'node:path';
import type { Assembly } from '@nightshift/lab/assembly/assembly.ts';
import {
  type ClusterTemplate,
  hasCluster,
  readClusterTemplate,
} from '@nightshift/lab/assembly/cluster-template.ts';
import { resourceOfKind } from '@nightshift/lab/world/kubernetes/resources.ts';
import type { NightshiftConfig } from '#model/config.ts';
import { LabError } from '../errors.ts';
import { buildKustomization } from './kustomization.ts';
import type { KubernetesObject } from './kustomize-transformers.ts';
import { notPlayedLines, partlyPlayed } from './not-played.ts';

export interface PlatformCluster {
  readonly template: ClusterTemplate;
  /** In the order of the overlays; without Argo CD's own objects, which its world creates. */
  readonly objects: readonly KubernetesObject[];
  /** Charts that its applications install. */
  readonly charts: readonly Chart[];
  readonly argocdInCluster: boolean;
}

export interface Chart {
  readonly name: string;
  readonly namespace: string;
  readonly values: Readonly<Record<string, unknown>>;
}

export interface Platform {
  /** By environment of the config. */
  readonly clusters: ReadonlyMap<string, PlatformCluster>;
  /** The stacks of nightshift, which run on the clusters. */
  readonly assembly: Assembly;
  /** Lines for a person. */
  readonly notPlayed: readonly string[];
}

interface ApplicationSpec {
  readonly source: {
    readonly path?: string;
    readonly chart?: string;
    readonly helm?: { readonly valuesObject?: Readonly<Record<string, unknown>> };
  };
  readonly destination: { readonly namespace: string };
}

/** Argo CD's world makes these itself, from the builds of the config. */
const ARGOCD_KINDS = new Set(['Application', 'AppProject', 'Secret']);

/**
 * `gitops` is the folder that Argo CD reads as `gitops/`. Throws `LabError` where an environment of the config has no
 * cluster in the assembly or no overlays.
 */
export function readPlatform(assembly: Assembly, config: NightshiftConfig, gitops: string): Platform {
  const templates = assembly.stacks.filter(hasCluster).map(readClusterTemplate);
  const clusters = new Map<string, PlatformCluster>();
  for (const [name, { account, region, cluster }] of Object.entries(config.environments)) {
    const template = templates.find(
      (one) => one.name === cluster && one.stack.account === account && one.stack.region === region,
    );
    if (!template)
      throw new LabError(`no stack of ${assembly.directory} describes the cluster ${cluster} of ${name}`);
    clusters.set(name, readCluster(template, gitops, name));
  }
  const counts = new Map<string, number>();
  const count = (kind: string, n = 1) => counts.set(kind, (counts.get(kind) ?? 0) + n);
  for (const { template, objects, charts } of clusters.values()) {
    for (const [type, n] of template.others) if (type !== 'AWS::EC2::Subnet') count(type, n);
    for (const { kind } of objects.filter((object) => !isServed(object))) count(kind);
    if (charts.length > 0) count('Chart', charts.length);
  }
  return {
    clusters,
    assembly: { ...assembly, stacks: assembly.stacks.filter((stack) => !hasCluster(stack)) },
    notPlayed: [...partlyPlayed(templates), ...notPlayedLines(counts)],
  };
}

function readCluster(template: ClusterTemplate, gitops: string, environment: string): PlatformCluster {
  const overlay = (name: string) => {
    const folder = path.join(gitops, 'overlays', environment, name);
    if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
      throw new LabError(`there are no manifests of ${environment}: ${folder}`);
    return buildKustomization(folder);
  };
  const applications = overlay('applications').filter(({ kind }) => kind === 'Application');
  const charts: Chart[] = [];
  const objects = [...overlay('bootstrap')];
  for (const application of applications) {
    const { source, destination } = application['spec'] as ApplicationSpec;
    if (source.chart !== undefined) {
      const values = source.helm?.valuesObject ?? {};
      charts.push({ name: source.chart, namespace: destination.namespace, values });
    } else objects.push(...overlay(path.posix.basename(source.path ?? '')));
  }
  return {
    template,
    objects: objects.filter(({ kind }) => !ARGOCD_KINDS.has(kind)),
    charts,
    argocdInCluster: charts.some(({ name }) => name === 'argo-cd'),
  };
}

/** Whether the lab's API server has the kind. */
export function isServed({ apiVersion, kind }: KubernetesObject): boolean {
  return resourceOfKind(apiVersion, kind) !== undefined;
}
