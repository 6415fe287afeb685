/** Defaulting and validation of the API server, as far as the lab's clients notice. */

import { nodeClaimChangeProblems, nodePoolChangeProblems, nodePoolProblems } from './karpenter-rules.ts';
import type { KubeObject } from './objects.ts';
import { isEqual } from './patch.ts';
import type { Resource } from './resources.ts';
import type { FieldProblem } from './status.ts';

// biome-ignore lint/suspicious/noExplicitAny: specs of all kinds
type Json = any;

/** Fills in defaults, on a draft. */
export function setDefaults(resource: Resource, draft: KubeObject): void {
  defaulters[resource.key]?.(draft);
}

const defaulters: Readonly<Record<string, (draft: KubeObject) => void>> = {
  pods: (pod) => {
    podDefaults(pod.spec ?? {});
    defaultTolerations(pod.spec ?? {});
    pod.status ??= {};
    pod.status.phase ??= 'Pending';
    pod.status.qosClass ??= qosClass(pod.spec ?? {});
  },
  namespaces: (namespace) => {
    namespace.spec ??= {};
    namespace.spec.finalizers ??= ['kubernetes'];
    namespace.status ??= {};
    namespace.status.phase ??= 'Active';
    namespace.metadata.labels = {
      ...namespace.metadata.labels,
      'kubernetes.io/metadata.name': namespace.metadata.name,
    };
  },
  nodes: (node) => {
    node.spec ??= {};
    node.status ??= {};
  },
  'deployments.apps': (deployment) => {
    const spec = deployment.spec ?? {};
    spec.replicas ??= 1;
    spec.revisionHistoryLimit ??= 10;
    spec.progressDeadlineSeconds ??= 600;
    spec.strategy ??= {};
    spec.strategy.type ??= 'RollingUpdate';
    if (spec.strategy.type === 'RollingUpdate')
      spec.strategy.rollingUpdate = {
        maxSurge: '25%',
        maxUnavailable: '25%',
        ...spec.strategy.rollingUpdate,
      };
    podDefaults(spec.template?.spec ?? {});
  },
  'replicasets.apps': (replicaSet) => {
    const spec = replicaSet.spec ?? {};
    spec.replicas ??= 1;
    podDefaults(spec.template?.spec ?? {});
  },
  'statefulsets.apps': (statefulSet) => {
    const spec = statefulSet.spec ?? {};
    spec.replicas ??= 1;
    podDefaults(spec.template?.spec ?? {});
  },
  'daemonsets.apps': (daemonSet) => {
    const spec = daemonSet.spec ?? {};
    spec.updateStrategy ??= { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } };
    spec.revisionHistoryLimit ??= 10;
    podDefaults(spec.template?.spec ?? {});
  },
  'validatingwebhookconfigurations.admissionregistration.k8s.io': webhookDefaults,
  'mutatingwebhookconfigurations.admissionregistration.k8s.io': (configuration) => {
    webhookDefaults(configuration);
    for (const webhook of configuration.webhooks ?? []) webhook.reinvocationPolicy ??= 'Never';
  },
  events: (event) => {
    event.source ??= {};
    event.reportingComponent ??= '';
    event.reportingInstance ??= '';
    event['firstTimestamp'] ??= null;
    event['lastTimestamp'] ??= null;
    event['eventTime'] ??= null;
  },
};

function webhookDefaults(configuration: KubeObject): void {
  for (const webhook of (configuration['webhooks'] ?? []) as Json[]) {
    webhook.failurePolicy ??= 'Fail';
    webhook.matchPolicy ??= 'Equivalent';
    webhook.namespaceSelector ??= {};
    webhook.objectSelector ??= {};
    webhook.timeoutSeconds ??= 10;
    if (webhook.clientConfig?.service) webhook.clientConfig.service.port ??= 443;
    for (const rule of webhook.rules ?? []) rule.scope ??= '*';
  }
}

function podDefaults(spec: Json): void {
  spec.restartPolicy ??= 'Always';
  spec.terminationGracePeriodSeconds ??= 30;
  spec.dnsPolicy ??= 'ClusterFirst';
  spec.schedulerName ??= 'default-scheduler';
  spec.securityContext ??= {};
  spec.enableServiceLinks ??= true;
  for (const container of spec.containers ?? []) {
    container.imagePullPolicy ??= /:latest$|^[^:]+$/.test(container.image ?? '') ? 'Always' : 'IfNotPresent';
    container.resources ??= {};
    container.terminationMessagePath ??= '/dev/termination-log';
    container.terminationMessagePolicy ??= 'File';
    for (const port of container.ports ?? []) port.protocol ??= 'TCP';
    for (const name in container.resources.limits) {
      const limit = container.resources.limits[name];
      container.resources.requests = { [name]: limit, ...container.resources.requests };
    }
  }
}

