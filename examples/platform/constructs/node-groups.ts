/** A spot group and an on-demand group, on nodes without a key pair that Session Manager reaches. */
import { CfnLaunchTemplate, type IVpc } from 'aws-cdk-lib/aws-ec2';
import { CfnNodegroup, type Cluster } from 'aws-cdk-lib/aws-eks-v2';
import { ManagedPolicy, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { GROUPS, type NodesConfig, type Size } from '../platform-config.ts';
import { accept, managedPolicyFinding } from './nag-reasons.ts';

export interface NodeGroupsProps {
  readonly cluster: Cluster;
  readonly vpc: IVpc;
  readonly config: NodesConfig;
}

const NODE_POLICIES = {
  AmazonEKSWorkerNodePolicy: 'A node cannot join its cluster without it.',
  AmazonEKS_CNI_Policy: 'The VPC CNI on the node attaches network interfaces with it.',
  AmazonEC2ContainerRegistryPullOnly: 'The node pulls images.',
  AmazonSSMManagedInstanceCore: 'Session Manager is the only way onto a node.',
};

export class NodeGroups extends Construct {
  readonly role: Role;
  readonly spot: CfnNodegroup;
  readonly onDemand: CfnNodegroup;
  readonly #props: NodeGroupsProps;
  readonly #template: CfnLaunchTemplate;

  constructor(scope: Construct, id: string, props: NodeGroupsProps) {
    super(scope, id);
    this.#props = props;
    this.role = new Role(this, 'Role', {
      description: `nodes of ${id}`,
      assumedBy: new ServicePrincipal('ec2.amazonaws.com'),
      managedPolicies: Object.keys(NODE_POLICIES).map((name) => ManagedPolicy.fromAwsManagedPolicyName(name)),
    });
    for (const [name, reason] of Object.entries(NODE_POLICIES))
      accept(this.role, { [managedPolicyFinding(name)]: reason });
    this.#template = new CfnLaunchTemplate(this, 'Template', {
      launchTemplateData: {
        // Pods have Pod Identity: with one hop they cannot take the role of their node.
        metadataOptions: { httpTokens: 'required', httpPutResponseHopLimit: 1 },
        blockDeviceMappings: [
          {
            deviceName: '/dev/xvda',
            ebs: { volumeType: 'gp3', volumeSize: 60, encrypted: true, deleteOnTermination: true },
          },
        ],
        monitoring: { enabled: false },
      },
    });
    const { spot, onDemand } = props.config;
    this.spot = this.#group('Spot', GROUPS.spot, 'SPOT', spot);
    this.onDemand = this.#group('OnDemand', GROUPS.onDemand, 'ON_DEMAND', onDemand);
  }

  /**
   * CloudFormation sets the sizes when the group is created, and again only when they are changed here: at night they are
   * zero, and a deploy that changes anything else leaves them alone.
   */
  #group(id: string, name: string, capacityType: string, { min, desired, max }: Size): CfnNodegroup {
    const { cluster, vpc, config } = this.#props;
    return new CfnNodegroup(this, id, {
      clusterName: cluster.clusterName,
      nodegroupName: name,
      nodeRole: this.role.roleArn,
      capacityType,
      amiType: 'AL2023_x86_64_STANDARD',
      instanceTypes: [...config.instanceTypes],
      subnets: vpc.privateSubnets.map(({ subnetId }) => subnetId),
      scalingConfig: { minSize: min, desiredSize: desired, maxSize: max },
      updateConfig: { maxUnavailablePercentage: 33 },
      labels: { 'example.com/capacity': name },
      launchTemplate: { id: this.#template.ref, version: this.#template.attrLatestVersionNumber },
    });
  }
}
