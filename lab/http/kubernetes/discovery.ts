/** API discovery: versions, groups, resources, in both the old and the aggregated form. */
import { groupVersion, resources as known, type Resource } from '#lab/world/kubernetes/resources.ts';

const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

const reviewResources = [
  ['authorization.k8s.io', 'SelfSubjectAccessReview', 'selfsubjectaccessreviews'],
  ['authorization.k8s.io', 'SelfSubjectRulesReview', 'selfsubjectrulesreviews'],
  ['authorization.k8s.io', 'SubjectAccessReview', 'subjectaccessreviews'],
  ['authentication.k8s.io', 'SelfSubjectReview', 'selfsubjectreviews'],
] as const;

interface Entry {
  name: string;
  singularName: string;
  namespaced: boolean;
  kind: string;
  verbs: readonly string[];
  group?: string;
  version?: string;
  shortNames?: readonly string[];
  categories?: readonly string[];
}

const subresourceKinds: Readonly<Record<string, Partial<Entry>>> = {
  eviction: { kind: 'Eviction', group: 'policy', version: 'v1', verbs: ['create'] },
  binding: { kind: 'Binding', verbs: ['create'] },
  finalize: { verbs: ['update'] },
  log: { verbs: ['get'] },
  scale: { kind: 'Scale', group: 'autoscaling', version: 'v1', verbs: ['get', 'patch', 'update'] },
  status: { verbs: ['get', 'patch', 'update'] },
};

export interface Discovery {
  /** The document at a path, in the form that the client accepts; undefined where nothing is. */
  at(path: string, accept: string, host: string): { body: unknown; contentType?: string } | undefined;
}

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

export function createDiscovery(gitVersion: string, serves: (resource: Resource) => boolean): Discovery {
  const resources = known.filter(serves);
  const groupVersions = [
    ...new Set([...resources.map(groupVersion), 'authorization.k8s.io/v1', 'authentication.k8s.io/v1']),
  ];
  const groups = groupVersions.filter((one) => one.includes('/')).map(groupOf);

  return {
    at(path, accept, host) {
      if (path === '/version') return { body: versionInfo(gitVersion) };
      if (path === '/api' || path === '/apis') {
        const core = path === '/api';
        if (/application\/json;[^,]*as=APIGroupDiscoveryList/.test(accept) && /;v=v2(?![a-z])/.test(accept))
          return {
            body: aggregated(resources, core ? ['v1'] : named(groupVersions)),
            contentType: AGGREGATED,
          };
        return { body: core ? legacyVersions(host) : { kind: 'APIGroupList', apiVersion: 'v1', groups } };
      }
      if (path === '/openapi/v3') return { body: openApiIndex(groupVersions) };
      const described = /^\/openapi\/v3\/(?:api|apis)\/(.+)$/.exec(path)?.[1] ?? '';
      if (groupVersions.includes(described))
        return { body: openApiDocument(resources, described, gitVersion) };
      const requested = /^\/(?:api|apis)\/(.+)$/.exec(path)?.[1] ?? '';
      if (groupVersions.includes(requested)) {
        return {
          body: {
            kind: 'APIResourceList',
            apiVersion: 'v1',
            groupVersion: requested,
            resources: entriesOf(resources, requested),
          },
        };
      }
      const group = groups.find((one) => one.name === requested);
      return group && { body: { kind: 'APIGroup', apiVersion: 'v1', ...group } };
    },
  };
}

const named = (groupVersions: readonly string[]) => groupVersions.filter((one) => one.includes('/'));

const legacyVersions = (address: string) => ({
  kind: 'APIVersions',
  versions: ['v1'],
  serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: address }],
});

function groupOf(text: string) {
  const [name = '', version = ''] = text.split('/');
  const versions = [{ groupVersion: text, version }];
  return { name, versions, preferredVersion: versions[0] };
}

function entriesOf(resources: readonly Resource[], version: string): Entry[] {
  const entries = resources
    .filter((one) => groupVersion(one) === version)
    .flatMap((one) => [entryOf(one), ...one.subresources.map((sub) => subresourceEntry(one, sub))]);
  const reviews = reviewResources
    .filter(([group]) => version === `${group}/v1`)
    .map(([, kind, name]) => ({
      name,
      singularName: kind.toLowerCase(),
      namespaced: false,
      kind,
      verbs: ['create'],
    }));
  return [...entries, ...reviews].sort((a, b) => (a.name < b.name ? -1 : 1));
}

const entryOf = (resource: Resource): Entry => ({
  name: resource.plural,
  singularName: resource.singular,
  namespaced: resource.namespaced,
  kind: resource.kind,
  verbs,
  ...(resource.shortNames.length > 0 ? { shortNames: resource.shortNames } : {}),
  ...(resource.categories.length > 0 ? { categories: resource.categories } : {}),
});

