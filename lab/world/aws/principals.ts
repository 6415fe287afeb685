/** Roles and users with their keys. */
import type { Principal, WorldContext } from '../interfaces.ts';

/** A principal with its STS identity. */
export interface KnownPrincipal extends Principal {
  /** As GetCallerIdentity gives it: a role appears as its assumed role. */
  readonly callerArn: string;
  readonly userId: string;
  readonly sessionName: string | undefined;
  /** Its signatures may carry the real clock's time. */
  readonly anyTime: boolean;
}

export interface Principals {
  add(options: PrincipalOptions): KnownPrincipal;
  byAccessKey(accessKeyId: string): KnownPrincipal | undefined;
  byArn(arn: string): KnownPrincipal | undefined;
}

export interface PrincipalOptions {
  /** `arn:aws:iam::111111111111:role/name` or `…:user/name`. */
  readonly arn: string;
  readonly account: string;
  /** Of a role's session. Default: the role's name. */
  readonly sessionName?: string;
  readonly anyTime?: boolean;
}

export function createPrincipals(context: WorldContext): Principals {
  const byKey = new Map<string, KnownPrincipal>();
  const id = (prefix: string) => `${prefix}${context.hex(17).toUpperCase()}`;
  return {
    byAccessKey: (accessKeyId) => byKey.get(accessKeyId),
    byArn: (arn) => [...byKey.values()].find((principal) => principal.arn === arn),
    add(options) {
      const role = /^arn:[^:]+:iam::(\d{12}):role\/(?:.*\/)?([^/]+)$/.exec(options.arn);
      const user = /^arn:[^:]+:iam::(\d{12}):user\/(?:.*\/)?([^/]+)$/.exec(options.arn);
      const account = role?.[1] ?? user?.[1];
      if (account !== options.account) {
        throw new TypeError(
          `"${options.arn}" is no role or user of account ${options.account}: use arn:aws:iam::${options.account}:role/<name>`,
        );
      }
      const sessionName = role ? (options.sessionName ?? role[2] ?? 'session') : undefined;
      const principal: KnownPrincipal = {
        arn: options.arn,
        account: options.account,
        accessKeyId: id(role ? 'ASI' : 'AKI'),
        secretAccessKey: context.hex(40),
        ...(role ? { sessionToken: context.hex(64) } : {}),
        callerArn: role
          ? `arn:aws:sts::${options.account}:assumed-role/${role[2]}/${sessionName}`
          : options.arn,
        userId: role ? `${id('AROA')}:${sessionName}` : id('AIDA'),
        sessionName,
        anyTime: options.anyTime ?? false,
      };
      byKey.set(principal.accessKeyId, principal);
      return principal;
    },
  };
}
