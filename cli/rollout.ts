/**
 * `rollout`: syncs one application with the user's own token, and waits until it is Synced and Healthy. It is the only
 * way to deploy to production, and no function runs it.
 */
import { createInterface } from 'node:readline/promises';
import { createArgocdServer } from '#functions/adapters/argocd/server.ts';
import { isOver, ROLLOUT } from '#functions/branch-deploy/operation.ts';
import type { ApplicationView, Argocd } from '#functions/branch-deploy/ports.ts';
import { shortSha } from '#functions/branch-deploy/reasons.ts';
import { environmentOf, type LoadedConfig } from '#lib/config-file.ts';
import type { Action, Decision } from '#model/decision.ts';
import type { ApplicationSettings } from '#model/settings.ts';
import { parseDuration } from '#model/when.ts';
import { type ArgocdOptions, connectToArgocd, errorOf, isTransient, type Variables } from './argocd.ts';
import { RefusedError } from './errors.ts';
import type { Io } from './io.ts';
import { type RolloutState, rolloutState, unhealthySince } from './rollout-state.ts';
import type { NamedEnvironment } from './select-environments.ts';
import { plain } from './text.ts';

export const DEFAULT_TIMEOUT = '30m';

export interface RolloutOptions extends ArgocdOptions {
  /** A commit, tag or branch; default: the one that the application tracks. */
  readonly revision?: string;
  /** Argo CD project; default `default`. */
  readonly project?: string;
  /** Namespace of the Application; default that of Argo CD. */
  readonly namespace?: string;
  readonly prune?: boolean;
  /** Skips the typed confirmation. */
  readonly yesProduction?: boolean;
  /** How long to wait for the end of the rollout. */
  readonly timeout?: string;
  readonly json?: boolean;
}

export interface RolloutRequest extends RolloutOptions {
  /** The environment's name in the config. */
  readonly environment: string;
  /** The application's name in Argo CD. */
  readonly application: string;
}

/** What the command needs beside the terminal. */
export interface RolloutIo extends Pick<Io, 'out' | 'err' | 'now' | 'user'> {
  readonly environment: Variables;
  /** The typed reply; undefined when there is no terminal. */
  ask(question: string): Promise<string | undefined>;
  pause(ms: number): Promise<void>;
}

/** The rollout ended and the application is not deployed. */
export class RolloutError extends RefusedError {
  override name = 'RolloutError';
}

const POLL_MS = 3_000;

/** One rollout, as its steps need it. */
interface Rollout {
  readonly argocd: Argocd;
  readonly named: NamedEnvironment;
  readonly application: ApplicationSettings;
  readonly options: RolloutOptions;
  readonly timeoutMs: number;
  readonly io: RolloutIo;
}

/** Resolves when the application is deployed; any other end is an error that says why. */
export async function rollout(loaded: LoadedConfig, request: RolloutRequest, io: RolloutIo): Promise<void> {
  const named = {
    name: request.environment,
    environment: environmentOf(loaded, request.environment),
  };
  const timeoutMs = timeoutOf(request.timeout ?? DEFAULT_TIMEOUT);
  const argocd = await connectToArgocd(named, request, io.environment, createArgocdServer);
  try {
    const application = {
      name: request.application,
      project: request.project ?? 'default',
      ...(request.namespace ? { namespace: request.namespace } : {}),
      prune: request.prune ?? false,
      syncOptions: [],
    };
    const context: Rollout = { argocd, named, application, options: request, timeoutMs, io };
    const before = viewFrom(context, await argocd.read(application, { refresh: true }));
    refuseWhileBusy(application, before);
    await confirm(context, before);
    const deployId = await requestSync(context);
    report(context, deployId, await waitForEnd(context, deployId));
  } finally {
    argocd.close();
  }
}

async function requestSync(context: Rollout): Promise<string> {
  const { argocd, application, options, io } = context;
  const deployId = `${ROLLOUT}${io.user}:${io.now().toISOString()}`;
  const { revision } = options;
  viewFrom(context, await argocd.sync(application, deployId, revision ? { revision } : {}));
  progress(context, `${application.name}: requested a sync to ${revision ?? 'the tracked revision'}`);
  return deployId;
}

