/** What the page requests: its files, the decisions about a target, and overrides. */
import type { Context, Handler, Hono } from 'hono';
import type { LoadedConfig } from '#lib/config-file.ts';
import { parseDuration } from '#model/when.ts';
import { CloudError, RefusedError } from '../errors.ts';
import { decisionsAbout } from '../explain.ts';
import type { Io } from '../io.ts';
import { cancelOverride, type OverrideCommand, type OverrideRequest, setOverride } from '../override.ts';
import type { EnvironmentPoller } from './environment-poller.ts';
import { morningsOf } from './mornings.ts';
import { HTML } from './page/html.ts';
import { STYLE } from './page/style.ts';

const COMMANDS: readonly OverrideCommand[] = ['keep-up', 'wake', 'sleep'];
const DECISION_DAYS = 7;
const MORNING_DAYS = 14;

export function addPageRoutes(app: Hono, script: string): void {
  app.get('/', (context) => context.html(HTML));
  app.get('/style.css', (context) => context.body(STYLE, 200, { 'content-type': 'text/css; charset=utf-8' }));
  app.get('/client.js', (context) =>
    context.body(script, 200, { 'content-type': 'text/javascript; charset=utf-8' }),
  );
  app.get('/favicon.ico', (context) => context.body(null, 204));
}

/** `{ decisions }`, newest first. */
export function decisionsRoute(poller: EnvironmentPoller): Handler {
  return async (context: Context) => {
    const name = context.req.query('environment') ?? '';
    const target = context.req.query('target') ?? '';
    return respond(context, async () => {
      const cloud = await poller.cloudOf(name);
      const since = new Date(cloud.now().getTime() - DECISION_DAYS * 86_400_000);
      return { decisions: decisionsAbout(target, await cloud.decisions(since)).toReversed() };
    });
  };
}

/** `{ mornings }`, oldest first. */
export function morningsRoute(poller: EnvironmentPoller): Handler {
  return async (context: Context) => {
    const name = context.req.query('environment') ?? '';
    return respond(context, async () => {
      const cloud = await poller.cloudOf(name);
      const since = new Date(cloud.now().getTime() - MORNING_DAYS * 86_400_000);
      return { mornings: morningsOf(await cloud.decisions(since), poller.timeZoneOf(name)) };
    });
  };
}

/** `{ message }`: the output of the override command. */
export function overrideRoute(
  loaded: LoadedConfig,
  io: Pick<Io, 'now' | 'user'>,
  poller: EnvironmentPoller,
): Handler {
  return async (context: Context) => {
    const body: unknown = await context.req.json().catch(() => undefined);
    return respond(context, async () => {
      const request = parseRequest(body);
      const output: string[] = [];
      const commandIo: Io = {
        now: io.now,
        user: io.user,
        out: (text) => output.push(text),
        err: (text) => output.push(text),
        color: false,
        cloud: (name) => poller.cloudOf(name),
      };
      if (request.command === 'cancel') await cancelOverride(loaded, request.environment, {}, commandIo);
      else await setOverride(loaded, request, {}, commandIo);
      await poller.refresh(request.environment);
      return { message: withoutCommandHint(output.join('\n')) };
    });
  };
}

/** An error that the user can fix becomes `{ error }`; any other escapes. */
async function respond(context: Context, answer: () => Promise<object>) {
  try {
    return context.json(await answer());
  } catch (error) {
    if (error instanceof RefusedError) return context.json({ error: inPageWords(error.message) }, 400);
    if (error instanceof CloudError) return context.json({ error: error.message }, 502);
    throw error;
  }
}

interface CancelRequest {
  readonly command: 'cancel';
  readonly environment: string;
}

/** `until` may be a time or a duration: the form has one field for both. */
function parseRequest(body: unknown): OverrideRequest | CancelRequest {
  const { command, environment, until, reason, replace } = (
    typeof body === 'object' && body !== null ? body : {}
  ) as Record<string, unknown>;
  if (typeof environment !== 'string') throw new RefusedError('the environment is missing');
  if (command === 'cancel') return { command, environment };
  const known = COMMANDS.find((one) => one === command);
  if (!known) throw new RefusedError(`unknown command ${JSON.stringify(command)}`);
  if (typeof reason !== 'string' || reason.trim() === '') {
    throw new RefusedError('enter a reason: everybody who looks at the cluster sees it');
  }
  if (typeof until !== 'string' || until.trim() === '') {
    throw new RefusedError('an override must have an end: enter a time or a duration, like 22:00 or 2h');
  }
  const end = 'ms' in parseDuration(until) ? { for: until } : { until };
  if (replace !== undefined && typeof replace !== 'boolean')
    throw new RefusedError(`"replace" is ${JSON.stringify(replace)}: write true or false`);
  return { command: known, environment, reason: reason.trim(), ...end, ...(replace ? { replace } : {}) };
}

/** The page has fields and a check box where the commands have options. */
function inPageWords(message: string): string {
  return message
    .replace(/; add --replace to end that$/, '; tick the box to end that too')
    .replace(/--(?:until|for) /g, '')
    .replace(/--(\w+)/g, '$1');
}

/** The page has a state and a button of its own instead of the commands that the last line names. */
function withoutCommandHint(output: string): string {
  return output.replace(/^ {2}progress: nightshift status.*$/m, '').trim();
}
