/** What the definitions of Karpenter's objects refuse. */
import type { KubeObject } from './objects.ts';
import { isEqual } from './patch.ts';
import type { FieldProblem } from './status.ts';

// biome-ignore lint/suspicious/noExplicitAny: specs of all kinds
type Json = any;

const QUANTITY =
  /^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$/;

export function nodePoolProblems({ spec }: KubeObject): FieldProblem[] {
  const limits: Readonly<Record<string, Json>> = spec?.['limits'] ?? {};
  const problems = Object.entries(limits)
    .filter(([, limit]) => !QUANTITY.test(String(limit)))
    .map(([name, limit]) =>
      invalid(
        `spec.limits.${name}`,
        limit,
        `spec.limits.${name} in body should match '${QUANTITY.source.replaceAll('\\/', '/')}'`,
      ),
    );
  if (spec?.['replicas'] !== undefined && Object.keys(limits).some((name) => name !== 'nodes'))
    problems.push(invalid('spec', 'object', "only 'limits.nodes' is supported on static NodePools"));
  return problems;
}

export function nodePoolChangeProblems(pool: KubeObject, previous: KubeObject): FieldProblem[] {
  const isStatic = ({ spec }: KubeObject) => spec?.['replicas'] !== undefined;
  return isStatic(pool) === isStatic(previous)
    ? []
    : [
        invalid(
          'spec',
          'object',
          'Cannot transition NodePool between static (replicas set) and dynamic (replicas unset) provisioning modes',
        ),
      ];
}

export function nodeClaimChangeProblems(claim: KubeObject, previous: KubeObject): FieldProblem[] {
  return isEqual(claim.spec, previous.spec) ? [] : [invalid('spec', 'object', 'spec is immutable')];
}

function invalid(field: string, value: unknown, why: string): FieldProblem {
  return { field, message: `Invalid value: ${JSON.stringify(value)}: ${why}`, reason: 'FieldValueInvalid' };
}
