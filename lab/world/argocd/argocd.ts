/**
 * Argo CD: its projects, applications and tokens, the decisions of its API server (`server/application/application.go`
 * of 3.6) and its controller. HTTP is in front of it in lab/http/argocd.
 */
import type { Workloads, WorldContext } from '../seams.ts';
import { type Application, instant, qualifiedName, REFRESH_ANNOTATION } from './application.ts';
import { hasMultipleSources, keyOf, manifestsOf, sourcesOf } from './compare.ts';
import { createController } from './controller.ts';
import { ArgocdError, permissionDenied } from './errors.ts';
import { allows, type Policy, parsePolicy } from './rbac.ts';
import { canSync } from './sync-windows.ts';
import { type Claims, readToken, signToken } from './tokens.ts';
import type {
  ApplicationObject,
  ApplicationSeed,
  ApplicationSource,
  Info,
  Operation,
  RetryStrategy,
  SyncWindow,
} from './types.ts';

export interface ArgocdOptions {
  readonly workloads: Workloads;
  /** The commit that a revision of a repository stands for, `at` an instant (virtual ms, default now). */
  readonly revisionOf: (repository: string, revision: string, at?: number) => string | undefined;
  /** Tells of pushes, so that applications of that repository are compared at their next poll. */
  readonly onPush?: (listener: (push: { readonly repository: string }) => void) => unknown;
  /** True while a new pod would be scheduled and run: hooks wait for it. Default: always. */
  readonly runsPods?: () => boolean;
  /** Argo CD runs in the cluster as this Deployment and sleeps with it. Left out: it runs elsewhere and is always up. */
  readonly inCluster?: { readonly namespace: string; readonly deployment: string };
  /** Where Argo CD and, unless they say otherwise, its applications live. Default `argocd`. */
  readonly namespace?: string;
  /** Further namespaces that applications may live in, as `application.namespaces` allows them; globs. */
  readonly applicationNamespaces?: readonly string[];
  /** Default `v3.6.0`. */
  readonly version?: string;
}

export interface ProjectSeed {
  readonly name: string;
  readonly syncWindows?: readonly SyncWindow[];
  readonly roles?: readonly { readonly name: string; readonly policies: readonly string[] }[];
}

export interface TokenRequest {
  readonly project: string;
  readonly role: string;
  /** Lines of casbin; or actions, that the role is then allowed on `<project>/*`. Default `['get', 'sync']`. */
  readonly policies?: readonly string[];
  readonly expires?: Date;
}

/** Who calls: what a verified token says. */
export type Caller = Claims;

export interface ApplicationQuery {
  readonly name: string;
  readonly project?: string;
  readonly appNamespace?: string;
}

export interface ListQuery {
  readonly name?: string;
  readonly projects?: readonly string[];
  readonly repo?: string;
  readonly appNamespace?: string;
  readonly labels?: (labels: Readonly<Record<string, string>>) => boolean;
}

export interface SyncRequest extends ApplicationQuery {
  readonly revision?: string;
  readonly revisions?: readonly string[];
  /** Positions count from 1. */
  readonly sourcePositions?: readonly number[];
  readonly dryRun?: boolean;
  readonly prune?: boolean;
  readonly strategy?: Record<string, unknown>;
  readonly resources?: readonly { readonly group?: string; readonly kind: string; readonly name: string }[];
  readonly manifests?: readonly string[];
  readonly infos?: readonly Info[];
  readonly retryStrategy?: RetryStrategy;
  readonly syncOptions?: { readonly items?: readonly string[] };
}

export interface ArgocdWorld {
  readonly namespace: string;
  readonly version: string;
  /** False while Argo CD's own pods sleep. */
  available(): boolean;

