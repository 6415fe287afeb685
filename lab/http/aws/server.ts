/** The endpoint of the lab's AWS: all services on one loopback address, selected by the request's signature. */
import { randomUUID } from 'node:crypto';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AwsError, type AwsWorld, type Scope } from '../../world/aws/index.ts';
import type { KnownPrincipal } from '../../world/aws/principals.ts';
import { accessDenied, createFaults, internalFailure, throttled } from './faults.ts';
import { operationOf, type WireReply, writeError, writeReply } from './protocols.ts';
import {
  type Authorize,
  type AwsCall,
  type AwsRequest,
  type AwsService,
  type Faults,
  RawReply,
  unknownOperation,
} from './service.ts';
import { autoScalingService } from './services/auto-scaling.ts';
import { createDynamoDb, dynamoDbService } from './services/dynamodb.ts';
import { ec2Service } from './services/ec2.ts';
import { eksService } from './services/eks.ts';
import { elasticLoadBalancingService } from './services/elastic-load-balancing.ts';
import { eventBridgeService } from './services/event-bridge.ts';
import { kmsService } from './services/kms.ts';
import { snsService, sqsService } from './services/messaging.ts';
import { secretsManagerService } from './services/secrets-manager.ts';
import { stsService } from './services/sts.ts';
import { type Claim, claimOf, SignatureError, type SignedRequest, verify } from './signature.ts';
import { signatureRefusal } from './signature-refusal.ts';

export interface ServeAwsOptions {
  readonly aws: AwsWorld;
  /** Services of other parts of the world: CodeBuild, Lambda. */
  readonly services?: readonly AwsService[];
  /** Default: every known principal may do everything in its account. */
  readonly authorize?: Authorize;
  /** Default: any free one. */
  readonly port?: number;
  /** Every call with the bytes of request and reply, after the reply. */
  readonly onExchange?: (exchange: AwsExchange) => void;
  /** An error of the lab itself. Default: thrown uncaught. */
  readonly onFailure?: (error: unknown) => void;
}

export interface AwsExchange {
  /** The signing name; empty where none was to be read. */
  readonly service: string;
  readonly request: SignedRequest;
  readonly reply: WireReply;
}

export interface AwsEndpoint {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** All calls so far, oldest first. */
  readonly calls: readonly AwsCall[];
  /** Calls by `service:Operation`. */
  counts(filter?: (call: AwsCall) => boolean): Readonly<Record<string, number>>;
  readonly faults: Faults;
  /** Makes a DynamoDB table with the keys `pk` and `sk` (strings), ready to use. */
  createTable(table: Scope & { readonly name: string }): Promise<void>;
  /** Adds a service after the start. */
  addService(service: AwsService): void;
  close(): Promise<void>;
}

/** As API Gateway and Lambda: no call carries more. DynamoDB's own limit is 16 MB. */
const LONGEST_BODY = 16 * 1024 * 1024;

