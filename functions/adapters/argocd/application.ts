/** From an Application object, as the server and the Kubernetes API both show it, to what a decision needs. */
import type { ApplicationView } from '#functions/branch-deploy/ports.ts';
import * as s from '#model/record-schema.ts';

/** The name under which a deploy id travels in `infos` and comes back in the operation. */
export const DEPLOY_INFO = 'nightshift-deploy';

const PHASES = ['Running', 'Terminating', 'Succeeded', 'Failed', 'Error'] as const;
const SYNC_CODES = ['Synced', 'OutOfSync'] as const;
const HEALTH_CODES = ['Healthy', 'Progressing', 'Degraded', 'Suspended', 'Missing'] as const;
const LONGEST_MESSAGE = 300;

const text = s.optional(s.string);
/** Go writes an empty list as null. */
const listOf = <T>(schema: s.Schema<T>) => s.optional(s.nullable(s.listOf(schema)));

const SOURCE = s.object({
  repoURL: text,
  targetRevision: text,
  kustomize: s.optional(s.object({ images: listOf(s.string) })),
  helm: s.optional(s.object({ parameters: listOf(s.object({ name: text, value: text })) })),
});
const OPERATION = s.object({
  info: listOf(s.object({ name: text, value: text })),
  initiatedBy: s.optional(s.object({ username: text, automated: s.optional(s.boolean) })),
});
const HEALTH = s.object({ status: text, message: text });
const AUTOMATED = s.object({ enabled: s.optional(s.boolean), prune: s.optional(s.boolean) });
const HYDRATION = s.object({
  drySHA: text,
  hydratedSHA: text,
  startedAt: text,
  phase: text,
  message: text,
});
const REVISIONS = { revision: text, revisions: listOf(s.string) };

/** The fields of an Application that are read, with the types that Argo CD gives them. Most may be missing. */
const APPLICATION = s.object({
  metadata: s.object({
    name: s.string,
    namespace: text,
    creationTimestamp: text,
    resourceVersion: text,
    deletionTimestamp: text,
    ownerReferences: listOf(s.object({ kind: text, name: text })),
    annotations: s.optional(s.mapOf(s.string)),
  }),
  spec: s.optional(
    s.object({
      project: text,
      destination: s.optional(s.object({ server: text, name: text })),
      source: s.optional(SOURCE),
      sources: listOf(SOURCE),
      sourceHydrator: s.optional(s.object({ drySource: s.optional(SOURCE) })),
      syncPolicy: s.optional(
        s.object({
          syncOptions: listOf(s.string),
          retry: s.optional(s.object({})),
          automated: s.optional(s.nullable(AUTOMATED)),
        }),
      ),
    }),
  ),
  operation: s.optional(OPERATION),
  status: s.optional(
    s.object({
      sync: s.optional(s.object({ status: text, ...REVISIONS })),
      health: s.optional(HEALTH),
      reconciledAt: text,
      summary: s.optional(s.object({ images: listOf(s.string) })),
      conditions: listOf(s.object({ type: text, message: text })),
      sourceHydrator: s.optional(
        s.object({
          lastSuccessfulOperation: s.optional(HYDRATION),
          currentOperation: s.optional(HYDRATION),
        }),
      ),
      /** Syncs of the whole application that succeeded, oldest first. */
      history: listOf(s.object({ deployedAt: text })),
      operationState: s.optional(
        s.object({
          operation: s.optional(OPERATION),
          phase: text,
          message: text,
          startedAt: text,
          finishedAt: text,
          syncResult: s.optional(
            s.object({ ...REVISIONS, resources: listOf(s.object({ images: listOf(s.string) })) }),
          ),
        }),
      ),
      resources: listOf(
        s.object({
          group: text,
          version: text,
          namespace: text,
          kind: text,
          name: text,
          hook: s.optional(s.boolean),
          health: s.optional(HEALTH),
        }),
      ),
    }),
  ),
});
export type ApplicationObject = s.TypeOf<typeof APPLICATION>;
type OperationObject = s.TypeOf<typeof OPERATION>;
type SourceObject = s.TypeOf<typeof SOURCE>;

export function isApplication(value: unknown): value is ApplicationObject {
  return s.isValid(APPLICATION, value);
}

export function viewOf(application: ApplicationObject): ApplicationView {
  const { spec, status, operation } = application;
  const state = status?.operationState;
  const startedAt = dateOf(state?.startedAt);
  const finishedAt = dateOf(state?.finishedAt);
  const reconciledAt = dateOf(status?.reconciledAt);
  const condition = conditionOf(status);
  return {
    sources: sourcesOf(spec).map(({ repoURL, targetRevision }) => ({
      repository: repoURL ?? '',
      targetRevision: targetRevision ?? '',
    })),
    deleting: application.metadata.deletionTimestamp !== undefined,
    ...(isAutomated(spec) ? { autoSync: true } : {}),
    ...(isAutomated(spec) && spec?.syncPolicy?.automated?.prune ? { autoPrune: true } : {}),
    ...(spec?.sourceHydrator ? { hydration: hydrationOf(status?.sourceHydrator) } : {}),
    ...(operation ? { pendingOperation: { deployIds: deployIdsOf(operation), by: byOf(operation) } } : {}),
    ...(state
      ? {
          operation: {
            deployIds: deployIdsOf(state.operation),
            by: byOf(state.operation),
            automated: state.operation?.initiatedBy?.automated === true,
            phase: oneOf(PHASES, state.phase) ?? 'Unknown',
            message: shortened(state.message),
            startedAt: startedAt ?? new Date(0),
            ...(finishedAt ? { finishedAt } : {}),
            revisions: revisionsOf(state.syncResult),
          },
        }
      : {}),
    sync: oneOf(SYNC_CODES, status?.sync?.status) ?? 'Unknown',
    revisions: revisionsOf(status?.sync),
    health: oneOf(HEALTH_CODES, status?.health?.status) ?? 'Unknown',
    healthMessage: shortened(healthMessageOf(status)),
    ...(status?.summary?.images?.length ? { images: status.summary.images } : {}),
    ...imageFactsOf(application),
    ...(condition ? { condition } : {}),
    ...(reconciledAt ? { reconciledAt } : {}),
  };
}

