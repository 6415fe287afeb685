/** AWS's wire protocols: the operation of a request, and the serialization of replies and errors. */
import { AwsError } from '../../world/aws/index.ts';
import type { AwsService, Protocol, Route } from './service.ts';
import { pairsOf } from './signature.ts';
import { escapeXml, membersToXml } from './xml.ts';

export interface Operation {
  readonly name: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

export interface WireReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

export interface WireRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** Undefined if the request names no operation of the service. */
export function operationOf(service: AwsService, request: WireRequest): Operation | undefined {
  switch (service.protocol) {
    case 'query':
    case 'ec2': {
      const form = request.body.length > 0 ? request.body.toString('utf8') : request.query;
      const { Action, Version: _version, ...parameters } = nested(form);
      return typeof Action === 'string' ? { name: Action, parameters } : undefined;
    }
    case 'json-1.0':
    case 'json-1.1': {
      const target = String(request.headers['x-amz-target'] ?? '');
      const dot = target.lastIndexOf('.');
      if (dot < 0 || (service.target !== undefined && target.slice(0, dot) !== service.target))
        return undefined;
      return { name: target.slice(dot + 1), parameters: jsonObject(request.body) };
    }
    case 'rest-json':
      return routed(service.routes ?? [], request);
  }
}

export function writeReply(
  service: AwsService,
  operation: string,
  output: object | undefined,
  requestId: string,
): WireReply {
  switch (service.protocol) {
    case 'query': {
      const result =
        output === undefined
          ? ''
          : `<${operation}Result>${membersToXml(output, 'member')}</${operation}Result>`;
      return xml(
        200,
        `<${operation}Response xmlns="${service.namespace ?? ''}">${result}<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></${operation}Response>`,
      );
    }
    case 'ec2':
      return xml(
        200,
        `<?xml version="1.0" encoding="UTF-8"?>\n<${operation}Response xmlns="${service.namespace ?? ''}"><requestId>${requestId}</requestId>${membersToXml(output ?? {}, 'item')}</${operation}Response>`,
      );
    default:
      return json(service.protocol, 200, output ?? {});
  }
}

export function writeError(
  service: { readonly protocol: Protocol; readonly namespace?: string },
  error: AwsError,
  requestId: string,
): WireReply {
  const { code, message, status } = error;
  switch (service.protocol) {
    case 'query':
      return xml(
        status,
        `<ErrorResponse xmlns="${service.namespace ?? ''}"><Error><Type>${status < 500 ? 'Sender' : 'Receiver'}</Type><Code>${escapeXml(code)}</Code><Message>${escapeXml(message)}</Message></Error><RequestId>${requestId}</RequestId></ErrorResponse>`,
      );
    case 'ec2':
      return xml(
        status,
        `<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>${escapeXml(code)}</Code><Message>${escapeXml(message)}</Message></Error></Errors><RequestID>${requestId}</RequestID></Response>`,
      );
    case 'rest-json': {
      const reply = json('rest-json', status, { ...error.members, message });
      return { ...reply, headers: { ...reply.headers, 'x-amzn-errortype': code } };
    }
    default:
      return json(service.protocol, status, { __type: code, ...error.members, message });
  }
}

function xml(status: number, body: string): WireReply {
  return { status, headers: { 'content-type': 'text/xml' }, body };
}

function json(protocol: Protocol, status: number, body: object): WireReply {
  const type = { 'json-1.0': 'application/x-amz-json-1.0', 'json-1.1': 'application/x-amz-json-1.1' };
  return {
    status,
    headers: { 'content-type': protocol in type ? type[protocol as keyof typeof type] : 'application/json' },
    body: JSON.stringify(body),
  };
}

function routed(routes: readonly Route[], request: WireRequest): Operation | undefined {
  const segments = request.path.split('/');
  for (const route of routes) {
    if (route.method !== request.method) continue;
    const pattern = route.path.split('/');
    if (pattern.length !== segments.length) continue;
    const parameters: Record<string, unknown> = {};
    const matches = pattern.every((part, index) => {
      const segment = segments[index] ?? '';
      if (!part.startsWith('{')) return part === segment;
      parameters[part.slice(1, -1)] = decodeURIComponent(segment);
      return segment !== '';
    });
    if (!matches) continue;
    for (const [name, value] of pairsOf(request.query)) parameters[name] = value;
    const members = route.rawBody ? {} : jsonObject(request.body);
    return { name: route.operation, parameters: { ...members, ...parameters } };
  }
  return undefined;
}

function jsonObject(body: Buffer): Readonly<Record<string, unknown>> {
  if (body.length === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch (cause) {
    throw new AwsError('SerializationException', 'The body is no valid JSON', { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new AwsError('SerializationException', 'The body is no JSON object');
  return value as Record<string, unknown>;
}

/** `Filters.member.1.Name=x` → `{ Filters: [{ Name: 'x' }] }`; `InstanceId.1=i` → `{ InstanceId: ['i'] }`. */
export function nested(form: string): Record<string, unknown> {
  const tree: Record<string, unknown> = Object.create(null);
  for (const [name, value] of pairsOf(form.replaceAll('+', ' '))) {
    const path = name.split('.');
    let node = tree;
    for (const part of path.slice(0, -1)) {
      const next = node[part];
      if (typeof next === 'object' && next !== null) node = next as Record<string, unknown>;
      else {
        const made: Record<string, unknown> = Object.create(null);
        node[part] = made;
        node = made;
      }
    }
    node[path.at(-1) ?? ''] = value;
  }
  return Object.fromEntries(Object.entries(tree).map(([name, value]) => [name, listed(value)]));
}

function listed(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const only = entries.length === 1 ? entries[0] : undefined;
  if (only?.[0] === 'member' && typeof only[1] === 'object') return listed(only[1]);
  if (entries.every(([key]) => /^\d+$/.test(key))) {
    return entries.sort(([a], [b]) => Number(a) - Number(b)).map(([, entry]) => listed(entry));
  }
  return Object.fromEntries(entries.map(([key, entry]) => [key, listed(entry)]));
}