  /** Adds to a project that is there already; `default` is, from the start. */
  addProject(project: ProjectSeed): void;
  /** Somebody deletes the project, whatever is in it. */
  removeProject(name: string): void;
  /** Returns how to take the window away again. */
  addSyncWindow(project: string, window: SyncWindow): () => void;
  addApplication(seed: ApplicationSeed): void;
  /** Another source, policy or set of manifests, as somebody edits the Application or its repository. */
  changeApplication(
    name: string,
    change: {
      readonly targetRevision?: string;
      readonly autoSync?: ApplicationSeed['autoSync'] | null;
      readonly deployments?: ApplicationSeed['deployments'];
      readonly hooks?: ApplicationSeed['hooks'];
      readonly syncSeconds?: number;
      readonly suspended?: boolean;
    },
    namespace?: string,
  ): void;
  /** Marks it as deleting; it is gone when the finalizer has run. Default 10 s later. */
  deleteApplication(name: string, options?: { readonly namespace?: string; readonly seconds?: number }): void;
  /** What the next attempt of a sync comes to. */
  failNextSync(name: string, failure: { readonly phase: 'Failed' | 'Error'; readonly message: string }): void;
  /** Somebody syncs in the web interface. Throws where an operation is in progress. */
  startForeignSync(
    name: string,
    options?: { readonly username?: string; readonly revision?: string; readonly namespace?: string },
  ): void;
  /** Somebody terminates the operation in the web interface. */
  terminateForeign(name: string, namespace?: string): void;
  addToken(request: TokenRequest): string;
  /** A token of an account, not of a project. `policies` are lines of casbin whose subject is the account. */
  addAccountToken(request: {
    readonly account: string;
    readonly policies: readonly string[];
    readonly expires?: Date;
  }): string;
  revokeToken(token: string): void;

  has(name: string, namespace?: string): boolean;
  /** The object as it is now, undefined when it does not exist. */
  application(name: string, namespace?: string): ApplicationObject | undefined;
  applications(): readonly ApplicationObject[];

  /** The API. All throw `ArgocdError`. */
  authenticate(token: string): Caller;
  get(caller: Caller, query: ApplicationQuery, refresh?: 'normal' | 'hard'): ApplicationObject;
  list(
    caller: Caller,
    query: ListQuery,
  ): { readonly resourceVersion: string; readonly items: ApplicationObject[] };
  sync(caller: Caller, request: SyncRequest): ApplicationObject;
  terminate(caller: Caller, query: ApplicationQuery): void;

  /** Takes over what was written to the object through the Kubernetes API; the controller reacts a moment later. */
  adopt(written: ApplicationObject): void;
  /** After every change of an Application; undefined stands for one that is gone. */
  onChange(
    listener: (name: string, namespace: string, object: ApplicationObject | undefined) => void,
  ): () => void;
}

interface Project {
  readonly name: string;
  syncWindows: SyncWindow[];
  readonly roles: Map<string, Policy[]>;
  /** By role, the ids of the tokens that hold. */
  readonly tokens: Map<string, Set<string>>;
}