/** The admission plugin DefaultTolerationSeconds: a pod outlives a lost node by five minutes. */
function defaultTolerations(spec: Json): void {
  const tolerated: Json[] = spec.tolerations ?? [];
  const added = lostNode.filter(
    ({ key }) =>
      !tolerated.some((one) => (!one.key || one.key === key) && (!one.effect || one.effect === 'NoExecute')),
  );
  // The list may belong to the template that the pod was made from.
  if (added.length > 0 || !spec.tolerations) spec.tolerations = [...tolerated, ...added];
}

const lostNode = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'].map((key) => ({
  key,
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds: 300,
}));

function qosClass(spec: Json): string {
  const containers: Json[] = spec.containers ?? [];
  const hasRequests = containers.some(
    (one) =>
      Object.keys(one.resources?.requests ?? {}).length + Object.keys(one.resources?.limits ?? {}).length > 0,
  );
  if (!hasRequests) return 'BestEffort';
  const guaranteed = containers.every(({ resources }) =>
    ['cpu', 'memory'].every(
      (name) => resources?.limits?.[name] && resources.limits[name] === resources.requests?.[name],
    ),
  );
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

const required = (field: string): FieldProblem => ({
  field,
  message: 'Required value',
  reason: 'FieldValueRequired',
});

const invalidValue = (field: string, value: unknown, why: string): FieldProblem => ({
  field,
  message: `Invalid value: ${JSON.stringify(value)}: ${why}`,
  reason: 'FieldValueInvalid',
});

const forbiddenField = (field: string, why: string): FieldProblem => ({
  field,
  message: `Forbidden: ${why}`,
  reason: 'FieldValueForbidden',
});

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const subdomainRule =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const labelValueRule =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const QUALIFIED = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const qualifiedRule =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

/** Cache of valid labels, up to a bound: most were seen before. */
function remembering(pattern: RegExp): (text: string) => boolean {
  const right = new Set<string>();
  return (text) => {
    if (right.has(text)) return true;
    if (!pattern.test(text)) return false;
    if (right.size >= RIGHT_AT_MOST) right.clear();
    right.add(text);
    return true;
  };
}

const RIGHT_AT_MOST = 2_000;
const isQualified = remembering(QUALIFIED);
const isLabelValue = remembering(LABEL_VALUE);

/** What is wrong with an object, or with a change of one. */
export function problemsOf(resource: Resource, object: KubeObject, previous?: KubeObject): FieldProblem[] {
  const problems = metadataProblems(resource, object, previous);
  // Stored objects are valid; only events have rules outside their spec.
  const isSpecKept = previous?.spec !== undefined && object.spec === previous.spec;
  if (!isSpecKept) problems.push(...(rules[resource.key]?.(object) ?? []));
  if (previous && !isSpecKept) problems.push(...(changeRules[resource.key]?.(object, previous) ?? []));
  return problems;
}

function metadataProblems(resource: Resource, object: KubeObject, previous?: KubeObject): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const { name, labels, annotations } = object.metadata;
  const before = previous?.metadata;
  const isRbac = resource.group === 'rbac.authorization.k8s.io';
  if (name !== before?.name && !isRbac && (!SUBDOMAIN.test(name) || name.length > 253))
    problems.push(invalidValue('metadata.name', name, subdomainRule));
  if (labels && labels !== before?.labels) problems.push(...labelProblems(labels));
  if (annotations && annotations !== before?.annotations)
    for (const key in annotations)
      if (!isQualified(key)) problems.push(invalidValue('metadata.annotations', key, qualifiedRule));
  return problems;
}

function labelProblems(labels: Readonly<Record<string, unknown>>): FieldProblem[] {
  const problems: FieldProblem[] = [];
  for (const key in labels) {
    const value = labels[key];
    if (!isQualified(key)) problems.push(invalidValue('metadata.labels', key, qualifiedRule));
    if (typeof value !== 'string' || !isLabelValue(value))
      problems.push(invalidValue('metadata.labels', value, labelValueRule));
    else if (value.length > 63)
      problems.push(invalidValue('metadata.labels', value, 'must be no more than 63 characters'));
  }
  return problems;
}

const templateRules = (object: KubeObject): FieldProblem[] => {
  const { spec } = object;
  if (!spec?.selector) return [required('spec.selector')];
  const problems = podSpecProblems(spec.template?.spec, 'spec.template.spec');
  const labels = spec.template?.metadata?.labels ?? {};
  for (const [key, value] of Object.entries(spec.selector.matchLabels ?? {})) {
    if (labels[key] !== value) {
      problems.push(
        invalidValue('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'),
      );
      break;
    }
  }
  return problems;
};

