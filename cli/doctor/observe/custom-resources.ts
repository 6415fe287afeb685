/** Observes NodePools and the applications of Argo CD: a cluster may have neither. */
import { type KubernetesClient, KubernetesError } from '#functions/adapters/kubernetes/client.ts';
import { BUILT_IN_POOLS } from '#model/names.ts';
import { isRecord } from '#model/record-schema.ts';
import type { ApplicationFacts, IgnoredDifference, NodePoolFacts, ObjectId } from '../facts.ts';
import type { Observation } from '../observation.ts';
import { observe } from './observe.ts';

type Client = Pick<KubernetesClient, 'list'>;

const NODE_POOLS = '/apis/karpenter.sh/v1/nodepools';
const APPLICATIONS = '/apis/argoproj.io/v1alpha1/applications';
const EKS_CLASSES = 'eks.amazonaws.com';

export function observeNodePools(client: Client): Promise<Observation<readonly NodePoolFacts[]>> {
  return observe('list nodepools.karpenter.sh', async () =>
    (await listIfKnown(client, NODE_POOLS)).map(poolOf),
  );
}

export function observeApplications(client: Client): Promise<Observation<readonly ApplicationFacts[]>> {
  return observe('list applications.argoproj.io', async () =>
    (await listIfKnown(client, APPLICATIONS)).map(applicationOf),
  );
}

/** Without its CustomResourceDefinition there is none of them. */
async function listIfKnown(client: Client, path: string): Promise<readonly unknown[]> {
  try {
    return await client.list<unknown>(path);
  } catch (error) {
    if (error instanceof KubernetesError && error.status === 404) return [];
    throw error;
  }
}

function poolOf(pool: unknown): NodePoolFacts {
  const name = textOf(fieldOf(pool, 'metadata', 'name'));
  const group = textOf(fieldOf(pool, 'spec', 'template', 'spec', 'nodeClassRef', 'group'));
  const nodeClass = textOf(fieldOf(pool, 'spec', 'template', 'spec', 'nodeClassRef', 'name'));
  return {
    name,
    isBuiltIn: group === EKS_CLASSES && BUILT_IN_POOLS.includes(name),
    isStatic: typeof fieldOf(pool, 'spec', 'replicas') === 'number',
    annotations: textsOf(fieldOf(pool, 'metadata', 'annotations')),
    ...(group ? { nodeClass: { group, name: nodeClass } } : {}),
  };
}

function applicationOf(application: unknown): ApplicationFacts {
  const automated = fieldOf(application, 'spec', 'syncPolicy', 'automated');
  return {
    namespace: textOf(fieldOf(application, 'metadata', 'namespace')),
    name: textOf(fieldOf(application, 'metadata', 'name')),
    repositories: repositoriesOf(fieldOf(application, 'spec')),
    isAutomated: isRecord(automated) && automated['enabled'] !== false,
    selfHeal: fieldOf(automated, 'selfHeal') === true,
    syncOptions: listOf(fieldOf(application, 'spec', 'syncPolicy', 'syncOptions')).map(textOf),
    ignored: listOf(fieldOf(application, 'spec', 'ignoreDifferences')).map(ignoredOf),
    resources: listOf(fieldOf(application, 'status', 'resources')).map(objectOf),
  };
}

function repositoriesOf(spec: unknown): readonly string[] {
  const dry = fieldOf(spec, 'sourceHydrator', 'drySource');
  const several = listOf(fieldOf(spec, 'sources'));
  const sources = isRecord(dry) ? [dry] : several.length > 0 ? several : [fieldOf(spec, 'source')];
  return sources.map((source) => textOf(fieldOf(source, 'repoURL'))).filter(Boolean);
}

function ignoredOf(one: unknown): IgnoredDifference {
  return {
    ...objectOf(one),
    jsonPointers: listOf(fieldOf(one, 'jsonPointers')).map(textOf),
    jqPathExpressions: listOf(fieldOf(one, 'jqPathExpressions')).map(textOf),
  };
}

function objectOf(one: unknown): ObjectId {
  const [group = '', kind = '', namespace = '', name = ''] = ['group', 'kind', 'namespace', 'name'].map(
    (field) => textOf(fieldOf(one, field)),
  );
  return { group, kind, name, ...(namespace ? { namespace } : {}) };
}

function fieldOf(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce((at, name) => (isRecord(at) ? at[name] : undefined), value);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function textsOf(value: unknown): Readonly<Record<string, string>> {
  return isRecord(value)
    ? Object.fromEntries(Object.entries(value).map(([name, text]) => [name, textOf(text)]))
    : {};
}