const subresourceEntry = (resource: Resource, sub: string): Entry => ({
  name: `${resource.plural}/${sub}`,
  singularName: '',
  namespaced: resource.namespaced,
  kind: resource.kind,
  verbs: ['get'],
  ...subresourceKinds[sub],
});

/** All of some versions in one document. */
function aggregated(resources: readonly Resource[], versions: readonly string[]) {
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: versions.map((version) => {
      const core = !version.includes('/');
      const [group = '', number = ''] = version.split('/');
      return {
        metadata: core ? {} : { name: group },
        versions: [
          {
            version: core ? version : number,
            freshness: 'Current',
            resources: discoveryResources(resources, version, core ? '' : group),
          },
        ],
      };
    }),
  };
}

function discoveryResources(resources: readonly Resource[], version: string, group: string) {
  const entries = entriesOf(resources, version);
  const responseKind = (entry: Entry) => ({
    group: entry.group ?? '',
    version: entry.version ?? '',
    kind: entry.kind,
  });
  const number = version.split('/').at(-1) ?? '';
  return entries
    .filter(({ name }) => !name.includes('/'))
    .map((entry) => {
      const subresources = entries
        .filter(({ name }) => name.startsWith(`${entry.name}/`))
        .map((one) => ({
          subresource: one.name.split('/')[1],
          responseKind: one.group ? responseKind(one) : { group, version: number, kind: one.kind },
          verbs: one.verbs,
        }));
      return {
        resource: entry.name,
        responseKind: { group, version: number, kind: entry.kind },
        scope: entry.namespaced ? 'Namespaced' : 'Cluster',
        singularResource: entry.singularName,
        verbs: entry.verbs,
        ...(entry.shortNames ? { shortNames: entry.shortNames } : {}),
        ...(entry.categories ? { categories: entry.categories } : {}),
        ...(subresources.length > 0 ? { subresources } : {}),
      };
    });
}

function versionInfo(gitVersion: string) {
  const [, major = '1', minor = ''] = /^v(\d+)\.(\d+)/.exec(gitVersion) ?? [];
  return {
    major,
    minor,
    emulationMajor: major,
    emulationMinor: minor,
    minCompatibilityMajor: major,
    minCompatibilityMinor: String(Number(minor) - 1),
    gitVersion,
    gitCommit: '0000000000000000000000000000000000000000',
    gitTreeState: 'clean',
    buildDate: '2026-01-01T00:00:00Z',
    goVersion: 'go1.24.9',
    compiler: 'gc',
    platform: 'linux/amd64',
  };
}

/** `/openapi/v3`: one small document for each group and version. */
const openApiIndex = (groupVersions: readonly string[]) => ({
  paths: Object.fromEntries(
    groupVersions.map((version) => {
      const path = version.includes('/') ? `apis/${version}` : `api/${version}`;
      return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=0` }];
    }),
  ),
});

/**
 * The paths with their kinds and the parameters that clients look for (dryRun, fieldValidation); no schemas: the
 * fields of every object are left open.
 */
function openApiDocument(resources: readonly Resource[], version: string, gitVersion: string) {
  const [group = '', number = ''] = version.includes('/') ? version.split('/') : ['', version];
  const base = group ? `/apis/${version}` : `/api/${version}`;
  const query = (name: string) => ({ name, in: 'query', schema: { type: 'string', uniqueItems: true } });
  const operation = (resource: Resource, action: string) => ({
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': { group, version: number, kind: resource.kind },
    parameters: [query('dryRun'), query('fieldManager'), query('fieldValidation')],
    responses: { 200: { description: 'OK' } },
  });
  const paths = Object.fromEntries(
    resources
      .filter((one) => groupVersion(one) === version)
      .flatMap((one) => {
        const collection = `${base}/${one.namespaced ? 'namespaces/{namespace}/' : ''}${one.plural}`;
        return [
          [collection, { get: operation(one, 'list'), post: operation(one, 'post') }],
          [
            `${collection}/{name}`,
            {
              get: operation(one, 'get'),
              put: operation(one, 'put'),
              patch: operation(one, 'patch'),
              delete: operation(one, 'delete'),
            },
          ],
        ];
      }),
  );
  const schemas = Object.fromEntries(
    resources
      .filter((one) => groupVersion(one) === version)
      .map((one) => [
        `${group || 'core'}.${number}.${one.kind}`,
        {
          type: 'object',
          'x-kubernetes-preserve-unknown-fields': true,
          'x-kubernetes-group-version-kind': [{ group, version: number, kind: one.kind }],
        },
      ]),
  );
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: gitVersion },
    paths,
    components: { schemas },
  };
}
