/**
 * Amazon Q Developer in chat applications, as far as a button goes: which buttons a custom notification gets, and what a
 * press invokes. Written from its documentation and from public templates: nothing of it was compared with AWS.
 */
import type { ChatAction, ChatChannel } from '#lab/assembly/chat-actions.ts';
import { refusal } from '#lab/assembly/permissions.ts';
import type { AssemblyRun } from '#lab/assembly/run.ts';
import type { WorldContext } from '#lab/world/interfaces.ts';

export interface Button {
  readonly text: string;
  readonly action: ChatAction;
  /** As the notification has them. Whoever presses can choose others. */
  readonly variables: Readonly<Record<string, string>>;
}

/** The buttons under a message of SNS. A malformed message is not delivered: undefined. */
export function buttonsOf(channel: ChatChannel, message: string): readonly Button[] | undefined {
  const event = customNotificationIn(message);
  if (!event) return undefined;
  const { metadata } = event;
  if (metadata?.['enableCustomActions'] !== true) return [];
  return channel.actions.flatMap((action) =>
    action.attachments
      .filter(({ notificationType }) => notificationType === 'Custom')
      .flatMap(({ buttonText, criteria, variables }) => {
        const values = Object.fromEntries(
          Object.entries(variables).flatMap(([name, path]) => {
            const value = at({ event }, path);
            return typeof value === 'string' ? [[name, value]] : [];
          }),
        );
        const isShown = criteria.every(({ operator, variable, value }) =>
          operator === 'EQUALS' ? values[variable] === value : values[variable] !== undefined,
        );
        return isShown ? [{ text: buttonText, action, variables: values }] : [];
      }),
  );
}

export interface Pressed {
  /** What the thread shows. */
  readonly posted: string;
  readonly denied?: string;
}

const TIMEOUT_MS = 15_000;

/** After the confirmation, which shows the command and lets the person choose other variables. */
export async function press(
  lab: {
    readonly run: Pick<AssemblyRun, 'find'>;
    readonly context: WorldContext;
    readonly channel: ChatChannel;
  },
  { action, variables }: Pick<Button, 'action' | 'variables'>,
): Promise<Pressed> {
  const command = action.commandText.replace(/\$(\w+)/g, (whole, name: string) => variables[name] ?? whole);
  const [, name = '', payload = '', region = ''] =
    /^lambda invoke --function-name (\S+) --payload (\{.*\}) --region (\S+)$/.exec(command) ?? [];
  if (!name) return { posted: `I can't run this command: ${command}` };
  const { account } = lab.channel.role;
  const arn = `arn:aws:lambda:${region}:${account}:function:${name}`;
  const touched = { resources: [arn] };
  const denied =
    refusal(lab.channel.role, 'lambda:InvokeFunction', touched) ??
    (lab.channel.guardrail &&
      refusal({ ...lab.channel.role, statements: lab.channel.guardrail }, 'lambda:InvokeFunction', touched));
  if (denied !== undefined) return { posted: `AccessDeniedException: because ${denied}`, denied };
  const runner = lab.run.find({ account, region, function: name });
  if (!runner) return { posted: `Function not found: ${arn}` };
  const outcome = await Promise.race([
    runner.invoke(payload, lab.context.uuid()),
    new Promise<undefined>((resolve) => setTimeout(resolve, TIMEOUT_MS, undefined).unref()),
  ]);
  if (!outcome) return { posted: 'the command took longer than 15 seconds' };
  return { posted: outcome.ok ? outcome.payload : JSON.stringify(outcome.error) };
}

interface CustomNotification {
  readonly metadata?: Readonly<Record<string, unknown>>;
}

function customNotificationIn(message: string): CustomNotification | undefined {
  let value: unknown;
  try {
    value = JSON.parse(message);
  } catch {
    return undefined;
  }
  if (at(value, 'version') !== '1.0' || at(value, 'source') !== 'custom') return undefined;
  const description = at(value, 'content.description');
  return typeof description === 'string' && description !== '' ? (value as CustomNotification) : undefined;
}

function at(value: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (inner, key) =>
        typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>)[key] : undefined,
      value,
    );
}
