/**
 * Reads the request bodies that kubectl sends as protobuf whatever the server would like better: reviews, deletions,
 * evictions, and what `kubectl create` makes of its flags. Field numbers as in Kubernetes' `generated.proto` files.
 * A field that is not listed here is refused, never dropped. Answers are always JSON.
 */
import { badRequest, unsupportedMediaType } from '#lab/world/kubernetes/status.ts';

export const PROTOBUF = 'application/vnd.kubernetes.protobuf';

type Field =
  | {
      readonly name: string;
      readonly type: 'string' | 'strings' | 'number' | 'boolean' | 'labels' | 'intOrString';
    }
  | { readonly name: string; readonly type: Message; readonly many?: boolean };

type Message = Readonly<Record<number, Field>>;

const string = (name: string): Field => ({ name, type: 'string' });
const message = (name: string, type: Message): Field => ({ name, type });

const labels = (name: string): Field => ({ name, type: 'labels' });
const number = (name: string): Field => ({ name, type: 'number' });
const many = (name: string, type: Message): Field => ({ name, type, many: true });

const objectMeta: Message = {
  1: string('name'),
  2: string('generateName'),
  3: string('namespace'),
  5: string('uid'),
  6: string('resourceVersion'),
  11: labels('labels'),
  12: labels('annotations'),
};

const selector: Message = { 1: labels('matchLabels') };

const podSpec: Message = {
  2: many('containers', {
    1: string('name'),
    2: string('image'),
    3: { name: 'command', type: 'strings' },
    4: { name: 'args', type: 'strings' },
    6: many('ports', {
      1: string('name'),
      2: number('hostPort'),
      3: number('containerPort'),
      4: string('protocol'),
      5: string('hostIP'),
    }),
    7: many('env', { 1: string('name'), 2: string('value') }),
    14: string('imagePullPolicy'),
    16: { name: 'stdin', type: 'boolean' },
    17: { name: 'stdinOnce', type: 'boolean' },
    18: { name: 'tty', type: 'boolean' },
  }),
  3: string('restartPolicy'),
  4: number('terminationGracePeriodSeconds'),
  6: string('dnsPolicy'),
  7: labels('nodeSelector'),
  8: string('serviceAccountName'),
  10: string('nodeName'),
};

const intOrString = (name: string): Field => ({ name, type: 'intOrString' });

const deleteOptions: Message = {
  1: number('gracePeriodSeconds'),
  2: message('preconditions', { 1: string('uid'), 2: string('resourceVersion') }),
  3: { name: 'orphanDependents', type: 'boolean' },
  4: string('propagationPolicy'),
  5: { name: 'dryRun', type: 'strings' },
};

const attributes = {
  1: message('resourceAttributes', {
    1: string('namespace'),
    2: string('verb'),
    3: string('group'),
    4: string('version'),
    5: string('resource'),
    6: string('subresource'),
    7: string('name'),
  }),
  2: message('nonResourceAttributes', { 1: string('path'), 2: string('verb') }),
};

const kinds: Readonly<Record<string, Message>> = {
  ConfigMap: { 1: message('metadata', objectMeta), 2: labels('data') },
  Deployment: {
    1: message('metadata', objectMeta),
    2: message('spec', {
      1: number('replicas'),
      2: message('selector', selector),
      3: message('template', { 1: message('metadata', objectMeta), 2: message('spec', podSpec) }),
    }),
  },
  Namespace: { 1: message('metadata', objectMeta) },
  Pod: { 1: message('metadata', objectMeta), 2: message('spec', podSpec) },
  PodDisruptionBudget: {
    1: message('metadata', objectMeta),
    2: message('spec', {
      1: intOrString('minAvailable'),
      2: message('selector', selector),
      3: intOrString('maxUnavailable'),
    }),
  },
  ServiceAccount: { 1: message('metadata', objectMeta) },
  DeleteOptions: deleteOptions,
  Eviction: { 1: message('metadata', objectMeta), 2: message('deleteOptions', deleteOptions) },
  SelfSubjectAccessReview: { 1: message('metadata', objectMeta), 2: message('spec', attributes) },
  SelfSubjectRulesReview: {
    1: message('metadata', objectMeta),
    2: message('spec', { 1: string('namespace') }),
  },
  SelfSubjectReview: { 1: message('metadata', objectMeta) },
  SubjectAccessReview: {
    1: message('metadata', objectMeta),
    2: message('spec', { ...attributes, 3: string('user'), 4: { name: 'groups', type: 'strings' } }),
  },
};

