/** Everything that a run of spot-drain touches, in memory, with a clock of its own. */

import type { Versioned } from '#functions/shared/versioned.ts';
import { createCordonGate } from '#functions/spot-drain/cordon.ts';
import type {
  Claims,
  Clock,
  Cordons,
  Group,
  HookTimes,
  Invocation,
  NodeNames,
  Pod,
  Ports,
  WatchdogCheck,
} from '#functions/spot-drain/ports.ts';
import type { Claim, Cordon, Hook } from '#functions/spot-drain/records.ts';
import { run } from '#functions/spot-drain/run.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import type { Decision } from '#model/decision.ts';
import type { Pause } from '#model/schedule.ts';
import type { SpotDrainSettings } from '#model/settings.ts';
import { aClock, START, type TestClock } from './a-clock.ts';
import { aCluster, INSTANCE, type TestCluster } from './a-cluster.ts';
// Loaded before: a simulated clock does not wait for a file.
import '#functions/spot-drain/attached-volumes.ts';
import '#functions/spot-drain/tick.ts';
import '#functions/spot-drain/watch.ts';

export const SETTINGS: SpotDrainSettings = {
  environment: 'develop',
  production: false,
  account: '111111111111',
  region: 'ap-northeast-1',
  cluster: 'develop',
  dryRun: false,
  onRebalance: 'cordon',
  uncordonAfterMinutes: 30,
  force: true,
  replaceEarly: false,
  onScheduledChange: 'drain',
  lifecycleMinutes: 60,
};

export const GROUP: Group = { name: 'workers', clusters: ['develop'], capacityRebalance: false };

const PLACE = { zone: 'ap-northeast-1a', instanceType: 'm6i.large' };

export interface World {
  readonly clock: TestClock;
  readonly cluster: TestCluster;
  readonly claims: Claims & { readonly saved: Map<string, Versioned<Claim>> };
  readonly cordons: Cordons & { readonly saved: Map<string, Cordon> };
  /** Instance id → node name, as the table holds it. */
  readonly names: Map<string, string>;
  readonly decisions: Decision[];
  readonly replaced: string[];
  /** Messages under way, and when they arrive. */
  readonly watchdogs: { readonly check: Partial<WatchdogCheck>; readonly at: number }[];
  watchdogError: Error | undefined;
  /** Instance id → group, of those that wait for a lifecycle action. */
  waiting: Map<string, string>;
  terminateHooks: string[];
  readonly heartbeats: number[];
  /** Every completion, in the order of time, with what Auto Scaling said. */
  readonly completed: {
    readonly token: string;
    readonly how: 'completed' | 'over';
    readonly podsLeft: readonly string[];
  }[];
  group: Group | undefined;
  groupError: Error | undefined;
  groupLatencyMs: number;
  /** The group terminates the instance. */
  isTerminating: boolean;
  /** Thrown by the next completions. */
  completionErrors: Error[];
  hookTimes: HookTimes | undefined;
  night: ClusterState | undefined;
  pause: Pause | undefined;
  pauseError: Error | undefined;
  settings: SpotDrainSettings;
  readonly ports: Ports;
  /** One invocation with this event. `limitMs`: the function's timeout. */
  invoke(event: unknown, options?: { limitMs?: number; id?: string }): Promise<void>;
  /** The same, and time passes until it is done. */
  run(event: unknown, options?: { limitMs?: number; id?: string }): Promise<void>;
  /** EventBridge has delivered the event, and started the state machine with it. */
  deliver(event: unknown): void;
  /** Time passes until so many milliseconds after the start, and the messages of the watchdog arrive. */
  relay(untilMs: number): Promise<void>;
  /** Decisions as `action target`. */
  said(): string[];
}

