/**
 * Argo CD: applications, the API server and the controller. It follows
 * release 3.6; HTTP is in front of it in lab/http/argocd.
 */
import { copyOf } from '../copy.ts';
import type { Workloads, WorldContext } from '../interfaces.ts';
import { isEqual } from '../kubernetes/patch.ts';
import { type Access, type Caller, createAccess } from './access.ts';
import { type ApiServer, createApiServer, type ListQuery, withoutSuffix } from './api-server.ts';
import { type Application, instant, qualifiedName, REFRESH_ANNOTATION } from './application.ts';
import { keyOf, manifestsOf, sourcesOf } from './compare.ts';
import { createController } from './controller.ts';
import { objectOf } from './seed.ts';
import { operationOf } from './sync-request.ts';
import type { ApplicationObject, ApplicationSeed, RevisionOf } from './types.ts';

export interface ArgocdOptions {
  readonly workloads: Workloads;
  /** Resolves a revision of a repository to its commit at a time (virtual ms, default now). */
  readonly revisionOf: RevisionOf;
  /** Subscribes to pushes, after which applications of that repository are compared at their next poll. */
  readonly onPush?: (listener: (push: { readonly repository: string }) => void) => unknown;
  /** True while a new pod would be scheduled and run: hooks wait for it. Default: always. */
  readonly runsPods?: () => boolean;
  /** The Deployment of an Argo CD inside the cluster: it is down while this has no Ready pod. Default: always up. */
  readonly inCluster?: { readonly namespace: string; readonly deployment: string };
  /** Namespace of Argo CD, and the default for its applications. Default `argocd`. */
  readonly namespace?: string;
  /** Globs of further namespaces for applications, as in `application.namespaces`. */
  readonly applicationNamespaces?: readonly string[];
  /** Default `v3.6.0`. */
  readonly version?: string;
  /** As EKS runs it: off the cluster, with a poll every 6 minutes and a sync timeout of 120 s that nobody can change. */
  readonly managed?: boolean;
}

const MANAGED = { pollMs: 360_000, syncTimeoutMs: 120_000 };

export interface ArgocdWorld extends Omit<Access, 'may' | 'enforce'>, Omit<ApiServer, 'list'> {
  readonly namespace: string;
  readonly version: string;
  /** False while Argo CD has no Ready pod. */
  available(): boolean;

  addApplication(seed: ApplicationSeed): void;
  /** Changes the source, policy or manifests, as an edit of the Application or its repository does. */
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
  /** Marks it for deletion; the finalizer removes it, by default after 10 s. */
  deleteApplication(name: string, options?: { readonly namespace?: string; readonly seconds?: number }): void;
  /** Forces the result of the next sync attempt. */
  failNextSync(name: string, failure: { readonly phase: 'Failed' | 'Error'; readonly message: string }): void;
  /** A sync from the web interface. Throws if an operation is in progress. */
  startForeignSync(
    name: string,
    options?: { readonly username?: string; readonly revision?: string; readonly namespace?: string },
  ): void;
  /** Terminates the operation, as from the web interface. */
  terminateForeign(name: string, namespace?: string): void;
  has(name: string, namespace?: string): boolean;
  /** The current object, undefined if it does not exist. */
  application(name: string, namespace?: string): ApplicationObject | undefined;
  applications(): readonly ApplicationObject[];
  /** Updates every application to the current time, as each read does. */
  settle(): void;

  list(
    caller: Caller,
    query: ListQuery,
  ): { readonly resourceVersion: string; readonly items: ApplicationObject[] };

  /** Applies a write through the Kubernetes API to the object; the controller reacts shortly after. */
  adopt(written: ApplicationObject): void;
  /** Called after every change of an Application; undefined for a deleted one. */
  onChange(
    listener: (name: string, namespace: string, object: ApplicationObject | undefined) => void,
  ): () => void;
}

