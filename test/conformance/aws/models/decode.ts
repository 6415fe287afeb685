/** Requests and replies as they went over the wire, read by AWS's models and not by what the lab makes of them. */
import {
  type Member,
  type OperationModel,
  protocolOf,
  type ServiceModel,
  type Shape,
} from './service-model.ts';
import { childrenOf, parseXml, type XmlElement } from './xml-tree.ts';

export interface WireRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

export interface WireReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

/** The name of the operation and its input. Undefined where no operation of the model is meant. */
export function decodeRequest(
  model: ServiceModel,
  request: WireRequest,
): { readonly operation: OperationModel; readonly input: unknown } | undefined {
  const protocol = protocolOf(model);
  if (protocol === 'query' || protocol === 'ec2') {
    const form = new URLSearchParams(request.body.length > 0 ? request.body.toString('utf8') : request.query);
    const operation = model.operations[form.get('Action') ?? ''];
    if (!operation) return undefined;
    const tree = treeOf(form);
    const input = operation.input ? fromForm(model, operation.input.shape, tree, protocol === 'ec2') : tree;
    return { operation, input };
  }
  if (protocol === 'json') {
    const target = String(request.headers['x-amz-target'] ?? '');
    const operation = model.operations[target.slice(target.lastIndexOf('.') + 1)];
    if (!operation) return undefined;
    const body: unknown = JSON.parse(request.body.toString('utf8') || '{}');
    return { operation, input: operation.input ? fromJson(model, operation.input.shape, body) : body };
  }
  for (const operation of Object.values(model.operations)) {
    const uri = uriParameters(operation, request);
    if (uri) return { operation, input: fromRest(model, operation, uri, request) };
  }
  return undefined;
}

/** The output of a reply that is no refusal. */
export function decodeReply(model: ServiceModel, operation: OperationModel, reply: WireReply): unknown {
  const protocol = protocolOf(model);
  const text = reply.body.toString();
  if (protocol === 'query' || protocol === 'ec2') {
    const root = parseXml(text);
    if (root.name !== `${operation.name}Response`) throw new Error(`the reply is a <${root.name}>`);
    if (!operation.output) return undefined;
    const wrapper = operation.output.resultWrapper;
    const holder = wrapper ? root.children.find(({ name }) => name === wrapper) : withoutRequestId(root);
    if (!holder) throw new Error(`the reply has no <${wrapper}>`);
    return fromXml(model, operation.output.shape, holder);
  }
  if (!operation.output) return undefined;
  const shape = model.shapes[operation.output.shape];
  if (protocol === 'json') return fromJson(model, operation.output.shape, JSON.parse(text || '{}'));
  const fromHeaders: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(shape?.members ?? {})) {
    if (member.location === 'statusCode') fromHeaders[name] = reply.status;
    const value =
      member.location === 'header' ? reply.headers[(member.locationName ?? name).toLowerCase()] : undefined;
    if (value !== undefined) fromHeaders[name] = value;
  }
  if (shape?.payload) return { ...fromHeaders, [shape.payload]: reply.body };
  return { ...fromHeaders, ...(fromJson(model, operation.output.shape, JSON.parse(text || '{}')) as object) };
}

