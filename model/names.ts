/** The names of resources: synth creates them, and the command line finds them, by these. */
import type { Capability } from './decision.ts';
import type { Severity } from './notification.ts';

export function tableNameOf(environment: string): string {
  return `nightshift-${environment}`;
}

export function functionNameOf(environment: string, capability: Capability): string {
  return `nightshift-${environment}-${capability}`;
}

export function watchdogQueueNameOf(environment: string): string {
  return `nightshift-${environment}-spot-drain-watchdog`;
}

export function topicNameOf(environment: string, severity: Severity): string {
  return `nightshift-${environment}-${severity}`;
}
