/** ARNs of resources that other stacks and services created: clusters, nodegroups, Auto Scaling groups, builds, secrets. */
import { ArnFormat, Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

export function clusterArn(scope: IConstruct, cluster: string): string {
  return Stack.of(scope).formatArn({ service: 'eks', resource: 'cluster', resourceName: cluster });
}

/** The ARN of a nodegroup ends in an id that EKS assigns. `*` means every nodegroup of the cluster. */
export function nodegroupArn(scope: IConstruct, cluster: string, nodegroup: string): string {
  return Stack.of(scope).formatArn({
    service: 'eks',
    resource: 'nodegroup',
    resourceName: `${cluster}/${nodegroup}/*`,
  });
}

/** The ARN of a group contains an id that Auto Scaling assigns. `*` means every group of the region. */
export function autoScalingGroupArn(scope: IConstruct, name: string): string {
  return Stack.of(scope).formatArn({
    service: 'autoscaling',
    resource: 'autoScalingGroup',
    resourceName: `*:autoScalingGroupName/${name}`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
}

/**
 * IAM condition: self-managed groups of this cluster only. The groups of managed nodegroups have the cluster's tag too,
 * but may only be changed through EKS.
 */
export function selfManagedGroupsOf(cluster: string) {
  return {
    StringEquals: { [`aws:ResourceTag/kubernetes.io/cluster/${cluster}`]: 'owned' },
    Null: { 'aws:ResourceTag/eks:nodegroup-name': 'true' },
  };
}

export function buildProjectArn(scope: IConstruct, project: string): string {
  return Stack.of(scope).formatArn({ service: 'codebuild', resource: 'project', resourceName: project });
}

export function imageRepositoryArn(scope: IConstruct, name: string): string {
  return Stack.of(scope).formatArn({ service: 'ecr', resource: 'repository', resourceName: name });
}

/** Secrets Manager appends a hyphen and six characters to the name; a complete ARN already contains them. */
export function secretArn(scope: IConstruct, name: string): string {
  if (name.startsWith('arn:')) return name;
  return Stack.of(scope).formatArn({
    service: 'secretsmanager',
    resource: 'secret',
    resourceName: `${name}-??????`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
}

/** The ARN of a capability of the type ARGOCD ends in an id that EKS assigns. */
export function argocdCapabilityArn(scope: IConstruct, cluster: string, name: string): string {
  return Stack.of(scope).formatArn({
    service: 'eks',
    resource: 'capability',
    resourceName: `${cluster}/argocd/${name}/*`,
  });
}
