/** EventBridge payload → notices about instances. Anything unknown is ignored with a reason, never an exception. */
import { isRecord } from '#model/record-schema.ts';
import { TRIGGER_SOURCE } from '#model/trigger.ts';
import type { Hook } from './records.ts';

export type NoticeKind =
  | 'spot-terminate'
  | 'spot-stop'
  | 'spot-hibernate'
  | 'rebalance'
  | 'lifecycle'
  | 'health'
  | 'health-closed'
  | 'state-stopping'
  | 'state-shutting-down';

/** AWS's notice about one instance. */
export interface Notice {
  readonly kind: NoticeKind;
  readonly instanceId: string;
  /** The event's own time, never later than now. */
  readonly at: Date;
  readonly trigger: string;
  /** The action that waits for its completion (`lifecycle`). */
  readonly hook?: Hook;
  /** When an announced change begins (`health`). */
  readonly startsAt?: Date;
}

export type Parsed =
  | { readonly kind: 'notices'; readonly trigger: string; readonly notices: readonly Notice[] }
  | { readonly kind: 'tick'; readonly trigger: string }
  /** Our own call: are the claims of that invocation still in good hands? */
  | {
      readonly kind: 'watchdog';
      readonly trigger: string;
      readonly owner: string;
      readonly instanceIds: readonly string[];
      /** What the event meant, where the call brings it. */
      readonly notices: readonly Notice[];
      readonly event?: unknown;
    }
  | {
      readonly kind: 'ignored';
      /** `none`: routine. `ignore`: worth recording. */
      readonly action: 'none' | 'ignore';
      readonly target: string;
      readonly trigger: string;
      readonly reason: string;
    };

export interface Surroundings {
  readonly account: string;
  readonly region: string;
  readonly now: Date;
}

type Fields = Readonly<Record<string, unknown>>;
/** The detail of one kind of event → what is known of each instance, or why there is nothing to do. */
type Read = (detail: Fields, around: Surroundings) => readonly Mention[] | Refused;
type Mention = Pick<Notice, 'kind' | 'instanceId' | 'hook' | 'startsAt'>;
interface Refused {
  readonly reason: string;
  readonly action?: 'none';
  readonly target?: string;
}

const INSTANCE_ID = /^i-(?:[0-9a-f]{8}|[0-9a-f]{17})$/;
/** An id of AWS has 36 characters. */
const LONGEST_ID = 200;
/** Names of groups and hooks have at most 255, a token of Auto Scaling has 36. */
const LONGEST_NAME = 255;
/** An event has 256 KB. */
const MOST_INSTANCES = 5_000;
/** EventBridge itself gives up on an event after 24 hours. */
const OLDEST_MS = 24 * 3_600_000;
/** Clocks differ; more than this is no clock. */
const SKEW_MS = 5 * 60_000;

const READERS: Readonly<Record<string, Read>> = {
  'aws.ec2/EC2 Spot Instance Interruption Warning': readInterruption,
  'aws.ec2/EC2 Instance Rebalance Recommendation': readRebalance,
  'aws.ec2/EC2 Instance State-change Notification': readStateChange,
  'aws.autoscaling/EC2 Instance-terminate Lifecycle Action': readLifecycle,
  'aws.health/AWS Health Event': readHealth,
};

export function parseEvent(payload: unknown, around: Surroundings): Parsed {
  const event = asFields(payload);
  const trigger = asText(event?.['id'])?.slice(0, LONGEST_ID) ?? 'unknown event';
  const ignored = (reason: string, target = 'event', action: 'none' | 'ignore' = 'ignore'): Parsed => ({
    kind: 'ignored',
    action,
    target,
    trigger,
    reason,
  });
  if (!event) return ignored(`the payload is ${describe(payload)}, not an event`);

  const tick = readTick(event);
  if (tick) return tick;
  const watchdog = readWatchdog(event, around);
  if (watchdog) return watchdog;
  if (Array.isArray(event['Records']) || event['Type'] === 'Notification' || 'TopicArn' in event) {
    return ignored(
      'the event is wrapped in a message of SNS or SQS: send it to the function by an EventBridge rule',
    );
  }

  const source = `${asText(event['source']) ?? ''}/${asText(event['detail-type']) ?? ''}`;
  const read = Object.hasOwn(READERS, source) ? READERS[source] : undefined;
  if (!read)
    return ignored(
      `${source === '/' ? 'the event has no source' : `${source} is no event`} that this function knows`,
    );
  if (event['account'] !== around.account) {
    return ignored(`the event is of account ${describe(event['account'])}, and this is ${around.account}`);
  }
  if (event['region'] !== around.region) {
    return ignored(`the event is of region ${describe(event['region'])}, and this is ${around.region}`);
  }
  const at = readTime(event['time'], around.now);
  if (!(at instanceof Date)) return ignored(at.reason);
  const detail = asFields(event['detail']);
  if (!detail) return ignored(`the event's detail is ${describe(event['detail'])}, not an object`);
  if (
    asText(detail['Event'])?.includes('TEST_NOTIFICATION') ||
    detail['LifecycleTransition'] === 'autoscaling:TEST_NOTIFICATION'
  ) {
    return ignored('the event is a test notification');
  }

  const mentions = read(detail, around);
  if (!isList(mentions)) return ignored(mentions.reason, mentions.target, mentions.action);
  return { kind: 'notices', trigger, notices: mentions.map((mention) => ({ ...mention, at, trigger })) };
}

