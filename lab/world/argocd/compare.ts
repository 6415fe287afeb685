/** Compares the repository with the cluster: sync status, health, and the status of each resource. */
import type { Workloads } from '../interfaces.ts';
import type {
  ApplicationObject,
  ApplicationSeed,
  ApplicationSource,
  DeploymentTemplate,
  HealthCode,
  ResourceStatus,
  RevisionOf,
  SyncCode,
} from './types.ts';

/** A Deployment with its image resolved. */
export type Manifest = DeploymentTemplate;

/** From best to worst. */
const HEALTH_ORDER: readonly HealthCode[] = [
  'Healthy',
  'Suspended',
  'Progressing',
  'Missing',
  'Degraded',
  'Unknown',
];

export function sourcesOf(spec: ApplicationObject['spec']): ApplicationSource[] {
  if (spec.sources && spec.sources.length > 0) return spec.sources;
  return spec.source ? [spec.source] : [];
}

export function hasMultipleSources(spec: ApplicationObject['spec']): boolean {
  return (spec.sources?.length ?? 0) > 0;
}

/** Cache of each application's last manifests: it is compared far more often than its revisions change. */
const made = new WeakMap<ApplicationSeed, { readonly at: string; readonly manifests: readonly Manifest[] }>();

export function manifestsOf(
  seed: ApplicationSeed,
  revisions: readonly string[],
  spec: ApplicationObject['spec'],
): readonly Manifest[] {
  const overrides = overridesOf(spec);
  const at = `${revisions.join()} ${overrides.key}`;
  const last = made.get(seed);
  if (last?.at === at) return last.manifests;
  const manifests = makeManifests(seed, revisions, overrides);
  made.set(seed, { at, manifests });
  return manifests;
}

interface Overrides {
  readonly key: string;
  readonly images: readonly string[];
  readonly parameters: ReadonlyMap<string, string>;
}

function overridesOf(spec: ApplicationObject['spec']): Overrides {
  const images: string[] = [];
  const parameters = new Map<string, string>();
  for (const { kustomize, helm } of sourcesOf(spec)) {
    images.push(...((kustomize as { images?: string[] } | undefined)?.images ?? []));
    const set = (helm as { parameters?: { name: string; value: string }[] } | undefined)?.parameters ?? [];
    for (const { name, value } of set) parameters.set(name, value);
  }
  const key = images.length + parameters.size > 0 ? JSON.stringify([images, [...parameters]]) : '';
  return { key, images, parameters };
}

/** As `kustomize edit set image` does it: `[old=]name:tag` or `name@digest`. */
function withOverrides(image: string, { images, parameters }: Overrides): string {
  const rendered = image.replace(/\{helm:([\w.]+)\}/g, (_, name: string) => parameters.get(name) ?? 'latest');
  const nameOf = (text: string) => text.replace(/(@.*|:[^:/]*)$/, '');
  for (const entry of images) {
    const [first = '', second] = entry.split('=');
    const wanted = second ?? first;
    if (nameOf(rendered) === nameOf(second === undefined ? wanted : first)) return wanted;
  }
  return rendered;
}

function makeManifests(
  seed: ApplicationSeed,
  revisions: readonly string[],
  overrides: Overrides,
): Manifest[] {
  return seed.deployments.map((deployment) => ({
    ...deployment,
    image: withOverrides(deployment.image, overrides).replace(
      /\{revision(7)?(?::(\d+))?\}/g,
      (_, short?: string, index?: string) => {
        const revision = revisions[index === undefined ? 0 : Number(index)];
        if (revision === undefined) {
          throw new Error(`image ${deployment.image} of ${seed.name}: there is no source ${index}`);
        }
        return short === undefined ? revision : revision.slice(0, 7);
      },
    ),
  }));
}

export function keyOf(manifest: { readonly namespace: string; readonly name: string }): string {
  return `${manifest.namespace}/${manifest.name}`;
}