const rules: Readonly<Record<string, (object: KubeObject) => FieldProblem[]>> = {
  pods: (pod) => podSpecProblems(pod.spec, 'spec'),
  nodes: (node) =>
    ((node.spec?.taints ?? []) as Json[]).flatMap((taint, index, taints) => {
      // The API server reports `metadata` here, although it means `spec`.
      const field = `metadata.taints[${index}]`;
      const problems: FieldProblem[] = [];
      if (!taint.key || !isQualified(taint.key))
        problems.push(invalidValue(`${field}.key`, taint.key ?? '', qualifiedRule));
      if (!taint.effect) problems.push(required(`${field}.effect`));
      else if (!EFFECTS.includes(taint.effect))
        problems.push({
          field: `${field}.effect`,
          message: `Unsupported value: ${JSON.stringify(taint.effect)}: supported values: ${EFFECTS.map((one) => `"${one}"`).join(', ')}`,
          reason: 'FieldValueNotSupported',
        });
      if (taint.value && !isLabelValue(taint.value))
        problems.push(invalidValue(`${field}.value`, taint.value, labelValueRule));
      if (taints.findIndex((other) => other.key === taint.key && other.effect === taint.effect) < index)
        problems.push({
          field,
          message: `Duplicate value: ${goTaint(taint)}: taints must be unique by key and effect pair`,
          reason: 'FieldValueDuplicate',
        });
      return problems;
    }),
  'deployments.apps': templateRules,
  'replicasets.apps': templateRules,
  'daemonsets.apps': templateRules,
  'poddisruptionbudgets.policy': ({ spec }) => {
    if (spec?.minAvailable !== undefined && spec?.maxUnavailable !== undefined)
      return [invalidValue('spec', spec, 'minAvailable and maxUnavailable cannot be both set')];
    const problems = [
      ...amountProblems(spec?.minAvailable, 'spec.minAvailable'),
      ...amountProblems(spec?.maxUnavailable, 'spec.maxUnavailable'),
    ];
    if (problems.length > 0) return problems;
    const policy = spec?.unhealthyPodEvictionPolicy;
    if (policy !== undefined && policy !== 'IfHealthyBudget' && policy !== 'AlwaysAllow')
      return [
        {
          field: 'spec.unhealthyPodEvictionPolicy',
          message: `Unsupported value: ${JSON.stringify(policy)}: supported values: "AlwaysAllow", "IfHealthyBudget"`,
          reason: 'FieldValueNotSupported',
        },
      ];
    return [];
  },
  'nodepools.karpenter.sh': nodePoolProblems,
  events: (event) => {
    const namespace = event.involvedObject?.namespace ?? '';
    // An object without a namespace, such as a node, has its events in the namespace default.
    return event.metadata.namespace === (namespace || 'default')
      ? []
      : [invalidValue('involvedObject.namespace', namespace, 'does not match event.namespace')];
  },
};

function goTaint({ key, value = '', effect, timeAdded = null }: Json): string {
  return JSON.stringify({ Key: key, Value: value, Effect: effect, TimeAdded: timeAdded });
}

const percentRule =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";

function amountProblems(value: Json, field: string): FieldProblem[] {
  if (value === undefined) return [];
  if (typeof value === 'number')
    return value < 0 ? [invalidValue(field, value, 'must be greater than or equal to 0')] : [];
  if (!/^\d+%$/.test(value)) return [invalidValue(field, value, percentRule)];
  return Number.parseInt(value, 10) > 100
    ? [invalidValue(field, value, 'must not be greater than 100%')]
    : [];
}

function podSpecProblems(spec: Json, field: string): FieldProblem[] {
  if (!spec?.containers?.length) return [required(`${field}.containers`)];
  return (spec.containers as Json[]).flatMap((container, index) => [
    ...(container.name ? [] : [required(`${field}.containers[${index}].name`)]),
    ...(container.image ? [] : [required(`${field}.containers[${index}].image`)]),
  ]);
}

const selectorIsImmutable = (object: KubeObject, previous: KubeObject): FieldProblem[] =>
  isEqual(object.spec?.selector, previous.spec?.selector)
    ? []
    : [invalidValue('spec.selector', object.spec?.selector, 'field is immutable')];

const changeRules: Readonly<Record<string, (object: KubeObject, previous: KubeObject) => FieldProblem[]>> = {
  pods: (pod, previous) => {
    const fixed = ({ spec }: KubeObject) => ({
      ...spec,
      containers: spec?.containers?.map(({ image: _, ...rest }: Json) => rest),
      tolerations: undefined,
      activeDeadlineSeconds: undefined,
      terminationGracePeriodSeconds: undefined,
    });
    return pod.spec === previous.spec || isEqual(fixed(pod), fixed(previous))
      ? []
      : [
          forbiddenField(
            'spec',
            'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
          ),
        ];
  },
  nodes: (node, previous) =>
    previous.spec?.providerID && node.spec?.providerID !== previous.spec.providerID
      ? [forbiddenField('spec.providerID', 'node updates may not change providerID except from "" to valid')]
      : [],
  'deployments.apps': selectorIsImmutable,
  'replicasets.apps': selectorIsImmutable,
  'daemonsets.apps': selectorIsImmutable,
  'nodepools.karpenter.sh': nodePoolChangeProblems,
  'nodeclaims.karpenter.sh': nodeClaimChangeProblems,
};
