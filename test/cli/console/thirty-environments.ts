/** Thirty environments in every state that the console shows. */
import type { Cloud, Night } from '#cli/cloud.ts';
import { CloudError } from '#cli/errors.ts';
import type { Io } from '#cli/io.ts';
import { emptyRecord } from '#functions/branch-deploy/record.ts';
import type { LedgerEntry } from '#functions/night-schedule/records.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import type { NightshiftConfig } from '#model/config.ts';
import type { Decision } from '#model/decision.ts';
import { HOUR_MS } from '#model/duration.ts';

/** 21:10 on Tuesday in Tokyo, 13:10 in Berlin, 07:10 in New York. */
export const NOW = new Date('2026-11-24T12:10:00Z');
const ZONES = ['Asia/Tokyo', 'Europe/Berlin', 'America/New_York'] as const;
const TEAMS = ['checkout', 'search', 'catalog', 'identity', 'billing', 'payments', 'media', 'data', 'mobile'];

type Kind =
  | 'awake'
  | 'asleep'
  | 'starting'
  | 'stopping'
  | 'overridden'
  | 'failing'
  | 'unreachable'
  | 'production';
const KINDS: readonly Kind[] = [
  'awake',
  'asleep',
  'awake',
  'stopping',
  'awake',
  'overridden',
  'asleep',
  'failing',
  'starting',
  'production',
];

interface Described {
  readonly name: string;
  readonly kind: Kind;
  readonly zone: number;
}

const described: readonly Described[] = [...Array(30)].map((_, index) => {
  const kind = index === 17 ? 'unreachable' : (KINDS[index % KINDS.length] ?? 'awake');
  const stage = kind === 'production' ? 'production' : ['develop', 'staging', 'preview'][index % 3];
  return { name: `${TEAMS[index % TEAMS.length]}-${stage}-${index + 1}`, kind, zone: index % ZONES.length };
});

export const config: NightshiftConfig = {
  schedules: Object.fromEntries(
    ZONES.map((timeZone, index) => [`office-${index}`, { timeZone, up: ['Mon-Fri 08:00-22:00'] }]),
  ),
  environments: Object.fromEntries(
    described.map(({ name, kind, zone }, index) => {
      const place = { account: String(111111111111 + index), region: 'ap-northeast-1', cluster: name };
      return [
        name,
        kind === 'production'
          ? { ...place, production: true as const }
          : { ...place, schedule: `office-${zone}`, prices: { currency: 'USD', perNodeHour: { '*': 0.07 } } },
      ];
    }),
  ),
};

export const io: Pick<Io, 'cloud' | 'now' | 'user'> = {
  now: () => NOW,
  user: 'ana',
  async cloud(name) {
    const found = described.find((one) => one.name === name);
    if (!found) throw new CloudError(`no environment ${name}`);
    return cloudOf(found);
  },
};

const ago = (hours: number) => new Date(NOW.getTime() - hours * HOUR_MS).toISOString();

function cloudOf({ name, kind }: Described): Cloud {
  const nothing = async () => undefined;
  return {
    now: () => NOW,
    night: async () => {
      if (kind === 'unreachable')
        throw new CloudError(`the table nightshift-${name} does not exist: deploy the stack`);
      return nightOf(kind);
    },
    override: async () => nightOf(kind).override,
    overrides: async () => nightOf(kind).overrides,
    caller: async () => 'assumed-role/Developer/ana',
    pause: nothing,
    setPause: nothing,
    revokeLinks: async () => 1,
    signLinks: async () => undefined,
    retire: async () => false,
    announcedChanges: async () => [],
    setOverride: nothing,
    clearOverrides: nothing,
    invokeNightSchedule: nothing,
    decisions: async () => decisionsOf(name, kind),
    deployedSettings: async () => undefined,
    applications: async () => applicationsOf(kind),
    ledger: async () => (kind === 'production' ? [] : ledger()),
  };
}

const PHASES: Readonly<Record<Kind, ClusterState['phase'] | undefined>> = {
  awake: 'awake',
  asleep: 'asleep',
  starting: 'starting',
  stopping: 'stopping',
  overridden: 'awake',
  failing: 'stopping',
  unreachable: undefined,
  production: undefined,
};

