import type { AwsEvent } from '@nightshift/lab/world/seams.ts';
import type { AccountSite } from './site.ts';

/** The warning of EC2 as EventBridge delivers it, for an instance that the world does not take away afterwards. */
export function interruptionOf(site: AccountSite, instanceId: string): AwsEvent {
  const { account, region, zone } = site.aws.view(instanceId) ?? missing(instanceId);
  return {
    version: '0',
    id: site.context.uuid(),
    'detail-type': 'EC2 Spot Instance Interruption Warning',
    source: 'aws.ec2',
    account,
    time: new Date(site.context.clock.now()).toISOString().replace(/\.\d{3}Z$/, 'Z'),
    region,
    resources: [`arn:aws:ec2:${zone}:instance/${instanceId}`],
    detail: { 'instance-id': instanceId, 'instance-action': 'terminate' },
  };
}

function missing(instanceId: string): never {
  throw new Error(`there is no instance ${instanceId}`);
}
