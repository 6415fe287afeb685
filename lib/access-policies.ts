/** Managed policies for people: the least that each role needs, to attach to your own roles and permission sets. */
import { Validations } from 'aws-cdk-lib';
import { ManagedPolicy, PolicyDocument } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { AccessRole } from '#model/config.ts';
import { accessPermissions, accessPolicyDocument } from './access-policy.ts';
import { checkedEnvironment, type EnvironmentProps } from './checked-environment.ts';

export interface AccessPoliciesProps extends EnvironmentProps {
  /** Which policies; a role that is named twice gets one. */
  readonly roles: readonly AccessRole[];
}

/** `nightshift-<environment>-<role>` for each role. */
export class AccessPolicies extends Construct {
  readonly policies: ReadonlyMap<AccessRole, ManagedPolicy>;

  constructor(scope: Construct, id: string, props: AccessPoliciesProps) {
    super(scope, id);
    const { name, config } = checkedEnvironment(props);
    this.policies = new Map(
      [...new Set(props.roles)].map((role) => {
        const permissions = accessPermissions(role, name, config);
        const policy = new ManagedPolicy(this, role.charAt(0).toUpperCase() + role.slice(1), {
          managedPolicyName: `nightshift-${name}-${role}`,
          description: `eks-nightshift: what a ${role} of the environment ${name} needs`,
          document: PolicyDocument.fromJson(accessPolicyDocument(permissions)),
        });
        for (const { resources, wildcardReason } of permissions)
          for (const wildcard of resources.filter((resource) => resource.includes('*')))
            Validations.of(policy).acknowledge({
              id: `AwsSolutions-IAM5[Resource::${wildcard}]`,
              reason: wildcardReason ?? '',
            });
        return [role, policy];
      }),
    );
  }
}