async function waitForEnd(context: Rollout, deployId: string): Promise<RolloutState> {
  const { argocd, application, options, timeoutMs, io } = context;
  const end = io.now().getTime() + timeoutMs;
  let reported = '';
  let refresh = false;
  let unhealthy: Date | undefined;
  for (;;) {
    const read = await argocd.read(application, { refresh });
    if (read.ok) unhealthy = unhealthySince(read.value, unhealthy, io.now());
    const state: RolloutState = read.ok
      ? rolloutState(
          read.value,
          { deployId, revision: options.revision, unhealthySince: unhealthy },
          io.now(),
        )
      : { kind: isTransient(read.error) ? 'waiting' : 'failed', reason: read.error.detail };
    if (state.kind !== 'waiting') return state;
    refresh = state.refresh ?? false;
    if (state.reason !== reported) progress(context, `${application.name}: ${state.reason}`);
    reported = state.reason;
    if (io.now().getTime() + POLL_MS > end) {
      return {
        kind: 'failed',
        reason: `not finished after ${options.timeout ?? DEFAULT_TIMEOUT}: ${state.reason}`,
      };
    }
    await io.pause(POLL_MS);
  }
}

function report({ named, application, options, io }: Rollout, deployId: string, state: RolloutState): void {
  if (options.json) {
    const decision: Decision = {
      time: io.now().toISOString(),
      environment: named.name,
      capability: 'branch-deploy',
      target: application.name,
      action: ACTIONS[state.kind],
      reason: state.reason,
      trigger: 'rollout',
      deployId,
      ...(options.revision ? { revision: options.revision } : {}),
    };
    io.out(JSON.stringify(decision, null, 2));
  }
  if (state.kind !== 'deployed')
    throw new RolloutError(`${application.name}: ${state.kind}: ${state.reason}`);
  if (!options.json) io.out(`${application.name}: deployed: ${state.reason}`);
}

const ACTIONS: Record<RolloutState['kind'], Action> = {
  deployed: 'deployed',
  superseded: 'superseded',
  failed: 'fail',
  waiting: 'fail',
};

/** With `--json` progress goes to stderr, so that stdout is the document alone. */
function progress({ options, io }: Rollout, text: string): void {
  if (options.json) io.err(plain(text));
  else io.out(plain(text));
}

function refuseWhileBusy(application: ApplicationSettings, view: ApplicationView): void {
  if (view.deleting) throw new RefusedError(`${application.name} is being deleted`);
  const by =
    view.pendingOperation?.by ??
    (view.operation && !isOver(view, view.operation) ? view.operation.by : undefined);
  if (by) {
    throw new RefusedError(`an operation of ${by} is running on ${application.name}: try again when it ends`);
  }
}

/** Production requires typing the application's name, so that a rollout there is never a habit. */
async function confirm(context: Rollout, view: ApplicationView): Promise<void> {
  const { named, application, options, io } = context;
  const at = view.revisions.map(shortSha).join(', ') || 'no revision';
  progress(
    context,
    `${application.name} in ${named.name} is ${view.sync} and ${view.health}, compared with ${at}; it will be synced to ${options.revision ?? at}`,
  );
  if (!named.environment.production || options.yesProduction) return;
  const expected = `${named.name}/${application.name}`;
  const typed = await io.ask(`This is production. Type ${expected} to continue: `);
  if (typed === undefined) {
    throw new RefusedError(
      `${named.name} is production and there is no terminal to confirm: add --yes-production`,
    );
  }
  if (typed.trim() !== expected) throw new RefusedError(`nothing was changed: ${expected} was not typed`);
}

function viewFrom(
  { named, application }: Rollout,
  result: Awaited<ReturnType<Argocd['read']>>,
): ApplicationView {
  if (result.ok) return result.value;
  throw errorOf(`${named.name}: ${application.project}/${application.name}`, result.error);
}

function timeoutOf(text: string): number {
  const duration = parseDuration(text);
  if ('problem' in duration) throw new RefusedError(`--timeout ${text}: ${duration.problem}`);
  return duration.ms;
}

/** The real terminal, clock and environment variables. */
export function createRolloutIo(io: Pick<Io, 'out' | 'err' | 'now' | 'user'>): RolloutIo {
  return {
    out: io.out,
    err: io.err,
    now: io.now,
    user: io.user,
    environment: process.env,
    pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    async ask(question) {
      if (!process.stdin.isTTY) return undefined;
      const terminal = createInterface({ input: process.stdin, output: process.stderr });
      try {
        return await terminal.question(question);
      } finally {
        terminal.close();
      }
    },
  };
}
