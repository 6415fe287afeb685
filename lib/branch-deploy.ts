/** The branch-deploy capability: deploys a merged branch with Argo CD. */
import { CfnOutput, Duration } from 'aws-cdk-lib';
import { EventField, Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Construct } from 'constructs';
import type { EnvironmentConfig } from '#model/config.ts';
import { imageRepositories } from '#model/image-repository.ts';
import type { BranchDeploySettings } from '#model/settings.ts';
import { type ScheduledTrigger, TRIGGER_SOURCE } from '#model/trigger.ts';
import { argocdCapabilityArn, buildProjectArn, clusterArn, imageRepositoryArn, secretArn } from './arns.ts';
import { BuildProject } from './build-project.ts';
import { checkedEnvironment } from './checked-environment.ts';
import { ClusterAccess } from './cluster-access.ts';
import { throughServices } from './encryption-key.ts';
import { buildAnnounced, buildEnded, clusterAwake } from './event-patterns.ts';
import {
  applyBoundary,
  type CapabilityProps,
  NightshiftFunction,
  putsEvents,
} from './nightshift-function.ts';
import type { StateTable } from './state-table.ts';

/** The environment, its table and its topics. */
export type BranchDeployProps = CapabilityProps;

/**
 * The function that deploys after a build, the CodeBuild projects of the builds with `create`, the rule for ended builds, and a tick every minute. Throws for a production
 * environment.
 */
export class BranchDeploy extends Construct {
  /** The function, with its role, log and dead-letter queue. */
  readonly function: NightshiftFunction;

  constructor(scope: Construct, id: string, props: BranchDeployProps) {
    super(scope, id);
    const environment = checkedEnvironment(props);
    const settings = environment.settings.branchDeploy;
    if (environment.config.production)
      throw new Error(`${environment.name} is a production environment, which is only deployed by hand`);
    if (!settings) throw new Error(`${environment.name} has no deploy in its config`);

    applyBoundary(this, environment.config);
    this.function = new NightshiftFunction(this, 'Deploy', {
      ...props,
      environment,
      settings,
      capability: 'branch-deploy',
      memory: 256,
      timeout: Duration.minutes(2),
      maxEventAge: Duration.hours(1),
      retryAttempts: 2,
    });
    this.#permit(settings, props.table);
    if (!settings.dryRun) this.#permitKeys(environment.config, settings.argocd.through === 'server');
    this.#access(settings);

    for (const { project, create } of environment.config.deploy?.builds ?? [])
      if (create) new BuildProject(this, `Build-${project}`, { ...props, project });

    const target = new LambdaFunction(this.function.lambda, {
      deadLetterQueue: this.function.deadLetters,
      maxEventAge: Duration.hours(1),
      retryAttempts: 10,
    });
    const { ofCodeBuild, announced } = projectsOf(settings);
    if (ofCodeBuild.length > 0)
      new Rule(this, 'BuildEnded', {
        description: `a build of a project that ${settings.environment} deploys has ended`,
        eventPattern: buildEnded(ofCodeBuild),
        targets: [target],
      });
    if (announced.length > 0)
      new Rule(this, 'BuildAnnounced', {
        description: `a build that ran elsewhere and that ${settings.environment} deploys has ended`,
        eventPattern: buildAnnounced(announced, settings.account),
        targets: [target],
      });
    if (environment.settings.nightSchedule && putsEvents(settings))
      new Rule(this, 'ClusterAwake', {
        description: `the cluster of ${settings.environment} is awake: what waits for it is deployed at once`,
        eventPattern: clusterAwake(settings.environment, settings.account),
        targets: [target],
      });
    this.#onTick(settings.environment);
  }

