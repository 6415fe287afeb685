/** The names of resources: synth creates them, and the command line finds them, by these. */
import type { Capability } from './decision.ts';
import type { Severity } from './notification.ts';

export function tableNameOf(environment: string): string {
  return `nightshift-${environment}`;
}

export function functionNameOf(environment: string, capability: Capability): string {
  return `nightshift-${environment}-${capability}`;
}

/** The topic that every alarm of the environment notifies. */
export function alarmTopicOf(environment: string): string {
  return `nightshift-${environment}-alarms`;
}

export function watchdogNameOf(environment: string): string {
  return `nightshift-${environment}-spot-drain-watchdog`;
}

export function topicNameOf(environment: string, severity: Severity): string {
  return `nightshift-${environment}-${severity}`;
}

/** Of the KMS key that signs the links of self-service. */
export function linkKeyAliasOf(environment: string): string {
  return `alias/nightshift-${environment}-links`;
}

/** NodePools of EKS Auto Mode that EKS owns: they can be switched on and off, and not be edited. */
export const BUILT_IN_POOLS: readonly string[] = ['general-purpose', 'system'];
