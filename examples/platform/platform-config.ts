/** What a platform is made of: what `platform.config.ts` says of each environment, beside nightshift's config. */

export interface PlatformConfig {
  /** Same names as in nightshift's config, which has account, region and cluster name. */
  readonly environments: Readonly<Record<string, PlatformEnvironment>>;
  /** The Git repository with `gitops/`, from which Argo CD reads. */
  readonly gitops: string;
}

export interface PlatformEnvironment {
  readonly network: NetworkConfig;
  readonly nodes: NodesConfig;
  readonly dns: DnsConfig;
  /** `public-and-private` (default), or `private`: then nightshift's config needs `network`. */
  readonly endpoint?: 'public-and-private' | 'private';
  /** Addresses that may use the public endpoint. Default: all, with a token of IAM. */
  readonly endpointCidrs?: readonly string[];
  readonly argocd: ArgocdConfig;
  readonly access: AccessConfig;
  /** `create` makes a host with kubectl here; a name uses that of another environment. */
  readonly workHost: 'create' | { readonly of: string };
  /** An ECR repository for each service. */
  readonly services: readonly string[];
  /** Days that logs are kept. Default 30. */
  readonly logDays?: 7 | 14 | 30 | 90 | 180 | 365;
}

/** Two groups of subnets, public and private, each with one subnet in each zone. Nodes and pods are in the private ones. */
export interface NetworkConfig {
  /** `10.1.0.0/16`. Environments and the services of the cluster must not share addresses. */
  readonly cidr: string;
  /** Prefix length of every subnet. Default 20: 4091 addresses. */
  readonly subnetMask?: number;
  readonly zones: readonly string[];
  /** Addresses of Kubernetes services. Default `172.20.0.0/16`. */
  readonly serviceCidr?: string;
}

export interface NodesConfig {
  /** Any of them may be launched: many types make an interruption of all nodes less likely. */
  readonly instanceTypes: readonly string[];
  readonly spot: Size;
  /** In an environment with a schedule it rests at zero: nightshift's `fallbackGroup`. */
  readonly onDemand: Size;
}

export interface Size {
  readonly min: number;
  readonly desired: number;
  readonly max: number;
}

/** A zone below a parent zone that delegates it: ExternalDNS can change nothing outside of it. */
export interface DnsConfig {
  /** `develop.example.com` */
  readonly zone: string;
  /** `example.com` */
  readonly parent: string;
  /**
   * How the parent delegates: the id of its hosted zone in the same account, in which the stack writes the name servers, or
   * `by-hand` where somebody enters the stack's output `NameServers` in the parent.
   */
  readonly delegation: { readonly parentZoneId: string } | 'by-hand';
}

export type ArgocdConfig =
  | {
      /** EKS runs it, outside of the cluster: it stays up at night. */
      readonly kind: 'capability';
      /** `arn:aws:sso:::instance/ssoins-…`: it has no other sign-in. */
      readonly identityCenter: string;
      /** Ids of the groups of IAM Identity Center that administer it. */
      readonly adminGroups: readonly string[];
    }
  | {
      /** Installed in the cluster by `gitops/bootstrap`, and updated by itself. */
      readonly kind: 'self-hosted';
    };

export interface AccessConfig {
  /** ARNs of the roles that administer the cluster. */
  readonly admins: readonly string[];
  /** ARNs of roles that may view everything, and change what is in namespaces. */
  readonly developers?: readonly string[];
  /** Sandbox: developers may do everything. Default false. */
  readonly open?: boolean;
}

export const DEFAULTS = { subnetMask: 20, serviceCidr: '172.20.0.0/16', logDays: 30 } as const;

/** Names of the two nodegroups, in nightshift's config too. */
export const GROUPS = { spot: 'spot', onDemand: 'on-demand' } as const;
