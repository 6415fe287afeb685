/** Label and field selectors, as objects and as the text of a query. */
import type { LabelSelector } from 'kubernetes-types/meta/v1.d.ts';
import type { KubeObject } from './objects.ts';
import type { Resource } from './resources.ts';
import { badRequest } from './status.ts';

export type Labels = Readonly<Record<string, string>>;

/** An empty selector matches everything, and none at all matches nothing. */
export function matchesSelector(selector: LabelSelector | undefined, labels: Labels | undefined): boolean {
  if (!selector) return false;
  const has = labels ?? {};
  const { matchLabels, matchExpressions } = selector;
  for (const key in matchLabels) if (has[key] !== matchLabels[key]) return false;
  if (!matchExpressions) return true;
  for (const { key, operator, values = [] } of matchExpressions) {
    const value = has[key];
    if (operator === 'In' && (value === undefined || !values.includes(value))) return false;
    if (operator === 'NotIn' && value !== undefined && values.includes(value)) return false;
    if (operator === 'Exists' && value === undefined) return false;
    if (operator === 'DoesNotExist' && value !== undefined) return false;
  }
  return true;
}

/** `a=b,c!=d,e in (f,g),h notin (i),j,!k` */
export function parseLabelSelector(text: string): (labels: Labels | undefined) => boolean {
  const requirements = splitOutsideParentheses(text).map(parseRequirement);
  return (labels) => requirements.every((requirement) => requirement(labels ?? {}));
}

function splitOutsideParentheses(text: string): string[] {
  return text
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function parseRequirement(part: string): (labels: Labels) => boolean {
  const set = /^([^\s!=]+)\s+(in|notin)\s*\(([^)]*)\)$/.exec(part);
  if (set) {
    const [, key = '', operator, list = ''] = set;
    const values = list.split(',').map((value) => value.trim());
    return operator === 'in'
      ? (labels) => labels[key] !== undefined && values.includes(labels[key])
      : (labels) => labels[key] === undefined || !values.includes(labels[key]);
  }
  const compared = /^([^\s!=]+)\s*(==|=|!=)\s*([^\s=!]*)$/.exec(part);
  if (compared) {
    const [, key = '', operator, value = ''] = compared;
    return operator === '!=' ? (labels) => labels[key] !== value : (labels) => labels[key] === value;
  }
  const absent = /^!\s*(\S+)$/.exec(part);
  if (absent) return (labels) => labels[absent[1] ?? ''] === undefined;
  if (/^[^\s!=(),]+$/.test(part)) return (labels) => labels[part] !== undefined;
  throw badRequest(`unable to parse requirement: found '${part}', expected: ',' or 'end of string'`);
}

type FieldReader = (object: KubeObject) => string;

const metadataFields: Record<string, FieldReader> = {
  'metadata.name': (object) => object.metadata.name,
  'metadata.namespace': (object) => object.metadata.namespace ?? '',
};

const fieldsOf: Record<string, Record<string, FieldReader>> = {
  pods: {
    'spec.nodeName': (pod) => pod.spec?.nodeName ?? '',
    'spec.restartPolicy': (pod) => pod.spec?.restartPolicy ?? '',
    'spec.schedulerName': (pod) => pod.spec?.schedulerName ?? '',
    'spec.serviceAccountName': (pod) => pod.spec?.serviceAccountName ?? '',
    'status.phase': (pod) => pod.status?.phase ?? '',
    'status.podIP': (pod) => pod.status?.podIP ?? '',
    'status.nominatedNodeName': (pod) => pod.status?.nominatedNodeName ?? '',
  },
  nodes: { 'spec.unschedulable': (node) => String(node.spec?.unschedulable ?? false) },
  namespaces: { 'status.phase': (namespace) => namespace.status?.phase ?? '' },
  secrets: { type: (secret) => secret.type ?? '' },
  events: {
    'involvedObject.kind': (event) => event.involvedObject?.kind ?? '',
    'involvedObject.namespace': (event) => event.involvedObject?.namespace ?? '',
    'involvedObject.name': (event) => event.involvedObject?.name ?? '',
    'involvedObject.uid': (event) => event.involvedObject?.uid ?? '',
    'involvedObject.apiVersion': (event) => event.involvedObject?.apiVersion ?? '',
    'involvedObject.resourceVersion': (event) => event.involvedObject?.resourceVersion ?? '',
    'involvedObject.fieldPath': (event) => event.involvedObject?.fieldPath ?? '',
    reason: (event) => event.reason ?? '',
    reportingComponent: (event) => event.reportingComponent ?? '',
    source: (event) => event.source?.component ?? '',
    type: (event) => event.type ?? '',
  },
};

export interface FieldSelector {
  matches(object: KubeObject): boolean;
  /** The node name, if the selector fixes it: such a list is read from an index. */
  readonly nodeName?: string;
}

export function parseFieldSelector(resource: Resource, text: string): FieldSelector {
  const terms = text
    .split(',')
    .filter((term) => term !== '')
    .map((term) => {
      const match = /^([^=!]+?)(!=|==|=)(.*)$/.exec(term);
      if (!match) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
      const [, field = '', operator, value = ''] = match;
      const read = metadataFields[field] ?? fieldsOf[resource.key]?.[field];
      if (!read) throw badRequest(`field label not supported: ${field}`);
      return { field, equal: operator !== '!=', value, read };
    });
  const node = terms.find((term) => term.field === 'spec.nodeName' && term.equal && term.value !== '');
  return {
    matches: (object) => terms.every(({ read, equal, value }) => (read(object) === value) === equal),
    ...(resource.key === 'pods' && node ? { nodeName: node.value } : {}),
  };
}
