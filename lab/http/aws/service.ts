/** What one AWS service of the lab is to the front door: a name, a protocol, and what it answers to an operation. */
import type { Principal } from '../../world/seams.ts';

export type Protocol = 'query' | 'ec2' | 'json-1.0' | 'json-1.1' | 'rest-json';

export interface AwsService {
  /** The signing name: `eks`, `autoscaling`, `codebuild`, `lambda` … */
  readonly service: string;
  readonly protocol: Protocol;
  /** Query protocols: the XML namespace of replies. */
  readonly namespace?: string;
  /** JSON protocols: what stands before the dot in `X-Amz-Target`, checked when given. */
  readonly target?: string;
  /** rest-json: how a request names its operation. */
  readonly routes?: readonly Route[];
  /** ARN of what the operation touches, for the authorizer; `*` (the default) where the service knows no such level. */
  resource?(request: AwsRequest): string | undefined;
  /**
   * The reply's body, as the members of the operation's output; a `RawReply` for anything else. Refusals are thrown as
   * `AwsError`. An operation that is not implemented: return `unknownOperation`.
   */
  handle(request: AwsRequest): Reply | Promise<Reply>;
}

export type Reply = object | undefined;

/** The front door answers with the service's own unknown-operation error. */
export const unknownOperation: object = Object.freeze({});

export interface Route {
  readonly operation: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** `/clusters/{name}/node-groups`; `{name}` is one segment, percent-decoded, and becomes a parameter. */
  readonly path: string;
  /** The body is a payload of its own (Lambda's Invoke), not the operation's members. */
  readonly rawBody?: boolean;
}

export interface AwsRequest {
  readonly service: string;
  readonly operation: string;
  readonly principal: Principal;
  /** Of the principal. */
  readonly account: string;
  /** Of the signature's credential scope. */
  readonly region: string;
  /**
   * Query: the form's members, lists and structures nested (`Filters.member.1.Name` → `Filters[0].Name`), values as
   * strings. JSON: the body. rest-json: path, query string and body members together.
   */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  readonly requestId: string;
  /** Aborted when the caller went away. */
  readonly signal: AbortSignal;
}

/** For payloads that are no members of a structure, such as what a Lambda function returns. */
export class RawReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;

  constructor(
    body: string | Buffer,
    options: { status?: number; headers?: Readonly<Record<string, string>> } = {},
  ) {
    this.body = body;
    this.status = options.status ?? 200;
    this.headers = options.headers ?? {};
  }
}

/** One call, as it was answered. */
export interface AwsCall {
  /** Virtual ms. */
  readonly time: number;
  /** ARN of the role or user; undefined where the signature was not accepted. */
  readonly principal: string | undefined;
  readonly account: string | undefined;
  readonly region: string;
  readonly service: string;
  readonly operation: string;
  /** Secret values are left out. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly status: number;
  /** The error's code where the call was refused. */
  readonly error?: string;
}

/** What a fault does to the calls that it hits. `timeout-after`: the call takes effect and the connection breaks. */
export type FaultKind = 'throttle' | '500' | 'access-denied' | 'timeout-before' | 'timeout-after';

export interface Fault {
  readonly service?: string;
  readonly operation?: string;
  /** ARN of a principal. */
  readonly principal?: string;
  readonly kind: FaultKind;
  /** Default 1; `Infinity` until removed. */
  readonly times?: number;
  /** So many matching calls pass first. Default 0. */
  readonly skip?: number;
}

export interface Faults {
  /** Returns how to take it back. */
  add(fault: Fault): () => void;
  clear(): void;
}

/** Undefined where the call is allowed, else why not (what stands behind "because"). */
export type Authorize = (request: {
  readonly principal: Principal;
  /** `eks:DescribeCluster`, by the IAM prefix of the service. */
  readonly action: string;
  readonly resource: string;
  readonly region: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}) => string | undefined;
