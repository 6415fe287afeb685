/** The stack of one environment. */
import { CfnOutput, Stack, type StackProps, Tags } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { AccessPolicies } from './access-policies.ts';
import { BranchDeploy } from './branch-deploy.ts';
import { ChatButtons } from './chat-buttons.ts';
import { checkedEnvironment, type EnvironmentProps } from './checked-environment.ts';
import { Doorbell } from './doorbell.ts';
import { EncryptionKey } from './encryption-key.ts';
import { Monitoring } from './monitoring.ts';
import { NightSchedule } from './night-schedule.ts';
import type { NightshiftFunction } from './nightshift-function.ts';
import { Notifications } from './notifications.ts';
import { SelfService } from './self-service.ts';
import { warnOfSharedArgocd } from './shared-argocd.ts';
import { SpotDrain } from './spot-drain.ts';
import { StateTable } from './state-table.ts';

/** The environment, and what else a stack may have. Its account and region are those of the config. */
export interface NightshiftStackProps extends EnvironmentProps, Omit<StackProps, 'env'> {}

/**
 * Everything of one environment: functions, table, alarms, topics and CodeBuild projects. A production environment has
 * spot-drain only. Throws a `ConfigError` with every mistake of the config.
 */
export class NightshiftStack extends Stack {
  /** Saved sizes, overrides, deploys and decisions. */
  readonly state: StateTable;
  /** Every environment has it. */
  readonly spotDrain: SpotDrain;
  /** Absent without a schedule. */
  readonly nightSchedule?: NightSchedule;
  /** Absent without a deploy. */
  readonly branchDeploy?: BranchDeploy;
  /** Absent without `selfService.links`, and in a dry run. */
  readonly selfService?: SelfService;
  /** Absent without `doorbell`, and in a dry run. */
  readonly doorbell?: Doorbell;

  constructor(scope: Construct, id: string, props: NightshiftStackProps) {
    const { config, environment, now, ...stackProps } = props;
    const { name, settings, config: own } = checkedEnvironment(props);
    super(scope, id, {
      terminationProtection: own.terminationProtection ?? false,
      description: `eks-nightshift for the environment ${name} (EKS cluster ${own.cluster})`,
      ...stackProps,
      env: { account: own.account, region: own.region },
    });
    Tags.of(this).add('nightshift:environment', name);
    for (const [key, value] of Object.entries(own.tags ?? {})) Tags.of(this).add(key, value);
    warnOfSharedArgocd(this, name, config.environments);

    const source = { config, environment, ...(now ? { now } : {}) };
    const table = new StateTable(this, 'State', source);
    this.state = table;
    // The id stays: topics have names, and CloudFormation cannot make one again under another id.
    const encryptionKey = own.encryptionKey ? new EncryptionKey(this, 'Key', source) : undefined;
    const notifications = own.notify
      ? new Notifications(this, 'Notices', { ...source, encryptionKey })
      : undefined;
    const part = { ...source, table, notifications, encryptionKey };
    this.spotDrain = new SpotDrain(this, 'SpotDrain', part);
    if (settings.nightSchedule) this.nightSchedule = new NightSchedule(this, 'NightSchedule', part);
    if (settings.branchDeploy) this.branchDeploy = new BranchDeploy(this, 'BranchDeploy', part);
    if (settings.selfService) this.selfService = new SelfService(this, 'SelfService', part);
    for (const part of [this.nightSchedule, this.branchDeploy])
      if (part) this.selfService?.offerLinks(part.function);
    if (settings.doorbell && this.selfService)
      this.doorbell = new Doorbell(this, 'Doorbell', { ...part, linkKey: this.selfService.key });
    if (this.nightSchedule) this.doorbell?.offerRules(this.nightSchedule.function);
    const warning = notifications?.topics.get('warning');
    if (this.doorbell && own.doorbell?.chat && warning)
      new ChatButtons(this, 'Chat', { ...source, target: this.doorbell.function, topics: [warning] });

    if (own.accessPolicies && own.accessPolicies.length > 0)
      new AccessPolicies(this, 'Access', { ...source, roles: own.accessPolicies });

    const monitoring = new Monitoring(this, 'Monitoring', {
      ...source,
      encryptionKey,
      functions: this.functions,
    });

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

  /** Every function of the environment. */
  get functions(): readonly NightshiftFunction[] {
    return [this.nightSchedule, this.spotDrain, this.branchDeploy, this.selfService, this.doorbell].flatMap(
      (part) => (part ? [part.function] : []),
    );
  }
}
