import type { AwsEvent } from '../interfaces.ts';
import type { BuildView, Phase, ProjectView } from './types.ts';

/**
 * `CodeBuild Build State Change` as the service sends it: names with dashes, times in words, the build's id as an ARN,
 * and no branch. Shape: the user guide's "Build notifications input format reference", and captured events.
 */
export function buildStateChange(build: BuildView, project: ProjectView, id: string, at: number): AwsEvent {
  return eventOf(
    'CodeBuild Build State Change',
    build,
    { id, at },
    {
      'build-status': build.status,
      'project-name': build.project,
      'build-id': build.arn,
      // Built on demand: it is long, and most listeners do not read it.
      get 'additional-information'() {
        return informationOf(build, project);
      },
      'current-phase': build.currentPhase,
      'current-phase-context': '[]',
      version: '1',
    },
  );
}

/** `CodeBuild Build Phase Change`: comes for every phase that ended, on the same bus and from the same source. */
export function buildPhaseChange(
  build: BuildView,
  project: ProjectView,
  phase: Phase & { readonly end: number },
  { id, at }: Emission,
): AwsEvent {
  return eventOf(
    'CodeBuild Build Phase Change',
    build,
    { id, at },
    {
      'completed-phase': phase.type,
      'project-name': build.project,
      'build-id': build.arn,
      'completed-phase-context': `[${contextOf(phase).join(', ')}]`,
      get 'additional-information'() {
        return informationOf(build, project);
      },
      'completed-phase-status': phase.status,
      'completed-phase-duration-seconds': Math.round((phase.end - phase.start) / 1000),
      version: '1',
      'completed-phase-start': inWords(phase.start),
      'completed-phase-end': inWords(phase.end),
    },
  );
}

interface Emission {
  readonly id: string;
  /** Virtual ms. */
  readonly at: number;
}

function eventOf(
  type: string,
  build: BuildView,
  { id, at }: Emission,
  detail: Readonly<Record<string, unknown>>,
): AwsEvent {
  return {
    version: '0',
    id,
    'detail-type': type,
    source: 'aws.codebuild',
    account: build.account,
    time: `${new Date(at).toISOString().slice(0, 19)}Z`,
    region: build.region,
    resources: [build.arn],
    detail,
  };
}

function informationOf(build: BuildView, project: ProjectView): Record<string, unknown> {
  const stream = build.id.slice(build.project.length + 1);
  const logged = build.phases.some((phase) => phase.type === 'DOWNLOAD_SOURCE');
  const group = logged ? `/aws/codebuild/${build.project}` : null;
  return {
    cache: { type: 'NO_CACHE' },
    'build-number': build.number,
    'timeout-in-minutes': build.timeoutInMinutes,
    'build-complete': build.complete,
    initiator: build.initiator,
    'build-start-time': inWords(build.startTime),
    source: {
      'report-build-status': false,
      location: build.source.location,
      'git-clone-depth': 1,
      type: build.source.type,
      'git-submodules-config': { 'fetch-submodules': false },
    },
    ...(build.sourceVersion === undefined ? {} : { 'source-version': build.sourceVersion }),
    artifact: { location: '' },
    environment: {
      image: 'aws/codebuild/amazonlinux-aarch64-standard:3.0',
      'privileged-mode': false,
      'image-pull-credentials-type': 'CODEBUILD',
      'compute-type': 'BUILD_GENERAL1_SMALL',
      type: 'ARM_CONTAINER',
      'environment-variables': (project.environmentVariables ?? []).map(({ name, value }) => ({
        name,
        type: 'PLAINTEXT',
        value,
      })),
    },
    logs: {
      ...(group === null ? {} : { 'group-name': group, 'stream-name': stream }),
      'deep-link': `https://console.aws.amazon.com/cloudwatch/home?region=${build.region}#logEvent:group=${group};stream=${group === null ? null : stream}`,
    },
    phases: build.phases.map(phaseInWords),
    'queued-timeout-in-minutes': 480,
  };
}

function phaseInWords(phase: Phase): Record<string, unknown> {
  const start = { 'start-time': inWords(phase.start), 'phase-type': phase.type };
  if (phase.end === undefined) return start;
  return {
    'phase-context': contextOf(phase),
    'start-time': start['start-time'],
    'end-time': inWords(phase.end),
    'duration-in-seconds': Math.round((phase.end - phase.start) / 1000),
    'phase-type': phase.type,
    'phase-status': phase.status,
  };
}

function contextOf(phase: Phase): string[] {
  return phase.context.map(({ statusCode, message }) => `${statusCode}: ${message}`);
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `Sep 1, 2017 4:12:29 PM`, UTC. */
export function inWords(at: number): string {
  const date = new Date(at);
  const month = MONTHS[date.getUTCMonth()];
  const hour = date.getUTCHours();
  const two = (value: number) => String(value).padStart(2, '0');
  const clock = `${hour % 12 || 12}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
  return `${month} ${date.getUTCDate()}, ${date.getUTCFullYear()} ${clock} ${hour < 12 ? 'AM' : 'PM'}`;
}