function nightOf(kind: Kind): Night {
  const phase = PHASES[kind];
  const override = {
    id: 'o',
    state: 'awake' as const,
    from: ago(1),
    until: ago(-4),
    author: 'kei.tanaka',
    reason: 'load test of the release',
  };
  const saved = ['asleep', 'stopping', 'starting', 'failing'].includes(kind)
    ? ['workers', 'system'].map((group) => ({
        group,
        autoScalingGroup: `eks-${group}`,
        size: { min: 1, desired: 3, max: 6 },
        phase: kind === 'asleep' ? ('asleep' as const) : ('stopping' as const),
        since: ago(14),
      }))
    : [];
  return {
    overrides: kind === 'overridden' ? [override] : [],
    corrupt: [],
    saved,
    seenAt: NOW.toISOString(),
    ...(kind === 'overridden' ? { override } : {}),
    ...(phase
      ? {
          state: {
            phase,
            desired: phase === 'awake' || phase === 'starting' ? 'awake' : 'asleep',
            reason:
              phase === 'awake'
                ? 'office hours Mon-Fri 08:00-22:00'
                : 'outside office hours Mon-Fri 08:00-22:00',
            since: ago(phase === 'asleep' ? 14 : 0.1),
            groups: ['workers', 'system'],
          },
        }
      : {}),
  };
}

function decisionsOf(environment: string, kind: Kind): readonly Decision[] {
  const of = (
    capability: Decision['capability'],
    hours: number,
    rest: Pick<Decision, 'action' | 'target' | 'reason'> & Partial<Decision>,
  ): Decision => ({
    time: ago(hours),
    environment,
    capability,
    trigger: 'night-schedule-tick 0a1b2c3d',
    ...rest,
  });
  const drain = of('spot-drain', 5, {
    action: 'drain',
    target: 'ip-10-0-16-5.ap-northeast-1.compute.internal',
    reason: 'evicted 4 pods',
  });
  if (kind === 'production') return [drain];
  return [
    ...['workers', 'system'].flatMap((target) => [
      of('night-schedule', 22.2, {
        action: 'stop',
        target,
        reason: 'outside office hours; sizes 1/3/6 are saved',
      }),
      of('night-schedule', 21.9, { action: 'confirm-stop', target, reason: 'no instance is left' }),
      ...(kind === 'asleep'
        ? []
        : [
            of('night-schedule', 13.2, { action: 'start', target, reason: 'office hours begin' }),
            of('night-schedule', 13.1, { action: 'confirm-start', target, reason: 'the nodes are Ready' }),
          ]),
    ]),
    of('spot-drain', 22, {
      action: 'drain',
      target: 'ip-10-0-1-9.ap-northeast-1.compute.internal',
      reason: 'evicted 3 pods; the schedule stops its group',
      nightlyStop: true,
    }),
    drain,
    of('branch-deploy', 3, {
      action: 'deployed',
      target: 'api',
      reason: 'Synced and Healthy at 0123456789abcdef0123456789abcdef01234567',
    }),
    ...(kind === 'failing'
      ? [
          of('night-schedule', 0.2, {
            action: 'fail',
            target: 'workers',
            reason: '2 instances still there 20 min after the stop: i-0a1b2c3d (InService)',
          }),
        ]
      : []),
  ].sort((a, b) => a.time.localeCompare(b.time));
}

function applicationsOf(kind: Kind) {
  if (kind === 'production') return [];
  const build = (project: string) => ({
    project,
    build: `${project}:1`,
    number: 12,
    repository: 'https://github.com/example/api',
    branch: 'develop',
    sha: '0123456789abcdef0123456789abcdef01234567',
    recordedAt: ago(3),
    trigger: 'event',
  });
  const api = {
    ...emptyRecord({ name: 'api', project: 'default' }),
    newest: { api: { ...build('api'), outcome: 'deployed' as const, settledAt: ago(3) } },
  };
  const web = { ...emptyRecord({ name: 'web', project: 'default' }), requested: [build('web')] };
  return kind === 'asleep' ? [api, web] : [api];
}

/** A month of nights; longer at the weekend. */
function ledger(): readonly LedgerEntry[] {
  return [...Array(30)].map((_, index) => {
    const date = ago(24 * (29 - index)).slice(0, 10);
    const minutes = [0, 6].includes(new Date(date).getUTCDay()) ? 1440 : 600 - (index % 4) * 60;
    return {
      date,
      group: 'workers',
      from: `${date}T00:00:00Z`,
      to: `${date}T10:00:00Z`,
      nodes: 5,
      asleepMinutes: minutes,
      gapMinutes: 0,
      nodeMinutesSaved: minutes * 5,
    };
  });
}
