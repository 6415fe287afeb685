/** Add-ons of EKS, and the roles of what Argo CD installs. */

import { CfnAddon, CfnPodIdentityAssociation, type Cluster } from 'aws-cdk-lib/aws-eks-v2';
import type { Role } from 'aws-cdk-lib/aws-iam';
import type { IHostedZone } from 'aws-cdk-lib/aws-route53';
import type { IDependable } from 'constructs';
import { Construct } from 'constructs';
import {
  autoscalerPolicy,
  externalDnsPolicy,
  fluentBitPolicy,
  grafanaPolicy,
  loadBalancerPolicy,
  type Place,
} from './pod-policies.ts';
import { PodRole, type PodRoleProps } from './pod-role.ts';

export interface AddOnsProps {
  readonly cluster: Cluster;
  readonly place: Place;
  readonly zone: IHostedZone;
  /** The log group to which fluent-bit sends the logs of pods. */
  readonly podLogs: string;
  /** The groups that Cluster Autoscaler may resize. */
  readonly autoscaled: readonly string[];
}

export class AddOns extends Construct {
  /** Nodes wait for these: without them they are never Ready. */
  readonly beforeNodes: readonly CfnAddon[];
  readonly #props: AddOnsProps;
  readonly #afterNodes: CfnAddon[] = [];

  constructor(scope: Construct, id: string, props: AddOnsProps) {
    super(scope, id);
    this.#props = props;
    this.beforeNodes = ['vpc-cni', 'kube-proxy', 'eks-pod-identity-agent'].map((name) => this.#addOn(name));
    this.#afterNodes.push(this.#addOn('coredns'), this.#addOn('metrics-server'));
    this.#externalDns();
    this.#fluentBit();
    this.#volumes();
    this.#roles();
  }

  /** Their pods need a node to become active. */
  waitFor(nodes: IDependable): void {
    for (const addOn of this.#afterNodes) addOn.node.addDependency(nodes);
  }

  #addOn(name: string, configuration?: object, pod?: { serviceAccount: string; role: Role }): CfnAddon {
    return new CfnAddon(this, name, {
      clusterName: this.#props.cluster.clusterName,
      addonName: name,
      resolveConflicts: 'OVERWRITE',
      ...(configuration ? { configurationValues: JSON.stringify(configuration) } : {}),
      ...(pod
        ? { podIdentityAssociations: [{ serviceAccount: pod.serviceAccount, roleArn: pod.role.roleArn }] }
        : {}),
    });
  }

  #externalDns(): void {
    const { zone, place } = this.#props;
    const { role } = this.#podRole('ExternalDnsRole', {
      serviceAccount: 'external-dns/external-dns',
      permissions: externalDnsPolicy(zone.hostedZoneArn),
    });
    const configuration = {
      provider: 'aws',
      policy: 'upsert-only',
      registry: 'txt',
      txtOwnerId: place.cluster,
      domainFilters: [zone.zoneName],
      sources: ['ingress', 'service'],
    };
    this.#afterNodes.push(
      this.#addOn('external-dns', configuration, { serviceAccount: 'external-dns', role }),
    );
  }

  #fluentBit(): void {
    const { podLogs, place } = this.#props;
    const { role } = this.#podRole('FluentBitRole', {
      serviceAccount: 'fluent-bit/fluent-bit',
      permissions: fluentBitPolicy(place, podLogs),
    });
    const output = `[OUTPUT]
    Name cloudwatch_logs
    Match kube.*
    region ${place.region}
    log_group_name ${podLogs}
    log_stream_prefix pod-
    auto_create_group off
`;
    this.#afterNodes.push(
      this.#addOn('fluent-bit', { config: { outputs: output } }, { serviceAccount: 'fluent-bit', role }),
    );
  }

  #volumes(): void {
    const name = 'service-role/AmazonEBSCSIDriverPolicy';
    const { role } = this.#podRole('EbsCsiRole', {
      serviceAccount: 'kube-system/ebs-csi-controller-sa',
      managedPolicy: {
        name,
        reason: 'AWS maintains what its driver needs; it is limited by tags of the driver.',
      },
    });
    this.#afterNodes.push(
      this.#addOn('aws-ebs-csi-driver', undefined, { serviceAccount: 'ebs-csi-controller-sa', role }),
    );
  }

  /** Of the controllers in `gitops/`. */
  #roles(): void {
    const { place, autoscaled } = this.#props;
    const controllers = [
      ['LoadBalancerRole', 'kube-system', 'aws-load-balancer-controller', loadBalancerPolicy(place)],
      ['AutoscalerRole', 'kube-system', 'cluster-autoscaler', autoscalerPolicy(place, autoscaled)],
      ['GrafanaRole', 'monitoring', 'kube-prometheus-stack-grafana', grafanaPolicy()],
    ] as const;
    for (const [id, namespace, serviceAccount, permissions] of controllers) {
      const { role } = this.#podRole(id, { serviceAccount: `${namespace}/${serviceAccount}`, permissions });
      new CfnPodIdentityAssociation(this, `${id}Association`, {
        clusterName: this.#props.cluster.clusterName,
        namespace,
        serviceAccount,
        roleArn: role.roleArn,
      });
    }
  }

  #podRole(id: string, props: Omit<PodRoleProps, 'cluster'>): PodRole {
    return new PodRole(this, id, { ...props, cluster: this.#props.cluster });
  }
}
