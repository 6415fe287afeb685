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

/** Of the doorbell: at most 32 letters, digits and hyphens. A longer name of an environment is cut, and its digest added. */
export function targetGroupNameOf(environment: string, digest: (text: string) => string): string {
  const name = `nightshift-${environment.replace(/[^A-Za-z0-9-]/g, '-')}`;
  const isPlain = name === `nightshift-${environment}` && name.length <= 32 && !name.endsWith('-');
  return isPlain ? name : `${name.slice(0, 23)}-${digest(environment).slice(0, 8)}`;
}

/** NodePools of EKS Auto Mode that EKS owns: they can be switched on and off, and not be edited. */
export const BUILT_IN_POOLS: readonly string[] = ['general-purpose', 'system'];
