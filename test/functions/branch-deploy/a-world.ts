/**
 * branch-deploy in front of the lab's CodeBuild, git host and Argo CD, in virtual time. What it hears of them goes
 * through the same reading of replies as over HTTP, so that no fake is kinder than the service.
 */

import {
  type ApplicationSeed,
  ArgocdError,
  createArgocd,
  httpStatusOf,
} from '@nightshift/lab/world/argocd/index.ts';
import { createCodebuild } from '@nightshift/lab/world/codebuild/index.ts';
import { createContext } from '@nightshift/lab/world/context.ts';
import type { AwsEvent } from '@nightshift/lab/world/interfaces.ts';
import { createImageRegistry } from '@nightshift/lab/world/registry/registry.ts';
import { DEPLOY_INFO, viewOf } from '#functions/adapters/argocd/application.ts';
import { failureOf } from '#functions/adapters/argocd/reply.ts';
import { pathOf } from '#functions/adapters/argocd/server.ts';
import { createServerImages } from '#functions/adapters/argocd/server-images.ts';
import { createDesiredDeploys } from '#functions/adapters/dynamodb/desired-deploys.ts';
import { createNightReader, createOverrides } from '#functions/adapters/dynamodb/night.ts';
import { NIGHT, STATE_KEY } from '#functions/adapters/dynamodb/table-keys.ts';
import { createStatusQueue } from '#functions/adapters/forges/status-queue.ts';
// Loaded with the first event of its kind: time in this world must not pass meanwhile.
import '#functions/branch-deploy/announced-build.ts';
import { parseEvent } from '#functions/branch-deploy/event.ts';
import type { Argocd, BranchDeployPorts, Result, Statuses } from '#functions/branch-deploy/ports.ts';
import { run } from '#functions/branch-deploy/run.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import type { Decision } from '#model/decision.ts';
import { effectiveOverride } from '#model/override.ts';
import type { Override, Schedule } from '#model/schedule.ts';
import type { ApplicationSettings, BranchDeploySettings } from '#model/settings.ts';
import { createLabConnection } from '#test/simulation/deploy/argocd-connection.ts';
import { createLabBuilds } from '#test/simulation/deploy/lab-builds.ts';
import { createLabRegistry } from '#test/simulation/deploy/lab-registry.ts';
import { createRollouts } from '#test/simulation/deploy/rollouts.ts';
import { createMemoryTable } from '#test/simulation/table.ts';
import '#test/simulation/preload.ts';

export const ACCOUNT = '111111111111';
export const REGION = 'ap-northeast-1';
export const REPOSITORY = 'https://github.com/example/api';

/** Mon-Fri 08:00-22:00 in Tokyo. */
export const OFFICE: Schedule = {
  name: 'office',
  timeZone: 'Asia/Tokyo',
  up: ([1, 2, 3, 4, 5] as const).map((day) => ({ start: { day, minute: 480 }, end: { day, minute: 1320 } })),
};
/** A Wednesday, 14:00 in Tokyo. */
export const AT_WORK = new Date('2026-11-25T05:00:00Z');
/** The same day, 23:00 in Tokyo. */
export const AT_NIGHT = new Date('2026-11-25T14:00:00Z');

export function anApplication(overrides: Partial<ApplicationSettings> = {}): ApplicationSettings {
  return { name: 'api', project: 'default', syncOptions: [], ...overrides };
}

export function theSettings(overrides: Partial<BranchDeploySettings> = {}): BranchDeploySettings {
  return {
    environment: 'develop',
    production: false,
    account: ACCOUNT,
    region: REGION,
    cluster: 'develop',
    dryRun: false,
    argocd: { url: 'https://argocd.develop.example.com', tokenSecret: 'token', through: 'server' },
    builds: [
      { project: 'api-develop', repository: REPOSITORY, branch: 'develop', applications: [anApplication()] },
    ],
    whenAsleep: 'defer',
    imageMinutes: 15,
    driftMinutes: 60,
    ...overrides,
  };
}

export interface WorldOptions {
  readonly start?: Date;
  readonly seed?: number;
  readonly settings?: Partial<BranchDeploySettings>;
  readonly application?: Partial<ApplicationSeed>;
  /** Seconds from a new image to Healthy. */
  readonly rolloutSeconds?: number;
  /** Where commits show what became of them. */
  readonly statuses?: Statuses;
  /** Argo CD as EKS runs it. */
  readonly managed?: boolean;
  readonly buildSeconds?: number | ((build: { number: number; project: string }) => number);
}

export type World = ReturnType<typeof aWorld>;

