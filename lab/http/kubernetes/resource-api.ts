/** Serves the verbs on resources: translates HTTP requests to registry calls. */
import type { DeleteOptions } from 'kubernetes-types/meta/v1.d.ts';
import type { WorldContext } from '#lab/world/interfaces.ts';
import { checkAdmission } from '#lab/world/kubernetes/admission.ts';
import type { User } from '#lab/world/kubernetes/authorize.ts';
import { type EvictionInput, type EvictionStep, evict } from '#lab/world/kubernetes/eviction.ts';
import type { Kubernetes } from '#lab/world/kubernetes/index.ts';
import { type KubeObject, type ObjectInput, withCondition } from '#lab/world/kubernetes/objects.ts';
import { jsonPatch, mergePatch, strategicMergePatch } from '#lab/world/kubernetes/patch.ts';
import type { PatchType } from '#lab/world/kubernetes/registry.ts';
import { resourceOf } from '#lab/world/kubernetes/resources.ts';
import {
  badRequest,
  conflict,
  failure,
  invalid,
  methodNotAllowed,
  unsupportedMediaType,
} from '#lab/world/kubernetes/status.ts';
import { PROTOBUF } from './protobuf.ts';
import type { ResourceRequest } from './request.ts';

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  /** Several objects: rendered as a list or a table. */
  readonly items?: readonly KubeObject[];
  readonly listMeta?: Record<string, unknown>;
}

export interface Call {
  readonly request: ResourceRequest;
  readonly query: URLSearchParams;
  readonly contentType: string;
  /** Reads the body as JSON; undefined when there is none. */
  readonly body: () => Promise<unknown>;
  readonly user: User;
}