/** A refusal: its code, and the members of its structure where the protocol has them. */
export function decodeRefusal(
  model: ServiceModel,
  reply: WireReply,
): { readonly code: string; readonly members: Readonly<Record<string, unknown>> } {
  const text = reply.body.toString();
  const protocol = protocolOf(model);
  if (protocol === 'query' || protocol === 'ec2') {
    const root = parseXml(text);
    const holder =
      protocol === 'ec2'
        ? root.children.find(({ name }) => name === 'Errors')?.children[0]
        : root.children.find(({ name }) => name === 'Error');
    const members = childrenOf(holder);
    return { code: members['Code'] ?? '', members: { message: members['Message'] } };
  }
  const { __type, ...members } = JSON.parse(text || '{}') as Record<string, unknown>;
  const code = reply.headers['x-amzn-errortype'] ?? String(__type ?? '');
  return { code: code.replace(/^.*#/, '').replace(/:.*$/, ''), members };
}

type Tree = { [name: string]: Tree | string };

function treeOf(form: URLSearchParams): Tree {
  const root: Tree = {};
  for (const [name, value] of form) {
    if (name === 'Action' || name === 'Version') continue;
    const parts = name.split('.');
    let node = root;
    for (const part of parts.slice(0, -1)) {
      const next = node[part];
      const child: Tree = typeof next === 'object' ? next : {};
      node[part] = child;
      node = child;
    }
    node[parts.at(-1) ?? ''] = value;
  }
  return root;
}

/** Names that the model does not know are kept, so that they are found. */
function fromForm(model: ServiceModel, shapeName: string, tree: Tree | string, ec2: boolean): unknown {
  const shape = shapeOf(model, shapeName);
  if (shape.type === 'structure') {
    if (typeof tree === 'string') return tree;
    const names = new Map(
      Object.entries(shape.members ?? {}).map(([name, member]) => [
        ec2
          ? (member.queryName ?? capital(member.locationName ?? name))
          : (flatName(model, member) ?? member.locationName ?? name),
        [name, member] as const,
      ]),
    );
    return Object.fromEntries(
      Object.entries(tree).map(([wire, value]) => {
        const known = names.get(wire);
        return known ? [known[0], fromForm(model, known[1].shape, value, ec2)] : [wire, value];
      }),
    );
  }
  if (shape.type === 'list') {
    if (tree === '') return [];
    const entries = ec2 || shape.flattened ? tree : (tree as Tree)[shape.member?.locationName ?? 'member'];
    if (typeof entries !== 'object') return tree;
    return Object.keys(entries)
      .sort((one, other) => Number(one) - Number(other))
      .map((index) => fromForm(model, shape.member?.shape ?? '', entries[index] ?? '', ec2));
  }
  return typeof tree === 'string' ? scalar(shape, tree) : tree;
}

function fromXml(model: ServiceModel, shapeName: string, element: XmlElement): unknown {
  const shape = shapeOf(model, shapeName);
  if (shape.type === 'list')
    return element.children.map((child) =>
      child.name === (shape.member?.locationName ?? 'member')
        ? fromXml(model, shape.member?.shape ?? '', child)
        : `<${child.name}>`,
    );
  if (shape.type !== 'structure') return scalar(shape, element.text);
  const names = new Map(
    Object.entries(shape.members ?? {}).map(([name, member]) => [
      member.locationName ?? name,
      [name, member] as const,
    ]),
  );
  return Object.fromEntries(
    element.children.map((child) => {
      const known = names.get(child.name);
      return known ? [known[0], fromXml(model, known[1].shape, child)] : [child.name, child.text];
    }),
  );
}

function fromJson(model: ServiceModel, shapeName: string, value: unknown): unknown {
  const shape = shapeOf(model, shapeName);
  if (value === null || value === undefined || shape.document) return value;
  if (shape.type === 'timestamp') return typeof value === 'number' ? new Date(value * 1000) : value;
  if (Array.isArray(value))
    return shape.type === 'list'
      ? value.map((entry) => fromJson(model, shape.member?.shape ?? '', entry))
      : value;
  if (typeof value !== 'object') return value;
  if (shape.type === 'map')
    return Object.fromEntries(
      Object.entries(value).map(([key, entry]) => [key, fromJson(model, shape.value?.shape ?? '', entry)]),
    );
  if (shape.type !== 'structure') return value;
  const names = new Map(
    Object.entries(shape.members ?? {}).map(([name, member]) => [
      member.locationName ?? name,
      [name, member] as const,
    ]),
  );
  return Object.fromEntries(
    Object.entries(value).map(([wire, entry]) => {
      const known = names.get(wire);
      return known ? [known[0], fromJson(model, known[1].shape, entry)] : [wire, entry];
    }),
  );
}

function uriParameters(
  operation: OperationModel,
  request: WireRequest,
): Readonly<Record<string, string>> | undefined {
  if (operation.http.method !== request.method) return undefined;
  const names: string[] = [];
  const template = operation.http.requestUri.split('?')[0]?.replace(/\/$/, '') ?? '';
  const expression = template.replace(/\{(\w+)\+?\}/g, (_match, name: string) => {
    names.push(name);
    return '([^/]+)';
  });
  const found = new RegExp(`^${expression}/?$`).exec(request.path);
  return found
    ? Object.fromEntries(names.map((name, index) => [name, decodeURIComponent(found[index + 1] ?? '')]))
    : undefined;
}

function fromRest(
  model: ServiceModel,
  operation: OperationModel,
  uri: Readonly<Record<string, string>>,
  request: WireRequest,
): unknown {
  if (!operation.input) return {};
  const shape = shapeOf(model, operation.input.shape);
  const query = new URLSearchParams(request.query);
  const input: Record<string, unknown> = {};
  const questioned = new Set<string>();
  for (const [name, member] of Object.entries(shape.members ?? {})) {
    const wire = member.locationName ?? name;
    if (member.location === 'uri') input[name] = uri[wire];
    if (member.location === 'querystring') {
      questioned.add(wire);
      const text = query.get(wire);
      if (text !== null) input[name] = scalar(shapeOf(model, member.shape), text);
    }
    if (member.location === 'header') input[name] = request.headers[wire.toLowerCase()];
  }
  for (const wire of query.keys()) if (!questioned.has(wire)) input[wire] = query.get(wire);
  if (shape.payload) return { ...input, [shape.payload]: request.body };
  const body: unknown = JSON.parse(request.body.toString('utf8') || '{}');
  return { ...input, ...(fromJson(model, operation.input.shape, body) as object) };
}

/** As text in a form, a query or XML. What is no such value stays text, so that it is found. */
function scalar(shape: Shape, text: string): unknown {
  switch (shape.type) {
    case 'integer':
    case 'long':
    case 'float':
    case 'double':
      return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    case 'timestamp':
      return /^\d{4}-\d\d-\d\dT/.test(text) ? new Date(text) : text;
    case 'list':
      return [];
    default:
      return text;
  }
}

function shapeOf(model: ServiceModel, name: string): Shape {
  const shape = model.shapes[name];
  if (!shape) throw new Error(`the model has no shape ${name}`);
  return shape;
}

/** A flattened list of the query protocol goes by the name of its members. */
function flatName(model: ServiceModel, member: Member): string | undefined {
  const shape = shapeOf(model, member.shape);
  return shape.flattened ? shape.member?.locationName : undefined;
}

function withoutRequestId(root: XmlElement): XmlElement {
  return { ...root, children: root.children.filter(({ name }) => name !== 'requestId') };
}

function capital(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
