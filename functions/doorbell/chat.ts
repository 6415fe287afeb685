/** The button of a chat. What is returned is posted in the thread; who pressed is not known. */
import type { ChatPress } from './event.ts';
import type { DoorbellPorts } from './ports.ts';
import { type Pressed, pressed } from './press.ts';

export const CHAT_AUTHOR = 'chat, unverified';

export interface ChatReply {
  readonly message: string;
}

export async function answerChat(ports: DoorbellPorts, { environment, stop }: ChatPress): Promise<ChatReply> {
  const { settings } = ports;
  // The variables of a button can be chosen anew by whoever presses it.
  if (environment !== settings.environment)
    return { message: `This button is of ${settings.environment}: nothing was changed.` };
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(stop))
    return { message: 'The message names no stop: nothing was changed. Use the newest warning of a stop.' };
  const press = { via: 'chat', author: CHAT_AUTHOR, name: '', reason: '', stop } as const;
  const result = await pressed(ports, press, ports.now());
  return { message: messageOf(result, ports) };
}

function messageOf(result: Pressed, { settings }: DoorbellPorts): string {
  const { environment, schedule } = settings;
  const until = (at: string) =>
    new Intl.DateTimeFormat('en-GB', {
      timeZone: schedule.timeZone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    }).format(new Date(at));
  switch (result.kind) {
    case 'woken':
      return `${environment} is kept up until ${until(result.override.until)} (${schedule.timeZone}). If it was stopped, it starts within a minute.`;
    case 'already':
      return `${environment} is kept up until ${until(result.until)} (${schedule.timeZone}) already: nothing was changed.`;
    case 'awake':
      return `${environment} is up: nothing was changed.`;
    case 'refused':
      return `Nothing was changed: ${REFUSALS[result.why] ?? 'the request cannot be handled'}. Ask the team that runs the cluster.`;
  }
}

const REFUSALS: Readonly<Record<string, string>> = {
  'used-up': 'the requests of this night are used',
  'on-purpose': 'somebody has stopped the cluster on purpose',
  'other-night': 'this message is of another night, use the newest one',
  'no-night': 'no stop is planned',
};
