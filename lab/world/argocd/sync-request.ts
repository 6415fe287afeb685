/** Creates the operation for a sync request. */
import { copyOf } from '../copy.ts';
import { hasMultipleSources, sourcesOf, unresolved } from './compare.ts';
import { ArgocdError } from './errors.ts';
import type {
  ApplicationObject,
  ApplicationSource,
  Info,
  Operation,
  RetryStrategy,
  RevisionOf,
} from './types.ts';

export interface ApplicationQuery {
  readonly name: string;
  readonly project?: string;
  readonly appNamespace?: string;
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

/** Throws `ArgocdError` 9 if the revision does not exist, or if automated sync does not allow it. */
export function operationOf(
  object: ApplicationObject,
  request: SyncRequest,
  username: string,
  revisionOf: RevisionOf,
): Operation {
  const { spec } = object;
  const multi = hasMultipleSources(spec);
  const syncOptions = request.syncOptions ? (request.syncOptions.items ?? []) : spec.syncPolicy?.syncOptions;
  return {
    sync: {
      ...revisionsFor(object, request, revisionOf),
      ...(spec.source && !multi ? { source: copyOf(spec.source) } : {}),
      ...(multi ? { sources: copyOf(spec.sources ?? []) } : {}),
      ...(request.prune ? { prune: true } : {}),
      ...(request.dryRun ? { dryRun: true } : {}),
      ...(syncOptions?.length ? { syncOptions: [...syncOptions] } : {}),
      ...(request.strategy ? { syncStrategy: request.strategy } : {}),
      ...(request.resources?.length ? { resources: copyOf([...request.resources]) } : {}),
    },
    initiatedBy: { username },
    ...(request.infos?.length ? { info: copyOf([...request.infos]) } : {}),
    retry: copyOf(request.retryStrategy ?? spec.syncPolicy?.retry ?? {}),
  };
}

export function syncsByItself(spec: ApplicationObject['spec']): boolean {
  const automated = spec.syncPolicy?.automated;
  return automated !== undefined && automated.enabled !== false;
}

/** `resolveSourceRevisions` */
function revisionsFor(
  object: ApplicationObject,
  request: SyncRequest,
  revisionOf: RevisionOf,
): Pick<NonNullable<Operation['sync']>, 'revision' | 'revisions'> {
  const auto = syncsByItself(object.spec) && !request.dryRun;
  const resolve = (source: ApplicationSource, wanted: string) => {
    const revision = wanted || source.targetRevision || 'HEAD';
    if (/^[0-9a-f]{40}$/.test(revision)) return revision;
    const sha = revisionOf(source.repoURL, revision);
    if (sha !== undefined) return sha;
    throw new ArgocdError('failedPrecondition', `error resolving repo revision: ${unresolved(revision)}`);
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
}
