/** Writes replies: objects, lists, errors and injected faults. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { KubeObject } from '#lab/world/kubernetes/objects.ts';
import { failure, type StatusError } from '#lab/world/kubernetes/status.ts';
import type { Fault } from './faults.ts';

/** A list whose items are written once for each version of an object, however often it is listed. */
export class ListText {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: Record<string, unknown>;
  readonly items: readonly KubeObject[];

  constructor(
    kind: string,
    apiVersion: string,
    metadata: Record<string, unknown>,
    items: readonly KubeObject[],
  ) {
    this.kind = kind;
    this.apiVersion = apiVersion;
    this.metadata = metadata;
    this.items = items;
  }

  text(): string {
    const head = JSON.stringify({ kind: this.kind, apiVersion: this.apiVersion, metadata: this.metadata });
    return `${head.slice(0, -1)},"items":[${this.items.map(textOf).join(',')}]}`;
  }
}

const texts = new WeakMap<KubeObject, string>();

/** Objects of the store never change, so neither does their text. Those in a list carry no kind. */
function textOf(object: KubeObject): string {
  const known = texts.get(object);
  if (known !== undefined) return known;
  const { kind: _, apiVersion: __, ...rest } = object;
  const text = JSON.stringify(rest);
  texts.set(object, text);
  return text;
}

export function send(
  response: ServerResponse,
  status: number,
  body: unknown,
  contentType = 'application/json',
): void {
  const text =
    body instanceof ListText ? body.text() : typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(status, {
    'content-type': contentType,
    'cache-control': 'no-cache, private',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

export function sendStatus(response: ServerResponse, error: StatusError): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const retryAfter = error.status.details?.retryAfterSeconds;
  if (retryAfter) response.setHeader('retry-after', String(retryAfter));
  send(response, error.code, error.status);
}

export function fail(fault: Fault, incoming: IncomingMessage, response: ServerResponse): void {
  if (fault.reply === 'hang') {
    incoming.resume();
    return;
  }
  if (fault.reply === 'reset') {
    incoming.socket.destroy();
    return;
  }
  const retryAfter = fault.retryAfter ?? (fault.reply === 429 ? 1 : undefined);
  if (retryAfter !== undefined) response.setHeader('retry-after', String(retryAfter));
  if (fault.reply === 429) {
    // Overload is refused before the API's own code runs: plain text, no Status.
    send(response, 429, 'Too many requests, please try again later.\n', 'text/plain; charset=utf-8');
    return;
  }
  const [reason, message] = reasons[fault.reply] ?? ['', `the server answered ${fault.reply}`];
  sendStatus(response, failure(fault.reply, reason || undefined, message));
}

const reasons: Readonly<Record<number, readonly [string, string]>> = {
  401: ['Unauthorized', 'Unauthorized'],
  403: ['Forbidden', 'forbidden'],
  404: ['NotFound', 'the server could not find the requested resource'],
  409: ['Conflict', 'the server reported a conflict'],
  410: ['Expired', 'The resourceVersion for the provided list is too old.'],
  500: ['InternalError', 'Internal error occurred: etcdserver: leader changed'],
  503: ['ServiceUnavailable', 'the server is currently unable to handle the request'],
  504: ['Timeout', 'Timeout: request did not complete within the allotted duration'],
};