export function aWorld(pods: readonly Pod[] = [], overrides: Partial<SpotDrainSettings> = {}): World {
  const clock = aClock();
  const cluster = aCluster(clock, pods);
  /** By group and hook: whether the action is still open. */
  const active = new Map<string, boolean>();
  const nameOf = ({ group, name }: Hook) => `${group}/${name}`;
  let invocations = 0;
  const names = new Map<string, string>();
  const gate = createCordonGate(clock);
  const world: World = {
    clock,
    cluster,
    names,
    claims: memoryClaims(clock, names),
    cordons: memoryCordons(clock),
    decisions: [],
    replaced: [],
    watchdogs: [],
    watchdogError: undefined,
    waiting: new Map(),
    terminateHooks: ['drain'],
    heartbeats: [],
    completed: [],
    group: GROUP,
    groupError: undefined,
    groupLatencyMs: 20,
    isTerminating: false,
    completionErrors: [],
    hookTimes: { heartbeatSeconds: 300, globalSeconds: 30_000 },
    night: undefined,
    pause: undefined,
    pauseError: undefined,
    settings: { ...SETTINGS, ...overrides },
    get ports(): Ports {
      return {
        settings: world.settings,
        cluster,
        clock,
        claims: world.claims,
        cordons: world.cordons,
        names: memoryNames(clock, names),
        gate,
        night: {
          state: async () => world.night,
          pause: async () => {
            if (world.pauseError) throw world.pauseError;
            return world.pause;
          },
        },
        watchdog: {
          send: async (check, delaySeconds) => {
            await clock.sleep(12);
            if (world.watchdogError) throw world.watchdogError;
            world.watchdogs.push({ check, at: clock.now().getTime() + delaySeconds * 1_000 });
          },
        },
        trail: {
          record: async (decisions) => {
            world.decisions.push(...decisions);
          },
        },
        groups: {
          ofInstance: async () => {
            const group = await lookUp();
            return group && { group, place: PLACE, isTerminating: world.isTerminating };
          },
          named: async (name) => {
            const group = await lookUp();
            return group?.name === name ? group : undefined;
          },
          waitingToTerminate: async () => {
            await clock.sleep(world.groupLatencyMs);
            return world.waiting;
          },
          replace: async (group, instanceId) => {
            const instance = `${group} ${instanceId}`;
            if (world.replaced.includes(instance)) return 'already-leaving';
            world.replaced.push(instance);
            return 'requested';
          },
        },
        lifecycle: {
          times: async () => world.hookTimes,
          terminateHooks: async () => world.terminateHooks,
          heartbeat: async (hook) => {
            if (active.get(nameOf(hook)) !== false)
              world.heartbeats.push(clock.now().getTime() - START.getTime());
          },
          complete: async (hook: Hook) => {
            await clock.sleep(15);
            const error = world.completionErrors.shift();
            if (error) throw error;
            const how = active.get(nameOf(hook)) === false ? 'over' : 'completed';
            active.set(nameOf(hook), false);
            world.completed.push({ token: hook.token ?? '', how, podsLeft: cluster.podNames() });
            return how;
          },
        },
      };
    },
    invoke: async (event, { limitMs = 180_000, id = `invocation-${++invocations}` } = {}) => {
      const invocation: Invocation = { id, endsAt: new Date(clock.now().getTime() + limitMs) };
      await run(world.ports, invocation, event);
    },
    run: (event, options) => clock.run(world.invoke(event, options)),
    deliver(event) {
      world.watchdogs.push({ check: { event }, at: clock.now().getTime() + 20_000 });
    },
    async relay(untilMs) {
      const end = START.getTime() + untilMs;
      const sleepUntil = (at: number) => clock.run(clock.sleep(Math.max(0, at - clock.now().getTime())));
      for (;;) {
        world.watchdogs.sort((one, other) => one.at - other.at);
        const next = world.watchdogs[0];
        if (!next || next.at > end) break;
        world.watchdogs.shift();
        await sleepUntil(next.at);
        await world.run(asWatchdogEvent(next.check)).catch(() => undefined);
      }
      await sleepUntil(end);
    },
    said: () => world.decisions.map((decision) => `${decision.action} ${decision.target}`),
  };
  return world;

  async function lookUp(): Promise<Group | undefined> {
    await clock.sleep(world.groupLatencyMs);
    if (world.groupError) throw world.groupError;
    return world.group;
  }
}

/** Like the table: a write over another version than the one that is there does not happen. */
export function memoryClaims(
  clock: Pick<Clock, 'sleep'>,
  names: ReadonlyMap<string, string> = new Map(),
): Claims & { readonly saved: Map<string, Versioned<Claim>> } {
  const saved = new Map<string, Versioned<Claim>>();
  const latency = () => clock.sleep(5);
  return {
    saved,
    async find(instanceId) {
      await latency();
      const claim = saved.get(instanceId);
      const nodeName = names.get(instanceId);
      return { ...(claim ? { claim } : {}), ...(nodeName === undefined ? {} : { nodeName }) };
    },
    async read(instanceId) {
      await latency();
      return saved.get(instanceId);
    },
    async saveIf(claim, version) {
      await latency();
      const there = saved.get(claim.instanceId);
      if ((there?.version ?? 'absent') !== version) return undefined;
      const written = { value: claim, version: (there?.version ?? 0) + 1 };
      saved.set(claim.instanceId, written);
      return written;
    },
    async remove(instanceId, version) {
      await latency();
      return saved.get(instanceId)?.version === version && saved.delete(instanceId);
    },
    async areCordonsPending() {
      await latency();
      return [...saved.values()].some(({ value }) => value.state === 'working' && !value.cordonedAt);
    },
    async all() {
      await latency();
      return { claims: [...saved.values()], corrupt: [] };
    },
  };
}