export function createArgocd(context: WorldContext, options: ArgocdOptions): ArgocdWorld {
  const { clock } = context;
  const { workloads, revisionOf, inCluster } = options;
  const namespace = options.namespace ?? 'argocd';
  const applications = new Map<string, Application>();
  const listeners = new Set<Parameters<ArgocdWorld['onChange']>[0]>();
  let resourceVersion = 100_000;

  const available = () => !inCluster || workloads.available(inCluster.namespace, inCluster.deployment);
  const touch = (application: Application) => {
    resourceVersion += 1;
    application.object.metadata.resourceVersion = String(resourceVersion);
    const { name, namespace: where } = application.object.metadata;
    for (const listener of listeners) {
      listener(name, where, application.gone ? undefined : copyOf(application.object));
    }
  };
  const access = createAccess(context);
  const controller = createController(context, {
    workloads,
    revisionOf,
    runsPods: options.runsPods ?? (() => true),
    awake: available,
    ...(options.managed ? { syncTimeoutMs: MANAGED.syncTimeoutMs } : {}),
    windowsOf: access.windowsOf,
    changed: touch,
  });
  const server = createApiServer({
    clock,
    access,
    controller,
    workloads,
    applications,
    revisionOf,
    namespace,
    applicationNamespaces: options.applicationNamespaces ?? [],
  });

  options.onPush?.(({ repository }) => {
    const pushed = withoutSuffix(repository);
    for (const application of applications.values()) {
      const { spec } = application.object;
      if (sourcesOf(spec).some((source) => withoutSuffix(source.repoURL) === pushed))
        controller.expectChange(application);
    }
  });

  const find = (name: string, where = namespace) => applications.get(`${where}/${name}`);
  const known = (name: string, where?: string): Application => {
    const application = find(name, where);
    if (!application) throw new Error(`unknown application ${name}: add it first`);
    return application;
  };

  const view = (application: Application): ApplicationObject => {
    controller.settle(application);
    return copyOf(application.object);
  };

  return {
    ...access,
    ...server,
    namespace,
    version: options.version ?? 'v3.6.0',
    available,

    addApplication(seed) {
      const where = seed.namespace ?? namespace;
      if (find(seed.name, where)) throw new Error(`application ${seed.name} already exists`);
      if (!access.windowsOf(seed.project ?? 'default')) {
        throw new Error(`no Argo CD project ${seed.project}: add it first`);
      }
      const now = clock.now();
      const jittered = wholeSeconds(120_000 + context.random() * 60_000);
      const every = options.managed ? MANAGED.pollMs : jittered;
      const application: Application = {
        object: objectOf(seed, { where, uid: context.uuid(), now, controllerNamespace: namespace }),
        seed,
        live: new Map(),
        run: undefined,
        timer: undefined,
        poll: undefined,
        polledFrom: wholeSeconds(now - context.random() * every),
        pollEvery: every,
        suspended: false,
        gone: false,
        hookJobs: new Map(),
        events: [],
        failures: [],
      };
      applications.set(qualifiedName(application), application);
      const revisions = sourcesOf(application.object.spec).map((source) =>
        options.revisionOf(source.repoURL, source.targetRevision || 'HEAD'),
      );
      if (seed.deployed !== false && revisions.every((revision) => revision !== undefined)) {
        for (const manifest of manifestsOf(seed, revisions, application.object.spec)) {
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
      const request = { name, ...(revision === undefined ? {} : { revision }) };
      const { retry: _, ...operation } = operationOf(application.object, request, username, revisionOf);
      controller.startOperation(application, { ...operation, retry: {} });
    },
    terminateForeign: (name, where) => controller.terminate(known(name, where)),

    has: (name, where) => find(name, where) !== undefined,
    application(name, where) {
      const application = find(name, where);
      return application && view(application);
    },
    applications: () => [...applications.values()].map(view),
    settle() {
      for (const application of applications.values()) controller.settle(application);
    },
    list: (caller, query) => ({
      items: server.list(caller, query),
      resourceVersion: String(resourceVersion),
    }),

    adopt(written) {
      const application = known(written.metadata.name, written.metadata.namespace);
      const before = application.object;
      const next = copyOf(written);
      application.object = next;
      const phase = next.status.operationState?.phase;
      const terminating = phase === 'Terminating' && before.status.operationState?.phase !== phase;
      // An operation written over a running one is lost when that one ends, as in Argo CD.
      if ((next.operation && !application.timer) || terminating) controller.wakeUp(application);
      const requested = next.metadata.annotations?.[REFRESH_ANNOTATION] !== undefined;
      if (requested || !isEqual(before.spec, next.spec)) controller.requestRefresh(application);
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** Times in objects are whole seconds, so polls must be as well. */
function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}
