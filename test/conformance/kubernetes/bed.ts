/**
 * Where a behaviour of Kubernetes is looked at: a real control plane, or the lab's. The behaviours know no difference,
 * so whatever differs between the two is found by one of them.
 */

import type { KubernetesClient, KubernetesClientOptions } from '#functions/adapters/kubernetes/client.ts';
import type { Clock } from '#functions/spot-drain/ports.ts';

/**
 * `admin` may do everything; `nobody` is let in and has no group of ours; the others have the groups of manifests/.
 * `keep-up` is a person. `hub-branch-deploy` is branch-deploy of the environment develop in a hub.
 */
export type Who =
  | 'admin'
  | 'spot-drain'
  | 'night-schedule'
  | 'branch-deploy'
  | 'hub-branch-deploy'
  | 'keep-up'
  | 'nobody';

export const GROUPS: Readonly<Record<Exclude<Who, 'admin'>, readonly string[]>> = {
  'spot-drain': ['nightshift:spot-drain'],
  'night-schedule': ['nightshift:night-schedule'],
  'branch-deploy': ['nightshift:branch-deploy'],
  'hub-branch-deploy': ['nightshift:branch-deploy:develop'],
  'keep-up': ['nightshift:keep-up'],
  nobody: ['somebody-else'],
};

export interface Asking {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With a query, if there is one. */
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
  /** Instead of the user's own; null sends none. */
  readonly token?: string | null;
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the API answers
  readonly body: any;
}

/** A request that was allowed or refused, as the server keeps it. */
export interface Asked {
  readonly user: string;
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly status: number;
}

export interface BedNode {
  readonly name: string;
  readonly instanceId: string;
  readonly zone: string;
  readonly instanceType: string;
}

export interface Bed {
  /** Name and version. */
  readonly software: string;
  /** Kept until the bed is closed. */
  clientFor(
    who: Who,
    options?: Partial<Pick<KubernetesClientOptions, 'pageSize' | 'token'>>,
  ): KubernetesClient;
  tokenOf(who: Who): string;
  /** One request, and the reply as it is. */
  ask(who: Who, asking: Asking): Promise<Reply>;
  /** A node that is Ready. */
  addNode(labels?: Readonly<Record<string, string>>): Promise<BedNode>;
  /** A namespace in which pods can be made. */
  addNamespace(): Promise<string>;
  /** Looks again and again, while time passes, until there is something to see. */
  until<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T>;
  /** No controller does anything meanwhile. */
  withoutControllers<T>(doing: () => Promise<T>): Promise<T>;
  /** Time passes by itself meanwhile. */
  live<T>(doing: () => Promise<T>): Promise<T>;
  readonly clock: Clock;
  /** Meanwhile the server has hardly any room for `nobody`: of many requests at once it refuses most. */
  crowded<T>(doing: () => Promise<T>): Promise<T>;
  /** Every token that continues a list and was given until now is too old afterwards. */
  forgetPages(): Promise<void>;
  /** A program to compare with, if there is one. */
  kubectl(): Promise<string | undefined>;
  /** A file for kubectl. */
  kubeconfigFor(who: Who): Promise<string>;
  /** What the functions' users asked for, in order. */
  asked(): Promise<readonly Asked[]>;
  close(): Promise<void>;
}
