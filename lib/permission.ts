/** What a function is allowed to do in AWS. */
import type { Capability } from '#model/decision.ts';

/** A statement of the function's role. */
export interface Permission {
  /** Statement id: `docs/permissions.md` explains each. */
  readonly sid: string;
  /** IAM actions, like `eks:DescribeCluster`. */
  readonly actions: readonly string[];
  /** ARNs. */
  readonly resources: readonly string[];
  /** IAM condition block. */
  readonly conditions?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Required when a resource contains a wildcard; stored in the template's metadata. */
  readonly wildcardReason?: string;
}

/** A function that permissions can be granted to. */
export interface PermissionGrantee {
  readonly capability: Capability;
  /** Throws for a wildcard without a reason. */
  allow(permission: Permission): void;
}
