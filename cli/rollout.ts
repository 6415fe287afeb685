/**
 * `rollout`: a person syncs one application with their own token, and waits for the same verdict that branch-deploy
 * waits for. It is the only way into production, and nothing of it runs in a function.
 */
import { createInterface } from 'node:readline/promises';
import { createArgocdServer } from '#functions/adapters/argocd/server.ts';
import { isComparedSince, isOver, ROLLOUT, shortSha } from '#functions/branch-deploy/decide.ts';
import type { ApplicationView, Argocd, Trouble } from '#functions/branch-deploy/ports.ts';
import { environmentOf, type LoadedConfig } from '#lib/config-file.ts';
import type { EnvironmentConfig } from '#model/config.ts';
import type { Action, Decision } from '#model/decision.ts';
import type { ApplicationSettings } from '#model/settings.ts';
import { parseSpan } from '#model/when.ts';
import { type ArgocdOptions, connectAs, errorOf, type Variables } from './argocd.ts';
import { type Io, RefusedError } from './io.ts';
import { plain } from './text.ts';

export const DEFAULT_TIMEOUT = '30m';

export interface RolloutOptions extends ArgocdOptions {
  /** A commit, tag or branch; left out: what the application tracks. */
  readonly revision?: string;
  /** Argo CD project; default `default`. */
  readonly project?: string;
  /** Of the Application, where it is not Argo CD's own. */
  readonly namespace?: string;
  readonly prune?: boolean;
  /** Instead of the typed confirmation. */
  readonly yesProduction?: boolean;
  /** How long to wait for the verdict. */
  readonly timeout?: string;
  readonly json?: boolean;
}

/** What the command needs beside the terminal. */
export interface RolloutIo extends Pick<Io, 'out' | 'err' | 'now' | 'user'> {
  readonly environment: Variables;
  /** What the person answers; undefined where nobody can be asked. */
  ask(question: string): Promise<string | undefined>;
  pause(ms: number): Promise<void>;
}

/** It was rolled out, and the application is not what it should be. */
export class RolloutError extends RefusedError {
  override name = 'RolloutError';
}

const POLL_MS = 3_000;
const SETTLE_MS = 2 * 60_000;

/** Resolves when the application is deployed. Everything else is an error that says what happened. */
export async function rollout(
  loaded: LoadedConfig,
  name: string,
  applicationName: string,
  options: RolloutOptions,
  io: RolloutIo,
): Promise<void> {
  const environment = environmentOf(loaded, name);
  const timeoutMs = timeoutOf(options.timeout ?? DEFAULT_TIMEOUT);
  const argocd = await connectAs({ name, environment }, options, io.environment, createArgocdServer);
  try {
    const application: ApplicationSettings = {
      name: applicationName,
      project: options.project ?? 'default',
      ...(options.namespace ? { namespace: options.namespace } : {}),
      prune: options.prune ?? false,
      syncOptions: [],
    };
    const before = viewFrom(name, application, await argocd.read(application, { refresh: true }));
    refuseUnlessFree(application, before);
    await confirm(name, environment, application, before, options, io);

    const deployId = `${ROLLOUT}${io.user}:${io.now().toISOString()}`;
    const asked = await argocd.sync(
      application,
      deployId,
      options.revision ? { revision: options.revision } : {},
    );
    viewFrom(name, application, asked);
    say(
      options,
      io,
      `${application.name}: the sync to ${options.revision ?? 'what it tracks'} was asked for`,
    );

    const verdict = await waitFor(argocd, application, deployId, { ...options, timeoutMs }, io);
    report(name, application, deployId, verdict, options, io);
  } finally {
    argocd.close();
  }
}

export type Verdict =
  | { readonly is: 'waiting'; readonly reason: string; readonly refresh?: boolean }
  | { readonly is: 'deployed' | 'failed' | 'suspended' | 'superseded'; readonly reason: string };

/** Deployed means: our operation is over and succeeded, at the revision that was asked for, and what runs is Healthy. */
export function judgeRollout(
  view: ApplicationView,
  deployId: string,
  revision: string | undefined,
  now: Date,
): Verdict {
  if (view.deleting) return { is: 'failed', reason: 'the application is being deleted' };
  if (view.pendingOperation?.deployIds.includes(deployId) && !view.operation?.deployIds.includes(deployId)) {
    return { is: 'waiting', reason: 'Argo CD has not begun the sync' };
  }
  const operation = view.operation;
  if (!operation?.deployIds.includes(deployId)) {
    if (view.pendingOperation || operation) {
      const by = view.pendingOperation?.by ?? operation?.by;
      return { is: 'superseded', reason: `an operation of ${by} replaced this one` };
    }
    return { is: 'waiting', reason: 'Argo CD does not show the sync yet' };
  }
  if (!isOver(view, operation)) return { is: 'waiting', reason: operation.message || 'the sync runs' };
  if (operation.phase !== 'Succeeded') {
    return {
      is: 'failed',
      reason: `the sync ended as ${operation.phase}: ${operation.message || 'no message'}`,
    };
  }
  const at = operation.revisions.map(shortSha).join(', ') || 'no revision';
  if (revision && /^[0-9a-f]{40}$/.test(revision) && !operation.revisions.includes(revision)) {
    return { is: 'failed', reason: `the sync ended at ${at}, not at ${shortSha(revision)}` };
  }
  const finishedAt = operation.finishedAt?.getTime() ?? 0;
  if (!isComparedSince(view, operation)) {
    return { is: 'waiting', reason: 'the application was not compared since the sync', refresh: true };
  }
  // Of a pinned revision Argo CD goes on to compare with what the application tracks.
  const pinned = revision !== undefined && view.revisions.join() !== operation.revisions.join();
  if (view.sync !== 'Synced' && !pinned) {
    if (now.getTime() - finishedAt < SETTLE_MS) {
      return { is: 'waiting', reason: `synced to ${at}, and ${view.sync}`, refresh: true };
    }
    return { is: 'failed', reason: `the sync succeeded and the application is still ${view.sync}` };
  }
  switch (view.health) {
    case 'Healthy':
      return {
        is: 'deployed',
        reason: pinned
          ? `Healthy at ${at}; the application tracks ${view.revisions.map(shortSha).join(', ')} and is OutOfSync with that`
          : `Synced and Healthy at ${at}`,
      };
    case 'Degraded':
      return { is: 'failed', reason: `synced to ${at} and Degraded: ${view.healthMessage || 'no message'}` };
    case 'Suspended':
      return { is: 'suspended', reason: `synced to ${at} and Suspended: somebody has to resume it` };
    default:
      return { is: 'waiting', reason: `synced to ${at}, and ${view.health}` };
  }
}

