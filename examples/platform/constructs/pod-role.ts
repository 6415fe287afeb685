/** A role for one service account, by Pod Identity. */
import { Stack } from 'aws-cdk-lib';
import type { Cluster } from 'aws-cdk-lib/aws-eks-v2';
import { ManagedPolicy, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { accept, managedPolicyFinding, wildcardFinding } from './nag-reasons.ts';
import type { PodPermission } from './pod-policies.ts';

export interface PodRoleProps {
  readonly cluster: Cluster;
  /** `<namespace>/<service account>`, for its description. */
  readonly serviceAccount: string;
  readonly permissions?: readonly PodPermission[];
  /** A policy of AWS, where AWS maintains what the pod needs. */
  readonly managedPolicy?: { readonly name: string; readonly reason: string };
}

export class PodRole extends Construct {
  readonly role: Role;

  constructor(scope: Construct, id: string, props: PodRoleProps) {
    super(scope, id);
    const { cluster, serviceAccount, permissions = [], managedPolicy } = props;
    const principal = new ServicePrincipal('pods.eks.amazonaws.com', {
      conditions: {
        StringEquals: { 'aws:SourceAccount': Stack.of(this).account },
        ArnEquals: { 'aws:SourceArn': cluster.clusterArn },
      },
    });
    this.role = new Role(this, 'Role', {
      description: `${serviceAccount} of the cluster, by Pod Identity`,
      assumedBy: principal.withSessionTags(),
      managedPolicies: managedPolicy ? [ManagedPolicy.fromAwsManagedPolicyName(managedPolicy.name)] : [],
    });
    if (managedPolicy)
      accept(this.role, { [managedPolicyFinding(managedPolicy.name)]: managedPolicy.reason });
    for (const { statement, wildcards } of permissions) {
      this.role.addToPolicy(statement);
      for (const { resource, reason } of wildcards)
        accept(this.role, { [wildcardFinding(resource)]: reason });
    }
  }
}
