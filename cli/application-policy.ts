/**
 * What branch-deploy may change of an Application through the Kubernetes API, whatever its role grants: RBAC knows objects
 * and no fields, and whoever may patch an Application may make Argo CD deploy anything anywhere. CEL for a
 * ValidatingAdmissionPolicy (Kubernetes 1.30).
 */
import type { ImageConfig } from '#model/config.ts';

const NAME = 'nightshift-branch-deploy';
const GROUP = 'nightshift:branch-deploy';
const REFRESH = 'argocd.argoproj.io/refresh';

const OPERATION_KEYS = ['info', 'initiatedBy', 'retry', 'sync'];
const SYNC_KEYS = ['prune', 'resources', 'revision', 'revisions', 'syncOptions', 'syncStrategy'];

export type SetImage = Pick<ImageConfig, 'repository'> & { readonly helmParameter?: string };

export interface PolicyScope {
  /** Those that branch-deploy sets on the Application itself. */
  readonly images?: readonly SetImage[];
  /** In a hub: the environment whose group is restricted. */
  readonly environment?: string;
}

/** The role, the policy and their bindings. A hub has those of several environments. */
export function nameOf(environment?: string): string {
  return environment === undefined ? NAME : `${NAME}-${environment}`;
}

export function groupOf(environment?: string): string {
  return environment === undefined ? GROUP : `${GROUP}:${environment}`;
}

/** The policy and its binding. */
export function applicationPolicy({ images = [], environment }: PolicyScope = {}): readonly object[] {
  const name = nameOf(environment);
  const apiVersion = 'admissionregistration.k8s.io/v1';
  return [
    {
      apiVersion,
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name },
      spec: {
        failurePolicy: 'Fail',
        matchConstraints: {
          resourceRules: [
            {
              apiGroups: ['argoproj.io'],
              apiVersions: ['*'],
              operations: ['CREATE', 'UPDATE', 'DELETE'],
              resources: ['applications'],
            },
          ],
        },
        matchConditions: [
          { name: 'branch-deploy', expression: `"${groupOf(environment)}" in request.userInfo.groups` },
        ],
        variables: VARIABLES,
        validations: [
          {
            expression: 'request.operation == "UPDATE"',
            message: 'branch-deploy neither creates nor deletes Applications',
          },
          ...specRules(images),
          ...METADATA_RULES,
          {
            expression: `${isKept('status', ['operationState'])} && (!("operationState" in variables.status) || ("operationState" in variables.oldStatus && variables.status.operationState == variables.oldStatus.operationState))`,
            message: 'branch-deploy may clear status.operationState and change nothing else of the status',
          },
          ...OPERATION_RULES,
        ],
      },
    },
    {
      apiVersion,
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name },
      spec: { policyName: name, validationActions: ['Deny'] },
    },
  ];
}

const orEmpty = (path: string) => `has(${path}) ? ${path} : {}`;

const VARIABLES = [
  ...['spec', 'status', 'operation'].flatMap((part) => {
    const old = `old${part.slice(0, 1).toUpperCase()}${part.slice(1)}`;
    return [
      { name: part, expression: orEmpty(`object.${part}`) },
      { name: old, expression: `oldObject == null ? {} : (${orEmpty(`oldObject.${part}`)})` },
    ];
  }),
  { name: 'annotations', expression: orEmpty('object.metadata.annotations') },
  {
    name: 'oldAnnotations',
    expression: `oldObject == null ? {} : (${orEmpty('oldObject.metadata.annotations')})`,
  },
  { name: 'sync', expression: '"sync" in variables.operation ? variables.operation.sync : {}' },
];

/** Every key of the part but these is as it was. */
function isKept(part: string, free: readonly string[]): string {
  return isSameMap(
    `variables.${part}`,
    `variables.old${part.slice(0, 1).toUpperCase()}${part.slice(1)}`,
    free,
  );
}

function isSameMap(now: string, before: string, free: readonly string[]): string {
  const list = JSON.stringify(free);
  return `${now}.all(k, k in ${list} || (k in ${before} && ${now}[k] == ${before}[k])) && ${before}.all(k, k in ${list} || k in ${now})`;
}

const METADATA_RULES = [
  {
    expression: `${isKept('annotations', [REFRESH])} && (!("${REFRESH}" in variables.annotations) || variables.annotations["${REFRESH}"] == "normal" || ("${REFRESH}" in variables.oldAnnotations && variables.annotations["${REFRESH}"] == variables.oldAnnotations["${REFRESH}"]))`,
    message: `of the annotations branch-deploy may set ${REFRESH} to normal`,
  },
  {
    expression: ['labels', 'finalizers', 'ownerReferences']
      .map((key) => {
        const none = key === 'labels' ? '{}' : '[]';
        const of = (object: string) =>
          `(has(${object}.metadata.${key}) ? ${object}.metadata.${key} : ${none})`;
        return `${of('object')} == ${of('oldObject')}`;
      })
      .join(' && '),
    message: 'branch-deploy may not change labels, finalizers or owners',
  },
];