async function waitFor(
  argocd: Argocd,
  application: ApplicationSettings,
  deployId: string,
  options: RolloutOptions & { readonly timeoutMs: number },
  io: RolloutIo,
): Promise<Verdict> {
  const end = io.now().getTime() + options.timeoutMs;
  let told = '';
  let refresh = false;
  for (;;) {
    const read = await argocd.read(application, { refresh });
    const verdict: Verdict = read.ok
      ? judgeRollout(read.value, deployId, options.revision, io.now())
      : afterTrouble(read.trouble);
    if (verdict.is !== 'waiting') return verdict;
    refresh = verdict.refresh ?? false;
    if (verdict.reason !== told) say(options, io, `${application.name}: ${verdict.reason}`);
    told = verdict.reason;
    if (io.now().getTime() + POLL_MS > end) {
      return {
        is: 'failed',
        reason: `${verdict.reason}, for longer than ${options.timeout ?? DEFAULT_TIMEOUT}`,
      };
    }
    await io.pause(POLL_MS);
  }
}

function afterTrouble(trouble: Trouble): Verdict {
  const passes = trouble.kind === 'transient' || trouble.kind === 'busy';
  return { is: passes ? 'waiting' : 'failed', reason: trouble.detail };
}

function report(
  name: string,
  application: ApplicationSettings,
  deployId: string,
  verdict: Verdict,
  options: RolloutOptions,
  io: RolloutIo,
): void {
  if (options.json) {
    const action: Action =
      verdict.is === 'deployed' || verdict.is === 'superseded'
        ? verdict.is
        : verdict.is === 'suspended'
          ? 'wait'
          : 'fail';
    const decision: Decision = {
      time: io.now().toISOString(),
      environment: name,
      capability: 'branch-deploy',
      target: application.name,
      action,
      reason: verdict.reason,
      trigger: 'rollout',
      deployId,
      ...(options.revision ? { revision: options.revision } : {}),
    };
    io.out(JSON.stringify(decision, null, 2));
  }
  if (verdict.is !== 'deployed')
    throw new RolloutError(`${application.name}: ${verdict.is}: ${verdict.reason}`);
  if (!options.json) io.out(`${application.name}: deployed: ${verdict.reason}`);
}

/** What is going on. With `--json` it goes to the other stream, so that the document stands alone. */
function say(options: RolloutOptions, io: RolloutIo, text: string): void {
  if (options.json) io.err(plain(text));
  else io.out(plain(text));
}

function refuseUnlessFree(application: ApplicationSettings, view: ApplicationView): void {
  if (view.deleting) throw new RefusedError(`${application.name} is being deleted`);
  const running =
    view.pendingOperation?.by ??
    (view.operation && !isOver(view, view.operation) ? view.operation.by : undefined);
  if (running) {
    throw new RefusedError(
      `an operation of ${running} runs on ${application.name}: wait for its end, then ask again`,
    );
  }
}

/** Production asks for the application's name once more: a habit is no decision. */
async function confirm(
  name: string,
  environment: EnvironmentConfig,
  application: ApplicationSettings,
  view: ApplicationView,
  options: RolloutOptions,
  io: RolloutIo,
): Promise<void> {
  const at = view.revisions.map(shortSha).join(', ') || 'no revision';
  say(
    options,
    io,
    `${application.name} in ${name} is ${view.sync} and ${view.health}, compared with ${at}; it goes to ${options.revision ?? 'that'}`,
  );
  if (!environment.production || options.yesProduction) return;
  const wanted = `${name}/${application.name}`;
  const answer = await io.ask(`This is production. Type ${wanted} to go on: `);
  if (answer === undefined) {
    throw new RefusedError(`${name} is production and nobody can be asked: write --yes-production`);
  }
  if (answer.trim() !== wanted) throw new RefusedError(`nothing was done: ${wanted} was not typed`);
}

function viewFrom(
  name: string,
  application: ApplicationSettings,
  answer: Awaited<ReturnType<Argocd['read']>>,
): ApplicationView {
  if (answer.ok) return answer.value;
  throw errorOf(`${name}: ${application.project}/${application.name}`, answer.trouble);
}

function timeoutOf(text: string): number {
  const span = parseSpan(text);
  if ('problem' in span) throw new RefusedError(`--timeout ${text}: ${span.problem}`);
  return span.ms;
}

/** The real terminal and the real environment. */
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
