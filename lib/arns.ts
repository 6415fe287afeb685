/** Names of things in the account that other services made: clusters, nodegroups, Auto Scaling groups, builds, secrets. */
import { ArnFormat, Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

export function clusterArn(scope: IConstruct, cluster: string): string {
  return Stack.of(scope).formatArn({ service: 'eks', resource: 'cluster', resourceName: cluster });
}

/** Nodegroups end in an id that only EKS knows. `*` for all of the cluster. */
export function nodegroupArn(scope: IConstruct, cluster: string, nodegroup: string): string {
  return Stack.of(scope).formatArn({
    service: 'eks',
    resource: 'nodegroup',
    resourceName: `${cluster}/${nodegroup}/*`,
  });
}

/** Groups have an id before their name that only Auto Scaling knows. `*` for all of the region. */
export function autoScalingGroupArn(scope: IConstruct, name: string): string {
  return Stack.of(scope).formatArn({
    service: 'autoscaling',
    resource: 'autoScalingGroup',
    resourceName: `*:autoScalingGroupName/${name}`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
}

/**
 * Holds for self-managed groups of this cluster: those of its managed nodegroups carry the cluster's tag too, and are
 * never written past EKS.
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

/** Secrets Manager adds a hyphen and six characters to the name; a whole ARN has them already. */
export function secretArn(scope: IConstruct, name: string): string {
  if (name.startsWith('arn:')) return name;
  return Stack.of(scope).formatArn({
    service: 'secretsmanager',
    resource: 'secret',
    resourceName: `${name}-??????`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
}
