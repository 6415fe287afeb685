/** Permissions: projects with their roles and sync windows, accounts, and the tokens of both. */
import type { WorldContext } from '../interfaces.ts';
import { instant } from './application.ts';
import { ArgocdError } from './errors.ts';
import { allows, type Policy, parsePolicy } from './rbac.ts';
import { type Claims, readToken, signToken } from './tokens.ts';
import type { SyncWindow } from './types.ts';

export interface ProjectSeed {
  readonly name: string;
  readonly syncWindows?: readonly SyncWindow[];
  readonly roles?: readonly { readonly name: string; readonly policies: readonly string[] }[];
}

export interface TokenRequest {
  readonly project: string;
  readonly role: string;
  /** Casbin lines, or actions that the role is allowed on `<project>/*`. Default `['get', 'sync']`. */
  readonly policies?: readonly string[];
  readonly expires?: Date;
}

/** The caller: the claims of a verified token. */
export type Caller = Claims;

export interface Access {
  /** Creates a project or adds to it; `default` always exists. */
  addProject(project: ProjectSeed): void;
  /** Deletes the project, even with applications in it. */
  removeProject(name: string): void;
  /** Returns a function that removes the window. */
  addSyncWindow(project: string, window: SyncWindow): () => void;
  /** Undefined if there is no such project. */
  windowsOf(project: string): readonly SyncWindow[] | undefined;
  addToken(request: TokenRequest): string;
  /** A token of an account, not of a project. `policies` are casbin lines with the account as subject. */
  addAccountToken(request: {
    readonly account: string;
    readonly policies: readonly string[];
    readonly expires?: Date;
  }): string;
  revokeToken(token: string): void;
  /** Throws `ArgocdError` 16. */
  authenticate(token: string): Caller;
  /** `object` is `<project>/<application>`, with the namespace between them if it is not Argo CD's. */
  may(caller: Caller, action: string, object: string): boolean;
  /** Throws `ArgocdError` 7 with the message of Argo CD's enforcer. */
  enforce(caller: Caller, action: string, object: string): void;
}

interface Project {
  syncWindows: SyncWindow[];
  readonly roles: Map<string, Policy[]>;
  /** Ids of the valid tokens, by role. */
  readonly tokens: Map<string, Set<string>>;
}

export function createAccess(context: WorldContext): Access {
  const key = context.hex(64);
  const projects = new Map<string, Project>();
  const accounts = new Map<string, { readonly policies: Policy[]; readonly tokens: Set<string> }>();
  const revocations = new Map<string, () => void>();

  const projectOf = (name: string): Project => {
    const project = projects.get(name);
    if (!project) throw new Error(`no Argo CD project ${name}: add it first`);
    return project;
  };

  const issue = (subject: string, expires: Date | undefined): { token: string; id: string } => {
    const now = Math.floor(context.clock.now() / 1000);
    const id = context.uuid();
    const token = signToken(
      {
        iss: 'argocd',
        sub: subject,
        nbf: now,
        iat: now,
        jti: id,
        ...(expires ? { exp: Math.floor(expires.getTime() / 1000) } : {}),
      },
      key,
    );
    return { token, id };
  };

  /** For a project token only the roles of its own project count. */
  const may = (caller: Caller, action: string, object: string): boolean => {
    const request = { subject: caller.sub, resource: 'applications', action, object };
    const [, project, role] = caller.sub.startsWith('proj:') ? caller.sub.split(':') : [];
    if (project === undefined) {
      return allows(accounts.get(caller.sub)?.policies ?? [], request);
    }
    if (object.split('/')[0] !== project) return false;
    const policies = projects.get(project)?.roles.get(role ?? '') ?? [];
    return allows(policies, request);
  };

  const enforce = (caller: Caller, action: string, object: string): void => {
    if (may(caller, action, object)) return;
    throw new ArgocdError(
      'permissionDenied',
      `permission denied: applications, ${action}, ${object}, sub: ${caller.sub}, iat: ${instant(caller.iat * 1000)}`,
    );
  };

  const access: Access = {
    addProject(seed) {
      const project: Project = projects.get(seed.name) ?? {
        syncWindows: [],
        roles: new Map(),
        tokens: new Map(),
      };
      project.syncWindows.push(...(seed.syncWindows ?? []));
      for (const role of seed.roles ?? []) project.roles.set(role.name, role.policies.map(parsePolicy));
      projects.set(seed.name, project);
    },
    removeProject: (name) => void projects.delete(name),
    addSyncWindow(name, window) {
      const project = projectOf(name);
      project.syncWindows.push(window);
      return () => {
        project.syncWindows = project.syncWindows.filter((other) => other !== window);
      };
    },
    windowsOf: (project) => projects.get(project)?.syncWindows,

    addToken({ project: name, role, policies = ['get', 'sync'], expires }) {
      const project = projectOf(name);
      const subject = `proj:${name}:${role}`;
      const lines = policies.map((policy) =>
        policy.includes(',') ? policy : `p, ${subject}, applications, ${policy}, ${name}/*, allow`,
      );
      project.roles.set(role, lines.map(parsePolicy));
      const { token, id } = issue(subject, expires);
      const tokens = project.tokens.get(role) ?? new Set();
      project.tokens.set(role, tokens.add(id));
      revocations.set(token, () => tokens.delete(id));
      return token;
    },
    addAccountToken({ account, policies, expires }) {
      const { token, id } = issue(account, expires);
      const tokens = accounts.get(account)?.tokens ?? new Set();
      accounts.set(account, { policies: policies.map(parsePolicy), tokens: tokens.add(id) });
      revocations.set(token, () => tokens.delete(id));
      return token;
    },
    revokeToken(token) {
      const revoke = revocations.get(token);
      if (!revoke) throw new Error('a token that this Argo CD did not issue cannot be revoked');
      revoke();
    },
    authenticate(token) {
      if (token.split('.').length < 3) throw new ArgocdError('unauthenticated', 'no session information');
      try {
        const claims = readToken(token, key, context.clock.now());
        const [kind, name, role] = claims.sub.split(':');
        if (kind === 'proj' && name !== undefined && role !== undefined) {
          const project = projects.get(name);
          if (!project) throw new Error(`appproject.argoproj.io "${name}" not found`);
          if (!project.tokens.get(role)?.has(claims.jti)) {
            throw new Error(
              `JWT token for role '${role}' issued at '${claims.iat}' does not exist in project '${name}'`,
            );
          }
        } else if (!accounts.get(claims.sub)) {
          throw new Error(`rpc error: code = NotFound desc = account '${claims.sub}' does not exist`);
        } else if (!accounts.get(claims.sub)?.tokens.has(claims.jti)) {
          throw new Error(`account ${claims.sub} does not have token with id ${claims.jti}`);
        }
        return claims;
      } catch (error) {
        throw new ArgocdError('unauthenticated', `invalid session: ${(error as Error).message}`);
      }
    },
    may,
    enforce,
  };
  access.addProject({ name: 'default' });
  return access;
}
