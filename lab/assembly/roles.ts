/** Roles of a template with their policy statements. */
import type { Stack } from './assembly.ts';
import { AssemblyError } from './errors.ts';
import { isObject, type Json, type JsonObject } from './intrinsics.ts';
import { strings } from './properties.ts';
import type { Resource } from './stack-scope.ts';

export interface Statement {
  readonly effect: 'Allow' | 'Deny';
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions: JsonObject;
}

export interface RoleSpec {
  readonly name: string;
  readonly arn: string;
  readonly account: string;
  /** Services that may take the role. */
  readonly trusted: readonly string[];
  readonly statements: readonly Statement[];
  readonly managedPolicies: readonly string[];
}

export function readRole(
  stack: Stack,
  resource: Resource,
  { name, arn, resources }: { name: string; arn: string; resources: readonly Resource[] },
): RoleSpec {
  const attached = resources.filter(
    (other) => other.type === 'AWS::IAM::Policy' && strings(other.properties['Roles']).includes(name),
  );
  const inline = Array.isArray(resource.properties['Policies']) ? resource.properties['Policies'] : [];
  const documents = [
    ...attached.map((policy) => policy.properties['PolicyDocument']),
    ...inline.map((policy) => (isObject(policy) ? policy['PolicyDocument'] : undefined)),
  ];
  return {
    name,
    arn,
    account: stack.account,
    trusted: statementsOf(resource.properties['AssumeRolePolicyDocument']).flatMap((statement) =>
      isObject(statement['Principal']) ? strings(statement['Principal']['Service']) : [],
    ),
    statements: documents.flatMap(statementsOf).map((statement) => readStatement(name, statement)),
    managedPolicies: strings(resource.properties['ManagedPolicyArns']),
  };
}

/** Of a managed policy. */
export function statementsIn(policy: string, document: Json | undefined): readonly Statement[] {
  return statementsOf(document).map((statement) => readStatement(policy, statement));
}

function readStatement(role: string, statement: JsonObject): Statement {
  const { Effect, Action, Resource, Condition } = statement;
  if ((Effect !== 'Allow' && Effect !== 'Deny') || Action === undefined || Resource === undefined) {
    throw new AssemblyError(
      `a policy of ${role} has a statement that the lab does not support: ${JSON.stringify(statement)}`,
    );
  }
  return {
    effect: Effect,
    actions: strings(Action),
    resources: strings(Resource),
    conditions: isObject(Condition) ? Condition : {},
  };
}

function statementsOf(document: Json | undefined): readonly JsonObject[] {
  const statement = isObject(document) ? document['Statement'] : undefined;
  return (Array.isArray(statement) ? statement : [statement]).filter(isObject);
}
