/** The config as a CDK app. */
import { App, type AppProps } from 'aws-cdk-lib';
import type { NightshiftConfig } from '#model/config.ts';
import { checkedConfig } from './checked-environment.ts';
import { NightshiftStack } from './nightshift-stack.ts';

/** The config, and what else an app may have. */
export interface NightshiftAppProps extends AppProps {
  /** The whole config. A mistake in it is a `ConfigError`, with one line for each. */
  readonly config: NightshiftConfig;
  /** Public holidays are expanded from this instant on. Default: now. */
  readonly now?: Date;
}

/** Feature flags are set here and not in `cdk.json`, so that the app is the same without the CDK command line. */
const CONTEXT = {
  '@aws-cdk/core:checkSecretUsage': true,
  '@aws-cdk/core:strictCfnValidateErrors': true,
  '@aws-cdk/core:target-partitions': ['aws', 'aws-cn', 'aws-us-gov', 'aws-eusc'],
  '@aws-cdk/core:enablePartitionLiterals': true,
  '@aws-cdk/aws-iam:minimizePolicies': true,
  '@aws-cdk/aws-lambda:recognizeLayerVersion': true,
  '@aws-cdk/aws-lambda:createNewPoliciesWithAddToRolePolicy': false,
};

/** One `NightshiftStack` for each environment of the config. */
export class NightshiftApp extends App {
  /** In the order of the config. */
  readonly environments: readonly NightshiftStack[];

  constructor(props: NightshiftAppProps) {
    const { config, now = new Date(), ...appProps } = props;
    super({ analyticsReporting: false, ...appProps, context: { ...CONTEXT, ...appProps.context } });
    this.environments = Object.keys(checkedConfig(config).environments).map(
      (environment) => new NightshiftStack(this, stackIdOf(environment), { config, environment, now }),
    );
  }
}

/** `Nightshift-<environment>` */
export function stackIdOf(environment: string): string {
  return `Nightshift-${environment}`;
}
