/** The one front door of the lab's AWS: every service on one loopback address, told apart by the request's signature. */
import type { AwsWorld, Scope } from '../../world/aws/index.ts';
import type { Authorize, AwsCall, AwsService, Faults } from './service.ts';

export interface ServeAwsOptions {
  readonly aws: AwsWorld;
  /** Services of other parts of the world: CodeBuild, Lambda. */
  readonly services?: readonly AwsService[];
  readonly authorize?: Authorize;
  /** Default: any free one. */
  readonly port?: number;
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
  createTable(table: Scope & { readonly name: string; readonly timeToLiveAttribute?: string }): Promise<void>;
  /** Plugs in a service after the start. */
  addService(service: AwsService): void;
  close(): Promise<void>;
}

export async function serveAws(_options: ServeAwsOptions): Promise<AwsEndpoint> {
  throw new Error('the front door is being built');
}
