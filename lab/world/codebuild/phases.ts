import type { FinalStatus, Phase, PhaseType } from './types.ts';

/** All phases of a build with their ends, before anyone knows them. */
export interface Plan {
  readonly phases: readonly Phase[];
  readonly end: number;
  readonly status: FinalStatus;
}

/** Seconds that each phase takes in a build of 20 s or more; BUILD has the rest. A shorter build shrinks them all. */
const OVERHEAD: Readonly<Partial<Record<PhaseType, number>>> = {
  QUEUED: 1,
  PROVISIONING: 6,
  DOWNLOAD_SOURCE: 3,
  PRE_BUILD: 1,
  FINALIZING: 2,
};

const ORDER: readonly PhaseType[] = [
  'SUBMITTED',
  'QUEUED',
  'PROVISIONING',
  'DOWNLOAD_SOURCE',
  'INSTALL',
  'PRE_BUILD',
  'BUILD',
  'POST_BUILD',
  'UPLOAD_ARTIFACTS',
  'FINALIZING',
];

/** How each outcome ends: the failing phase, whether later ones still run, and the message. */
const ENDINGS: Readonly<
  Record<
    Exclude<FinalStatus, 'SUCCEEDED'>,
    { phase: PhaseType; goesOn: boolean; code: string; message: string }
  >
> = {
  FAILED: {
    phase: 'BUILD',
    goesOn: true,
    code: 'COMMAND_EXECUTION_ERROR',
    message: 'Error while executing command: npm test. Reason: exit status 1',
  },
  TIMED_OUT: { phase: 'BUILD', goesOn: false, code: 'BUILD_TIMED_OUT', message: 'Build has timed out.' },
  FAULT: {
    phase: 'PROVISIONING',
    goesOn: false,
    code: 'INTERNAL_SERVICE_ERROR',
    message: 'CodeBuild is experiencing an issue.',
  },
  STOPPED: { phase: 'BUILD', goesOn: false, code: '', message: '' },
};

export function planOf(start: number, seconds: number, status: FinalStatus): Plan {
  const shrink = Math.min(1, seconds / 20);
  const overhead = Object.values(OVERHEAD).reduce((sum, each) => sum + each * shrink, 0);
  const ending = status === 'SUCCEEDED' ? undefined : ENDINGS[status];
  const phases: Phase[] = [];
  let at = start;
  for (const type of ORDER) {
    const length = type === 'BUILD' ? seconds - overhead : (OVERHEAD[type] ?? 0) * shrink;
    const shows = ending?.phase === type;
    phases.push({
      type,
      start: at,
      end: at + Math.round(length * 1000),
      status: shows ? status : 'SUCCEEDED',
      context: contextOf(type, shows && ending ? ending : undefined),
    });
    at += Math.round(length * 1000);
    if (shows && !ending?.goesOn) break;
  }
  phases.push({ type: 'COMPLETED', start: at, context: [] });
  return { phases, end: at, status };
}

/** The plan of a build that is stopped at `now`. */
export function stoppedAt(plan: Plan, now: number): Plan {
  const begun = plan.phases.filter((phase) => phase.start <= now && phase.type !== 'COMPLETED');
  return {
    status: 'STOPPED',
    end: now,
    phases: [
      ...begun.map((phase) =>
        phase.end !== undefined && phase.end <= now
          ? phase
          : { ...phase, end: now, status: 'STOPPED' as const, context: contextOf(phase.type) },
      ),
      { type: 'COMPLETED', start: now, context: [] },
    ],
  };
}

/** The part of the plan visible at `now`. */
export function phasesAt(plan: Plan, now: number): Phase[] {
  return plan.phases
    .filter((phase) => phase.start <= now)
    .map((phase) =>
      phase.end === undefined || phase.end <= now
        ? phase
        : { type: phase.type, start: phase.start, context: [] },
    );
}

/** When the plan shows something new after `now`. */
export function nextChange(plan: Plan, now: number): number {
  let next = plan.end > now ? plan.end : Number.POSITIVE_INFINITY;
  for (const { start, end = start } of plan.phases) {
    if (start > now) next = Math.min(next, start);
    if (end > now) next = Math.min(next, end);
  }
  return next;
}

/** What a build has of a plan before its length and outcome are settled. */
export function submitted(start: number): Plan {
  return {
    phases: [{ type: 'SUBMITTED', start, end: start, status: 'SUCCEEDED', context: [] }],
    end: Number.POSITIVE_INFINITY,
    status: 'SUCCEEDED',
  };
}

/** No context before the container exists; after that, success is an empty code and message. */
function contextOf(type: PhaseType, ending?: { code: string; message: string }): Phase['context'] {
  if (ending) return [{ statusCode: ending.code, message: ending.message }];
  return type === 'SUBMITTED' || type === 'QUEUED' ? [] : [{ statusCode: '', message: '' }];
}
