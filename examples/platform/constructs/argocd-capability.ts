/** Argo CD run by EKS, outside of the cluster. `gitops/bootstrap` gives it its rights in the cluster. */
import { CfnCapability, type Cluster } from 'aws-cdk-lib/aws-eks-v2';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { ArgocdConfig } from '../platform-config.ts';

export interface ArgocdCapabilityProps {
  readonly environment: string;
  readonly cluster: Cluster;
  readonly config: Extract<ArgocdConfig, { kind: 'capability' }>;
}

export class ArgocdCapability extends Construct {
  readonly capability: CfnCapability;

  constructor(scope: Construct, id: string, { environment, cluster, config }: ArgocdCapabilityProps) {
    super(scope, id);
    const role = new Role(this, 'Role', {
      roleName: argocdRoleOf(environment),
      description: 'the Argo CD capability; it needs no permission of IAM for public repositories',
      assumedBy: new ServicePrincipal('capabilities.eks.amazonaws.com').withSessionTags(),
    });
    this.capability = new CfnCapability(this, 'Capability', {
      capabilityName: 'argocd',
      clusterName: cluster.clusterName,
      type: 'ARGOCD',
      roleArn: role.roleArn,
      deletePropagationPolicy: 'RETAIN',
      configuration: {
        argoCd: {
          namespace: 'argocd',
          awsIdc: { idcInstanceArn: config.identityCenter },
          rbacRoleMappings: [
            {
              role: 'ADMIN',
              identities: config.adminGroups.map((group) => ({ id: group, type: 'SSO_GROUP' })),
            },
          ],
        },
      },
    });
  }
}

/** Fixed, because `gitops/bootstrap` binds it. */
export function argocdRoleOf(environment: string): string {
  return `platform-${environment}-argocd`;
}