export function createArgocd(context: WorldContext, options: ArgocdOptions): ArgocdWorld {
  const { clock } = context;
  const { workloads, inCluster } = options;
  const namespace = options.namespace ?? 'argocd';
  const key = context.hex(64);
  const projects = new Map<string, Project>();
  const applications = new Map<string, Application>();
  const accounts = new Map<string, { policies: Policy[]; tokens: Set<string> }>();
  const revocations = new Map<string, () => void>();
  const listeners = new Set<Parameters<ArgocdWorld['onChange']>[0]>();
  let resourceVersion = 100_000;

  const available = () => !inCluster || workloads.available(inCluster.namespace, inCluster.deployment);
  const touch = (application: Application) => {
    resourceVersion += 1;
    application.object.metadata.resourceVersion = String(resourceVersion);
    const { name, namespace: where } = application.object.metadata;
    for (const listener of listeners) {
      listener(name, where, application.gone ? undefined : structuredClone(application.object));
    }
  };
  const controller = createController(context, {
    workloads,
    revisionOf: options.revisionOf,
    runsPods: options.runsPods ?? (() => true),
    awake: available,
    windowsOf: (project) => projects.get(project)?.syncWindows,
    changed: touch,
    namespace,
  });

  options.onPush?.(({ repository }) => {
    const pushed = withoutSuffix(repository);
    for (const application of applications.values()) {
      const { spec } = application.object;
      if (sourcesOf(spec).some((source) => withoutSuffix(source.repoURL) === pushed))
        controller.expectChange(application);
    }
  });

  const projectOf = (name: string): Project => {
    const project = projects.get(name);
    if (!project) throw new Error(`no Argo CD project ${name}: add it first`);
    return project;
  };
  const find = (name: string, where = namespace) => applications.get(`${where}/${name}`);
  const known = (name: string, where?: string): Application => {
    const application = find(name, where);
    if (!application) throw new Error(`no application ${name}: add it first`);
    return application;
  };

  const rbacName = (project: string, where: string, name: string) =>
    where === namespace ? `${project}/${name}` : `${project}/${where}/${name}`;

  /** A project's token is judged by the roles of its own project alone. */
  const may = (caller: Caller, action: string, object: string): boolean => {
    const [, project, role] = caller.sub.startsWith('proj:') ? caller.sub.split(':') : [];
    if (project === undefined) {
      return allows(accounts.get(caller.sub)?.policies ?? [], caller.sub, 'applications', action, object);
    }
    if (object.split('/')[0] !== project) return false;
    const policies = projects.get(project)?.roles.get(role ?? '') ?? [];
    return allows(policies, caller.sub, 'applications', action, object);
  };

  /** `getAppEnforceRBAC`: who leaves the project out cannot learn from the reply whether an application exists. */
  const enforced = (caller: Caller, action: string, query: ApplicationQuery): Application => {
    const where = query.appNamespace || namespace;
    const notFound = () => new ArgocdError('notFound', `applications.argoproj.io "${query.name}" not found`);
    if (query.project && !may(caller, action, rbacName(query.project, where, query.name)))
      throw permissionDenied();
    const enabled =
      where === namespace ||
      (options.applicationNamespaces ?? []).some((glob) => where === glob || glob === '*');
    if (!enabled) throw permissionDenied();
    const application = find(query.name, where);
    if (!application) throw query.project ? notFound() : permissionDenied();
    const { project } = application.object.spec;
    if (!may(caller, action, rbacName(project, where, query.name))) {
      throw query.project ? notFound() : permissionDenied();
    }
    if (query.project && project !== query.project) throw notFound();
    if (!projects.has(project)) {
      throw new ArgocdError(
        'invalidArgument',
        `app is not allowed in project "${project}", or the project does not exist`,
      );
    }
    return application;
  };

  const enforce = (caller: Caller, action: string, object: string): void => {
    if (may(caller, action, object)) return;
    throw new ArgocdError(
      'permissionDenied',
      `permission denied: applications, ${action}, ${object}, sub: ${caller.sub}, iat: ${instant(caller.iat * 1000)}`,
    );
  };

  const view = (application: Application): ApplicationObject => {
    controller.settle(application);
    return structuredClone(application.object);
  };

  const start = (application: Application, operation: Operation): void => {
    if (application.object.operation) {
      throw new ArgocdError('failedPrecondition', 'another operation is already in progress');
    }
    controller.setOperation(application, operation);
  };

  const stop = (application: Application): void => {
    const { operation, status } = application.object;
    if (!operation || !status.operationState) {
      throw new ArgocdError('invalidArgument', 'Unable to terminate operation. No operation is in progress');
    }
    status.operationState.phase = 'Terminating';
    touch(application);
    controller.wakeUp(application);
  };

  /** `resolveSourceRevisions` */
  const revisionsFor = (
    object: ApplicationObject,
    request: SyncRequest,
  ): Pick<NonNullable<Operation['sync']>, 'revision' | 'revisions'> => {
    const automated = object.spec.syncPolicy?.automated;
    const auto = automated !== undefined && automated.enabled !== false && !request.dryRun;
    const resolve = (source: ApplicationSource, wanted: string) => {
      const revision = wanted || source.targetRevision || 'HEAD';
      if (/^[0-9a-f]{40}$/.test(revision)) return revision;
      const sha = options.revisionOf(source.repoURL, revision);
      if (sha !== undefined) return sha;
      throw new ArgocdError(
        'failedPrecondition',
        `error resolving repo revision: rpc error: code = Unknown desc = unable to resolve '${revision}' to a commit SHA`,
      );
    };
    if (!hasMultipleSources(object.spec)) {
      const source = object.spec.source ?? { repoURL: '' };
      const wanted = request.revision ?? '';
      if (wanted !== '' && wanted !== (source.targetRevision || 'HEAD') && auto) {
        throw new ArgocdError(
          'failedPrecondition',
          `Cannot sync to ${wanted}: auto-sync currently set to ${source.targetRevision ?? ''}`,
        );
      }
      return { revision: resolve(source, wanted) };
    }
    const sources = sourcesOf(object.spec);
    const wanted: string[] = sources.map(() => '');
    for (const [index, position] of (request.sourcePositions ?? []).entries()) {
      if (position <= 0 || position > sources.length)
        throw new ArgocdError('unknown', 'source position is out of range');
      wanted[position - 1] = request.revisions?.[index] ?? '';
    }
    return {
      revisions: sources.map((source, index) => {
        const mine = wanted[index] ?? '';
        if (mine !== '' && mine !== (source.targetRevision || 'HEAD') && auto) {
          throw new ArgocdError(
            'failedPrecondition',
            `Cannot sync source ${source.repoURL} to ${mine}: auto-sync currently set to ${source.targetRevision ?? ''}`,
          );
        }
        return resolve(source, mine);
      }),
    };
  };

  const issue = (subject: string, expires: Date | undefined): { token: string; id: string } => {
    const now = Math.floor(clock.now() / 1000);
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

  const world: ArgocdWorld = {
    namespace,
    version: options.version ?? 'v3.6.0',
    available,

    addProject(seed) {
      const project: Project = projects.get(seed.name) ?? {
        name: seed.name,
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
    addApplication(seed) {
      const where = seed.namespace ?? namespace;
      if (find(seed.name, where)) throw new Error(`application ${seed.name} is there already`);
      projectOf(seed.project ?? 'default');
      const now = clock.now();
      const every = 120_000 + Math.floor(context.random() * 60_000);
      const application: Application = {
        object: objectOf(seed, where, context.uuid(), now, namespace),
        seed,
        live: new Map(),
        run: undefined,
        timer: undefined,
        poll: undefined,
        polledFrom: now - Math.floor(context.random() * every),
        pollEvery: every,
        suspended: false,
        gone: false,
        failures: [],
      };
      applications.set(qualifiedName(application), application);
      const revisions = sourcesOf(application.object.spec).map((source) =>
        options.revisionOf(source.repoURL, source.targetRevision || 'HEAD'),
      );
      if (seed.deployed !== false && revisions.every((revision) => revision !== undefined)) {
        for (const manifest of manifestsOf(seed, revisions)) {
          workloads.apply(manifest);
          application.live.set(keyOf(manifest), manifest);
        }
      }
      touch(application);
      controller.refresh(application);
    },
    changeApplication(name, change, where) {
      const application = known(name, where);
      const { spec } = application.object;
      if (change.targetRevision !== undefined) {
        if (spec.source) spec.source.targetRevision = change.targetRevision;
        if (spec.sources?.[0]) spec.sources[0].targetRevision = change.targetRevision;
      }
      if (change.autoSync === null) delete spec.syncPolicy?.automated;
      else if (change.autoSync) spec.syncPolicy = { ...spec.syncPolicy, automated: { ...change.autoSync } };
      application.seed = {
        ...application.seed,
        ...(change.deployments ? { deployments: change.deployments } : {}),
        ...(change.hooks ? { hooks: change.hooks } : {}),
        ...(change.syncSeconds === undefined ? {} : { syncSeconds: change.syncSeconds }),
      };
      if (change.suspended !== undefined) application.suspended = change.suspended;
      application.object.metadata.generation += 1;
      controller.refresh(application);
    },
    deleteApplication(name, { namespace: where, seconds = 10 } = {}) {
      const application = known(name, where);
      const { metadata } = application.object;
      if (metadata.deletionTimestamp) return;
      metadata.deletionTimestamp = instant(clock.now());
      metadata.deletionGracePeriodSeconds = 0;
      metadata.finalizers = ['resources-finalizer.argocd.argoproj.io'];
      touch(application);
      clock.after(seconds * 1000, () => {
        application.gone = true;
        application.timer?.cancel();
        application.poll?.cancel();
        applications.delete(qualifiedName(application));
        touch(application);
      });
    },
    failNextSync: (name, failure) => void known(name).failures.push(failure),
    startForeignSync(name, { username = 'admin', revision, namespace: where } = {}) {
      const application = known(name, where);
      const { object } = application;
      start(application, {
        sync: {
          ...(object.spec.source ? { source: structuredClone(object.spec.source) } : {}),
          ...(object.spec.sources ? { sources: structuredClone(object.spec.sources) } : {}),
          ...revisionsFor(object, { name, ...(revision === undefined ? {} : { revision }) }),
        },
        initiatedBy: { username },
        retry: {},
      });
    },
    terminateForeign: (name, where) => stop(known(name, where)),
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

    has: (name, where) => find(name, where) !== undefined,
    application(name, where) {
      const application = find(name, where);
      return application && view(application);
    },
    applications: () => [...applications.values()].map(view),

    authenticate(token) {
      if (token.split('.').length < 3) throw new ArgocdError('unauthenticated', 'no session information');
      try {
        const claims = readToken(token, key, clock.now());
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
    get(caller, query, refresh) {
      const application = enforced(caller, 'get', query);
      if (refresh) controller.refresh(application);
      return view(application);
    },
    list(caller, query) {
      const items = [...applications.values()]
        .filter((application) => {
          const { metadata, spec } = application.object;
          return (
            (query.appNamespace === undefined || metadata.namespace === query.appNamespace) &&
            (query.name === undefined || metadata.name === query.name) &&
            (!query.projects?.length || query.projects.includes(spec.project)) &&
            (query.repo === undefined ||
              sourcesOf(spec).some(
                (source) => withoutSuffix(source.repoURL) === withoutSuffix(query.repo ?? ''),
              )) &&
            (!query.labels || query.labels(metadata.labels ?? {})) &&
            may(caller, 'get', rbacName(spec.project, metadata.namespace, metadata.name))
          );
        })
        .map(view)
        .sort((one, other) => (one.metadata.name < other.metadata.name ? -1 : 1));
      return { resourceVersion: String(resourceVersion), items };
    },
    sync(caller, request) {
      const application = enforced(caller, 'get', request);
      controller.settle(application);
      const { object } = application;
      const { metadata, spec } = object;
      const windows = projectOf(spec.project).syncWindows;
      if (!canSync(windows, { name: metadata.name, destination: spec.destination }, clock.now(), true)) {
        throw new ArgocdError('permissionDenied', 'cannot sync: blocked by sync window');
      }
      const object_ = rbacName(spec.project, metadata.namespace, metadata.name);
      enforce(caller, 'sync', object_);
      if (request.manifests) {
        enforce(caller, 'override', object_);
        if (spec.syncPolicy?.automated && spec.syncPolicy.automated.enabled !== false && !request.dryRun) {
          throw new ArgocdError(
            'failedPrecondition',
            'cannot use local sync when Automatic Sync Policy is enabled unless for dry run',
          );
        }
      }
      if (metadata.deletionTimestamp) throw new ArgocdError('failedPrecondition', 'application is deleting');
      const revisions = revisionsFor(object, request);
      const syncOptions = request.syncOptions
        ? (request.syncOptions.items ?? [])
        : spec.syncPolicy?.syncOptions;
      start(application, {
        sync: {
          ...revisions,
          ...(spec.source && !hasMultipleSources(spec) ? { source: structuredClone(spec.source) } : {}),
          ...(hasMultipleSources(spec) ? { sources: structuredClone(spec.sources ?? []) } : {}),
          ...(request.prune ? { prune: true } : {}),
          ...(request.dryRun ? { dryRun: true } : {}),
          ...(syncOptions?.length ? { syncOptions: [...syncOptions] } : {}),
          ...(request.strategy ? { syncStrategy: request.strategy } : {}),
          ...(request.resources?.length ? { resources: structuredClone([...request.resources]) } : {}),
        },
        initiatedBy: { username: caller.sub },
        ...(request.infos?.length ? { info: structuredClone([...request.infos]) } : {}),
        retry: structuredClone(request.retryStrategy ?? spec.syncPolicy?.retry ?? {}),
      });
      return structuredClone(object);
    },
    terminate: (caller, query) => stop(enforced(caller, 'sync', query)),

    adopt(written) {
      const application = known(written.metadata.name, written.metadata.namespace);
      const before = application.object;
      const next = structuredClone(written);
      application.object = next;
      const phase = next.status.operationState?.phase;
      const terminating = phase === 'Terminating' && before.status.operationState?.phase !== phase;
      // An operation that is written over one in progress is lost when that one ends, as it is in Argo CD.
      if ((next.operation && !application.timer) || terminating) controller.wakeUp(application);
      const requested = next.metadata.annotations?.[REFRESH_ANNOTATION] !== undefined;
      if (requested || JSON.stringify(before.spec) !== JSON.stringify(next.spec))
        controller.requestRefresh(application);
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  world.addProject({ name: 'default' });
  return world;
}

function objectOf(
  seed: ApplicationSeed,
  where: string,
  uid: string,
  now: number,
  controllerNamespace: string,
): ApplicationObject {
  const source: ApplicationSource = {
    repoURL: seed.repoURL,
    path: seed.path ?? 'deploy',
    targetRevision: seed.targetRevision ?? 'HEAD',
  };
  const syncPolicy: ApplicationObject['spec']['syncPolicy'] = {
    ...(seed.autoSync ? { automated: { ...seed.autoSync } } : {}),
    ...(seed.syncOptions ? { syncOptions: [...seed.syncOptions] } : {}),
    ...(seed.retry ? { retry: structuredClone(seed.retry) } : {}),
  };
  const destination = {
    server: 'https://kubernetes.default.svc',
    namespace: seed.deployments[0]?.namespace ?? 'default',
  };
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: {
      name: seed.name,
      namespace: where,
      uid,
      resourceVersion: '1',
      generation: 1,
      creationTimestamp: instant(now),
      ...(seed.labels ? { labels: { ...seed.labels } } : {}),
    },
    spec: {
      project: seed.project ?? 'default',
      ...(seed.sources ? { sources: structuredClone([...seed.sources]) } : { source }),
      destination,
      ...(Object.keys(syncPolicy).length > 0 ? { syncPolicy } : {}),
    },
    status: {
      sync: { status: 'Unknown', comparedTo: { destination } },
      health: { status: 'Missing', lastTransitionTime: instant(now) },
      sourceType: 'Kustomize',
      resourceHealthSource: 'appTree',
      controllerNamespace,
    },
  };
}

function withoutSuffix(url: string): string {
  return url.replace(/\/+$/, '').replace(/\.git$/, '');
}
