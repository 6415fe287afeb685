/** Builds and batches as the API shows them at a time. */
import type { Timer } from '../clock.ts';
import { sameRepository } from './git.ts';
import { nextChange, type Plan, phasesAt } from './phases.ts';
import type { BatchPart, BatchView, BuildView, ProjectView, Variable, WebhookEvent } from './types.ts';

export interface Build {
  readonly id: string;
  readonly number: number;
  readonly project: Project;
  readonly initiator: string;
  readonly startTime: number;
  readonly sourceVersion?: string;
  readonly commit?: string;
  readonly environmentVariables: readonly Variable[];
  readonly webhook?: WebhookEvent;
  readonly trigger?: string;
  /** It is a part of this batch. */
  readonly batch?: Batch;
  plan: Plan;
  /** Cached view, valid until the next change of the plan. */
  shown: (Shown & { readonly view: BuildView }) | undefined;
  /** Timers of its events not yet emitted. */
  timers: readonly Timer[];
}

/** Of what a view was made, and for how long it holds. */
interface Shown {
  readonly plan: Plan;
  readonly project: ProjectView;
  readonly from: number;
  readonly until: number;
}

export interface Project {
  view: ProjectView;
  readonly builds: Build[];
  readonly batches: Batch[];
}

/** A batch build: its parts run at the same time, and it ends some seconds after the last of them. */
export interface Batch {
  readonly id: string;
  readonly number: number;
  readonly project: Project;
  readonly initiator: string;
  readonly startTime: number;
  readonly sourceVersion?: string;
  readonly commit?: string;
  readonly parts: { readonly part: BatchPart; readonly build: Build }[];
}

export function viewOf(build: Build, now: number): BuildView {
  const { plan, project, shown } = build;
  const holds =
    shown?.plan === plan && shown.project === project.view && shown.from <= now && now < shown.until;
  if (holds) return shown.view;
  const view = makeView(build, now);
  build.shown = { plan, project: project.view, from: now, until: nextChange(plan, now), view };
  return view;
}

function makeView(build: Build, now: number): BuildView {
  const { project } = build;
  const phases = phasesAt(build.plan, now);
  const complete = now >= build.plan.end;
  const downloaded = phases.some((phase) => phase.type === 'DOWNLOAD_SOURCE' && phase.end !== undefined);
  const ran = phases.some((phase) => phase.type === 'POST_BUILD' && phase.end !== undefined);
  return {
    id: build.id,
    arn: `arn:aws:codebuild:${project.view.region}:${project.view.account}:build/${build.id}`,
    account: project.view.account,
    region: project.view.region,
    project: project.view.name,
    number: build.number,
    initiator: build.initiator,
    status: complete ? build.plan.status : 'IN_PROGRESS',
    complete,
    startTime: build.startTime,
    ...(complete ? { endTime: build.plan.end } : {}),
    currentPhase: phases.at(-1)?.type ?? 'SUBMITTED',
    phases,
    ...(build.sourceVersion === undefined ? {} : { sourceVersion: build.sourceVersion }),
    ...(downloaded && build.commit !== undefined ? { resolvedSourceVersion: build.commit } : {}),
    source: { type: project.view.provider, location: `${sameRepository(project.view.repository)}.git` },
    environmentVariables: build.environmentVariables,
    exportedEnvironmentVariables: ran ? exportedBy(build) : [],
    timeoutInMinutes: project.view.timeoutInMinutes ?? 60,
    ...(build.webhook ? { webhook: build.webhook } : {}),
    ...(build.batch ? { batchArn: batchArnOf(build.batch) } : {}),
  };
}

function exportedBy(build: Build): Variable[] {
  const { webhook } = build;
  const known: Record<string, string | undefined> = {
    CODEBUILD_WEBHOOK_HEAD_REF: webhook?.headRef,
    CODEBUILD_WEBHOOK_BASE_REF: webhook?.baseRef,
    CODEBUILD_WEBHOOK_EVENT: webhook?.event,
    CODEBUILD_WEBHOOK_ACTOR_ACCOUNT_ID: webhook?.actor,
    CODEBUILD_WEBHOOK_TRIGGER: build.trigger,
    CODEBUILD_RESOLVED_SOURCE_VERSION: build.commit,
    CODEBUILD_SOURCE_VERSION: build.sourceVersion,
    CODEBUILD_BUILD_ID: build.id,
    CODEBUILD_BUILD_NUMBER: String(build.number),
    CODEBUILD_INITIATOR: build.initiator,
  };
  return (build.project.view.exportedVariables ?? []).map((variable) =>
    typeof variable === 'string' ? { name: variable, value: known[variable] ?? '' } : variable,
  );
}

/** From the end of the last part to that of the batch. */
const BATCH_END_MS = 5_000;

const batchArnOf = ({ id, project: { view } }: Batch) =>
  `arn:aws:codebuild:${view.region}:${view.account}:build-batch/${id}`;

export function batchViewOf(batch: Batch, now: number): BatchView {
  const { id, number, project, initiator, startTime, sourceVersion, commit, parts } = batch;
  const groups = parts.map(({ part, build }) => ({
    identifier: part.identifier,
    ignoreFailure: part.ignoreFailure ?? false,
    build: viewOf(build, now),
  }));
  const end = Math.max(...parts.map(({ build }) => build.plan.end)) + BATCH_END_MS;
  const complete = now >= end;
  const failed = groups.find((one) => !one.ignoreFailure && one.build.status !== 'SUCCEEDED');
  return {
    id,
    arn: batchArnOf(batch),
    account: project.view.account,
    region: project.view.region,
    project: project.view.name,
    number,
    initiator,
    status: complete ? (failed ? 'FAILED' : 'SUCCEEDED') : 'IN_PROGRESS',
    complete,
    startTime,
    ...(complete ? { endTime: end } : {}),
    ...(sourceVersion === undefined ? {} : { sourceVersion }),
    ...(commit === undefined ? {} : { resolvedSourceVersion: commit }),
    source: { type: project.view.provider, location: `${sameRepository(project.view.repository)}.git` },
    groups,
  };
}
