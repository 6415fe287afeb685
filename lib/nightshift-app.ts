/** The config as a CDK app. */
import { App, type AppProps } from 'aws-cdk-lib';
import type { NightshiftConfig } from '#model/config.ts';
import { NightshiftStack } from './nightshift-stack.ts';
import { settingsOf } from './settings.ts';

export interface NightshiftAppProps extends AppProps {
  /** A config that `loadConfig` has checked. */
  readonly config: NightshiftConfig;
  /** Holidays are expanded from this day on. */
  readonly now: Date;
}

/** Feature flags are set here and not in `cdk.json`, so that the app is the same without the CDK command line. */
const CONTEXT = {
  '@aws-cdk/core:checkSecretUsage': true,
  '@aws-cdk/core:strictCfnValidateErrors': true,
  '@aws-cdk/core:target-partitions': ['aws', 'aws-cn'],
  '@aws-cdk/core:enablePartitionLiterals': true,
  '@aws-cdk/aws-iam:minimizePolicies': true,
  '@aws-cdk/aws-lambda:recognizeLayerVersion': true,
  '@aws-cdk/aws-lambda:createNewPoliciesWithAddToRolePolicy': false,
};

/** One `NightshiftStack` for each environment of the config. */
export class NightshiftApp extends App {
  readonly environments: readonly NightshiftStack[];

  constructor(props: NightshiftAppProps) {
    const { config, now, ...appProps } = props;
    super({ analyticsReporting: false, ...appProps, context: { ...CONTEXT, ...appProps.context } });
    this.environments = Object.entries(config.environments).map(
      ([name, { deploy, network, notify, tracing }]) =>
        new NightshiftStack(this, stackIdOf(name), {
          settings: settingsOf(config, name, now),
          network,
          notify,
          tracing,
          builds: deploy?.builds ?? [],
        }),
    );
  }
}

/** `Nightshift-<environment>` */
export function stackIdOf(environment: string): string {
  return `Nightshift-${environment}`;
}