export async function serveAws(options: ServeAwsOptions): Promise<AwsEndpoint> {
  const { aws } = options;
  const onFailure =
    options.onFailure ??
    ((error: unknown) =>
      queueMicrotask(() => {
        throw error;
      }));
  const services = new Map<string, AwsService>();
  const calls: AwsCall[] = [];
  const faults = createFaults();
  const dynamo = createDynamoDb();
  for (const service of [
    autoScalingService(aws),
    eksService(aws),
    ec2Service(aws),
    stsService(aws),
    secretsManagerService(aws),
    snsService(aws),
    sqsService(aws),
    eventBridgeService(aws),
    kmsService(aws),
    elasticLoadBalancingService(aws),
    dynamoDbService(dynamo),
    ...(options.services ?? []),
  ]) {
    services.set(service.service, service);
  }

  const endpoint: Endpoint = { options, services, calls, faults, onFailure };
  const server = http.createServer({ keepAliveTimeout: 600_000, requestTimeout: 0 }, (incoming, outgoing) => {
    answer(endpoint, incoming, outgoing).catch((error: unknown) => {
      // The caller disconnected while sending, or sent too much.
      outgoing.destroy(error instanceof Error ? error : new Error(String(error)));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    faults,
    counts(filter = () => true) {
      const counted: Record<string, number> = {};
      for (const call of calls) {
        if (!filter(call)) continue;
        const name = `${call.service}:${call.operation}`;
        counted[name] = (counted[name] ?? 0) + 1;
      }
      return counted;
    },
    createTable: (table) => dynamo.createTable(table),
    addService: (service) => void services.set(service.service, service),
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

interface Endpoint {
  readonly options: ServeAwsOptions;
  readonly services: ReadonlyMap<string, AwsService>;
  readonly calls: AwsCall[];
  readonly faults: ReturnType<typeof createFaults>;
  readonly onFailure: (error: unknown) => void;
}

/** One HTTP request with its response; `call` is what is known of it so far. */
interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly request: SignedRequest;
  readonly requestId: string;
  call: Partial<AwsCall>;
}

async function answer(
  endpoint: Endpoint,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const { services } = endpoint;
  const request = await read(incoming);
  const requestId = randomUUID();
  const exchange: Exchange = { incoming, outgoing, request, requestId, call: {} };
  let claim: Claim;
  try {
    claim = claimOf(request);
  } catch (error) {
    const service = services.get(guessedService(request));
    const reply = writeError(service ?? { protocol: 'rest-json' }, refusalOf(service, error), requestId);
    exchange.call = { service: service?.service ?? '', error: codeOf(error) };
    return finish(endpoint, exchange, reply);
  }
  const { region } = claim;
  const service = services.get(claim.service);
  if (!service) {
    const error = new AwsError(
      'UnknownServiceException',
      `the lab has no service "${claim.service}", only ${[...services.keys()].sort().join(', ')}`,
      { status: 501 },
    );
    exchange.call = { region, service: claim.service, error: error.code };
    return finish(endpoint, exchange, writeError({ protocol: 'json-1.0' }, error, requestId));
  }
  exchange.call = { region, service: service.service };
  try {
    await perform(endpoint, exchange, service, claim);
  } catch (error) {
    const refusal = refusalOf(service, error);
    if (refusal.cause === error && !(error instanceof SignatureError)) endpoint.onFailure(error);
    exchange.call = { ...exchange.call, error: refusal.code };
    finish(endpoint, exchange, writeError(service, refusal, requestId));
  }
}

/** Verifies the signature, applies faults and permissions, and lets the service handle the operation. */
async function perform(
  endpoint: Endpoint,
  exchange: Exchange,
  service: AwsService,
  claim: Claim,
): Promise<void> {
  const { authorize, aws } = endpoint.options;
  const { request, requestId } = exchange;
  const { principal } = verify(aws, request, claim);
  exchange.call = { ...exchange.call, principal: principal.arn, account: principal.account };
  const operation = operationOf(service, request);
  if (!operation) throw unknownOperationError(service, request.path);
  exchange.call = {
    ...exchange.call,
    operation: operation.name,
    parameters: summaryOf(operation.parameters),
  };
  const full: AwsRequest = {
    service: service.service,
    operation: operation.name,
    principal,
    account: principal.account,
    region: claim.region,
    parameters: operation.parameters,
    headers: request.headers,
    body: request.body,
    requestId,
    signal: disconnectSignal(exchange),
  };
  const fault = endpoint.faults.take({
    service: service.service,
    operation: operation.name,
    principal: principal.arn,
  });
  if (fault === 'throttle') throw throttled(service.service, service.protocol);
  if (fault === '500') throw internalFailure(service.service);
  if (fault === 'timeout-before') return disconnect(endpoint, exchange, fault);
  if (fault === 'access-denied') {
    throw denied(service, full, principal, 'no identity-based policy allows the action');
  }
  const refusal = refusedBy(authorize, service, full);
  if (refusal !== undefined) throw denied(service, full, principal, refusal);
  const output = await service.handle(full);
  if (output === unknownOperation) throw unknownOperationError(service, operation.name);
  const reply =
    output instanceof RawReply
      ? { status: output.status, headers: output.headers, body: output.body }
      : writeReply(service, operation.name, output, requestId);
  if (fault === 'timeout-after') return disconnect(endpoint, exchange, fault);
  const error = reply.status >= 400 ? errorCodeIn(reply) : undefined;
  if (error !== undefined) exchange.call = { ...exchange.call, error };
  finish(endpoint, exchange, reply);
}

/** Aborted when the caller disconnects before the reply is written. */
function disconnectSignal({ incoming, outgoing }: Exchange): AbortSignal {
  const abort = new AbortController();
  incoming.on('close', () => {
    if (!outgoing.writableFinished) abort.abort();
  });
  return abort.signal;
}

function disconnect(endpoint: Endpoint, exchange: Exchange, fault: string): void {
  exchange.incoming.socket.destroy();
  exchange.call = { ...exchange.call, error: fault };
  finish(endpoint, exchange, { status: 0, headers: {}, body: '' });
}

/** Records the call and sends the reply. */
function finish({ options, calls }: Endpoint, exchange: Exchange, reply: WireReply): void {
  const { call, request, requestId, outgoing } = exchange;
  calls.push({
    time: options.aws.context.clock.now(),
    principal: undefined,
    account: undefined,
    region: '',
    service: '',
    operation: '',
    parameters: {},
    ...call,
    status: reply.status,
  });
  options.onExchange?.({ service: call.service ?? '', request, reply });
  send(outgoing, reply, requestId, options.aws);
}

async function read(incoming: IncomingMessage): Promise<SignedRequest> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LONGEST_BODY) throw new Error(`a request's body is longer than ${LONGEST_BODY} bytes`);
    chunks.push(chunk);
  }
  const url = incoming.url ?? '/';
  const at = url.indexOf('?');
  return {
    method: incoming.method ?? 'GET',
    path: at < 0 ? url : url.slice(0, at),
    query: at < 0 ? '' : url.slice(at + 1),
    headers: incoming.headers,
    body: chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks),
  };
}