export interface Comparison {
  readonly sync: SyncCode;
  readonly health: HealthCode;
  /** The resources that have this health, `Caused by apps/Deployment:app/api`. */
  readonly healthMessage?: string;
  /** Without their health. */
  readonly resources: ResourceStatus[];
}

/** How many of them a health message names. */
const CAUSES_SHOWN = 3;

/**
 * A resource that is missing makes the application OutOfSync, and Missing only where none of its resources is live;
 * otherwise the worst health of a live resource is that of the application (Argo CD 3.x).
 */
export function compare(
  desired: readonly Manifest[] | undefined,
  live: ReadonlyMap<string, Manifest>,
  workloads: Workloads,
): Comparison {
  const wanted = desired ?? [...live.values()];
  const resources: ResourceStatus[] = [];
  let worst: HealthCode = 'Healthy';
  let anyLive = false;
  let causes: string[] = [];
  const add = (manifest: Manifest, synced: boolean, requiresPruning: boolean) => {
    const health = workloads.health(manifest.namespace, manifest.name);
    const there = health !== 'Missing';
    if (there) {
      anyLive = true;
      if (HEALTH_ORDER.indexOf(health) > HEALTH_ORDER.indexOf(worst)) {
        worst = health;
        causes = [];
      }
      if (health === worst && health !== 'Healthy') causes.push(`apps/Deployment:${keyOf(manifest)}`);
    }
    resources.push({
      group: 'apps',
      version: 'v1',
      kind: 'Deployment',
      namespace: manifest.namespace,
      name: manifest.name,
      status: synced && there ? 'Synced' : 'OutOfSync',
      ...(requiresPruning ? { requiresPruning } : {}),
    });
  };
  for (const manifest of wanted) add(manifest, same(manifest, live.get(keyOf(manifest))), false);
  for (const [key, manifest] of live) {
    if (!wanted.some((other) => keyOf(other) === key)) add(manifest, false, true);
  }
  resources.sort((one, other) => keyOf(one).localeCompare(keyOf(other)));
  const more = causes.length > CAUSES_SHOWN ? ` and ${causes.length - CAUSES_SHOWN} more` : '';
  return {
    ...(causes.length > 0
      ? { healthMessage: `Caused by ${causes.slice(0, CAUSES_SHOWN).join(', ')}${more}` }
      : {}),
    sync: !desired
      ? 'Unknown'
      : resources.every((resource) => resource.status === 'Synced')
        ? 'Synced'
        : 'OutOfSync',
    health: resources.length > 0 && !anyLive ? 'Missing' : worst,
    resources,
  };
}

/** Fields that the API server adds to a resource in its replies. */
export function shownHealth(
  { kind, namespace, name, health }: ResourceStatus,
  workloads: Workloads,
): NonNullable<ResourceStatus['health']> {
  if (kind !== 'Deployment') return health ?? { status: 'Progressing' };
  const status = workloads.health(namespace, name);
  return {
    status,
    ...(status === 'Degraded' ? { message: `Deployment "${name}" exceeded its progress deadline` } : {}),
  };
}

function same(desired: Manifest, live: Manifest | undefined): boolean {
  return desired === live || (live !== undefined && JSON.stringify(desired) === JSON.stringify(live));
}

/** Resolves each source to its commit at a time. `revisions` override the sources' own. */
export function resolveSources(
  spec: ApplicationObject['spec'],
  revisionOf: RevisionOf,
  revisions: readonly string[] | undefined,
  at: number,
): { readonly revision: string; readonly sha: string | undefined }[] {
  return sourcesOf(spec).map((source, index) => {
    const revision = revisions?.[index] || source.targetRevision || 'HEAD';
    return { revision, sha: revisionOf(source.repoURL, revision, at) };
  });
}

/** The repo-server's message for an unknown revision. */
export function unresolved(revision: string): string {
  return `rpc error: code = Unknown desc = unable to resolve '${revision}' to a commit SHA: revision not found`;
}

export function unresolvable(index: number, of: number, revision: string): string {
  return `Failed to load target state: failed to generate manifest for source ${index + 1} of ${of}: ${unresolved(revision)}`;
}
