import type { GroupSituation } from '#functions/night-schedule/decide-group.ts';
import type { Group, NodeClaimView } from '#functions/night-schedule/ports.ts';
import type { SavedSize } from '#functions/night-schedule/records.ts';
import type { Desired, Schedule } from '#model/schedule.ts';
import type { NightScheduleSettings } from '#model/settings.ts';

export const NIGHT = new Date('2026-11-24T13:05:00Z'); // Tuesday 22:05 in Tokyo
export const MORNING = new Date('2026-11-24T23:05:00Z'); // Wednesday 08:05 in Tokyo

export function aGroup(overrides: Partial<Group> = {}): Group {
  return {
    name: 'workers',
    kind: 'managed',
    autoScalingGroup: 'eks-workers-1',
    size: { min: 1, desired: 3, max: 5 },
    instances: instances(3),
    ...overrides,
  };
}

export function instances(count: number, inService = true): Group['instances'] {
  return Array.from({ length: count }, (_, index) => ({ id: `i-${index}`, inService }));
}

export function claims(count: number, overrides: Partial<NodeClaimView> = {}): readonly NodeClaimView[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `general-${index}`,
    nodePool: 'general',
    isDeleting: false,
    ...overrides,
  }));
}

export function aSavedSize(overrides: Partial<SavedSize> = {}): SavedSize {
  return {
    group: 'workers',
    autoScalingGroup: 'eks-workers-1',
    size: { min: 1, desired: 3, max: 5 },
    phase: 'asleep',
    since: '2026-11-24T13:04:00.000Z',
    ...overrides,
  };
}

export function aSituation(overrides: Partial<GroupSituation> = {}): GroupSituation {
  return {
    group: aGroup(),
    saved: undefined,
    desired: aDesired(),
    now: NIGHT,
    ready: undefined,
    settled: false,
    autoscalerRuns: false,
    overrideSince: undefined,
    onManualChange: 'respect',
    stopDeadlineMinutes: 20,
    startDeadlineMinutes: 20,
    ...overrides,
  };
}

export function aDesired(overrides: Partial<Desired> = {}): Desired {
  return { state: 'asleep', reason: 'outside office hours', source: 'schedule', ...overrides };
}

export const officeHours: Schedule = {
  name: 'office',
  timeZone: 'Asia/Tokyo',
  up: ([1, 2, 3, 4, 5] as const).map((day) => ({
    start: { day, minute: 8 * 60 },
    end: { day, minute: 22 * 60 },
  })),
};

export function someSettings(overrides: Partial<NightScheduleSettings> = {}): NightScheduleSettings {
  return {
    environment: 'develop',
    production: false,
    account: '111111111111',
    region: 'ap-northeast-1',
    cluster: 'develop',
    dryRun: false,
    schedule: officeHours,
    nodegroups: 'all',
    keep: [],
    onManualChange: 'respect',
    stopDeadlineMinutes: 20,
    startDeadlineMinutes: 20,
    warnMinutes: 30,
    readyBy: false,
    ...overrides,
  };
}
