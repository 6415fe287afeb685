/** Is the spot share what the config declares, and do the groups have enough spot pools? */

import { type GroupFacts, nodesWhenAwake, type TemplateFacts } from '../facts.ts';
import { type Check, type CheckResult, whenObserved } from '../finding.ts';
import { observed } from '../observation.ts';

/** A spot pool is a pair of instance type and zone. */
const MIN_POOLS = 4;

export const spotShare: Check<TemplateFacts> = {
  name: 'spot-share',
  why: 'spot nodes are cheap, on-demand nodes are reliable: a share that differs from the config costs money or availability, and a single spot pool may have no capacity in the morning',
  evaluate: (facts) =>
    whenObserved([facts.groups], (groups) => {
      const results: CheckResult[] = [];
      const rows = groups.map((group) => {
        const nodes = nodesWhenAwake(group, observed(facts.night));
        const spot = (Math.max(0, nodes - group.onDemandBase) * group.spotPercent) / 100;
        return { group, nodes, spot };
      });
      const nodes = rows.reduce((sum, row) => sum + row.nodes, 0);
      const spot = rows.reduce((sum, row) => sum + row.spot, 0);
      const share = nodes === 0 ? 0 : Math.round((100 * spot) / nodes);
      const each = rows
        .map((row) => `${row.group.name} ${row.group.spotPercent} % of ${row.nodes}`)
        .join(', ');
      const declared = facts.environment.spotPercent;
      if (nodes > 0) {
        const found = `${share} % of the nodes are spot (${each})`;
        if (declared === undefined)
          results.push({ severity: 'ok', found: `${found}; the config does not set spotPercent` });
        // A difference of less than one node cannot be avoided.
        else if (Math.abs(spot - (declared * nodes) / 100) < 1) {
          results.push({ severity: 'ok', found: `${found}, as declared: ${declared} %` });
        } else {
          results.push({
            severity: 'warning',
            found: `${found}, but spotPercent declares ${declared} %`,
            advice: `change capacityType or the mixed-instances policy of the groups, or spotPercent of ${facts.name}`,
          });
        }
      }
      return [...results, ...rows.filter(({ spot }) => spot > 0).flatMap(({ group }) => spotPoolsOf(group))];
    }),
};

function spotPoolsOf(group: GroupFacts): CheckResult[] {
  const types = group.instanceTypes.length;
  const zones = group.zones.length;
  const found = `spot from ${types} instance ${types === 1 ? 'type' : 'types'} in ${zones} ${zones === 1 ? 'zone' : 'zones'}`;
  if (types * zones >= MIN_POOLS) return [{ severity: 'ok', target: group.name, found }];
  return [
    {
      severity: 'warning',
      target: group.name,
      found: `${found}: a shortage in one of them can delay the morning start`,
      advice: 'add instance types of the same size or zones, or set an on-demand fallbackGroup',
    },
  ];
}
