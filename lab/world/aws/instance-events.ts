/** Events that AWS starts: spot interruptions, rebalance recommendations, AWS Health events. */

import { arnOf, type Ec2Internals, spotShutdown, spotTermination } from './ec2.ts';
import type { Instance } from './model.ts';
import type { Scaling } from './scaling.ts';
import type { State } from './state.ts';

export interface InstanceEvents {
  interruptSpot(
    instanceId: string,
    options?: { readonly action?: 'terminate' | 'stop' | 'hibernate'; readonly noticeSeconds?: number },
  ): void;
  recommendRebalance(instanceId: string): void;
  healthEvent(options: HealthEventOptions): void;
}

export interface HealthEventOptions {
  readonly account: string;
  readonly region: string;
  /** Instance ids. */
  readonly instanceIds: readonly string[];
  /** Default `AWS_EC2_INSTANCE_RETIREMENT_SCHEDULED`. */
  readonly eventTypeCode?: string;
  readonly eventTypeCategory?: 'scheduledChange' | 'issue' | 'accountNotification';
  readonly service?: string;
  readonly statusCode?: 'open' | 'upcoming' | 'closed';
  /** How `entityValue` names the instance. Default `arn`. */
  readonly entityForm?: 'arn' | 'bare';
  /** Virtual ms. Default: in a week. */
  readonly startAt?: number;
  readonly page?: number;
  readonly totalPages?: number;
  readonly backupEvent?: boolean;
}

const WEEK = 7 * 86_400_000;

export function createInstanceEvents(state: State, ec2: Ec2Internals, scaling: Scaling): InstanceEvents {
  const spot = (instanceId: string): Instance => {
    const instance = state.instances.get(instanceId);
    if (!instance) throw new TypeError(`unknown instance ${instanceId}`);
    if (instance.view.capacityType !== 'SPOT') throw new TypeError(`${instanceId} is not a spot instance`);
    return instance;
  };

  return {
    interruptSpot(instanceId, { action = 'terminate', noticeSeconds = 120 } = {}) {
      const instance = spot(instanceId);
      if (instance.state !== 'running') return;
      // Hibernation starts with the notice itself.
      const at = state.now() + (action === 'hibernate' ? 0 : noticeSeconds * 1000);
      instance.interruption = { action, at };
      state.emit(instance.view, () => ({
        source: 'aws.ec2',
        detailType: 'EC2 Spot Instance Interruption Warning',
        resources: [`arn:aws:ec2:${instance.view.zone}:instance/${instanceId}`],
        detail: { 'instance-id': instanceId, 'instance-action': action },
      }));
      scaling.atRisk(instance);
      state.context.clock.at(at, () => {
        if (action === 'terminate') ec2.terminate(instance, spotTermination);
        else ec2.stop(instance, spotShutdown);
      });
      state.changed();
    },
    recommendRebalance(instanceId) {
      const instance = spot(instanceId);
      if (instance.state !== 'running') return;
      instance.rebalanceRecommendedAt = state.now();
      state.emit(instance.view, () => ({
        source: 'aws.ec2',
        detailType: 'EC2 Instance Rebalance Recommendation',
        resources: [`arn:aws:ec2:${instance.view.zone}:instance/${instanceId}`],
        detail: { 'instance-id': instanceId },
      }));
      scaling.atRisk(instance);
      state.changed();
    },
    healthEvent: (options) => emitHealthEvent(state, options),
  };
}

function emitHealthEvent(state: State, options: HealthEventOptions): void {
  const { account, region } = options;
  const eventTypeCode = options.eventTypeCode ?? 'AWS_EC2_INSTANCE_RETIREMENT_SCHEDULED';
  const service = options.service ?? 'EC2';
  const startAt = options.startAt ?? state.now() + WEEK;
  const entities = options.instanceIds.map((id) => {
    const instance = state.instances.get(id);
    const arn = instance ? arnOf(instance) : `arn:aws:ec2:${region}:${account}:instance/${id}`;
    return { arn, entityValue: options.entityForm === 'bare' ? id : arn };
  });
  const [eventId, communicationId] = [state.context.hex(12), state.context.hex(40)];
  const utc = (ms: number) => new Date(ms).toUTCString();
  state.emit(options, () => ({
    source: 'aws.health',
    detailType: 'AWS Health Event',
    resources: entities.map(({ arn }) => arn),
    detail: {
      eventArn: `arn:aws:health:${region}::event/${service}/${eventTypeCode}/${eventTypeCode}_${eventId}`,
      service,
      eventTypeCode,
      eventTypeCategory: options.eventTypeCategory ?? 'scheduledChange',
      eventScopeCode: 'ACCOUNT_SPECIFIC',
      communicationId,
      startTime: utc(startAt),
      lastUpdatedTime: utc(state.now()),
      statusCode: options.statusCode ?? 'upcoming',
      eventRegion: region,
      eventDescription: [
        {
          language: 'en_US',
          latestDescription: 'A change of the instance is scheduled.',
        },
      ],
      affectedEntities: entities.map(({ entityValue }) => ({
        entityValue,
        lastUpdatedTime: utc(state.now()),
        status: 'PENDING',
      })),
      affectedAccount: account,
      page: String(options.page ?? 1),
      totalPages: String(options.totalPages ?? 1),
      backupEvent: String(options.backupEvent ?? false),
    },
  }));
}
