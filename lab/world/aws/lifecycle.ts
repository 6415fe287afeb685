/** Lifecycle hooks: an instance waits until every hook of its transition is completed or has timed out. */
import type { Timer } from '../clock.ts';
import { AwsError } from './error.ts';
import type {
  AutoScalingGroup,
  Instance,
  LifecycleAction,
  LifecycleHook,
  Scope,
  Transition,
} from './model.ts';
import { keyOf, type State } from './state.ts';

export type LifecycleResult = 'CONTINUE' | 'ABANDON';

export interface LifecycleHookOptions {
  readonly name: string;
  /** Default `terminating`. */
  readonly transition?: 'launching' | 'terminating';
  /** Default 3600, as in AWS. */
  readonly heartbeatTimeoutSeconds?: number;
  /** Default `ABANDON`, as in AWS. */
  readonly defaultResult?: LifecycleResult;
  readonly notificationMetadata?: string;
  readonly notificationTargetArn?: string;
  readonly roleArn?: string;
}

export interface LifecycleTarget {
  readonly group: string;
  readonly hook: string;
  readonly token?: string;
  readonly instanceId?: string;
}

export interface Lifecycle {
  complete(scope: Scope, target: LifecycleTarget & { readonly result: string }): void;
  heartbeat(scope: Scope, target: LifecycleTarget): void;
  /** Actions not yet completed. */
  pending(): readonly LifecycleAction[];
  isPending(token: string): boolean;
  /** Calls `done` at once if the group has no hook for the transition. */
  wait(instance: Instance, transition: Transition, done: (result: LifecycleResult) => void): void;
  /** The instance has left the transition in another way: its open actions end. */
  drop(instance: Instance): void;
  onAction(listener: (action: LifecycleAction) => void): void;
}

interface Waiting {
  readonly action: LifecycleAction;
  readonly answered: (entry: Waiting, result: LifecycleResult) => void;
  timer: Timer;
}

export function hookOf(options: LifecycleHookOptions): LifecycleHook {
  const heartbeatTimeoutSeconds = options.heartbeatTimeoutSeconds ?? 3600;
  return {
    name: options.name,
    transition:
      options.transition === 'launching'
        ? 'autoscaling:EC2_INSTANCE_LAUNCHING'
        : 'autoscaling:EC2_INSTANCE_TERMINATING',
    heartbeatTimeoutSeconds,
    globalTimeoutSeconds: Math.min(172_800, 100 * heartbeatTimeoutSeconds),
    defaultResult: options.defaultResult ?? 'ABANDON',
    ...(options.notificationMetadata ? { notificationMetadata: options.notificationMetadata } : {}),
    ...(options.notificationTargetArn ? { notificationTargetArn: options.notificationTargetArn } : {}),
    ...(options.roleArn ? { roleArn: options.roleArn } : {}),
  };
}

