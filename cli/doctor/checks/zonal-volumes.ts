/** Volumes that live in one zone, and groups that may come back without a node there. */
import type { PersistentVolume } from 'kubernetes-types/core/v1.js';
import { type Check, known, needing, type Verdict } from '../finding.ts';
import { nodesAwake, sleepers } from '../site.ts';

const ZONE_KEYS = ['topology.kubernetes.io/zone', 'topology.ebs.csi.aws.com/zone'];

export const zonalVolumes: Check = {
  name: 'zonal-volumes',
  why: 'an EBS volume can be attached in its own zone only: a group that wakes with its nodes in other zones leaves the pod Pending',
  judge(site) {
    if (site.schedule === undefined) return [];
    return needing([site.kubernetes.volumes, site.groups], (volumes, groups) => {
      const asleep = sleepers(site, groups);
      const byZone = new Map<string, string[]>();
      for (const volume of volumes) {
        const zones = zonesOf(volume);
        const [zone] = zones;
        if (volume.status?.phase !== 'Bound' || zones.length !== 1 || zone === undefined) continue;
        byZone.set(zone, [...(byZone.get(zone) ?? []), volume.metadata?.name ?? '']);
      }
      const staying = groups.filter((group) => !asleep.includes(group));
      const verdicts = [...byZone].map(([zone, names]): Verdict => {
        const what = `${names.length} ${names.length === 1 ? 'volume lives' : 'volumes live'} in ${zone}`;
        if (!groups.some((group) => group.zones.includes(zone))) {
          return {
            severity: 'failure',
            target: zone,
            found: `${what} (${few(names)}), and no group has nodes there`,
            advice: `add a subnet of ${zone} to a group`,
          };
        }
        // Auto Scaling balances zones: with as many nodes as zones each of them has one.
        const sure =
          staying.some((group) => group.zones.includes(zone) && group.size.desired >= group.zones.length) ||
          asleep.some(
            (group) =>
              group.zones.includes(zone) && nodesAwake(group, known(site.night)) >= group.zones.length,
          );
        return sure
          ? { severity: 'ok', target: zone, found: `${what}, and a group wakes with a node there` }
          : {
              severity: 'warning',
              target: zone,
              found: `${what} (${few(names)}), and no group is large enough to wake with a node in each of its zones`,
              advice: `make a group for ${zone} alone, or give a group as many nodes as it has zones`,
            };
      });
      return verdicts.length > 0 ? verdicts : [{ severity: 'ok', found: 'no volume is bound to one zone' }];
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

function few(names: readonly string[]): string {
  return names.length > 3 ? `${names.slice(0, 3).join(', ')}, …` : names.join(', ');
}
