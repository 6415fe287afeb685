/**
 * The body of a sync request as Go's `encoding/json` reads it into `ApplicationSyncRequest`: names in any case, unknown
 * members ignored, null as if left out, and a member of another type refused.
 */
import type { SyncRequest } from '../../world/argocd/index.ts';

/** What the gateway answers with code 3. */
export class BodyError extends Error {
  override name = 'BodyError';
}

type Reader = (value: unknown, path: string) => unknown;

export function readSyncBody(text: string): Omit<SyncRequest, 'name'> {
  if (text.trim() === '') return {};
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new BodyError(syntaxError(text));
  }
  if (body === null) return {};
  const fields = structure('application.ApplicationSyncRequest', {
    revision: string,
    dryRun: bool,
    prune: bool,
    strategy: structure('v1alpha1.SyncStrategy', { apply: anything, hook: anything }),
    resources: listOf(
      'v1alpha1.SyncOperationResource',
      structure('v1alpha1.SyncOperationResource', {
        group: string,
        kind: string,
        name: string,
        namespace: string,
        exclude: bool,
      }),
    ),
    manifests: listOf('string', string),
    infos: listOf('v1alpha1.Info', structure('v1alpha1.Info', { name: string, value: string })),
    retryStrategy: structure('v1alpha1.RetryStrategy', {
      limit: integer,
      refresh: bool,
      backoff: structure('v1alpha1.Backoff', { duration: string, factor: integer, maxDuration: string }),
    }),
    syncOptions: structure('application.SyncOptions', { items: listOf('string', string) }),
    appNamespace: string,
    project: string,
    sourcePositions: listOf('int64', integer),
    revisions: listOf('string', string),
  });
  return fields(body, '') as Omit<SyncRequest, 'name'>;
}

function mismatch(value: unknown, path: string, type: string): BodyError {
  const what = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
  const target = path === '' ? '' : `Go struct field ApplicationSyncRequest.${path} of type `;
  return new BodyError(
    `json: cannot unmarshal ${what} into ${path === '' ? 'Go value of type ' : target}${type}`,
  );
}

function scalar(type: string, fits: (value: unknown) => boolean): Reader {
  return (value, path) => {
    if (!fits(value)) throw mismatch(value, path, type);
    return value;
  };
}

const string = scalar('string', (value) => typeof value === 'string');
const bool = scalar('bool', (value) => typeof value === 'boolean');
const integer = scalar('int64', (value) => Number.isInteger(value));
const anything: Reader = (value) => value;

function listOf(type: string, read: Reader): Reader {
  return (value, path) => {
    if (!Array.isArray(value)) throw mismatch(value, path, `[]${type}`);
    return value.filter((each) => each !== null).map((each) => read(each, path));
  };
}

function structure(type: string, members: Readonly<Record<string, Reader>>): Reader {
  return (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw mismatch(value, path, type);
    const found: Record<string, unknown> = {};
    for (const [name, member] of Object.entries(value)) {
      const known = Object.keys(members).find((each) => each.toLowerCase() === name.toLowerCase());
      const read = known === undefined ? undefined : members[known];
      if (known === undefined || !read || member === null) continue;
      found[known] = read(member, path === '' ? known : `${path}.${known}`);
    }
    return found;
  };
}

function syntaxError(text: string): string {
  const first = text.trim()[0] ?? '';
  return '{["-0123456789tfn'.includes(first)
    ? 'unexpected EOF'
    : `invalid character '${first}' looking for beginning of value`;
}
