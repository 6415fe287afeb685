/** Is something saved that no function restores? */
import { tableNameOf } from '#model/names.ts';
import type { EnvironmentFacts } from '../facts.ts';
import { type Check, type CheckResult, whenObserved } from '../finding.ts';

export const savedSizes: Check = {
  name: 'saved-sizes',
  why: 'groups that were stopped by a stack that is gone, or has no schedule any more, stay off',
  evaluate(facts) {
    const own = ownSizes(facts);
    const left = whenObserved([facts.leftTables], (tables) =>
      tables.map(({ table, clusters, items }) => ({
        severity: clusters.includes(facts.environment.cluster) ? 'failure' : 'warning',
        target: table,
        found: `no environment of the config has this table, and ${items.join(', ')} is still saved in it`,
        advice: clusters
          .map(
            (cluster) =>
              `nightshift restore --table ${table} --cluster ${cluster} --region ${facts.environment.region}`,
          )
          .concat('destroy its stack if it is still there: docs/deploy.md, "Remove"')
          .join('; '),
      })),
    );
    const all = [...own, ...left];
    return all.length > 0 ? all : [{ severity: 'ok', found: 'nothing is saved that no function restores' }];
  },
};

function ownSizes({ name, environment, schedule, night }: EnvironmentFacts): readonly CheckResult[] {
  if (schedule !== undefined || 'missing' in night) return [];
  const groups = night.value.saved.map(({ group }) => group);
  if (groups.length === 0) return [];
  const { cluster, region } = environment;
  return [
    {
      severity: 'failure',
      found: `the environment has no schedule, and sizes of ${groups.join(', ')} are still saved`,
      advice: `nightshift restore --table ${tableNameOf(name)} --cluster ${cluster} --region ${region}`,
    },
  ];
}
