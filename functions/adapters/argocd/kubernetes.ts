/**
 * Argo CD through its Application objects, where its server cannot be reached. Argo CD's own RBAC does not apply:
 * what may be synced is what the cluster's RBAC lets us patch.
 */
import { UnreachableError } from '#functions/adapters/http.ts';
import { type KubernetesClient, KubernetesError } from '#functions/adapters/kubernetes/client.ts';
import { isConflict } from '#functions/adapters/kubernetes/errors.ts';
import type {
  ApplicationView,
  Argocd,
  ArgocdFailure,
  Result,
  SyncOptions,
} from '#functions/branch-deploy/ports.ts';
import { isApplicationName } from '#functions/branch-deploy/record.ts';
import type { ApplicationSettings } from '#model/settings.ts';
import { type ApplicationObject, DEPLOY_INFO, isApplication, shortened, viewOf } from './application.ts';
import { invalidName } from './server.ts';

/** Where Argo CD's applications live, unless the config names another namespace. */
const NAMESPACE = 'argocd';
const REFRESH = 'argocd.argoproj.io/refresh';
/** The controller writes to the object at any time, mostly after a comparison: a conflict does not mean that an operation runs. */
const ATTEMPTS = 4;

export function createArgocdObjects(client: Pick<KubernetesClient, 'request'>): Argocd {
  const get = (application: ApplicationSettings) =>
    client.request<ApplicationObject>({ method: 'GET', path: pathOf(application) });
  const patch = (application: ApplicationSettings, body: object) =>
    client.request<ApplicationObject>({
      method: 'PATCH',
      path: pathOf(application),
      contentType: 'application/merge-patch+json',
      body,
    });

  const setOperation = async (
    application: ApplicationSettings,
    deployId: string,
    options: SyncOptions,
  ): Promise<Result<ApplicationObject>> => {
    const found = inProject(application, (await get(application)).body);
    if (!found.ok) return found;
    const { metadata, operation } = found.value;
    if (metadata?.deletionTimestamp) return failure('deleting', 'it has a deletion timestamp');
    if (operation) return failure('busy', 'an operation is running');
    const { body } = await patch(application, operationPatch(application, found.value, deployId, options));
    return { ok: true, value: body };
  };

  /** With the Application that the config names, or a failure. */
  const found = <T>(
    application: ApplicationSettings,
    act: (object: ApplicationObject) => Promise<Result<T>>,
  ): Promise<Result<T>> =>
    answerOf(application, async () => {
      const object = inProject(application, (await get(application)).body);
      return object.ok ? act(object.value) : object;
    });

  return {
    read: (application, { refresh = false } = {}) =>
      viewFrom(application, async () => {
        const { body } = refresh
          ? await patch(application, { metadata: { annotations: { [REFRESH]: 'normal' } } })
          : await get(application);
        return inProject(application, body);
      }),

    sync: (application, deployId, options = {}) =>
      viewFrom(application, async () => {
        for (let attempt = 1; ; attempt++) {
          try {
            return await setOperation(application, deployId, options);
          } catch (error) {
            if (!isConflict(error) || attempt === ATTEMPTS) throw error;
          }
        }
      }),

    pods: (application) =>
      found(application, async (object) => (await import('./object-images.ts')).podsOf(client, object)),

    restart: (application, workload, at) =>
      found(application, async () => {
        await (await import('./object-images.ts')).restartWorkload(client, workload, at);
        return { ok: true, value: undefined };
      }),

    setImages: (application, images, source) =>
      found(application, async (object) => {
        const { patchImages } = await import('./object-images.ts');
        await patchImages(client, pathOf(application), object, { images, source });
        return { ok: true, value: undefined };
      }),
  };
}

/**
 * Over exactly the version that was read: an operation that came in between is not overwritten. The old state is removed,
 * or the controller takes the operation for one that has ended.
 */
function operationPatch(
  application: ApplicationSettings,
  { metadata, spec }: ApplicationObject,
  deployId: string,
  { revision, revisions = [], prune = false }: SyncOptions,
): object {
  const options =
    application.syncOptions.length > 0 ? application.syncOptions : (spec?.syncPolicy?.syncOptions ?? []);
  const retry = spec?.syncPolicy?.retry;
  return {
    metadata: { resourceVersion: metadata?.resourceVersion },
    operation: {
      initiatedBy: { username: 'nightshift' },
      info: [{ name: DEPLOY_INFO, value: deployId }],
      sync: {
        ...(revision ? { revision } : {}),
        ...(revisions.length > 0 ? { revisions: revisionsFor(spec?.sources ?? [], revisions) } : {}),
        prune: application.prune ?? prune,
        ...(options.length > 0 ? { syncOptions: options } : {}),
      },
      ...(retry ? { retry } : {}),
    },
    status: { operationState: null },
  };
}

/** One for each source: what is not named is what the source tracks. */
function revisionsFor(
  sources: readonly { readonly targetRevision?: string }[],
  named: NonNullable<SyncOptions['revisions']>,
): readonly string[] {
  return sources.map(
    ({ targetRevision }, index) =>
      named.find(({ position }) => position === index + 1)?.revision ?? targetRevision ?? 'HEAD',
  );
}

function viewFrom(
  application: ApplicationSettings,
  request: () => Promise<Result<ApplicationObject>>,
): Promise<Result<ApplicationView>> {
  return answerOf(application, async () => {
    const reply = await request();
    if (!reply.ok) return reply;
    return isApplication(reply.value)
      ? { ok: true, value: viewOf(reply.value) }
      : failure('transient', 'the API server answered with something other than an Application');
  });
}

async function answerOf<T>(
  application: ApplicationSettings,
  request: () => Promise<Result<T>>,
): Promise<Result<T>> {
  if (!isApplicationName(application.name)) return invalidName(application);
  try {
    return await request();
  } catch (error) {
    if (error instanceof UnreachableError)
      return { ok: false, error: { kind: 'transient', outcomeUnknown: true, detail: error.message } };
    if (error instanceof KubernetesError) return { ok: false, error: failureOf(error) };
    throw error;
  }
}

/** The config names the project, so that a name alone cannot lead to another project's application. */
function inProject(application: ApplicationSettings, body: ApplicationObject): Result<ApplicationObject> {
  const project = body.spec?.project;
  if (project === application.project) return { ok: true, value: body };
  return failure(
    'missing',
    `${application.name} is in project ${shortened(project) || 'none'}, not in ${application.project}`,
  );
}

function failureOf(error: KubernetesError): ArgocdFailure {
  const detail = shortened(error.message);
  switch (error.status) {
    case 401:
      return { kind: 'unauthorized', detail };
    case 403:
      return { kind: 'forbidden', detail };
    case 404:
      return { kind: 'missing', detail };
    case 409:
      return { kind: 'busy', detail };
    case 408:
    case 429:
      return {
        kind: 'transient',
        detail,
        ...(error.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: error.retryAfterSeconds }),
      };
    default:
      return { kind: error.status >= 500 ? 'transient' : 'permanent', detail };
  }
}

function failure(kind: ArgocdFailure['kind'], detail: string): { ok: false; error: ArgocdFailure } {
  return { ok: false, error: { kind, detail } };
}

function pathOf(application: ApplicationSettings): string {
  const namespace = application.namespace ?? NAMESPACE;
  return `/apis/argoproj.io/v1alpha1/namespaces/${encodeURIComponent(namespace)}/applications/${encodeURIComponent(application.name)}`;
}