export function createResourceApi(kubernetes: Kubernetes, context: WorldContext) {
  const { api } = kubernetes;

  return async (call: Call): Promise<Answer> => {
    const { request, query, user: by } = call;
    const { resource, verb, namespace, name = '', subresource } = request;
    const dryRun = readDryRun(query);
    const target = [resource.key, resource.namespaced ? namespace : undefined, name] as const;
    if (resource.namespaced && namespace === undefined && verb !== 'list') throw methodNotAllowed();
    if (subresource !== undefined && subresource !== 'status') return serveSubresource(call, dryRun);
    const status = subresource === 'status';
    switch (verb) {
      case 'get':
        return { status: 200, body: api.get(...target) };
      case 'list':
        return list(call);
      case 'create': {
        if (name || status) throw methodNotAllowed();
        const body = await objectBody(call);
        return { status: 201, body: api.create(resource.key, namespace, body, { dryRun, by }) };
      }
      case 'update':
        return { status: 200, body: api.update(...target, await objectBody(call), { dryRun, status, by }) };
      case 'patch': {
        const type = patchType(call);
        return { status: 200, body: api.patch(...target, await call.body(), { dryRun, status, type, by }) };
      }
      case 'delete': {
        if (status) throw methodNotAllowed();
        const options = deleteOptions(await call.body(), query);
        checkDeleteOptions(options);
        const oldObject = api.get(...target) as KubeObject;
        checkAdmission(api.store, { operation: 'DELETE', resource, user: by, object: null, oldObject });
        return { status: 200, body: api.delete(...target, options) };
      }
      default:
        throw methodNotAllowed();
    }
  };

  function list({ request, query }: Call): Answer {
    const limit = wholeNumber(query.get('limit'));
    const optional = (key: string, parameter = key) => {
      const value = query.get(parameter);
      return value ? { [key]: value } : {};
    };
    const result = api.list(request.resource.key, {
      ...(request.namespace === undefined ? {} : { namespace: request.namespace }),
      ...optional('labelSelector'),
      ...optional('fieldSelector'),
      ...optional('continue'),
      ...optional('resourceVersion'),
      ...optional('resourceVersionMatch'),
      ...(limit > 0 ? { limit } : {}),
    });
    return {
      status: 200,
      body: undefined,
      items: result.items,
      listMeta: {
        resourceVersion: result.resourceVersion,
        ...(result.continue ? { continue: result.continue } : {}),
        // The server does not count what a selector leaves out.
        ...(result.remainingItemCount && !query.get('labelSelector') && !query.get('fieldSelector')
          ? { remainingItemCount: result.remainingItemCount }
          : {}),
      },
    };
  }

  async function serveSubresource(call: Call, dryRun: boolean): Promise<Answer> {
    const { resource, verb, namespace, name = '', subresource } = call.request;
    if (subresource === 'eviction' && verb === 'create') return serveEviction(call, dryRun);
    if (subresource === 'scale') return serveScale(call, dryRun);
    if (subresource === 'binding' && verb === 'create') {
      bind(namespace ?? '', name, await objectBody(call));
      return {
        status: 201,
        body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 },
      };
    }
    if (subresource === 'finalize' && verb === 'update') {
      const body = await objectBody(call);
      const changed = api.modify(resource.key, undefined, name, (draft: KubeObject) => {
        draft['spec'] = { ...draft['spec'], finalizers: body['spec']?.finalizers ?? [] };
      });
      return { status: 200, body: changed };
    }
    if (subresource === 'log') throw failure(501, 'NotImplemented', 'the lab keeps no logs of its pods');
    throw methodNotAllowed();
  }

  async function serveEviction(call: Call, dryRun: boolean): Promise<Answer> {
    const { namespace = '', name = '' } = call.request;
    const body = (await objectBody(call)) as EvictionInput;
    if (body.kind !== undefined && body.kind !== 'Eviction') {
      throw badRequest(
        `${body.kind} in version "v1" cannot be handled as a Eviction: converting (v1.${body.kind}) to (policy.Eviction): unknown conversion`,
      );
    }
    checkDeleteOptions(body.deleteOptions ?? {});
    if (body.apiVersion !== undefined && !/^policy\/v1(beta1)?$/.test(body.apiVersion)) {
      throw badRequest(
        `the API version in the data (${body.apiVersion}) does not match the expected API version (policy/v1)`,
      );
    }
    const steps = evict(api, context, { namespace, name, body, dryRun });
    return { status: 201, body: await inTime(steps) };
  }

  /** Yields at the gaps, and waits in virtual time. */
  async function inTime<T>(steps: Generator<EvictionStep, T, void>): Promise<T> {
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
      if ('wait' in value) {
        const { wait } = value;
        await new Promise<void>((resolve) => void context.clock.after(wait, resolve));
      } else await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  function bind(namespace: string, name: string, body: ObjectInput): void {
    const pod = api.get('pods', namespace, name);
    const node: unknown = body['target']?.name;
    if (typeof node !== 'string' || node === '') throw badRequest('target.name is required');
    if (pod.spec?.nodeName) {
      throw conflict(
        { group: '', plural: 'pods/binding' },
        name,
        `pod ${name} is already assigned to node "${pod.spec.nodeName}"`,
      );
    }
    api.store.put(resourceOf('pods'), {
      ...(pod as KubeObject),
      metadata: { ...pod.metadata },
      spec: { ...pod.spec, nodeName: node },
      status: {
        ...pod.status,
        conditions: withCondition(
          pod.status?.conditions,
          { type: 'PodScheduled', status: 'True' },
          context.clock.now(),
        ),
      },
    });
  }

  async function serveScale(call: Call, dryRun: boolean): Promise<Answer> {
    const { resource, verb, namespace, name = '' } = call.request;
    const object = api.get(resource.key, namespace, name) as KubeObject;
    const scale = scaleOf(object);
    if (verb === 'get') return { status: 200, body: scale };
    const given =
      verb === 'update'
        ? await objectBody(call)
        : verb === 'patch'
          ? applyToScale(patchType(call), scale, await call.body())
          : undefined;
    if (!given) throw methodNotAllowed();
    const replicas: unknown = given['spec']?.replicas ?? 0;
    if (typeof replicas === 'number' && replicas < 0)
      throw invalid({ group: 'autoscaling', kind: 'Scale' }, name, [
        {
          field: 'spec.replicas',
          message: `Invalid value: ${replicas}: must be greater than or equal to 0`,
          reason: 'FieldValueInvalid',
        },
      ]);
    const version = given.metadata?.resourceVersion;
    const changed = api.patch(
      resource.key,
      namespace,
      name,
      {
        ...(version ? { metadata: { resourceVersion: version } } : {}),
        spec: { replicas },
      },
      { type: 'merge', dryRun, by: call.user },
    );
    return { status: 200, body: scaleOf(changed as KubeObject) };
  }
}

