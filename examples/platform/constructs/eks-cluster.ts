/** The cluster with its access entries: no kubectl Lambda, no Helm, nothing but resources of EKS. */
import type { IVpc } from 'aws-cdk-lib/aws-ec2';
import { SubnetType } from 'aws-cdk-lib/aws-ec2';
import {
  AccessEntry,
  AccessPolicy,
  AccessScopeType,
  Cluster,
  ClusterLoggingTypes,
  DefaultCapacityType,
  EndpointAccess,
  type ICluster,
  KubernetesVersion,
} from 'aws-cdk-lib/aws-eks-v2';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { DEFAULTS, type PlatformEnvironment } from '../platform-config.ts';
import { accept, managedPolicyFinding } from './nag-reasons.ts';

export const KUBERNETES = KubernetesVersion.V1_35;

export interface EksClusterProps {
  readonly name: string;
  readonly config: PlatformEnvironment;
  readonly vpc: IVpc;
  readonly logRetention: RetentionDays;
}

type PolicyName =
  | 'AmazonEKSClusterAdminPolicy'
  | 'AmazonEKSAdminPolicy'
  | 'AmazonEKSEditPolicy'
  | 'AmazonEKSAdminViewPolicy';

export class EksCluster extends Construct {
  readonly cluster: Cluster;

  constructor(scope: Construct, id: string, { name, config, vpc, logRetention }: EksClusterProps) {
    super(scope, id);
    // EKS writes into this group, and would create it without an end of the logs.
    const logs = new LogGroup(this, 'Logs', {
      logGroupName: `/aws/eks/${name}/cluster`,
      retention: logRetention,
    });
    this.cluster = new Cluster(this, 'Cluster', {
      clusterName: name,
      version: KUBERNETES,
      vpc,
      vpcSubnets: [{ subnetType: SubnetType.PRIVATE_WITH_EGRESS }],
      serviceIpv4Cidr: config.network.serviceCidr ?? DEFAULTS.serviceCidr,
      defaultCapacityType: DefaultCapacityType.NODEGROUP,
      defaultCapacity: 0,
      bootstrapClusterCreatorAdminPermissions: false,
      bootstrapSelfManagedAddons: false,
      outputConfigCommand: false,
      endpointAccess: endpointOf(config),
      clusterLogging: Object.values(ClusterLoggingTypes),
    });
    this.cluster.node.addDependency(logs);
    accept(this.cluster, {
      [managedPolicyFinding('AmazonEKSClusterPolicy')]: 'EKS asks for this policy on the role of a cluster.',
      ...(config.endpoint === 'private'
        ? {}
        : {
            'AwsSolutions-EKS1':
              'The functions of nightshift and the other side of a work host use the public endpoint, with tokens of IAM; endpoint: private takes it away.',
          }),
    });
    this.#grantPeople(config);
  }

  /** A principal with what an EKS access policy allows. */
  grant(id: string, principal: string, policy: PolicyName): void {
    new AccessEntry(this, id, {
      cluster: this.cluster as ICluster,
      principal,
      accessPolicies: [
        AccessPolicy.fromAccessPolicyName(policy, { accessScopeType: AccessScopeType.CLUSTER }),
      ],
    });
  }

  #grantPeople({ access }: PlatformEnvironment): void {
    for (const [index, arn] of access.admins.entries())
      this.grant(`Administrator${index}`, arn, 'AmazonEKSClusterAdminPolicy');
    for (const [index, arn] of (access.developers ?? []).entries())
      this.grant(
        `Developer${index}`,
        arn,
        access.open ? 'AmazonEKSClusterAdminPolicy' : 'AmazonEKSEditPolicy',
      );
  }
}

function endpointOf({ endpoint, endpointCidrs = [] }: PlatformEnvironment): EndpointAccess {
  if (endpoint === 'private') return EndpointAccess.PRIVATE;
  return endpointCidrs.length > 0
    ? EndpointAccess.PUBLIC_AND_PRIVATE.onlyFrom(...endpointCidrs)
    : EndpointAccess.PUBLIC_AND_PRIVATE;
}
