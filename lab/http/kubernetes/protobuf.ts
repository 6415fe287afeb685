/**
 * Reads the few request bodies that kubectl sends as protobuf whatever the server would like better: reviews, deletions
 * and evictions. Field numbers as in Kubernetes' `generated.proto` files. Answers are always JSON.
 */
import { badRequest, unsupportedMediaType } from '#lab/world/kubernetes/status.ts';

export const PROTOBUF = 'application/vnd.kubernetes.protobuf';

type Field =
  | { readonly name: string; readonly type: 'string' | 'strings' | 'number' | 'boolean' }
  | { readonly name: string; readonly type: Message };

type Message = Readonly<Record<number, Field>>;

const string = (name: string): Field => ({ name, type: 'string' });
const message = (name: string, type: Message): Field => ({ name, type });

const objectMeta: Message = {
  1: string('name'),
  2: string('generateName'),
  3: string('namespace'),
  5: string('uid'),
  6: string('resourceVersion'),
};

const deleteOptions: Message = {
  1: { name: 'gracePeriodSeconds', type: 'number' },
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
      if (field) result[field.name] = field.type === 'boolean' ? value !== 0 : value;
    } else if (wire === 2) {
      const length = varint();
      const part = bytes.subarray(at, at + length);
      at += length;
      if (field) read(result, field, part, rawBytes);
    } else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else throw badRequest(`illegal wireType ${wire}`);
  }
  return result;
}

function read(result: Record<string, unknown>, field: Field, part: Buffer, rawBytes: boolean): void {
  if (typeof field.type === 'object') result[field.name] = decode(part, field.type);
  else if (field.type === 'strings')
    result[field.name] = [...((result[field.name] as string[] | undefined) ?? []), part.toString('utf8')];
  else if (rawBytes && field.name === 'raw') result[field.name] = part;
  // An empty string is a field that was not set.
  else if (part.length > 0) result[field.name] = part.toString('utf8');
}