function readTick(event: Fields): Parsed | undefined {
  const ours = event['source'] === TRIGGER_SOURCE && event['trigger'] === 'tick';
  const rule = event['source'] === 'aws.events' && event['detail-type'] === 'Scheduled Event';
  if (!ours && !rule) return undefined;
  return {
    kind: 'tick',
    trigger: (asText(event['id']) ?? asText(event['schedule']) ?? 'tick').slice(0, LONGEST_ID),
  };
}

/** What our own state machine calls with. */
function readWatchdog(event: Fields, around: Surroundings): Parsed | undefined {
  if (event['source'] !== TRIGGER_SOURCE || event['trigger'] !== 'watchdog') return undefined;
  const check = asFields(event['check']) ?? {};
  const inner = check['event'] === undefined ? undefined : parseEvent(check['event'], around);
  const notices = inner?.kind === 'notices' ? inner.notices : [];
  // EventBridge's own call brings the event alone.
  const instanceIds = Array.isArray(check['instanceIds'])
    ? check['instanceIds']
    : notices.map(({ instanceId }) => instanceId);
  return {
    kind: 'watchdog',
    trigger: (asText(event['id']) ?? 'watchdog').slice(0, LONGEST_ID),
    owner: asText(check['owner'])?.slice(0, LONGEST_ID) ?? '',
    instanceIds: instanceIds
      .slice(0, MOST_INSTANCES)
      .filter((id) => typeof id === 'string' && INSTANCE_ID.test(id)),
    notices,
    event: check['event'],
  };
}

function readInterruption(detail: Fields): readonly Mention[] | Refused {
  const instanceId = readInstanceId(detail['instance-id']);
  if (typeof instanceId !== 'string') return instanceId;
  const action = detail['instance-action'];
  if (action !== 'terminate' && action !== 'stop' && action !== 'hibernate') {
    return {
      target: instanceId,
      reason: `the interruption's action is ${describe(action)}: it must be terminate, stop or hibernate`,
    };
  }
  return [{ kind: `spot-${action}`, instanceId }];
}

function readRebalance(detail: Fields): readonly Mention[] | Refused {
  const instanceId = readInstanceId(detail['instance-id']);
  return typeof instanceId === 'string' ? [{ kind: 'rebalance', instanceId }] : instanceId;
}

function readStateChange(detail: Fields): readonly Mention[] | Refused {
  const instanceId = readInstanceId(detail['instance-id']);
  if (typeof instanceId !== 'string') return instanceId;
  const target = instanceId;
  switch (detail['state']) {
    case 'stopping':
    case 'shutting-down':
      return [{ kind: `state-${detail['state']}`, instanceId }];
    case 'pending':
    case 'running':
      return { target, action: 'none', reason: `the instance is ${detail['state']}: it is not going` };
    case 'stopped':
    case 'terminated':
      return {
        target,
        action: 'none',
        reason: `the instance is ${detail['state']}: nothing runs on it that could be moved`,
      };
    default:
      return {
        target,
        reason: `the instance's state is ${describe(detail['state'])}, which EC2 does not have`,
      };
  }
}

function readLifecycle(detail: Fields): readonly Mention[] | Refused {
  const instanceId = readInstanceId(detail['EC2InstanceId']);
  if (typeof instanceId !== 'string') return instanceId;
  if (detail['LifecycleTransition'] !== 'autoscaling:EC2_INSTANCE_TERMINATING') {
    return {
      target: instanceId,
      reason: `the lifecycle transition is ${describe(detail['LifecycleTransition'])}, not the end of an instance`,
    };
  }
  const group = asText(detail['AutoScalingGroupName']);
  const name = asText(detail['LifecycleHookName']);
  const token = asText(detail['LifecycleActionToken']);
  if ([group, name, token].some((text) => text && text.length > LONGEST_NAME))
    return {
      target: instanceId,
      reason: `the lifecycle action has a group, a hook or a token of more than ${LONGEST_NAME} characters`,
    };
  if (!group || !name || !token) {
    return {
      target: instanceId,
      reason:
        'the lifecycle action lacks its group, its hook or its token, and cannot be completed without them',
    };
  }
  return [{ kind: 'lifecycle', instanceId, hook: { group, name, token } }];
}