/** What was deployed, what is set on the Application, and who may put that back. */
function imageFactsOf({
  metadata,
  spec,
  status,
}: ApplicationObject): Pick<ApplicationView, 'desiredImages' | 'overrides' | 'madeBy'> {
  const desiredImages = (status?.operationState?.syncResult?.resources ?? []).flatMap(
    ({ images }) => images ?? [],
  );
  const overrides = sourcesOf(spec).map(({ kustomize, helm }) => ({
    images: kustomize?.images ?? [],
    parameters: Object.fromEntries(
      (helm?.parameters ?? []).map(({ name = '', value = '' }) => [name, value]),
    ),
  }));
  const isSet = overrides.some(
    ({ images, parameters }) => images.length > 0 || Object.keys(parameters).length > 0,
  );
  const madeBy = makerOf(metadata);
  return {
    ...(desiredImages.length > 0 ? { desiredImages } : {}),
    ...(isSet ? { overrides } : {}),
    ...(madeBy ? { madeBy } : {}),
  };
}

/** An ApplicationSet owns its Applications; an app-of-apps leaves its name in the tracking id. */
function makerOf({ ownerReferences, annotations }: ApplicationObject['metadata']): string | undefined {
  const owner = ownerReferences?.find(({ kind }) => kind === 'ApplicationSet');
  if (owner) return `ApplicationSet ${owner.name}`;
  const [parent] = annotations?.['argocd.argoproj.io/tracking-id']?.split(':') ?? [];
  return parent ? `Application ${parent}` : undefined;
}

/** With a hydrator the source is the dry one: what is synced was made from it. */
function sourcesOf(spec: ApplicationObject['spec']): readonly SourceObject[] {
  const { sourceHydrator, sources, source } = spec ?? {};
  if (sourceHydrator?.drySource) return [sourceHydrator.drySource];
  return sources?.length ? sources : source ? [source] : [];
}

function isAutomated(spec: ApplicationObject['spec']): boolean {
  const automated = spec?.syncPolicy?.automated;
  return Boolean(automated) && automated?.enabled !== false;
}

type Hydration = NonNullable<ApplicationView['hydration']>;

function hydrationOf(status: NonNullable<ApplicationObject['status']>['sourceHydrator']): Hydration {
  const { lastSuccessfulOperation: last, currentOperation: current } = status ?? {};
  const startedAt = current?.drySHA === last?.drySHA ? dateOf(current?.startedAt) : undefined;
  return {
    ...(last?.drySHA ? { dry: last.drySHA } : {}),
    ...(last?.hydratedSHA ? { hydrated: last.hydratedSHA } : {}),
    ...(startedAt && current?.phase === 'Hydrated' ? { startedAt } : {}),
    message: current?.phase === 'Failed' ? shortened(current.message) : '',
  };
}

/** Warnings, such as that a resource is shared, are no reason for anything. */
function conditionOf(status: ApplicationObject['status']): string {
  const error = (status?.conditions ?? []).find(({ type }) => type?.endsWith('Error'));
  return error ? shortened(`${error.type}: ${error.message || 'no message'}`) : '';
}

function deployIdsOf(operation: OperationObject | undefined): readonly string[] {
  return (operation?.info ?? []).flatMap((info) =>
    info.name === DEPLOY_INFO && info.value ? [info.value] : [],
  );
}

function byOf(operation: OperationObject | undefined): string {
  const by = operation?.initiatedBy;
  return by?.automated ? "Argo CD's auto-sync" : by?.username || 'somebody';
}

/** A multi-source application has a list, and then no single revision. */
function revisionsOf(
  of: { readonly revision?: string; readonly revisions?: readonly string[] | null } | undefined,
) {
  if (of?.revisions?.length) return of.revisions;
  return of?.revision ? [of.revision] : [];
}

/**
 * The application's own health names the resource that is not Healthy at most; the resource itself has the cause. Only the
 * API server shows the health of each resource. A hook does not count.
 */
function healthMessageOf(status: ApplicationObject['status']): string | undefined {
  const degraded = (status?.resources ?? []).filter(
    ({ hook, health }) => !hook && health?.status === 'Degraded',
  );
  const explained = degraded.find((resource) => resource.health?.message);
  if (explained) return `${explained.kind} ${explained.name}: ${explained.health?.message}`;
  if (status?.health?.message) return status.health.message;
  return degraded[0] && `${degraded[0].kind} ${degraded[0].name}`;
}

function oneOf<T extends string>(known: readonly T[], value: string | undefined): T | undefined {
  return known.find((candidate) => candidate === value);
}

export function dateOf(text: string | undefined): Date | undefined {
  const date = new Date(text ?? '');
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** Somebody else's text on one line, at no great length. */
export function shortened(text: string | undefined): string {
  if (!text) return '';
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > LONGEST_MESSAGE ? `${line.slice(0, LONGEST_MESSAGE)}…` : line;
}
