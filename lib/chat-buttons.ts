/**
 * A button of Amazon Q Developer in chat applications under the warning of a stop. What a channel may do is its role
 * and its guardrail together: both are limited to invoking one function.
 */
import { Stack } from 'aws-cdk-lib';
import {
  CfnCustomAction,
  CfnMicrosoftTeamsChannelConfiguration,
  CfnSlackChannelConfiguration,
} from 'aws-cdk-lib/aws-chatbot';
import { ManagedPolicy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { BUTTON_KEY, STOP_KEY } from '#model/doorbell.ts';
import { functionNameOf } from '#model/names.ts';
import { checkedEnvironment, type EnvironmentProps } from './checked-environment.ts';
import { applyBoundary, type NightshiftFunction } from './nightshift-function.ts';

/** The channels of the config, and what the button invokes. */
export interface ChatButtonsProps extends EnvironmentProps {
  /** The function of the doorbell. */
  readonly target: NightshiftFunction;
  /** What the channels show. */
  readonly topics: readonly ITopic[];
}

type Channel = CfnSlackChannelConfiguration | CfnMicrosoftTeamsChannelConfiguration;

/** The button, and the channels that show it. Throws for an environment without `doorbell.chat`. */
export class ChatButtons extends Construct {
  /** Another channel shows it as well with its ARN in `customizationResourceArns`: it needs `guardrail` then. */
  readonly action: CfnCustomAction;
  /** Allows nothing but invoking the function. */
  readonly guardrail: ManagedPolicy;
  /** The same, for the channel itself. */
  readonly role: Role;

  constructor(scope: Construct, id: string, props: ChatButtonsProps) {
    super(scope, id);
    const { name, config, settings } = checkedEnvironment(props);
    const chat = config.production ? undefined : config.doorbell?.chat;
    if (!chat || !settings.doorbell) throw new Error(`${name} has no doorbell.chat in its config`);
    applyBoundary(this, config);
    const invoke = () =>
      new PolicyStatement({
        sid: 'InvokeDoorbell',
        actions: ['lambda:InvokeFunction'],
        resources: [props.target.lambda.functionArn],
      });
    this.guardrail = new ManagedPolicy(this, 'Guardrail', {
      description: `what a chat may do at most, for eks-nightshift of ${name}`,
      statements: [invoke()],
    });
    this.role = new Role(this, 'Role', {
      description: `channels of eks-nightshift for ${name}`,
      assumedBy: new ServicePrincipal('chatbot.amazonaws.com'),
    });
    this.role.addToPolicy(invoke());
    this.action = this.#createAction(name, config.region, settings.doorbell.hours);
    const shared = {
      iamRoleArn: this.role.roleArn,
      guardrailPolicies: [this.guardrail.managedPolicyArn],
      snsTopicArns: props.topics.map(({ topicArn }) => topicArn),
      customizationResourceArns: [this.action.attrCustomActionArn],
      loggingLevel: 'ERROR',
      // Nobody gets a role of their own choice in these channels.
      userRoleRequired: false,
    };
    for (const [index, { workspace, channel }] of (chat.slack ?? []).entries())
      new CfnSlackChannelConfiguration(this, `Slack${index}`, {
        ...shared,
        configurationName: `nightshift-${name}-slack-${channel}`,
        slackWorkspaceId: workspace,
        slackChannelId: channel,
      });
    for (const [index, { tenant, team, channel }] of (chat.teams ?? []).entries())
      new CfnMicrosoftTeamsChannelConfiguration(this, `Teams${index}`, {
        ...shared,
        configurationName: `nightshift-${name}-teams-${index}`,
        teamsTenantId: tenant,
        teamId: team,
        teamsChannelId: channel,
      });
    this.node.addValidation({ validate: () => this.#looseChannels() });
  }

  /** Without criteria the button would hang on every notification of the channel. */
  #createAction(environment: string, region: string, hours: number): CfnCustomAction {
    const payload = `{"chat": {"environment": "$${BUTTON_KEY}", "stop": "$${STOP_KEY}"}}`;
    const name = functionNameOf(environment, 'doorbell');
    return new CfnCustomAction(this, 'KeepUp', {
      actionName: `nightshift-${environment}-keep-up`.slice(0, 64),
      definition: {
        commandText: `lambda invoke --function-name ${name} --payload ${payload} --region ${region}`,
      },
      attachments: [
        {
          notificationType: 'Custom',
          buttonText: `Keep it up ${hours} h longer, or wake it`,
          criteria: [{ operator: 'EQUALS', variableName: BUTTON_KEY, value: environment }],
          variables: {
            [BUTTON_KEY]: `event.metadata.additionalContext.${BUTTON_KEY}`,
            [STOP_KEY]: `event.metadata.additionalContext.${STOP_KEY}`,
          },
        },
      ],
    });
  }

  /** Channels of the app that show the button, and may do more than press it. */
  #looseChannels(): string[] {
    return this.node.root.node.findAll().flatMap((construct) => {
      if (!isChannel(construct) || !this.#shows(construct)) return [];
      const given = this.#resolved(construct, construct.guardrailPolicies ?? []);
      const ours = this.#resolved(construct, [this.guardrail.managedPolicyArn]);
      if (given === ours) return [];
      return [
        `${construct.node.path} shows the button of eks-nightshift ${given === '[]' ? 'without a guardrail, which means AdministratorAccess' : 'with another guardrail'}: set guardrailPolicies to the one of ChatButtons alone`,
      ];
    });
  }

  #shows(channel: Channel): boolean {
    const [action] = JSON.parse(this.#resolved(channel, [this.action.attrCustomActionArn])) as unknown[];
    const shown = JSON.parse(this.#resolved(channel, channel.customizationResourceArns ?? [])) as unknown[];
    return shown.some((one) => JSON.stringify(one) === JSON.stringify(action));
  }

  #resolved(scope: Construct, value: readonly string[]): string {
    return JSON.stringify(Stack.of(scope).resolve(value));
  }
}

function isChannel(construct: unknown): construct is Channel {
  return (
    construct instanceof CfnSlackChannelConfiguration ||
    construct instanceof CfnMicrosoftTeamsChannelConfiguration
  );
}