export function aWorld(options: WorldOptions = {}) {
  const context = createContext({ start: options.start ?? AT_WORK, seed: options.seed ?? 1 });
  const { clock } = context;
  const settings = theSettings(options.settings);
  const codebuild = createCodebuild(context);
  const images = createImageRegistry(context);
  const workloads = createRollouts(clock, { rolloutSeconds: options.rolloutSeconds ?? 5, images });
  codebuild.addRepository(REPOSITORY);
  for (const branch of ['main', ...new Set(settings.builds.map((binding) => binding.branch))]) {
    codebuild.push({ repository: REPOSITORY, ref: `refs/heads/${branch}` });
  }
  for (const project of new Set(settings.builds.map((binding) => binding.project))) {
    const binding = settings.builds.find((candidate) => candidate.project === project);
    codebuild.addProject({
      account: ACCOUNT,
      region: REGION,
      name: project,
      repository: REPOSITORY,
      webhook: {
        filterGroups: [
          [
            { type: 'EVENT', pattern: 'PUSH' },
            { type: 'HEAD_REF', pattern: `^refs/heads/${binding?.branch}$` },
          ],
        ],
      },
      buildSeconds: options.buildSeconds ?? 30,
    });
  }
  const argocd = createArgocd(context, {
    workloads,
    managed: options.managed ?? false,
    revisionOf: (repository, revision, at) => codebuild.git.revisionOf(repository, revision, at),
    onPush: (listener) => codebuild.git.onPush(listener),
  });
  const names = new Map(
    settings.builds.flatMap((binding) =>
      binding.applications.map((application) => [application.name, { application, binding }] as const),
    ),
  );
  for (const { application, binding } of names.values()) {
    if (application.project !== 'default') argocd.addProject({ name: application.project });
    argocd.addApplication({
      name: application.name,
      project: application.project,
      repoURL: `${REPOSITORY}.git`,
      targetRevision: binding.branch,
      deployments: [
        { namespace: 'app', name: application.name, image: `${application.name}:{revision}`, replicas: 1 },
      ],
      ...options.application,
    });
  }

  const events: AwsEvent[] = [];
  context.signals.on('event', (event) => events.push(event));
  const table = aTable();
  const decisions: Decision[] = [];
  const wire = aWire(argocd);
  const now = () => clock.date();
  const reads = { builds: 0 };
  const builds = createLabBuilds(codebuild, { account: ACCOUNT, region: REGION }, () => {
    reads.builds++;
  });

  const trail = { record: async (recorded: readonly Decision[]) => void decisions.push(...recorded) };
  const statuses = options.statuses && createStatusQueue({ statuses: options.statuses, now });

  const ports = (): BranchDeployPorts => ({
    argocd: wire,
    builds,
    registry: createLabRegistry(images, { account: ACCOUNT, region: REGION }),
    deploys: createDesiredDeploys(table),
    night: { read: createNightReader(table).read, addOverride: createOverrides(table).add },
    trail,
    statuses,
    seen: new Set(),
    reported: new Map(),
    now,
    pause: (ms) => new Promise((resolve) => void clock.after(ms, resolve)),
    random: context.random,
  });
  let warm = ports();

  /** Lets time pass until the work is done. */
  const through = async <T>(work: Promise<T>): Promise<T> => {
    let done = false;
    const settled = work.then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    void settled.then(() => {
      done = true;
    });
    for (let steps = 0; steps < 20_000; steps++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (done) break;
      await clock.runUntil(clock.now() + 100);
    }
    const result = await settled;
    if ('error' in result) throw result.error;
    return result.value;
  };
  const pass = async (ms: number) => clock.runUntil(clock.now() + ms);

  const world = {
    context,
    clock,
    codebuild,
    argocd,
    wire,
    builds,
    workloads,
    images,
    table,
    settings,
    decisions,
    trail,
    events,
    reads,
    pass,
    through,
    ports: () => warm,
    /** The process is a new one. */
    coldStart: () => {
      warm = ports();
    },
    /** Begins an invocation that goes on while time passes otherwise. */
    start: (payload: unknown) => run(parseEvent(payload), settings, warm),
    startTick: () => world.start(aTick(now())),
    invoke: (payload: unknown) => through(run(parseEvent(payload), settings, warm)),
    invokeAll: (payloads: readonly unknown[]) =>
      through(
        Promise.all(payloads.map((payload) => run(parseEvent(payload), settings, warm))).then(
          () => undefined,
        ),
      ),
    tick: () => world.invoke(aTick(now())),
    /** Ticks at every full minute. */
    async ticks(minutes: number) {
      for (let minute = 0; minute < minutes; minute++) {
        const next = Math.floor(clock.now() / 60_000) * 60_000 + 60_000;
        await clock.runUntil(next);
        await world.tick();
      }
    },
    push: (branch = 'develop') => codebuild.push({ repository: REPOSITORY, ref: `refs/heads/${branch}` }),
    /** Pushes, and waits for the event of the build's end. */
    async build(branch = 'develop') {
      const pushed = world.push(branch);
      await pass(32_000);
      return { ...pushed, event: lastEvent(events) };
    },
    actions: (target?: string) =>
      decisions.filter((decision) => !target || decision.target === target).map(({ action }) => action),
    reasons: () => decisions.map(({ action, reason }) => `${action}: ${reason}`),
    syncs: () => wire.calls.filter((call) => call.startsWith('sync')).length,
    image: (name = 'api') => workloads.images.get(`app/${name}`),
    async state(state: Partial<ClusterState>) {
      await table.save(NIGHT, STATE_KEY, {
        phase: 'awake',
        desired: 'awake',
        reason: 'schedule',
        since: now().toISOString(),
        groups: [],
        ...state,
      } satisfies ClusterState);
    },
    async override(): Promise<Override | undefined> {
      return effectiveOverride(await createOverrides(table).all(), now());
    },
  };
  return world;
}

