/** The VPC: a public and a private subnet in each zone, and a log of its traffic. */
import { Fn, Tags } from 'aws-cdk-lib';
import {
  FlowLogDestination,
  FlowLogTrafficType,
  IpAddresses,
  type IVpc,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { DEFAULTS, type NetworkConfig } from '../platform-config.ts';

export interface NetworkProps {
  readonly config: NetworkConfig;
  readonly logRetention: RetentionDays;
}

export class Network extends Construct {
  readonly vpc: IVpc;

  constructor(scope: Construct, id: string, { config, logRetention }: NetworkProps) {
    super(scope, id);
    const cidrMask = config.subnetMask ?? DEFAULTS.subnetMask;
    const vpc = new Vpc(this, 'Vpc', {
      ipAddresses: IpAddresses.cidr(config.cidr),
      availabilityZones: [...config.zones],
      natGateways: 1,
      restrictDefaultSecurityGroup: false,
      subnetConfiguration: [
        { name: 'public', subnetType: SubnetType.PUBLIC, cidrMask, mapPublicIpOnLaunch: false },
        { name: 'private', subnetType: SubnetType.PRIVATE_WITH_EGRESS, cidrMask },
      ],
      flowLogs: {
        Rejected: {
          trafficType: FlowLogTrafficType.REJECT,
          destination: FlowLogDestination.toCloudWatchLogs(
            new LogGroup(this, 'FlowLogs', { retention: logRetention }),
          ),
        },
      },
    });
    // The CDK's own types do not fit each other under exactOptionalPropertyTypes.
    this.vpc = vpc as IVpc;
    // The load balancer controller finds its subnets by these tags.
    for (const subnet of this.vpc.publicSubnets) Tags.of(subnet).add('kubernetes.io/role/elb', '1');
    for (const subnet of this.vpc.privateSubnets) Tags.of(subnet).add('kubernetes.io/role/internal-elb', '1');
  }

  /** Ids with commas, for `network.subnets` of nightshift's config. */
  get privateSubnetIds(): string {
    return Fn.join(
      ',',
      this.vpc.privateSubnets.map(({ subnetId }) => subnetId),
    );
  }
}
