/** EC2 capacity, and shortages of it. */
import type { CapacityType } from './model.ts';

/** Omitted fields match everything. */
export interface CapacityRule {
  readonly region?: string;
  readonly zone?: string;
  readonly type?: string;
  readonly capacityType?: CapacityType;
  readonly available: boolean;
}

export interface Capacity {
  set(rule: CapacityRule): void;
  available(wanted: { region: string; zone: string; type: string; capacityType: CapacityType }): boolean;
}

export function createCapacity(): Capacity {
  const rules: CapacityRule[] = [];
  return {
    set: (rule) => void rules.unshift(rule),
    available(wanted) {
      const rule = rules.find(
        (candidate) =>
          (candidate.region ?? wanted.region) === wanted.region &&
          (candidate.zone ?? wanted.zone) === wanted.zone &&
          (candidate.type ?? wanted.type) === wanted.type &&
          (candidate.capacityType ?? wanted.capacityType) === wanted.capacityType,
      );
      return rule?.available ?? true;
    },
  };
}

export function addressShortageMessage(subnetId: string): string {
  return `There are not enough free addresses in subnet '${subnetId}' to satisfy the requested number of instances. Launching EC2 instance failed.`;
}

/** Auto Scaling's message of the failed activity. */
export function shortageMessage(wanted: {
  readonly type: string;
  readonly zone: string;
  readonly capacityType: CapacityType;
}): string {
  return wanted.capacityType === 'SPOT'
    ? 'Could not launch Spot Instances. UnfulfillableCapacity - Unable to fulfill capacity due to your request configuration. Please adjust your request and try again. Launching EC2 instance failed.'
    : `Could not launch On-Demand Instances. InsufficientInstanceCapacity - We currently do not have sufficient ${wanted.type} capacity in the Availability Zone you requested (${wanted.zone}). Our system will be working on provisioning additional capacity. Launching EC2 instance failed.`;
}
