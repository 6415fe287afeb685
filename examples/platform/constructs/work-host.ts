/** A host with kubectl, reached through Session Manager only: no key pair, nothing listens. */
import { CfnOutput } from 'aws-cdk-lib';
import {
  AmazonLinuxCpuType,
  BlockDeviceVolume,
  EbsDeviceVolumeType,
  Instance,
  InstanceType,
  type IVpc,
  MachineImage,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  UserData,
} from 'aws-cdk-lib/aws-ec2';
import { Effect, ManagedPolicy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { KUBERNETES } from './eks-cluster.ts';
import { accept, managedPolicyFinding } from './nag-reasons.ts';

export interface WorkHostProps {
  readonly environment: string;
  readonly vpc: IVpc;
  /** ARNs of the clusters that it works on, of other accounts too. */
  readonly clusters: readonly string[];
}

const SESSION_MANAGER = 'AmazonSSMManagedInstanceCore';

export class WorkHost extends Construct {
  readonly role: Role;
  readonly securityGroup: SecurityGroup;

  constructor(scope: Construct, id: string, { environment, vpc, clusters }: WorkHostProps) {
    super(scope, id);
    this.role = new Role(this, 'Role', {
      roleName: workHostRoleOf(environment),
      description: `the work host of ${environment}`,
      assumedBy: new ServicePrincipal('ec2.amazonaws.com'),
      managedPolicies: [ManagedPolicy.fromAwsManagedPolicyName(SESSION_MANAGER)],
    });
    accept(this.role, {
      [managedPolicyFinding(SESSION_MANAGER)]: 'Session Manager is the only way onto the host.',
    });
    this.role.addToPolicy(
      new PolicyStatement({
        sid: 'ReadEndpoints',
        effect: Effect.ALLOW,
        actions: ['eks:DescribeCluster'],
        resources: [...clusters],
      }),
    );
    this.securityGroup = new SecurityGroup(this, 'SecurityGroup', {
      vpc,
      description: 'work host: nothing comes in, HTTPS goes out',
      allowAllOutbound: false,
    });
    this.securityGroup.addEgressRule(Peer.anyIpv4(), Port.tcp(443), 'Session Manager, AWS and the clusters');
    this.#createInstance(vpc, clusters);
  }

  #createInstance(vpc: IVpc, clusters: readonly string[]): void {
    const instance = new Instance(this, 'Host', {
      vpc,
      vpcSubnets: { subnetType: SubnetType.PRIVATE_WITH_EGRESS },
      instanceType: new InstanceType('t4g.small'),
      machineImage: MachineImage.latestAmazonLinux2023({ cpuType: AmazonLinuxCpuType.ARM_64 }),
      role: this.role,
      securityGroup: this.securityGroup,
      requireImdsv2: true,
      detailedMonitoring: true,
      userData: kubectlFor(clusters),
      blockDevices: [
        {
          deviceName: '/dev/xvda',
          volume: BlockDeviceVolume.ebs(16, { encrypted: true, volumeType: EbsDeviceVolumeType.GP3 }),
        },
      ],
    });
    accept(instance, {
      'AwsSolutions-EC29': 'It holds nothing: whoever terminates it gets a new one from the stack.',
    });
    new CfnOutput(this, 'Id', {
      value: instance.instanceId,
      description: 'aws ssm start-session --target <this>, then aws eks update-kubeconfig',
    });
  }
}

/** Fixed, so that the access entries of other accounts can name it. */
export function workHostRoleOf(environment: string): string {
  return `platform-${environment}-work-host`;
}

function kubectlFor(clusters: readonly string[]): UserData {
  const userData = UserData.forLinux();
  const release = 'https://dl.k8s.io/release';
  userData.addCommands(
    'set -euo pipefail',
    `version=$(curl -fsSL ${release}/stable-${KUBERNETES.version}.txt)`,
    `curl -fsSLo /usr/local/bin/kubectl "${release}/$version/bin/linux/arm64/kubectl"`,
    `echo "$(curl -fsSL "${release}/$version/bin/linux/arm64/kubectl.sha256")  /usr/local/bin/kubectl" | sha256sum --check`,
    'chmod 755 /usr/local/bin/kubectl',
    `echo 'clusters: ${clusters.join(' ')}' > /etc/motd.d/clusters`,
  );
  return userData;
}