function readHealth(detail: Fields, around: Surroundings): readonly Mention[] | Refused {
  const code = asText(detail['eventTypeCode']) ?? 'a Health event';
  if (detail['service'] !== 'EC2') return { action: 'none', reason: `${code} is not about EC2` };
  if (detail['eventTypeCategory'] !== 'scheduledChange') {
    return {
      action: 'none',
      reason: `${code} is ${describe(detail['eventTypeCategory'])}, no scheduled change`,
    };
  }
  // In its backup region Health tells of other regions as well.
  if (detail['eventRegion'] !== undefined && detail['eventRegion'] !== around.region) {
    return {
      reason: `${code} is about region ${describe(detail['eventRegion'])}, and this is ${around.region}`,
    };
  }
  const account = detail['affectedAccount'];
  if (account !== undefined && account !== around.account)
    return { reason: `${code} is about account ${describe(account)}, and this is ${around.account}` };
  const status = detail['statusCode'];
  if (status !== 'open' && status !== 'upcoming' && status !== 'closed') {
    return { reason: `the status of ${code} is ${describe(status)}: it must be open, upcoming or closed` };
  }
  const entities = Array.isArray(detail['affectedEntities']) ? detail['affectedEntities'] : [];
  if (entities.length > MOST_INSTANCES)
    return { reason: `${code} names more than ${MOST_INSTANCES} instances` };
  const mentions = new Map<string, 'health' | 'health-closed'>();
  for (const entity of entities.map(asFields)) {
    const instanceId = instanceOfEntity(entity?.['entityValue'], around);
    // An event stays open while the change of one of its instances is not over.
    const isOver = status === 'closed' || entity?.['status'] === 'RESOLVED';
    if (instanceId) mentions.set(instanceId, isOver ? 'health-closed' : 'health');
  }
  if (mentions.size === 0) {
    return {
      reason: `${code} names no instance of this account and region${entities.length > 0 ? `: ${describe(entities[0])}` : ''}`,
    };
  }
  // As in `Thu, 27 Aug 2026 13:19:03 GMT`.
  const startTime = Date.parse(asText(detail['startTime']) ?? '');
  const start = Number.isNaN(startTime) ? {} : { startsAt: new Date(startTime) };
  return [...mentions].map(([instanceId, kind]) => ({ kind, instanceId, ...start }));
}

const INSTANCE_ARN = /^arn:[^:]*:ec2:([^:]*):([^:]*):instance\/(.*)$/;

/** Entities come bare (`i-…`) and as ARNs (`arn:aws:ec2:us-east-1:123456789012:instance/i-…`). */
function instanceOfEntity(value: unknown, { account, region }: Surroundings): string | undefined {
  const text = asText(value);
  const [, inRegion = region, ofAccount = account, named] = INSTANCE_ARN.exec(text ?? '') ?? [];
  if (inRegion !== region || ofAccount !== account) return undefined;
  const id = named ?? (text?.startsWith('arn:') ? text.split(':instance/')[1] : text);
  return id && INSTANCE_ID.test(id) ? id : undefined;
}

function readInstanceId(value: unknown): string | Refused {
  if (typeof value === 'string' && INSTANCE_ID.test(value)) return value;
  return { reason: `the instance id is ${describe(value)}: it must be i- and 8 or 17 hexadecimal digits` };
}

/** An event from a little ahead of our clock counts as from now. */
function readTime(value: unknown, now: Date): Date | Refused {
  const time = typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(time)) return { reason: `the event's time is ${describe(value)}, not an instant` };
  if (time > now.getTime() + SKEW_MS) return { reason: `the event's time ${value} is in the future` };
  if (time < now.getTime() - OLDEST_MS) return { reason: `the event's time ${value} is more than a day ago` };
  return new Date(Math.min(time, now.getTime()));
}

function asFields(value: unknown): Fields | undefined {
  return isRecord(value) ? value : undefined;
}

function asText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function isList(value: readonly Mention[] | Refused): value is readonly Mention[] {
  return Array.isArray(value);
}

/** The wrong value, short enough for a sentence. */
function describe(value: unknown): string {
  if (value === undefined) return 'missing';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
