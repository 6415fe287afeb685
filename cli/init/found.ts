/** What `init` found with the caller's credentials, and what it could not see. */

export interface FoundCluster {
  readonly name: string;
  readonly account: string;
  readonly region: string;
  /** Managed nodegroups. */
  readonly nodegroups: readonly string[];
  readonly autoscaler?: FoundAutoscaler;
  readonly argocd?: FoundArgocd;
  readonly tags: Readonly<Record<string, string>>;
}

export type FoundAutoscaler =
  | {
      readonly kind: 'karpenter' | 'cluster-autoscaler';
      readonly namespace: string;
      readonly deployment: string;
      /** The nodegroup of a node on which it runs. */
      readonly hostGroup?: string;
    }
  | { readonly kind: 'auto-mode' };

/** `capability`: the name of that of EKS; `namespace`: where an own one runs. */
export type FoundArgocd =
  | { readonly kind: 'capability'; readonly capability: string }
  | { readonly kind: 'own'; readonly namespace: string };

export interface FoundProject {
  readonly name: string;
  readonly region: string;
  readonly repository: string;
}

export interface Found {
  readonly clusters: readonly FoundCluster[];
  readonly projects: readonly FoundProject[];
  /** One line each: what, and why. */
  readonly unseen: readonly string[];
}

export const NOTHING_FOUND: Found = { clusters: [], projects: [], unseen: [] };
