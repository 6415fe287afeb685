/** Volumes in one zone, and groups that may start without a node there. */
import type { PersistentVolume } from 'kubernetes-types/core/v1.js';
import { nodesWhenAwake, scheduledGroups } from '../facts.ts';
import { type Check, type CheckResult, whenObserved } from '../finding.ts';
import { observed } from '../observation.ts';

const ZONE_KEYS = ['topology.kubernetes.io/zone', 'topology.ebs.csi.aws.com/zone'];

export const zonalVolumes: Check = {
  name: 'zonal-volumes',
  why: 'an EBS volume can be attached in its own zone only: when a group starts without a node there, the pod stays Pending',
  evaluate(facts) {
    if (facts.schedule === undefined) return [];
    return whenObserved([facts.kubernetes.volumes, facts.groups], (volumes, groups) => {
      const scheduled = scheduledGroups(facts, groups);
      const byZone = new Map<string, string[]>();
      for (const volume of volumes) {
        const zones = zonesOf(volume);
        const [zone] = zones;
        if (volume.status?.phase !== 'Bound' || zones.length !== 1 || zone === undefined) continue;
        byZone.set(zone, [...(byZone.get(zone) ?? []), volume.metadata?.name ?? '']);
      }
      const staying = groups.filter((group) => !scheduled.includes(group));
      const results = [...byZone].map(([zone, names]): CheckResult => {
        const what = `${names.length} ${names.length === 1 ? 'volume' : 'volumes'} in ${zone}`;
        if (!groups.some((group) => group.zones.includes(zone))) {
          return {
            severity: 'failure',
            target: zone,
            found: `${what} (${firstNames(names)}), but no group has nodes there`,
            advice: `add a subnet in ${zone} to a group`,
          };
        }
        // Auto Scaling balances zones: with as many nodes as zones, each zone has one.
        const covered =
          staying.some((group) => group.zones.includes(zone) && group.size.desired >= group.zones.length) ||
          scheduled.some(
            (group) =>
              group.zones.includes(zone) &&
              nodesWhenAwake(group, observed(facts.night)) >= group.zones.length,
          );
        return covered
          ? { severity: 'ok', target: zone, found: `${what}, and a group starts with a node there` }
          : {
              severity: 'warning',
              target: zone,
              found: `${what} (${firstNames(names)}), but no group is large enough to start with a node in each of its zones`,
              advice: `create a group for ${zone} only, or give a group as many nodes as it has zones`,
            };
      });
      return results.length > 0
        ? results
        : [{ severity: 'ok', found: 'no bound volume is limited to one zone' }];
    });
  },
};

function zonesOf(volume: PersistentVolume): readonly string[] {
  const terms = volume.spec?.nodeAffinity?.required?.nodeSelectorTerms ?? [];
  return terms.flatMap((term) =>
    (term.matchExpressions ?? []).flatMap(({ key, operator, values }) =>
      operator === 'In' && ZONE_KEYS.includes(key) ? (values ?? []) : [],
    ),
  );
}

function firstNames(names: readonly string[]): string {
  return names.length > 3 ? `${names.slice(0, 3).join(', ')}, …` : names.join(', ');
}