export function createLifecycle(state: State): Lifecycle {
  const waiting = new Map<string, Waiting>();
  const listeners: ((action: LifecycleAction) => void)[] = [];

  const finish = (entry: Waiting, result: LifecycleResult) => {
    entry.timer.cancel();
    waiting.delete(entry.action.token);
    entry.answered(entry, result);
  };

  const arm = (action: LifecycleAction): Timer =>
    state.context.clock.at(action.deadline, () => {
      const entry = waiting.get(action.token);
      if (entry) finish(entry, action.hook.defaultResult);
    });

  const find = (scope: Scope, target: LifecycleTarget): Waiting => {
    const group = groupOf(state, scope, target.group);
    if (!group.hooks.has(target.hook)) {
      throw new AwsError('ValidationError', `No Lifecycle Hook found with name ${target.hook}`);
    }
    if (target.token === undefined && target.instanceId === undefined) {
      throw new AwsError('ValidationError', 'Either LifecycleActionToken or InstanceId must be specified');
    }
    const named = target.token === undefined ? undefined : waiting.get(target.token);
    const candidates = target.token === undefined ? [...waiting.values()] : named ? [named] : [];
    const entry = candidates.find(
      ({ action }) =>
        action.instance.group === group &&
        action.hook.name === target.hook &&
        (target.instanceId === undefined || action.instance.id === target.instanceId),
    );
    if (!entry) {
      throw new AwsError(
        'ValidationError',
        target.token === undefined
          ? `No active Lifecycle Action found with instance ID ${target.instanceId}`
          : `No active Lifecycle Action found with token ${target.token}`,
      );
    }
    return entry;
  };

  return {
    pending: () => [...waiting.values()].map(({ action }) => action),
    isPending: (token) => waiting.has(token),
    onAction: (listener) => void listeners.push(listener),
    drop(instance) {
      for (const entry of waiting.values()) {
        if (entry.action.instance !== instance) continue;
        entry.timer.cancel();
        waiting.delete(entry.action.token);
      }
    },
    complete(scope, target) {
      if (target.result !== 'CONTINUE' && target.result !== 'ABANDON') {
        throw new AwsError(
          'ValidationError',
          `LifecycleActionResult must be CONTINUE or ABANDON, not ${target.result}`,
        );
      }
      finish(find(scope, target), target.result);
    },
    heartbeat(scope, target) {
      const entry = find(scope, target);
      const { action } = entry;
      entry.timer.cancel();
      action.deadline = Math.min(
        state.now() + action.hook.heartbeatTimeoutSeconds * 1000,
        action.startedAt + action.hook.globalTimeoutSeconds * 1000,
      );
      entry.timer = arm(action);
    },
    wait(instance, transition, done) {
      const hooks = [...instance.group.hooks.values()].filter((hook) => hook.transition === transition);
      if (hooks.length === 0) {
        done('CONTINUE');
        return;
      }
      const open = new Set<Waiting>();
      const answered = (entry: Waiting, result: LifecycleResult) => {
        open.delete(entry);
        if (result === 'ABANDON') {
          // The other hooks' actions stop with it.
          for (const other of open) {
            other.timer.cancel();
            waiting.delete(other.action.token);
          }
          open.clear();
          done('ABANDON');
        } else if (open.size === 0) done('CONTINUE');
      };
      for (const hook of hooks) {
        const action: LifecycleAction = {
          token: state.context.uuid(),
          hook,
          instance,
          startedAt: state.now(),
          deadline: state.now() + hook.heartbeatTimeoutSeconds * 1000,
        };
        const entry: Waiting = { action, answered, timer: arm(action) };
        open.add(entry);
        waiting.set(action.token, entry);
      }
      for (const { action } of [...open]) {
        state.emit(instance.group, () => eventOf(action));
        for (const listener of listeners) listener(action);
      }
    },
  };
}

export function groupOf(state: State, scope: Scope, nameOrArn: string): AutoScalingGroup {
  const name = nameOrArn.startsWith('arn:') ? (nameOrArn.split('autoScalingGroupName/')[1] ?? '') : nameOrArn;
  const group = state.groups.get(keyOf(scope, name));
  if (!group) {
    throw new AwsError(
      'ValidationError',
      `AutoScalingGroup name not found - AutoScalingGroup ${name} not found`,
    );
  }
  return group;
}

function eventOf({ token, hook, instance }: LifecycleAction) {
  const launching = hook.transition === 'autoscaling:EC2_INSTANCE_LAUNCHING';
  return {
    source: 'aws.autoscaling',
    detailType: launching
      ? 'EC2 Instance-launch Lifecycle Action'
      : 'EC2 Instance-terminate Lifecycle Action',
    resources: [instance.group.arn],
    detail: {
      LifecycleActionToken: token,
      AutoScalingGroupName: instance.group.name,
      LifecycleHookName: hook.name,
      EC2InstanceId: instance.id,
      LifecycleTransition: hook.transition,
      ...(hook.notificationMetadata ? { NotificationMetadata: hook.notificationMetadata } : {}),
      ...placesOf(instance, launching),
    },
  };
}

/** An instance of a warm pool comes from EC2 and goes back there. */
function placesOf({ lifecycleState, group, id }: Instance, launching: boolean) {
  const isOfPool = lifecycleState.startsWith('Warmed');
  const place = isOfPool ? 'WarmPool' : 'AutoScalingGroup';
  if (launching) return { Origin: 'EC2', Destination: place };
  return { Origin: place, Destination: group.warmPool?.returning.has(id) ? 'WarmPool' : 'EC2' };
}
