/** From an Application object, as the server and the Kubernetes API both show it, to what a decision needs. */
import type { ApplicationView } from '#functions/branch-deploy/ports.ts';
import { isRecord } from '#model/record-schema.ts';

/** The name under which a deploy id travels in `infos` and comes back in the operation. */
export const DEPLOY_INFO = 'nightshift-deploy';

const PHASES = ['Running', 'Terminating', 'Succeeded', 'Failed', 'Error'] as const;
const SYNC_CODES = ['Synced', 'OutOfSync'] as const;
const HEALTH_CODES = ['Healthy', 'Progressing', 'Degraded', 'Suspended', 'Missing'] as const;
const LONGEST_MESSAGE = 300;

/** The fields of an Application that are read. Each may be missing: the object is not ours. */
export interface ApplicationObject {
  readonly metadata?: {
    readonly name?: string;
    readonly namespace?: string;
    readonly creationTimestamp?: string;
    readonly resourceVersion?: string;
    readonly deletionTimestamp?: string;
  };
  readonly spec?: {
    readonly project?: string;
    readonly source?: SourceObject;
    readonly sources?: readonly SourceObject[];
    readonly sourceHydrator?: { readonly drySource?: SourceObject };
    readonly syncPolicy?: {
      readonly syncOptions?: readonly string[];
      readonly retry?: object;
      readonly automated?: AutomatedObject | null;
    };
  };
  readonly operation?: OperationObject;
  readonly status?: {
    readonly sync?: {
      readonly status?: string;
      readonly revision?: string;
      readonly revisions?: readonly string[];
    };
    readonly health?: { readonly status?: string; readonly message?: string };
    readonly reconciledAt?: string;
    readonly summary?: { readonly images?: readonly string[] | null };
    readonly conditions?: readonly { readonly type?: string; readonly message?: string }[] | null;
    readonly sourceHydrator?: {
      readonly lastSuccessfulOperation?: HydrationObject;
      readonly currentOperation?: HydrationObject;
    };
    /** Syncs of the whole application that succeeded, oldest first. */
    readonly history?: readonly { readonly deployedAt?: string }[];
    readonly operationState?: {
      readonly operation?: OperationObject;
      readonly phase?: string;
      readonly message?: string;
      readonly startedAt?: string;
      readonly finishedAt?: string;
      readonly syncResult?: { readonly revision?: string; readonly revisions?: readonly string[] };
    };
    readonly resources?: readonly {
      readonly kind?: string;
      readonly name?: string;
      readonly hook?: boolean;
      readonly health?: { readonly status?: string; readonly message?: string };
    }[];
  };
}

interface SourceObject {
  readonly repoURL?: string;
  readonly targetRevision?: string;
}

interface AutomatedObject {
  readonly enabled?: boolean;
  readonly prune?: boolean;
}

interface HydrationObject {
  readonly drySHA?: string;
  readonly hydratedSHA?: string;
  readonly startedAt?: string;
  readonly phase?: string;
  readonly message?: string;
}

interface OperationObject {
  readonly info?: readonly { readonly name?: string; readonly value?: string }[];
  readonly initiatedBy?: { readonly username?: string; readonly automated?: boolean };
}

/** An Application has a name, and every field that is read has the type that Argo CD gives it. */
export function isApplication(value: unknown): value is ApplicationObject {
  if (!isRecord(value) || !isRecord(value['metadata'])) return false;
  return typeof value['metadata']['name'] === 'string' && fits(value, APPLICATION);
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
    deleting: application.metadata?.deletionTimestamp !== undefined,
    ...(isAutomated(spec) ? { autoSync: true } : {}),
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
    ...(condition ? { condition } : {}),
    ...(reconciledAt ? { reconciledAt } : {}),
  };
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
function revisionsOf(of: { readonly revision?: string; readonly revisions?: readonly string[] } | undefined) {
  if (of?.revisions?.length) return of.revisions;
  return of?.revision ? [of.revision] : [];
}

/**
 * The application's own health names the resource that is not Healthy at most; the resource itself says why. Only the
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

type Shape = 'string' | 'boolean' | readonly [Shape] | { readonly [field: string]: Shape };

const SOURCE = { repoURL: 'string', targetRevision: 'string' } as const satisfies Shape;
const OPERATION = {
  info: [{ name: 'string', value: 'string' }],
  initiatedBy: { username: 'string', automated: 'boolean' },
} as const satisfies Shape;
const HEALTH = { status: 'string', message: 'string' } as const satisfies Shape;
const REVISIONS = { revision: 'string', revisions: ['string'] } as const satisfies Shape;
const HYDRATION = {
  drySHA: 'string',
  hydratedSHA: 'string',
  startedAt: 'string',
  phase: 'string',
  message: 'string',
} as const satisfies Shape;
const APPLICATION: Shape = {
  metadata: { deletionTimestamp: 'string' },
  spec: {
    source: SOURCE,
    sources: [SOURCE],
    sourceHydrator: { drySource: SOURCE },
  },
  operation: OPERATION,
  status: {
    sync: { status: 'string', ...REVISIONS },
    health: HEALTH,
    reconciledAt: 'string',
    summary: { images: ['string'] },
    conditions: [{ type: 'string', message: 'string' }],
    sourceHydrator: { lastSuccessfulOperation: HYDRATION, currentOperation: HYDRATION },
    operationState: {
      operation: OPERATION,
      phase: 'string',
      message: 'string',
      startedAt: 'string',
      finishedAt: 'string',
      syncResult: REVISIONS,
    },
    resources: [{ kind: 'string', name: 'string', hook: 'boolean', health: HEALTH }],
  },
};

/** Every field that is present has its type. Fields that are not in the shape are ignored. */
function fits(value: unknown, shape: Shape): boolean {
  // Go writes an empty list as null.
  if (value === undefined || (value === null && isTuple(shape))) return true;
  if (typeof shape === 'string') return typeof value === shape;
  if (isTuple(shape))
    return Array.isArray(value) && value.every((one) => one !== undefined && fits(one, shape[0]));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  for (const field in shape)
    if (!fits((value as Record<string, unknown>)[field], shape[field] as Shape)) return false;
  return true;
}

function isTuple(shape: Shape): shape is readonly [Shape] {
  return Array.isArray(shape);
}

/** Somebody else's text on one line, at no great length. */
export function shortened(text: string | undefined): string {
  if (!text) return '';
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > LONGEST_MESSAGE ? `${line.slice(0, LONGEST_MESSAGE)}…` : line;
}
