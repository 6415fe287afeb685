/** One environment: one cluster, one stack, one set of permissions. */
import { CfnOutput, Stack, type StackProps, Tags } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { BuildConfig, BuildProjectConfig, NetworkConfig, NotifyConfig } from '#model/config.ts';
import type { EnvironmentSettings } from '#model/settings.ts';
import { BranchDeploy } from './branch-deploy.ts';
import { BuildProject } from './build-project.ts';
import { Monitoring } from './monitoring.ts';
import { NightSchedule } from './night-schedule.ts';
import type { NightshiftFunction } from './nightshift-function.ts';
import { Notifications } from './notifications.ts';
import { SpotDrain } from './spot-drain.ts';
import { StateTable } from './state-table.ts';

export interface NightshiftStackProps extends Omit<StackProps, 'env'> {
  /** Every function of the environment; `settingsOf` makes them from the config. */
  readonly settings: EnvironmentSettings;
  /** Where the functions run, for a cluster whose endpoint is private. Default: outside of any VPC. */
  readonly network?: NetworkConfig | undefined;
  /** The builds of the config: those with `create` get their CodeBuild project here. */
  readonly builds?: readonly BuildConfig[];
  /** Whom the functions tell what people should know. Default: nobody. */
  readonly notify?: NotifyConfig | undefined;
  /** Record each run of the functions in AWS X-Ray. Default: false. */
  readonly tracing?: boolean | undefined;
}

export class NightshiftStack extends Stack {
  readonly state: StateTable;
  readonly spotDrain: SpotDrain;
  readonly nightSchedule?: NightSchedule;
  readonly branchDeploy?: BranchDeploy;

  constructor(scope: Construct, id: string, props: NightshiftStackProps) {
    const { settings, network, builds, notify, tracing, ...stackProps } = props;
    const { environment, account, region, cluster, production } = settings.spotDrain;
    super(scope, id, {
      description: `eks-nightshift for the environment ${environment} (EKS cluster ${cluster})`,
      ...stackProps,
      env: { account, region },
    });
    if (production && (settings.nightSchedule || settings.branchDeploy))
      throw new Error(
        `${environment} is a production environment: it is only drained, so it has no schedule and no deploy`,
      );
    Tags.of(this).add('nightshift:environment', environment);

    const table = new StateTable(this, 'State', { environment });
    this.state = table;
    // The id stays: topics have names, and CloudFormation cannot make one again under another id.
    const notifications = notify ? new Notifications(this, 'Notices', { environment, notify }) : undefined;
    const shared = { table, network, notifications, tracing };
    this.spotDrain = new SpotDrain(this, 'SpotDrain', { settings: settings.spotDrain, ...shared });
    if (settings.nightSchedule)
      this.nightSchedule = new NightSchedule(this, 'NightSchedule', {
        settings: settings.nightSchedule,
        ...shared,
      });
    if (settings.branchDeploy)
      this.branchDeploy = new BranchDeploy(this, 'BranchDeploy', {
        settings: settings.branchDeploy,
        ...shared,
      });

    for (const build of builds ?? []) if (build.create) this.#createProject(environment, build, build.create);

    const monitoring = new Monitoring(this, 'Monitoring', { environment, functions: this.functions });

    new CfnOutput(this, 'AlarmTopicArn', {
      value: monitoring.topic.topicArn,
      description: 'subscribe here: every alarm of the environment is sent to it',
    });
    for (const [severity, topic] of notifications?.topics ?? [])
      new CfnOutput(this, `${severity.charAt(0).toUpperCase()}${severity.slice(1)}TopicArn`, {
        value: topic.topicArn,
        description: `subscribe a chat here: what people should know, as ${severity}`,
      });
    new CfnOutput(this, 'TableName', {
      value: table.table.tableName,
      description: 'saved sizes, overrides, deploys and decisions; kept when the stack goes',
    });
    for (const part of this.functions)
      new CfnOutput(this, `${part.node.scope?.node.id}Function`, {
        value: part.lambda.functionName,
        description: `the function of ${part.capability}`,
      });
  }

  #createProject(environment: string, build: BuildConfig, create: BuildProjectConfig): void {
    const id = `Build-${build.project}`;
    if (this.node.tryFindChild(id))
      throw new Error(
        `the project ${build.project} of ${environment} is to be created twice: a project that is made here builds one branch, so give each binding its own`,
      );
    new BuildProject(this, id, { environment, build: { ...build, create } });
  }

  get functions(): readonly NightshiftFunction[] {
    return [this.nightSchedule, this.spotDrain, this.branchDeploy].flatMap((part) =>
      part ? [part.function] : [],
    );
  }
}
