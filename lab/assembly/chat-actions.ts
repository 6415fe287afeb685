/** Custom actions of Amazon Q Developer in chat applications, and the channels of a template that show them. */
import { AssemblyError } from './errors.ts';
import { isObject } from './intrinsics.ts';
import { objects, strings } from './properties.ts';
import type { RoleSpec, Statement } from './roles.ts';
import { statementsIn } from './roles.ts';
import type { Resource } from './stack-scope.ts';

export interface ChatAction {
  readonly commandText: string;
  readonly attachments: readonly {
    readonly notificationType: string;
    readonly buttonText: string;
    readonly criteria: readonly {
      readonly operator: string;
      readonly variable: string;
      readonly value?: string;
    }[];
    readonly variables: Readonly<Record<string, string>>;
  }[];
}

export interface ChatChannel {
  readonly topics: readonly string[];
  readonly actions: readonly ChatAction[];
  readonly role: RoleSpec;
  /** Absent without a guardrail: then everything that the role may do. */
  readonly guardrail?: readonly Statement[];
}

const CHANNELS = [
  'AWS::Chatbot::SlackChannelConfiguration',
  'AWS::Chatbot::MicrosoftTeamsChannelConfiguration',
];

export function readChannels(
  resources: readonly Resource[],
  roles: readonly RoleSpec[],
  arnOf: (logicalId: string) => string,
): readonly ChatChannel[] {
  const ofType = (type: string) =>
    new Map(
      resources.filter((one) => one.type === type).map((one) => [arnOf(one.logicalId), one.properties]),
    );
  const actions = ofType('AWS::Chatbot::CustomAction');
  const policies = ofType('AWS::IAM::ManagedPolicy');
  return resources
    .filter(({ type }) => CHANNELS.includes(type))
    .map(({ logicalId, properties }) => {
      const role = roles.find(({ arn }) => arn === properties['IamRoleArn']);
      if (!role?.trusted.includes('chatbot.amazonaws.com'))
        throw new AssemblyError(`${logicalId} has a role that chatbot.amazonaws.com cannot take`);
      const guardrails = strings(properties['GuardrailPolicies']);
      return {
        topics: strings(properties['SnsTopicArns']),
        actions: strings(properties['CustomizationResourceArns']).flatMap((arn) => {
          const found = actions.get(arn);
          return found ? [readAction(found)] : [];
        }),
        role,
        ...(guardrails.length > 0
          ? {
              guardrail: guardrails.flatMap((arn) =>
                statementsIn(arn, policies.get(arn)?.['PolicyDocument'] as never),
              ),
            }
          : {}),
      };
    });
}

function readAction(properties: Resource['properties']): ChatAction {
  const definition = properties['Definition'];
  const name = String(properties['ActionName']);
  if (!/^[a-zA-Z0-9_-]{1,64}$/.test(name)) throw new AssemblyError(`the action name ${name} is not valid`);
  return {
    commandText: isObject(definition) ? String(definition['CommandText']) : '',
    attachments: objects(properties['Attachments']).map((attachment) => {
      const buttonText = String(attachment['ButtonText']);
      if (buttonText.length > 50) throw new AssemblyError(`the button text ${buttonText} is longer than 50`);
      const variables = attachment['Variables'];
      return {
        notificationType: String(attachment['NotificationType']),
        buttonText,
        criteria: objects(attachment['Criteria']).map((one) => ({
          operator: String(one['Operator']),
          variable: String(one['VariableName']),
          ...(one['Value'] === undefined ? {} : { value: String(one['Value']) }),
        })),
        variables: isObject(variables)
          ? Object.fromEntries(Object.entries(variables).map(([key, value]) => [key, String(value)]))
          : {},
      };
    }),
  };
}
