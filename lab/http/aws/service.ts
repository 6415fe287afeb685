/** One AWS service of the lab for the endpoint: a name, a protocol, and its operations. */
import type { Principal } from '../../world/interfaces.ts';

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
  /** ARN of what the operation touches, for the authorizer; `*` (the default) if the service has no resource-level permissions. */
  resource?(request: AwsRequest): string | undefined;
  /**
   * The reply's body, as the members of the operation's output; a `RawReply` for anything else. Refusals are thrown as
   * `AwsError`. An operation that is not implemented: return `unknownOperation`.
   */
  handle(request: AwsRequest): Reply | Promise<Reply>;
}

export type Reply = object | undefined;

/** The endpoint replies with the service's unknown-operation error. */
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
  /** Aborted when the caller disconnects. */
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

/** One call with its result. */
export interface AwsCall {
  /** Virtual ms. */
  readonly time: number;
  /** ARN of the role or user; undefined if the signature was refused. */
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

/** Effect of a fault. `timeout-after`: the call takes effect and the connection breaks. */
export type FaultKind = 'throttle' | '500' | 'access-denied' | 'timeout-before' | 'timeout-after';

export interface Fault {
  readonly service?: string;
  readonly operation?: string;
  /** ARN of a principal. */
  readonly principal?: string;
  readonly kind: FaultKind;
  /** Default 1; `Infinity` until removed. */
  readonly times?: number;
  /** Number of matching calls that pass first. Default 0. */
  readonly skip?: number;
}

export interface Faults {
  /** Returns a function that removes the fault. */
  add(fault: Fault): () => void;
  clear(): void;
}

/** Undefined if the call is allowed, else the reason (the text after "because"). */
export type Authorize = (request: {
  readonly principal: Principal;
  /** `eks:DescribeCluster`, by the IAM prefix of the service. */
  readonly action: string;
  readonly resource: string;
  readonly region: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}) => string | undefined;
