/** The stack of one environment. */
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
  /** The settings of the environment's functions, from `settingsOf`. */
  readonly settings: EnvironmentSettings;
  /** The subnets in which the functions run, for a cluster with a private endpoint. Default: not in a VPC. */
  readonly network?: NetworkConfig | undefined;
  /** The builds of the config: the stack creates the CodeBuild projects of those with `create`. Default: none. */
  readonly builds?: readonly BuildConfig[];
  /** Who is notified, by severity. Default: nobody. */
  readonly notify?: NotifyConfig | undefined;
  /** Trace each invocation with AWS X-Ray. Default: false. */
  readonly tracing?: boolean | undefined;
}

/**
 * The functions, table, alarms and topics of one cluster. A production environment has spot-drain only; the constructor
 * throws when its settings contain a schedule or a deploy.
 */
export class NightshiftStack extends Stack {
  readonly state: StateTable;
  readonly spotDrain: SpotDrain;
  /** Absent without a schedule. */
  readonly nightSchedule?: NightSchedule;
  /** Absent without a deploy. */
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
        `${environment} is a production environment, which is only drained: remove its schedule and deploy`,
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
      description: 'every alarm of the environment notifies this topic: subscribe to it',
    });
    for (const [severity, topic] of notifications?.topics ?? [])
      new CfnOutput(this, `${severity.charAt(0).toUpperCase()}${severity.slice(1)}TopicArn`, {
        value: topic.topicArn,
        description: `subscribe a chat here: what people should know, as ${severity}`,
      });
    new CfnOutput(this, 'TableName', {
      value: table.table.tableName,
      description: 'saved sizes, overrides, deploys and decisions; retained when the stack is deleted',
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
        `two builds of ${environment} create the project ${build.project}: a created project builds one branch, so use one project for each build`,
      );
    new BuildProject(this, id, { environment, build: { ...build, create } });
  }

  /** Every function of the environment. */
  get functions(): readonly NightshiftFunction[] {
    return [this.nightSchedule, this.spotDrain, this.branchDeploy].flatMap((part) =>
      part ? [part.function] : [],
    );
  }
}
