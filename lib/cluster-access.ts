/** Access of a function to the cluster. */
import { CfnAccessEntry } from 'aws-cdk-lib/aws-eks';
import { Construct } from 'constructs';
import type { NightshiftFunction } from './nightshift-function.ts';

export interface ClusterAccessProps {
  /** Name of the EKS cluster. */
  readonly cluster: string;
  /** The function that gets access. */
  readonly to: NightshiftFunction;
  /** Default `nightshift:<capability>`. */
  readonly group?: string;
}

/** An access entry with the Kubernetes group of the function; `manifests/` binds its permissions. */
export class ClusterAccess extends Construct {
  constructor(scope: Construct, id: string, props: ClusterAccessProps) {
    super(scope, id);
    new CfnAccessEntry(this, 'Entry', {
      clusterName: props.cluster,
      principalArn: props.to.role.roleArn,
      type: 'STANDARD',
      kubernetesGroups: [props.group ?? `nightshift:${props.to.capability}`],
    });
  }
}
