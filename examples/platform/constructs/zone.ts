/** The environment's hosted zone, delegated by its parent. */
import { CfnOutput, Duration, Fn } from 'aws-cdk-lib';
import { HostedZone, NsRecord } from 'aws-cdk-lib/aws-route53';
import { Construct } from 'constructs';
import type { DnsConfig } from '../platform-config.ts';

export class DelegatedZone extends Construct {
  readonly zone: HostedZone;

  constructor(scope: Construct, id: string, { zone, parent, delegation }: DnsConfig) {
    super(scope, id);
    this.zone = new HostedZone(this, 'Zone', { zoneName: zone });
    const nameServers = this.zone.hostedZoneNameServers ?? [];
    if (delegation === 'by-hand') {
      new CfnOutput(this, 'NameServers', {
        value: Fn.join(' ', nameServers),
        description: `enter these as the NS record of ${zone} in ${parent}`,
      });
      return;
    }
    new NsRecord(this, 'Delegation', {
      zone: HostedZone.fromHostedZoneAttributes(this, 'Parent', {
        hostedZoneId: delegation.parentZoneId,
        zoneName: parent,
      }),
      recordName: zone,
      values: nameServers,
      ttl: Duration.hours(1),
    });
  }
}