export function memoryNames(clock: Pick<Clock, 'sleep'>, saved: Map<string, string>): NodeNames {
  return {
    async all() {
      await clock.sleep(5);
      return new Map(saved);
    },
    async put(instanceId, name) {
      await clock.sleep(5);
      saved.set(instanceId, name);
    },
    async remove(instanceId) {
      await clock.sleep(5);
      saved.delete(instanceId);
    },
  };
}

export function memoryCordons(
  clock: Pick<Clock, 'sleep'>,
): Cordons & { readonly saved: Map<string, Cordon> } {
  const saved = new Map<string, Cordon>();
  return {
    saved,
    async put(cordon) {
      await clock.sleep(5);
      saved.set(cordon.instanceId, cordon);
    },
    async remove(instanceId) {
      await clock.sleep(5);
      saved.delete(instanceId);
    },
    async all() {
      await clock.sleep(5);
      return { cordons: [...saved.values()], corrupt: [] };
    },
  };
}

/** As the state machine invokes the function. */
export function asWatchdogEvent(check: Partial<WatchdogCheck>) {
  return { source: 'nightshift', trigger: 'watchdog', id: 'execution-1', check };
}

type Overrides = Readonly<Record<string, unknown>>;

function anEvent(source: string, detailType: string, detail: unknown, overrides: Overrides = {}) {
  return {
    version: '0',
    id: 'event-1',
    'detail-type': detailType,
    source,
    account: SETTINGS.account,
    time: '2026-08-27T03:00:00Z',
    region: SETTINGS.region,
    resources: [`arn:aws:ec2:${SETTINGS.region}a:instance/${INSTANCE}`],
    detail,
    ...overrides,
  };
}

export function anInterruption(action = 'terminate', overrides: Overrides = {}) {
  const detail = { 'instance-id': INSTANCE, 'instance-action': action };
  return anEvent('aws.ec2', 'EC2 Spot Instance Interruption Warning', detail, overrides);
}

export function aRebalance(overrides: Overrides = {}) {
  return anEvent('aws.ec2', 'EC2 Instance Rebalance Recommendation', { 'instance-id': INSTANCE }, overrides);
}

export function aStateChange(state: string, overrides: Overrides = {}) {
  const detail = { 'instance-id': INSTANCE, state };
  return anEvent('aws.ec2', 'EC2 Instance State-change Notification', detail, overrides);
}

export function aLifecycleAction(detail: Overrides = {}, overrides: Overrides = {}) {
  return anEvent(
    'aws.autoscaling',
    'EC2 Instance-terminate Lifecycle Action',
    {
      LifecycleActionToken: '87654321-4321-4321-4321-210987654321',
      AutoScalingGroupName: 'workers',
      LifecycleHookName: 'drain',
      EC2InstanceId: INSTANCE,
      LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
      ...detail,
    },
    overrides,
  );
}

export function aHealthEvent(detail: Overrides = {}, overrides: Overrides = {}) {
  return anEvent(
    'aws.health',
    'AWS Health Event',
    {
      eventArn: 'arn:aws:health:ap-northeast-1::event/EC2/AWS_EC2_INSTANCE_RETIREMENT_SCHEDULED/1',
      service: 'EC2',
      eventTypeCode: 'AWS_EC2_INSTANCE_RETIREMENT_SCHEDULED',
      eventTypeCategory: 'scheduledChange',
      startTime: 'Thu, 10 Sep 2026 13:19:03 GMT',
      statusCode: 'open',
      eventRegion: SETTINGS.region,
      affectedEntities: [{ entityValue: INSTANCE, status: 'PENDING' }],
      page: '1',
      totalPages: '1',
      backupEvent: 'false',
      ...detail,
    },
    overrides,
  );
}

export const TICK = { source: 'nightshift', trigger: 'tick', schedule: 'spot-drain-tick' };
