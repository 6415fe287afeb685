/** Lets a function into the cluster: an access entry whose Kubernetes group is bound by `manifests/`. */
import { CfnAccessEntry } from 'aws-cdk-lib/aws-eks';
import { Construct } from 'constructs';
import type { NightshiftFunction } from './nightshift-function.ts';

export interface ClusterAccessProps {
  readonly cluster: string;
  readonly to: NightshiftFunction;
}

export class ClusterAccess extends Construct {
  constructor(scope: Construct, id: string, props: ClusterAccessProps) {
    super(scope, id);
    new CfnAccessEntry(this, 'Entry', {
      clusterName: props.cluster,
      principalArn: props.to.role.roleArn,
      type: 'STANDARD',
      kubernetesGroups: [`nightshift:${props.to.capability}`],
    });
  }
}
