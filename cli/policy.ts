/** `policy`: prints the least IAM policy of a role of people. Offline, needs no AWS access. */
import { ACCESS_ROLES, accessPermissions, accessPolicyDocument } from '#lib/access-policy.ts';
import type { LoadedConfig } from '#lib/config-file.ts';
import type { AccessRole } from '#model/config.ts';
import { didYouMean } from '#model/nearest.ts';
import { RefusedError } from './errors.ts';
import type { Io } from './io.ts';
import { type EnvironmentFilter, selectEnvironments } from './select-environments.ts';

export interface PolicyOptions extends EnvironmentFilter {
  readonly environment?: string;
}

/** The statements of all selected environments in one document: the account of a statement is in its ARNs. */
export function printPolicy(loaded: LoadedConfig, role: string, options: PolicyOptions, io: Io): void {
  if (!isRole(role)) throw new RefusedError(`there is no role "${role}": ${didYouMean(role, ACCESS_ROLES)}`);
  const environments = selectEnvironments(loaded, options.environment, options);
  const permissions = environments.flatMap(({ name, environment }) =>
    accessPermissions(role, name, environment).map((permission) => ({
      ...permission,
      // A statement id has letters and digits only, and is unique in its document.
      sid:
        environments.length === 1 ? permission.sid : `${permission.sid}${name.replace(/[^a-zA-Z0-9]/g, '')}`,
    })),
  );
  io.out(JSON.stringify(accessPolicyDocument(permissions), null, 2));
}

function isRole(text: string): text is AccessRole {
  return (ACCESS_ROLES as readonly string[]).includes(text);
}