/** Zero replicas are omitted from the spec, as by Go's `omitempty`. */
function scaleOf(object: KubeObject) {
  const replicas: number = object['spec']?.replicas ?? 0;
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const labels: Record<string, string> = object['spec']?.selector?.matchLabels ?? {};
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: replicas === 0 ? {} : { replicas },
    status: {
      replicas: object['status']?.replicas ?? 0,
      selector: Object.entries(labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(','),
    },
  };
}

function applyToScale(type: PatchType, scale: ReturnType<typeof scaleOf>, patch: unknown): ObjectInput {
  return patchFunctions[type](scale, patch) as ObjectInput;
}

function readDryRun(query: URLSearchParams): boolean {
  const values = query.getAll('dryRun').filter((value) => value !== '');
  if (values.some((value) => value !== 'All'))
    throw unsupportedOption('CreateOptions', 'dryRun', values, ['All']);
  return values.length > 0;
}

const POLICIES = ['Foreground', 'Background', 'Orphan'];

function checkDeleteOptions({ dryRun = [], propagationPolicy }: DeleteOptions): void {
  if (dryRun.some((value) => value !== 'All'))
    throw unsupportedOption('DeleteOptions', 'dryRun', dryRun, ['All']);
  if (propagationPolicy !== undefined && !POLICIES.includes(propagationPolicy))
    throw unsupportedOption('DeleteOptions', 'propagationPolicy', propagationPolicy, [...POLICIES, 'nil']);
}

function unsupportedOption(kind: string, field: string, value: unknown, supported: readonly string[]) {
  const values = supported.map((one) => JSON.stringify(one)).join(', ');
  const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${values}`;
  return invalid({ group: 'meta.k8s.io', kind }, '', [{ field, message, reason: 'FieldValueNotSupported' }]);
}

/** Throws Go's message for an invalid number. */
function wholeNumber(text: string | null): number {
  if (text === null || text === '') return 0;
  if (!/^[+-]?\d+$/.test(text))
    throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

const patchTypes: Readonly<Record<string, PatchType>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
};

/** The content type chooses the kind of patch; a custom resource knows no strategic one. */
function patchType({ request, contentType }: Call): PatchType {
  const type = patchTypes[contentType];
  if (!type || (type === 'strategic' && request.resource.custom)) {
    const accepted = Object.keys(patchTypes).filter(
      (one) => !request.resource.custom || patchTypes[one] !== 'strategic',
    );
    throw unsupportedMediaType(accepted);
  }
  return type;
}

async function objectBody(call: Call): Promise<ObjectInput> {
  if (!['', 'application/json', PROTOBUF].includes(call.contentType))
    throw unsupportedMediaType(['application/json']);
  const body = await call.body();
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    const { resource, subresource } = call.request;
    const kind = subresource === 'eviction' ? 'Eviction' : resource.kind;
    throw badRequest(
      `the object provided is unrecognized (must be of type ${kind}): couldn't get version/kind; json parse error: unexpected end of JSON input (<empty>)`,
    );
  }
  return body as ObjectInput;
}

function deleteOptions(body: unknown, query: URLSearchParams): DeleteOptions {
  if (body !== undefined) return body as DeleteOptions;
  const grace = query.get('gracePeriodSeconds');
  const policy = query.get('propagationPolicy');
  return {
    ...(grace === null ? {} : { gracePeriodSeconds: Number(grace) }),
    ...(policy === null ? {} : { propagationPolicy: policy }),
    ...(query.getAll('dryRun').includes('All') ? { dryRun: ['All'] } : {}),
  };
}

const patchFunctions = { json: jsonPatch, merge: mergePatch, strategic: strategicMergePatch };
