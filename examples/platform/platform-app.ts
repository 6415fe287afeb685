/** Two stacks for each environment: the platform, and its night shift. */
import { App, type AppProps } from 'aws-cdk-lib';
import { checkedConfig, type NightshiftConfig, NightshiftStack } from '#lib/index.ts';
import { checkPlatform } from './check-platform.ts';
import type { PlatformConfig } from './platform-config.ts';
import { PlatformStack } from './platform-stack.ts';

export interface PlatformAppProps extends AppProps {
  readonly platform: PlatformConfig;
  readonly nightshift: NightshiftConfig;
  /** Public holidays are expanded from this instant on. */
  readonly now: Date;
}

const CONTEXT = {
  '@aws-cdk/core:target-partitions': ['aws'],
  '@aws-cdk/core:enablePartitionLiterals': true,
  '@aws-cdk/aws-ec2:restrictDefaultSecurityGroup': false,
  '@aws-cdk/aws-iam:minimizePolicies': false,
};

export class PlatformApp extends App {
  readonly platforms: readonly PlatformStack[];

  /** Throws a `ConfigError` or a `PlatformError` with one line for each mistake. */
  constructor(props: PlatformAppProps) {
    const { platform, nightshift, now, ...appProps } = props;
    super({ analyticsReporting: false, ...appProps, context: { ...CONTEXT, ...appProps.context } });
    checkPlatform(platform, checkedConfig(nightshift));
    this.platforms = Object.keys(platform.environments).map((environment) => {
      const stack = new PlatformStack(this, `Platform-${environment}`, { platform, nightshift, environment });
      const night = new NightshiftStack(this, `Nightshift-${environment}`, {
        config: nightshift,
        environment,
        now,
      });
      // Its functions get access entries of the cluster.
      night.addStackDependency(stack);
      return stack;
    });
  }
}
