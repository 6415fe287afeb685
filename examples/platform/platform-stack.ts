/** Everything of one environment that nightshift expects to find: network, cluster, nodes, add-ons, registry, work host. */
import { CfnOutput, Stack, type StackProps, Tags } from 'aws-cdk-lib';
import { Port } from 'aws-cdk-lib/aws-ec2';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { EnvironmentConfig, NightshiftConfig } from '#lib/index.ts';
import { AddOns } from './constructs/add-ons.ts';
import { ArgocdCapability } from './constructs/argocd-capability.ts';
import { EksCluster } from './constructs/eks-cluster.ts';
import { accept } from './constructs/nag-reasons.ts';
import { Network } from './constructs/network.ts';
import { NodeGroups } from './constructs/node-groups.ts';
import { autoscaledGroups } from './constructs/pod-policies.ts';
import { Registry } from './constructs/registry.ts';
import { WorkHost, workHostRoleOf } from './constructs/work-host.ts';
import { DelegatedZone } from './constructs/zone.ts';
import { DEFAULTS, type PlatformConfig, type PlatformEnvironment } from './platform-config.ts';

export interface PlatformStackProps extends Omit<StackProps, 'env'> {
  readonly platform: PlatformConfig;
  readonly nightshift: NightshiftConfig;
  readonly environment: string;
}

export class PlatformStack extends Stack {
  readonly #name: string;
  readonly #config: PlatformEnvironment;
  readonly #nightshift: EnvironmentConfig;

  /** Both configs have the environment: `checkPlatform` has been called. */
  constructor(scope: Construct, id: string, props: PlatformStackProps) {
    const { platform, nightshift, environment, ...stackProps } = props;
    const own = nightshift.environments[environment] as EnvironmentConfig;
    super(scope, id, {
      description: `the platform of ${environment}: network, EKS cluster ${own.cluster}, nodes, add-ons`,
      terminationProtection: own.production ?? false,
      ...stackProps,
      env: { account: own.account, region: own.region },
    });
    this.#name = environment;
    this.#config = platform.environments[environment] as PlatformEnvironment;
    this.#nightshift = own;
    Tags.of(this).add('platform:environment', environment);
    accept(this, {
      'CloudFormation-Validate::W3010': 'The config names its zones, so that a zone never changes by itself.',
    });
    this.#build(platform, nightshift);
  }

  /** Those of the config: otherwise the CDK asks AWS for them at synth. */
  override get availabilityZones(): string[] {
    return [...this.#config.network.zones];
  }

  #build(platform: PlatformConfig, nightshift: NightshiftConfig): void {
    const config = this.#config;
    const place = { account: this.account, region: this.region, cluster: this.#nightshift.cluster };
    const logRetention = (config.logDays ?? DEFAULTS.logDays) as RetentionDays;

    const network = new Network(this, 'Network', { config: config.network, logRetention });
    // The load balancer controller finds its VPC by this name.
    Tags.of(network.vpc).add('Name', `platform-${this.#name}`);
    const { vpc } = network;
    const eks = new EksCluster(this, 'Eks', { name: place.cluster, config, vpc, logRetention });
    const { cluster } = eks;
    const { zone } = new DelegatedZone(this, 'Dns', config.dns);
    const podLogs = `/platform/${place.cluster}/pods`;
    new LogGroup(this, 'PodLogs', { logGroupName: podLogs, retention: logRetention });
    const autoscaled = autoscaledGroups(this.#nightshift);
    const addOns = new AddOns(this, 'AddOns', { cluster, place, zone, podLogs, autoscaled });
    const nodes = new NodeGroups(this, 'Nodes', { cluster, vpc, config: config.nodes });
    for (const group of [nodes.spot, nodes.onDemand]) group.node.addDependency(...addOns.beforeNodes);
    addOns.waitFor(nodes.spot);
    new Registry(this, 'Registry', { environment: this.#name, services: config.services });
    if (config.argocd.kind === 'capability')
      new ArgocdCapability(this, 'Argocd', { environment: this.#name, cluster, config: config.argocd });
    this.#createWorkHost(eks, network, { platform, nightshift });
    this.#outputNetwork(network, cluster.clusterSecurityGroupId);
  }

  /** One for develop, staging and sandbox, and one for production. */
  #createWorkHost(
    eks: EksCluster,
    { vpc }: Network,
    configs: { platform: PlatformConfig; nightshift: NightshiftConfig },
  ): void {
    const { workHost } = this.#config;
    const policy = this.#nightshift.production ? 'AmazonEKSAdminPolicy' : 'AmazonEKSClusterAdminPolicy';
    if (workHost !== 'create') {
      const { account } = configs.nightshift.environments[workHost.of] as EnvironmentConfig;
      eks.grant(
        'WorkHostAccess',
        `arn:${this.partition}:iam::${account}:role/${workHostRoleOf(workHost.of)}`,
        policy,
      );
      return;
    }
    const host = new WorkHost(this, 'WorkHost', {
      environment: this.#name,
      vpc,
      clusters: [this.#name, ...usersOf(this.#name, configs.platform)].map((name) =>
        this.#clusterArn(configs.nightshift.environments[name] as EnvironmentConfig),
      ),
    });
    eks.cluster.connections.allowFrom(host.securityGroup, Port.tcp(443), 'kubectl from the work host');
    eks.grant('WorkHostAccess', host.role.roleArn, policy);
  }

  #clusterArn({ account, region, cluster }: EnvironmentConfig): string {
    return `arn:${this.partition}:eks:${region}:${account}:cluster/${cluster}`;
  }

  /** For `network` of nightshift's config, which a private endpoint needs. */
  #outputNetwork(network: Network, securityGroup: string): void {
    new CfnOutput(this, 'PrivateSubnets', {
      value: network.privateSubnetIds,
      description: "for network.subnets of nightshift's config, where the endpoint is private",
    });
    new CfnOutput(this, 'ClusterSecurityGroup', {
      value: securityGroup,
      description: "for network.securityGroups of nightshift's config, where the endpoint is private",
    });
  }
}

/** The environments that use the work host of this one. */
function usersOf(host: string, { environments }: PlatformConfig): readonly string[] {
  return Object.entries(environments).flatMap(([name, { workHost }]) =>
    workHost !== 'create' && workHost.of === host ? [name] : [],
  );
}
