/** What a person should know at synth: another environment is deployed by the same Argo CD. */

import { Annotations } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { EnvironmentConfig, NightshiftConfig } from '#model/config.ts';
import { ownValue } from '#model/own-value.ts';

/** `cdk synth` prints it; it stops nothing. */
export function warnOfSharedArgocd(
  scope: Construct,
  name: string,
  environments: NightshiftConfig['environments'],
): void {
  const own = ownValue(environments, name);
  if (!own?.deploy) return;
  const others = Object.entries(environments)
    .filter(([other, environment]) => other !== name && sharesArgocd(own, environment))
    .map(([other]) => other);
  if (others.length === 0) return;
  const advice =
    own.deploy.argocd.through === 'kubernetes'
      ? `the role in manifests/argocd reaches the applications of each: apply what "nightshift manifests ${name}" prints in its place`
      : 'give each environment an Argo CD project and a token of its own, or one token reaches the applications of each';
  Annotations.of(scope).addWarningV2(
    'eks-nightshift:shared-argocd',
    `${name} shares its Argo CD with ${others.join(', ')}: ${advice}`,
  );
}

function sharesArgocd(own: EnvironmentConfig, other: EnvironmentConfig): boolean {
  const urlOf = ({ deploy }: EnvironmentConfig) => deploy?.argocd.url?.replace(/\/+$/, '');
  const isSameCluster =
    own.cluster === other.cluster && own.account === other.account && own.region === other.region;
  return isSameCluster || (urlOf(own) !== undefined && urlOf(own) === urlOf(other));
}