const OPERATION_RULES = [
  {
    expression: `has(object.operation) == has(oldObject.operation) || has(object.operation)`,
    message: 'branch-deploy may not remove an operation',
  },
  {
    expression: unlessKept(`variables.operation.all(k, k in ${JSON.stringify(OPERATION_KEYS)})`),
    message: `of an operation branch-deploy may set ${OPERATION_KEYS.join(', ')}`,
  },
  {
    expression: unlessKept(`variables.sync.all(k, k in ${JSON.stringify(SYNC_KEYS)})`),
    message: `of a sync branch-deploy may set ${SYNC_KEYS.join(', ')}: a source or manifests of its own would deploy anything`,
  },
  {
    expression: unlessKept(
      '!("initiatedBy" in variables.operation) || variables.operation.initiatedBy == {"username": "nightshift"}',
    ),
    message: 'branch-deploy may start an operation in no other name than nightshift',
  },
  {
    expression: unlessKept(
      '!("retry" in variables.operation) || (has(object.spec.syncPolicy) && has(object.spec.syncPolicy.retry) && variables.operation.retry == object.spec.syncPolicy.retry)',
    ),
    message: 'the retries of an operation of branch-deploy are those of the Application',
  },
];

function unlessKept(expression: string): string {
  return `variables.operation == variables.oldOperation || (${expression})`;
}

function specRules(images: readonly SetImage[]): readonly object[] {
  if (images.length === 0)
    return [
      {
        expression: 'variables.spec == variables.oldSpec',
        message: 'branch-deploy may not change the spec of an Application',
      },
    ];
  const sources = (spec: string) =>
    `(("sources" in ${spec} ? ${spec}.sources : []) + ("source" in ${spec} ? [${spec}.source] : []))`;
  // Where each source stands, so that none changes its place.
  const places = (spec: string) =>
    `${sources(spec)}.map(s, [s.repoURL, has(s.path) ? s.path : "", has(s.chart) ? s.chart : "", has(s.ref) ? s.ref : ""])`;
  return [
    {
      expression: `${isKept('spec', ['source', 'sources'])} && ("source" in variables.spec) == ("source" in variables.oldSpec) && ("sources" in variables.spec) == ("sources" in variables.oldSpec) && ${places('variables.spec')} == ${places('variables.oldSpec')}`,
      message: 'of the spec of an Application branch-deploy may change the images that its config names',
    },
    {
      expression: `${sources('variables.spec')}.all(s, ${sources('variables.oldSpec')}.exists(o, ${isSameSource(images)}))`,
      message: 'of a source branch-deploy may change the images that its config names, and nothing else',
    },
  ];
}

/** `s` is `o` with other versions of our images. */
function isSameSource(images: readonly SetImage[]): string {
  const part = (source: string, key: string) => `(has(${source}.${key}) ? ${source}.${key} : {})`;
  const list = (source: string, key: string, field: string) =>
    `(has(${source}.${key}) && has(${source}.${key}.${field}) ? ${source}.${key}.${field} : [])`;
  const repositories = images.filter(({ helmParameter }) => !helmParameter).map((one) => one.repository);
  const pattern = `^([^=]+=)?(${repositories.map(escaped).join('|')})[:@][A-Za-z0-9_.:-]+$`;
  const isOurs = repositories.length > 0 ? ` || i.matches(${JSON.stringify(pattern)})` : '';
  const parameters = JSON.stringify(images.flatMap(({ helmParameter }) => helmParameter ?? []));
  const [images0, images1] = [list('s', 'kustomize', 'images'), list('o', 'kustomize', 'images')];
  const [set, before] = [list('s', 'helm', 'parameters'), list('o', 'helm', 'parameters')];
  return [
    isSameMap('s', 'o', ['kustomize', 'helm']),
    isSameMap(part('s', 'kustomize'), part('o', 'kustomize'), ['images']),
    isSameMap(part('s', 'helm'), part('o', 'helm'), ['parameters']),
    `${images0}.all(i, i in ${images1}${isOurs})`,
    `${images1}.all(i, i in ${images0}${isOurs})`,
    // A version, as text, and no other key of a parameter.
    `${set}.all(p, p in ${before} || (p.name in ${parameters} && p.all(k, k in ["name", "value", "forceString"]) && has(p.value) && p.value.matches("^[A-Za-z0-9_.:-]+$")))`,
    `${before}.all(p, p in ${set} || p.name in ${parameters})`,
  ].join(' && ');
}

const escaped = (text: string) => text.replace(/[^A-Za-z0-9/_-]/g, '\\$&');