  /** A rule, not EventBridge Scheduler: one with a rate costs nothing, and a tick needs no time zone. */
  #onTick(environment: string): void {
    const input = {
      source: TRIGGER_SOURCE,
      trigger: 'tick',
      schedule: 'branch-deploy-tick',
      id: EventField.eventId,
      time: EventField.time,
    } satisfies ScheduledTrigger;
    new Rule(this, 'Tick', {
      description: `continues pending deploys in ${environment}, and finds builds whose event was lost`,
      schedule: Schedule.rate(Duration.minutes(1)),
      targets: [
        new LambdaFunction(this.function.lambda, {
          event: RuleTargetInput.fromObject(input),
          deadLetterQueue: this.function.deadLetters,
          maxEventAge: Duration.minutes(1),
          retryAttempts: 3,
        }),
      ],
    });
  }

  /** In a hub other environments have applications too: each environment has a group of its own there. */
  #access({ argocd: { through, hub }, cluster, environment }: BranchDeploySettings): void {
    if (through !== 'kubernetes') return;
    const group = hub ? `nightshift:branch-deploy:${environment}` : undefined;
    if (!hub?.endpoint) {
      const place = { cluster: hub?.cluster ?? cluster, ...(group ? { group } : {}) };
      new ClusterAccess(this, 'Access', { ...place, to: this.function });
      return;
    }
    new CfnOutput(this, 'HubPrincipal', {
      value: this.function.role.roleArn,
      description: `give this role an access entry with the group ${group} in the cluster ${hub.cluster} of the other account`,
    });
  }

  /** Secrets under a key of the account or of another one; AWS's own key needs no permission. */
  #permitKeys({ deploy, region }: EnvironmentConfig, usesToken: boolean): void {
    const keys = [
      ['DecryptArgocdToken', usesToken ? deploy?.argocd.kmsKey : undefined],
      ['DecryptGithubToken', deploy?.status?.github?.kmsKey],
      ['DecryptGitlabToken', deploy?.status?.gitlab?.kmsKey],
      ['DecryptBitbucketToken', deploy?.status?.bitbucket?.kmsKey],
    ] as const;
    for (const [sid, key] of keys)
      if (key)
        this.function.allow({
          sid,
          actions: ['kms:Decrypt'],
          resources: [key],
          conditions: throughServices(region, 'secretsmanager'),
        });
  }

  #permitArgocd({ argocd, cluster }: BranchDeploySettings): void {
    const { through, hub, url, tokenSecret, capability } = argocd;
    const place = hub?.cluster ?? cluster;
    if (through === 'kubernetes') {
      if (hub?.endpoint) return;
      this.function.allow({
        sid: 'SeeCluster',
        actions: ['eks:DescribeCluster'],
        resources: [clusterArn(this, place)],
      });
      return;
    }
    if (tokenSecret)
      this.function.allow({
        sid: 'ReadArgocdToken',
        actions: ['secretsmanager:GetSecretValue'],
        resources: [secretArn(this, tokenSecret)],
      });
    if (capability && !url)
      this.function.allow({
        sid: 'SeeArgocdCapability',
        actions: ['eks:DescribeCapability'],
        resources: [argocdCapabilityArn(this, place, capability)],
        wildcardReason: 'the ARN of a capability ends in an id that EKS assigns when it is created',
      });
  }

  #permit(settings: BranchDeploySettings, table: StateTable): void {
    const { ofCodeBuild } = projectsOf(settings);
    if (ofCodeBuild.length > 0)
      this.function.allow({
        sid: 'SeeBuilds',
        actions: [
          'codebuild:BatchGetBuildBatches',
          'codebuild:BatchGetBuilds',
          // A dry run writes no deploy down, so that it never compares the numbers of two builds.
          ...(settings.dryRun ? [] : ['codebuild:BatchGetProjects']),
          'codebuild:ListBuildsForProject',
        ],
        resources: ofCodeBuild.map((project) => buildProjectArn(this, project)),
      });
    const reads = { get: ['deploy', 'night'], list: ['deploy', 'override'] } as const;
    // A dry run asks neither Argo CD nor GitHub, and gets no other permissions.
    if (settings.dryRun) {
      table.permit(this.function, { ...reads, write: ['deploy', 'decision'] });
      return;
    }
    this.#permitArgocd(settings);
    const repositories = imageRepositories(settings);
    if (repositories.length > 0) {
      this.function.allow({
        sid: 'SeeImages',
        actions: ['ecr:BatchGetImage'],
        resources: repositories.map((name) => imageRepositoryArn(this, name)),
      });
    }
    const forges = Object.values(settings.status ?? {});
    if (forges.length > 0) {
      this.function.allow({
        sid: 'ReadStatusToken',
        actions: ['secretsmanager:GetSecretValue'],
        resources: [...new Set(forges.map(({ tokenSecret }) => secretArn(this, tokenSecret)))],
      });
    }
    table.permit(this.function, {
      ...reads,
      // Waking the cluster means writing an override; the tick of night-schedule applies it within a minute.
      write: ['deploy', 'decision', ...(settings.whenAsleep === 'wake' ? (['override'] as const) : [])],
      remove: settings.dryRun ? [] : ['deploy'],
    });
  }
}

/** Each once: of CodeBuild, and of builds that announce themselves. */
function projectsOf({ builds }: BranchDeploySettings) {
  const names = (some: BranchDeploySettings['builds']) => [...new Set(some.map(({ project }) => project))];
  return {
    ofCodeBuild: names(builds.filter(({ announced }) => !announced)),
    announced: names(builds.filter(({ announced }) => announced)),
  };
}
