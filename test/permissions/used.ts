/**
 * Which parts of the roles' policies were used. A part is the smallest removable permission: an action on one resource of
 * a statement and, when a condition lists partitions of the table, on one of those.
 */
import type { Deployment, RoleSpec, Statement } from '@nightshift/lab/assembly/deployment.ts';
import { createAuthorize } from '@nightshift/lab/assembly/permissions.ts';
import type { Authorize } from '@nightshift/lab/http/aws/service.ts';
import type { AwsWorld } from '@nightshift/lab/world/aws/index.ts';

export interface Part {
  readonly action: string;
  readonly resource: string;
  readonly partition?: string;
  readonly statement: Statement;
}

/** Calls that Lambda itself makes with the role: logs, failure destination, traces, network interfaces. */
const OF_LAMBDA = /^(logs:(CreateLogStream|PutLogEvents)|sqs:SendMessage|xray:Put\w+|ec2:\w*Network\w*)$/;

const KEYS = 'dynamodb:LeadingKeys';

export function partsOf(role: RoleSpec): readonly Part[] {
  return role.statements.flatMap((statement) =>
    statement.actions
      .filter((action) => !OF_LAMBDA.test(action))
      .flatMap((action) =>
        statement.resources.flatMap((resource) =>
          partitionsOf(statement).map((partition) => ({
            action,
            resource,
            ...(partition ? { partition } : {}),
            statement: {
              ...statement,
              actions: [action],
              resources: [resource],
              ...narrowed(statement, partition),
            },
          })),
        ),
      ),
  );
}

export interface Ledger {
  /** Of the function. */
  readonly name: string;
  readonly role: RoleSpec;
  readonly parts: ReadonlyMap<Part, number>;
  readonly calls: number;
  readonly refused: readonly string[];
}

/** Evaluates each part separately with the lab's evaluator, so that an unsupported policy element fails the test. */
export function keepLedger(deployments: readonly Deployment[]) {
  const ledgers = new Map(
    deployments.flatMap(({ functions, roles }) =>
      functions.flatMap(({ name, roleArn }) => {
        const role = roles.find(({ arn }) => arn === roleArn);
        if (!role) throw new Error(`the function ${name} has no role`);
        const parts = new Map(partsOf(role).map((part) => [part, 0]));
        const refused: string[] = [];
        return [[roleArn, { name, role, parts, calls: 0, refused }] satisfies [string, Ledger]];
      }),
    ),
  );
  const judges = new Map<Part, Authorize>();
  return {
    ledgers: (): readonly Ledger[] => [...ledgers.values()],
    note(call: Parameters<Authorize>[0], refusal: string | undefined, aws: AwsWorld): void {
      const ledger = ledgers.get(call.principal.arn);
      if (!ledger) return;
      ledger.calls++;
      if (refusal) ledger.refused.push(`${call.action}: ${refusal}`);
      // The action of Lambda's Invoke has another name than the call.
      const action = call.action === 'lambda:Invoke' ? 'lambda:InvokeFunction' : call.action;
      for (const [part, used] of ledger.parts) {
        if (part.action !== action) continue;
        let judge = judges.get(part);
        if (!judge) {
          const role = { ...ledger.role, statements: [part.statement] };
          judge = createAuthorize([{ roles: [role] } as unknown as Deployment], aws);
          judges.set(part, judge);
        }
        if (judge(call) === undefined) ledger.parts.set(part, used + 1);
      }
    },
  };
}

export function unusedOf({ parts }: Ledger): readonly string[] {
  return [...parts]
    .filter(([, used]) => used === 0)
    .map(([{ action, resource, partition }]) => [action, resource, partition].filter(Boolean).join(' '));
}

function partitionsOf({ conditions }: Statement): readonly (string | undefined)[] {
  const keys = conditions['ForAllValues:StringEquals'] as Record<string, string | string[]> | undefined;
  const named = keys?.[KEYS];
  return named === undefined ? [undefined] : [named].flat();
}

function narrowed({ conditions }: Statement, partition: string | undefined) {
  if (partition === undefined) return {};
  const operator = 'ForAllValues:StringEquals';
  return {
    conditions: { ...conditions, [operator]: { ...(conditions[operator] as object), [KEYS]: [partition] } },
  };
}
