/** The branch-deploy capability: deploys a merged branch with Argo CD. */
import { Duration } from 'aws-cdk-lib';
import { Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Construct } from 'constructs';
import type { BranchDeploySettings } from '#model/settings.ts';
import { buildProjectArn, clusterArn, secretArn } from './arns.ts';
import { ClusterAccess } from './cluster-access.ts';
import { buildEnded } from './event-patterns.ts';
import { type CapabilityProps, NightshiftFunction } from './nightshift-function.ts';
import { Timer } from './timer.ts';

/** Settings from `settingsOf`, and what every capability needs. */
export type BranchDeployProps = CapabilityProps<BranchDeploySettings>;

/**
 * The function that deploys after a build, the rule for ended builds, and a tick every minute. Throws for a production
 * environment.
 */
export class BranchDeploy extends Construct {
  readonly function: NightshiftFunction;

  constructor(scope: Construct, id: string, props: BranchDeployProps) {
    super(scope, id);
    const { settings } = props;
    if (settings.production)
      throw new Error(
        `${settings.environment} is a production environment, which is only deployed by hand: remove its deploy`,
      );

    this.function = new NightshiftFunction(this, 'Deploy', {
      ...props,
      capability: 'branch-deploy',
      memory: 256,
      timeout: Duration.minutes(2),
      maxEventAge: Duration.hours(1),
      retryAttempts: 2,
    });
    this.#permit(props);
    if (settings.argocd.through === 'kubernetes')
      new ClusterAccess(this, 'Access', { cluster: settings.cluster, to: this.function });

    new Rule(this, 'BuildEnded', {
      description: `a build of a project that ${settings.environment} deploys has ended`,
      eventPattern: buildEnded(settings.builds.map((build) => build.project)),
      targets: [
        new LambdaFunction(this.function.lambda, {
          deadLetterQueue: this.function.deadLetters,
          maxEventAge: Duration.hours(1),
          retryAttempts: 10,
        }),
      ],
    });
    new Timer(this, 'Timer', { environment: settings.environment, target: this.function }).call(
      'branch-deploy-tick',
      {
        trigger: 'tick',
        expression: 'rate(1 minute)',
        description: `continues pending deploys in ${settings.environment}, and finds builds whose event was lost`,
        maxEventAge: Duration.minutes(1),
        retryAttempts: 3,
      },
    );
  }

  #permit({ settings, table }: BranchDeployProps): void {
    this.function.allow({
      sid: 'SeeBuilds',
      actions: [
        'codebuild:BatchGetBuildBatches',
        'codebuild:BatchGetBuilds',
        'codebuild:BatchGetProjects',
        'codebuild:ListBuildsForProject',
      ],
      resources: [...new Set(settings.builds.map((build) => buildProjectArn(this, build.project)))],
    });
    if (settings.argocd.through === 'kubernetes') {
      this.function.allow({
        sid: 'SeeCluster',
        actions: ['eks:DescribeCluster'],
        resources: [clusterArn(this, settings.cluster)],
      });
    } else {
      this.function.allow({
        sid: 'ReadArgocdToken',
        actions: ['secretsmanager:GetSecretValue'],
        resources: [secretArn(this, settings.argocd.tokenSecret)],
      });
    }
    if (settings.status) {
      this.function.allow({
        sid: 'ReadStatusToken',
        actions: ['secretsmanager:GetSecretValue'],
        resources: [secretArn(this, settings.status.github.tokenSecret)],
      });
    }
    table.permit(this.function, {
      get: ['deploy', 'night'],
      list: ['deploy', 'override'],
      // Waking the cluster means writing an override; the tick of night-schedule applies it within a minute.
      write: ['deploy', 'decision', ...(settings.whenAsleep === 'wake' ? (['override'] as const) : [])],
      remove: settings.dryRun ? [] : ['deploy'],
    });
  }
}
