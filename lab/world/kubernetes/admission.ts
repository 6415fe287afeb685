/**
 * ValidatingAdmissionPolicy with bindings that deny: CEL over the object, as it was and as it would be. Without parameters,
 * audit annotations and message expressions, which the lab refuses rather than overlooks.
 */
import { Environment } from '@marcbachmann/cel-js';
import type { User } from './authorize.ts';
import type { KubeObject } from './objects.ts';
import type { Resource } from './resources.ts';
import { forbidden } from './status.ts';
import type { Store } from './store.ts';

export interface AdmissionRequest {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE';
  readonly resource: Resource;
  readonly user: User;
  /** Null for a deletion. */
  readonly object: KubeObject | null;
  /** Null for a creation. */
  readonly oldObject: KubeObject | null;
}

const POLICIES = 'validatingadmissionpolicies.admissionregistration.k8s.io';
const BINDINGS = 'validatingadmissionpolicybindings.admissionregistration.k8s.io';

const cel = new Environment({ unlistedVariablesAreDyn: true });
const programs = new Map<string, (context: Record<string, unknown>) => unknown>();

/** Throws what the API server answers where a policy denies the request. */
export function checkAdmission(store: Store, request: AdmissionRequest): void {
  for (const policy of store.all(POLICIES)) {
    const bindings = store.all(BINDINGS).filter(({ spec }) => spec?.policyName === policy.metadata.name);
    for (const binding of bindings) {
      const spec = checked(policy, binding);
      if (!spec.matchConstraints.resourceRules.some((rule) => matches(rule, request))) continue;
      const why = denial(spec, request);
      if (why === undefined) continue;
      const name = (request.object ?? request.oldObject)?.metadata.name ?? '';
      throw forbidden(
        request.resource,
        name,
        `ValidatingAdmissionPolicy '${policy.metadata.name}' with binding '${binding.metadata.name}' denied request: ${why}`,
      );
    }
  }
}

interface ResourceRule {
  readonly apiGroups: readonly string[];
  readonly apiVersions: readonly string[];
  readonly resources: readonly string[];
  readonly operations: readonly string[];
}

interface PolicySpec {
  readonly matchConstraints: { readonly resourceRules: readonly ResourceRule[] };
  readonly matchConditions?: readonly { readonly name: string; readonly expression: string }[];
  readonly variables?: readonly { readonly name: string; readonly expression: string }[];
  readonly validations: readonly { readonly expression: string; readonly message?: string }[];
}

const KNOWN = ['failurePolicy', 'matchConstraints', 'matchConditions', 'variables', 'validations'];

function checked(policy: KubeObject, binding: KubeObject): PolicySpec {
  const { spec } = policy;
  const unknown = Object.keys(spec).find((key) => !KNOWN.includes(key));
  if (unknown || spec.failurePolicy === 'Ignore')
    throw new Error(
      `the lab evaluates no ${unknown ?? 'failurePolicy Ignore'} of a ValidatingAdmissionPolicy`,
    );
  const actions: unknown = binding.spec?.validationActions;
  if (!Array.isArray(actions) || !actions.includes('Deny') || binding.spec?.matchResources)
    throw new Error('the lab evaluates only bindings that deny, without matchResources');
  return spec as PolicySpec;
}

function matches(rule: ResourceRule, { resource, operation }: AdmissionRequest): boolean {
  const has = (list: readonly string[], value: string) => list.includes('*') || list.includes(value);
  return (
    has(rule.apiGroups, resource.group) &&
    has(rule.apiVersions, resource.version) &&
    has(rule.operations, operation) &&
    has(rule.resources, resource.plural)
  );
}

/** Why the request is denied. What cannot be evaluated denies, as with the default failure policy. */
function denial(spec: PolicySpec, { operation, user, object, oldObject }: AdmissionRequest) {
  const variables: Record<string, unknown> = {};
  const request = { operation, userInfo: { username: user.username, groups: [...user.groups] } };
  const context = { object, oldObject, request, variables };
  try {
    if (spec.matchConditions?.some(({ expression }) => evaluate(expression, context) !== true))
      return undefined;
    for (const { name, expression } of spec.variables ?? [])
      Object.defineProperty(variables, name, { enumerable: true, value: evaluate(expression, context) });
    for (const { expression, message } of spec.validations)
      if (evaluate(expression, context) !== true) return message ?? `failed expression: ${expression}`;
    return undefined;
  } catch (error) {
    return `expression resulted in error: ${(error as Error).message}`;
  }
}

function evaluate(expression: string, context: Record<string, unknown>): unknown {
  let program = programs.get(expression);
  if (!program) {
    program = cel.parse(expression);
    programs.set(expression, program);
  }
  return program(context);
}
