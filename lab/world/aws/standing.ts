/** What stands in a VPC beside instances, and is billed whether they run or not: NAT gateways and volumes. */
import type { Scope } from './model.ts';
import type { State } from './state.ts';

export interface NatGateway extends Scope {
  readonly id: string;
  readonly vpc: string;
  readonly subnet: string;
  readonly state: 'pending' | 'available' | 'deleting' | 'deleted' | 'failed';
}

export interface Volume extends Scope {
  readonly id: string;
  readonly sizeGib: number;
  readonly type: string;
  readonly zone: string;
  readonly tags: Readonly<Record<string, string>>;
  /** A volume without one is `available`. */
  readonly attachment?: { readonly instance: string; readonly deleteOnTermination: boolean };
}

export interface Standing {
  addNatGateway(
    options: Scope & Pick<NatGateway, 'vpc' | 'subnet'> & { readonly state?: NatGateway['state'] },
  ): NatGateway;
  addVolume(options: Omit<Volume, 'id'>): Volume;
  natGateways(scope: Scope): readonly NatGateway[];
  volumes(scope: Scope): readonly Volume[];
}

export function createStanding(state: State): Standing {
  const gateways: NatGateway[] = [];
  const volumes: Volume[] = [];
  const isIn =
    ({ account, region }: Scope) =>
    (one: Scope) =>
      one.account === account && one.region === region;
  return {
    addNatGateway(options) {
      const gateway = { state: 'available' as const, ...options, id: `nat-0${state.context.hex(16)}` };
      gateways.push(gateway);
      return gateway;
    },
    addVolume(options) {
      const volume = { ...options, id: `vol-0${state.context.hex(16)}` };
      volumes.push(volume);
      return volume;
    },
    natGateways: (scope) => gateways.filter(isIn(scope)),
    volumes: (scope) => volumes.filter(isIn(scope)),
  };
}