/** `calls` names each call, in order. */
function aTable() {
  const calls: string[] = [];
  const table = createMemoryTable().through(async (call, act) => {
    calls.push(call);
    await Promise.resolve();
    return act();
  });
  return { ...table, calls };
}

function aTick(time: Date) {
  return {
    source: 'nightshift',
    trigger: 'tick',
    schedule: 'branch-deploy-tick',
    id: 'tick',
    time: time.toISOString(),
  };
}

/** The last event of a build that ended. */
export function lastEvent(events: readonly AwsEvent[]): AwsEvent {
  const event = events.findLast((candidate) => candidate.detail['build-status'] !== 'IN_PROGRESS');
  if (!event) throw new Error('no build has ended yet');
  return event;
}

/** Argo CD's API server as the adapter hears it, and what goes wrong on the way. */
function aWire(world: ReturnType<typeof createArgocd>) {
  const token = world.addToken({ project: 'default', role: 'nightshift' });
  const calls: string[] = [];
  const state = {
    token,
    /** Answers instead of Argo CD; undefined lets the request through. */
    fault: (_call: string): ReturnType<typeof failureOf> | undefined => undefined,
  };
  const answer = async (call: string, act: () => ReturnType<typeof world.get>): Promise<Result<never>> => {
    calls.push(call);
    await Promise.resolve();
    const fault = state.fault(call);
    if (fault) return { ok: false, error: fault };
    try {
      return { ok: true, value: viewOf(JSON.parse(JSON.stringify(act()))) } as Result<never>;
    } catch (error) {
      if (!(error instanceof ArgocdError)) throw error;
      const body = JSON.stringify({ error: error.message, code: error.code, message: error.message });
      return {
        ok: false,
        error: failureOf('argocd', { status: httpStatusOf(error.code), headers: {}, body }),
      };
    }
  };
  const images = createServerImages(createLabConnection({ argocd: world, token: () => state.token }), pathOf);
  const through = async <T>(call: string, act: () => Promise<Result<T>>): Promise<Result<T>> => {
    calls.push(call);
    const fault = state.fault(call);
    return fault ? { ok: false, error: fault } : act();
  };
  const prunes: boolean[] = [];
  const wire: Argocd & { calls: string[]; prunes: boolean[]; state: typeof state } = {
    pods: (application) => through(`pods ${application.name}`, () => images.pods(application)),
    restart: (application, workload, at) =>
      through(`restart ${workload.name}`, () => images.restart(application, workload, at)),
    setImages: (application, built, source) =>
      through(`set images ${application.name}`, () => images.setImages(application, built, source)),
    calls,
    prunes,
    state,
    read: (application, { refresh = false } = {}) =>
      answer(`${refresh ? 'refresh' : 'read'} ${application.name}`, () =>
        world.get(world.authenticate(state.token), queryOf(application), refresh ? 'normal' : undefined),
      ),
    sync: (application, deployId, { revision, revisions = [], prune = false } = {}) =>
      answer(`sync ${application.name}`, () => {
        prunes.push(application.prune ?? prune);
        return world.sync(world.authenticate(state.token), {
          ...queryOf(application),
          ...(revision ? { revision } : {}),
          ...(revisions.length > 0
            ? {
                revisions: revisions.map((one) => one.revision),
                sourcePositions: revisions.map(({ position }) => position),
              }
            : {}),
          prune: application.prune ?? prune,
          infos: [{ name: DEPLOY_INFO, value: deployId }],
        });
      }),
  };
  return wire;
}

function queryOf(application: ApplicationSettings) {
  return {
    name: application.name,
    project: application.project,
    ...(application.namespace ? { appNamespace: application.namespace } : {}),
  };
}
