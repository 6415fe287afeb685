/** Argo CD's API server for applications, below HTTP: `server/application/application.go` of 3.6. */
import type { Clock } from '../clock.ts';
import { copyOf } from '../copy.ts';
import type { LivePodObject, Workloads } from '../interfaces.ts';
import { jsonPatch, mergePatch } from '../kubernetes/patch.ts';
import type { Access, Caller } from './access.ts';
import { type Application, type AuditEvent, instant, noteEvent } from './application.ts';
import { shownHealth, sourcesOf } from './compare.ts';
import type { Controller } from './controller.ts';
import { ArgocdError, permissionDenied } from './errors.ts';
import { globMatches } from './rbac.ts';
import { livePod, type ResourceQuery, restart, type TreeNode, treeOf } from './resources.ts';
import { type ApplicationQuery, operationOf, type SyncRequest, syncsByItself } from './sync-request.ts';
import { canSync } from './sync-windows.ts';
import type { ApplicationObject, Operation, RevisionOf } from './types.ts';

const EVENT_TTL_MS = 3_600_000;

export interface ListQuery {
  readonly name?: string;
  readonly projects?: readonly string[];
  readonly repo?: string;
  readonly appNamespace?: string;
  readonly labels?: (labels: Readonly<Record<string, string>>) => boolean;
}

/** All throw `ArgocdError`. */
export interface ApiServer {
  get(caller: Caller, query: ApplicationQuery, refresh?: 'normal' | 'hard'): ApplicationObject;
  list(caller: Caller, query: ListQuery): ApplicationObject[];
  /** Kubernetes deletes an event after an hour. */
  events(caller: Caller, query: ApplicationQuery): readonly AuditEvent[];
  sync(caller: Caller, request: SyncRequest): ApplicationObject;
  terminate(caller: Caller, query: ApplicationQuery): void;
  tree(caller: Caller, query: ApplicationQuery): readonly TreeNode[];
  /** A live pod. */
  resource(caller: Caller, query: ApplicationQuery & ResourceQuery): LivePodObject;
  runAction(caller: Caller, query: ApplicationQuery & ResourceQuery & { readonly action: string }): void;
  /** A JSON patch of the Application; only its spec and its labels and annotations change. */
  patch(
    caller: Caller,
    query: ApplicationQuery,
    patch: { readonly type: string; readonly text: string },
  ): ApplicationObject;
}