const envelope: Message = {
  1: message('type', { 1: string('apiVersion'), 2: string('kind') }),
  2: string('raw'),
};

const MAGIC = Buffer.from('k8s\0');

/** Throws 415 for a kind that is not among them: such a client must send JSON. */
export function readProtobuf(body: Buffer): Record<string, unknown> {
  if (!body.subarray(0, 4).equals(MAGIC))
    throw badRequest(
      'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]',
    );
  const parts = decode(body.subarray(4), envelope, true) as {
    type?: { apiVersion?: string; kind?: string };
    raw?: Buffer;
  };
  const { apiVersion = '', kind = '' } = parts.type ?? {};
  const type = kinds[kind];
  if (!type) throw unsupportedMediaType(['application/json']);
  return { kind, apiVersion, ...decode(parts.raw ?? Buffer.alloc(0), type) };
}

function decode(bytes: Buffer, type: Message, rawBytes = false): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  let at = 0;
  const varint = (): number => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw badRequest('unexpected EOF');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(BigInt.asIntN(64, value));
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const field = type[tag >> 3];
    const wire = tag & 7;
    if (wire === 0) {
      const value = varint();
      if (!field) refuseUnless(value === 0, tag >> 3);
      else if (field.type !== 'boolean') result[field.name] = value;
      else if (value !== 0) result[field.name] = true;
    } else if (wire === 2) {
      const length = varint();
      const part = bytes.subarray(at, at + length);
      at += length;
      if (field) read(result, field, part, rawBytes);
      else refuseUnless(isEmpty(part), tag >> 3);
    } else throw badRequest(`illegal wireType ${wire}`);
  }
  return result;
}

function read(result: Record<string, unknown>, field: Field, part: Buffer, rawBytes: boolean): void {
  const { name, type } = field;
  if (typeof type === 'object') {
    const value = decode(part, type);
    result[name] = 'many' in field && field.many ? [...listOf(result[name]), value] : value;
  } else if (type === 'strings') result[name] = [...listOf(result[name]), part.toString('utf8')];
  else if (type === 'labels') {
    const { key = '', value = '' } = decode(part, { 1: string('key'), 2: string('value') }) as Entry;
    result[name] = { ...(result[name] as Record<string, string> | undefined), [key]: value };
  } else if (type === 'intOrString') {
    const value = decode(part, { 1: number('type'), 2: number('int'), 3: string('string') });
    result[name] = value['type'] === 1 ? value['string'] : (value['int'] ?? 0);
  } else if (rawBytes && name === 'raw') result[name] = part;
  // An empty string is a field that was not set.
  else if (part.length > 0) result[name] = part.toString('utf8');
}

interface Entry {
  key?: string;
  value?: string;
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Messages that Kubernetes writes although nothing is set in them: a status, a time of zero, a strategy. */
function isEmpty(part: Buffer): boolean {
  let at = 0;
  while (at < part.length) {
    const tag = part[at] ?? 0;
    const length = part[at + 1] ?? 0;
    if ((tag & 7) === 0 && length === 0) at += 2;
    else if ((tag & 7) === 2 && length < 0x80 && isEmpty(part.subarray(at + 2, at + 2 + length)))
      at += 2 + length;
    else return false;
  }
  return true;
}

function refuseUnless(harmless: boolean, field: number): void {
  if (!harmless)
    throw badRequest(`the lab does not read protobuf field ${field} of this object: send it as JSON`);
}
