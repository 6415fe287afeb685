/** Is the share of spot what the config declares, and is there enough to choose from in the morning? */
import { type Check, known, needing, type Verdict } from '../finding.ts';
import { type GroupFacts, nodesAwake } from '../site.ts';

/** Auto Scaling and spot have little to choose from below this number of type and zone pairs. */
const FEW_POOLS = 4;

export const spotShare: Check = {
  name: 'spot-share',
  why: 'spot is what makes the nodes cheap, on-demand what makes them sure: a group that differs from the plan costs money or availability, and one type in one zone may not be there in the morning',
  judge: (site) =>
    needing([site.groups], (groups) => {
      const verdicts: Verdict[] = [];
      const rows = groups.map((group) => {
        const nodes = nodesAwake(group, known(site.night));
        const spot = (Math.max(0, nodes - group.onDemandBase) * group.spotPercent) / 100;
        return { group, nodes, spot };
      });
      const nodes = rows.reduce((sum, row) => sum + row.nodes, 0);
      const spot = rows.reduce((sum, row) => sum + row.spot, 0);
      const share = nodes === 0 ? 0 : Math.round((100 * spot) / nodes);
      const each = rows
        .map((row) => `${row.group.name} ${row.group.spotPercent} % of ${row.nodes}`)
        .join(', ');
      const declared = site.environment.spotPercent;
      if (nodes > 0) {
        const found = `${share} % of the nodes are spot (${each})`;
        if (declared === undefined)
          verdicts.push({ severity: 'ok', found: `${found}; the config declares nothing` });
        // Nodes are whole: a share can be missed by less than one of them.
        else if (Math.abs(spot - (declared * nodes) / 100) < 1) {
          verdicts.push({ severity: 'ok', found: `${found}, as declared: ${declared} %` });
        } else {
          verdicts.push({
            severity: 'warning',
            found: `${found}, but spotPercent declares ${declared} %`,
            advice: `change capacityType or the mixed-instances policy of the groups, or spotPercent of ${site.name}`,
          });
        }
      }
      return [...verdicts, ...rows.filter(({ spot }) => spot > 0).flatMap(({ group }) => choiceOf(group))];
    }),
};

function choiceOf(group: GroupFacts): Verdict[] {
  const types = group.instanceTypes.length;
  const zones = group.zones.length;
  const found = `spot from ${types} instance ${types === 1 ? 'type' : 'types'} in ${zones} ${zones === 1 ? 'zone' : 'zones'}`;
  if (types * zones >= FEW_POOLS) return [{ severity: 'ok', target: group.name, found }];
  return [
    {
      severity: 'warning',
      target: group.name,
      found: `${found}: a shortage of one of them can keep the morning waiting`,
      advice: 'add instance types of the same size, or zones, or name an on-demand fallbackGroup',
    },
  ];
}