/** `Date` is the virtual time: an SDK corrects its clock by this header. */
function send(outgoing: ServerResponse, reply: WireReply, requestId: string, aws: AwsWorld): void {
  if (outgoing.destroyed || outgoing.socket?.destroyed) return;
  outgoing.sendDate = false;
  outgoing.writeHead(reply.status, {
    'x-amzn-requestid': requestId,
    date: aws.context.clock.date().toUTCString(),
    ...reply.headers,
    'content-length': Buffer.byteLength(reply.body),
  });
  outgoing.end(reply.body);
}

function refusedBy(
  authorize: Authorize | undefined,
  service: AwsService,
  request: AwsRequest,
): string | undefined {
  // AWS needs no permission for this one.
  if (!authorize || request.operation === 'GetCallerIdentity') return undefined;
  return authorize({
    principal: request.principal,
    action: `${service.service}:${request.operation}`,
    resource: service.resource?.(request) ?? '*',
    region: request.region,
    parameters: request.parameters,
  });
}

function denied(service: AwsService, request: AwsRequest, principal: KnownPrincipal, why: string): AwsError {
  return accessDenied(service.protocol, {
    callerArn: principal.callerArn,
    action: `${service.service}:${request.operation}`,
    resource: service.resource?.(request) ?? '*',
    why,
  });
}

function refusalOf(service: AwsService | undefined, error: unknown): AwsError {
  if (error instanceof AwsError) return error;
  if (error instanceof SignatureError) return signatureRefusal(service?.protocol ?? 'rest-json', error);
  return new AwsError('InternalFailure', `the lab failed: ${String(error)}`, { status: 500, cause: error });
}

function codeOf(error: unknown): string {
  return error instanceof SignatureError ? error.problem : String(error);
}

/** An unsigned request names no service; its form decides the format of the error. */
function guessedService(request: SignedRequest): string {
  const target = String(request.headers['x-amz-target'] ?? '');
  if (target.startsWith('DynamoDB')) return 'dynamodb';
  if (target.startsWith('secretsmanager')) return 'secretsmanager';
  if (target.startsWith('CodeBuild')) return 'codebuild';
  if (request.path.startsWith('/clusters')) return 'eks';
  return /(^|&)Action=/.test(request.body.toString('latin1')) ? 'autoscaling' : '';
}

function unknownOperationError(service: AwsService, what: string): AwsError {
  switch (service.protocol) {
    case 'query':
      return new AwsError('InvalidAction', `Could not find operation ${what}`);
    case 'ec2':
      return new AwsError('InvalidAction', `The action ${what} is not valid for this web service.`);
    case 'rest-json':
      return new AwsError('UnknownOperationException', `Could not find operation ${what}`, { status: 404 });
    default:
      return new AwsError('UnknownOperationException', `Could not find operation ${what}`);
  }
}

/** Payloads and secrets stay out of the record. */
function summaryOf(parameters: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const summary: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(parameters)) {
    if (name === 'SecretString' || name === 'Item' || name === 'RequestItems') continue;
    summary[name] = value;
  }
  return summary;
}

function errorCodeIn(reply: WireReply): string | undefined {
  const code = /"__type"\s*:\s*"(?:[^"#]*#)?([^"]+)"/.exec(reply.body.toString())?.[1];
  return code ?? reply.headers['x-amzn-errortype'];
}