export function createApiServer(parts: {
  readonly clock: Clock;
  readonly access: Access;
  readonly controller: Controller;
  readonly workloads: Workloads;
  readonly applications: ReadonlyMap<string, Application>;
  readonly revisionOf: RevisionOf;
  readonly namespace: string;
  readonly applicationNamespaces: readonly string[];
}): ApiServer {
  const { access, controller, applications, namespace } = parts;

  const rbacName = (project: string, where: string, name: string) =>
    where === namespace ? `${project}/${name}` : `${project}/${where}/${name}`;
  const nameOf = ({ object: { metadata, spec } }: Application) =>
    rbacName(spec.project, metadata.namespace, metadata.name);

  const view = (application: Application): ApplicationObject => {
    controller.settle(application);
    return copyOf(application.object);
  };

  const shown = (application: Application): ApplicationObject => {
    const object = view(application);
    for (const resource of object.status.resources ?? [])
      resource.health = shownHealth(resource, parts.workloads);
    return object;
  };

  /** `getAppEnforceRBAC`: without a project in the request, the reply does not reveal whether an application exists. */
  const enforced = (caller: Caller, action: string, query: ApplicationQuery): Application => {
    const where = query.appNamespace || namespace;
    const notFound = () => new ArgocdError('notFound', `applications.argoproj.io "${query.name}" not found`);
    if (query.project && !access.may(caller, action, rbacName(query.project, where, query.name)))
      throw permissionDenied();
    const enabled =
      where === namespace || parts.applicationNamespaces.some((glob) => globMatches(glob, where));
    if (!enabled) throw permissionDenied();
    const application = applications.get(`${where}/${query.name}`);
    if (!application) throw query.project ? notFound() : permissionDenied();
    const { project } = application.object.spec;
    if (project !== query.project && !access.may(caller, action, rbacName(project, where, query.name))) {
      throw query.project ? notFound() : permissionDenied();
    }
    if (query.project && project !== query.project) throw notFound();
    if (!access.windowsOf(project)) {
      throw new ArgocdError(
        'invalidArgument',
        `app is not allowed in project "${project}", or the project does not exist`,
      );
    }
    return application;
  };

  return {
    get(caller, query, refresh) {
      const application = enforced(caller, 'get', query);
      if (refresh) {
        // Unlike the refresh annotation, these remain after the request.
        const { metadata } = application.object;
        metadata.annotations = {
          ...metadata.annotations,
          'argocd.argoproj.io/hydrate': 'normal',
          'argocd.argoproj.io/hydrate-timestamp': instant(parts.clock.now()),
        };
        controller.refresh(application);
      }
      return shown(application);
    },
    list: (caller, query) =>
      [...applications.values()]
        .filter(
          (application) =>
            isAsked(application.object, query) && access.may(caller, 'get', nameOf(application)),
        )
        .map(view)
        .sort((one, other) => (one.metadata.name < other.metadata.name ? -1 : 1)),
    events(caller, query) {
      const application = enforced(caller, 'get', query);
      controller.settle(application);
      const oldest = parts.clock.now() - EVENT_TTL_MS;
      return application.events.filter(({ lastTimestamp }) => Date.parse(lastTimestamp) >= oldest);
    },
    sync(caller, request) {
      const application = enforced(caller, 'get', request);
      controller.settle(application);
      const { metadata, spec } = application.object;
      const target = { name: metadata.name, destination: spec.destination };
      if (!canSync(access.windowsOf(spec.project) ?? [], target, parts.clock.now(), true)) {
        throw new ArgocdError('permissionDenied', 'cannot sync: blocked by sync window');
      }
      access.enforce(caller, 'sync', nameOf(application));
      if (request.manifests) {
        access.enforce(caller, 'override', nameOf(application));
        if (syncsByItself(spec) && !request.dryRun) {
          throw new ArgocdError(
            'failedPrecondition',
            'cannot use local sync when Automatic Sync Policy is enabled unless for dry run',
          );
        }
      }
      if (metadata.deletionTimestamp) throw new ArgocdError('failedPrecondition', 'application is deleting');
      const operation = operationOf(application.object, request, caller.sub, parts.revisionOf);
      controller.startOperation(application, operation);
      noteStart(application, operation, caller.sub, parts.clock.now());
      return shown(application);
    },
    tree: (caller, query) => treeOf(enforced(caller, 'get', query), parts.workloads),
    resource: (caller, query) => livePod(enforced(caller, 'get', query), parts.workloads, query),
    runAction(caller, query) {
      const application = enforced(caller, 'get', query);
      access.enforce(caller, `action/${query.group}/${query.kind}/${query.action}`, nameOf(application));
      if (query.action !== 'restart')
        throw new ArgocdError('invalidArgument', `action not found in ${query.kind}: ${query.action}`);
      restart(application, parts.workloads, query);
    },
    patch(caller, query, { type, text }) {
      const application = enforced(caller, 'get', query);
      access.enforce(caller, 'update', nameOf(application));
      const { object } = application;
      const before = copyOf(object.spec);
      object.spec = patched(object, type, text).spec;
      controller.requestRefresh(application);
      if (application.seed.applicationSet) {
        parts.clock.after(PUT_BACK_MS, () => {
          object.spec = before;
          controller.requestRefresh(application);
        });
      }
      return shown(application);
    },
    terminate: (caller, query) => controller.terminate(enforced(caller, 'sync', query)),
  };
}

/** Until an ApplicationSet has put a change back: it watches its Applications. */
const PUT_BACK_MS = 1_000;

/** Throws `ArgocdError` 3 for a patch that does not fit. */
function patched(object: ApplicationObject, type: string, text: string): ApplicationObject {
  try {
    const patch: unknown = JSON.parse(text);
    const from = copyOf(object) as never;
    return (type === 'merge' ? mergePatch(from, patch as never) : jsonPatch(from, patch as never)) as never;
  } catch (error) {
    throw new ArgocdError('invalidArgument', `error applying patch: ${(error as Error).message}`);
  }
}

function noteStart(application: Application, { sync }: Operation, username: string, at: number): void {
  const tracked = sourcesOf(application.object.spec).map((source) => source.targetRevision || 'HEAD');
  const shas = sync?.revisions ?? [sync?.revision ?? ''];
  const where = tracked.map((revision, index) => `${revision} (${shas[index] ?? ''})`).join(',');
  const partial = sync?.resources?.length ? 'partial ' : '';
  const message = `${username} initiated ${partial}sync to ${where}`;
  noteEvent(application, { reason: 'OperationStarted', message, component: 'argocd-server' }, at);
}

function isAsked({ metadata, spec }: ApplicationObject, query: ListQuery): boolean {
  const { repo } = query;
  return (
    (query.appNamespace === undefined || metadata.namespace === query.appNamespace) &&
    (query.name === undefined || metadata.name === query.name) &&
    (!query.projects?.length || query.projects.includes(spec.project)) &&
    (repo === undefined ||
      sourcesOf(spec).some((source) => withoutSuffix(source.repoURL) === withoutSuffix(repo))) &&
    (!query.labels || query.labels(metadata.labels ?? {}))
  );
}

export function withoutSuffix(url: string): string {
  return url.replace(/\/+$/, '').replace(/\.git$/, '');
}
