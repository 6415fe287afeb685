/** Does the webhook of each CodeBuild project build the branch of its binding, and nothing else? */

import { isBuiltFrom } from '#model/branch.ts';
import type { ProjectFacts } from '../facts.ts';
import { type Check, type CheckResult, whenObserved } from '../finding.ts';

export const branchFilters: Check = {
  name: 'branch-filters',
  why: 'CodeBuild matches a pattern anywhere in the ref name: "develop" also matches develop-old and tags, and their builds would be deployed as the branch',
  evaluate(facts) {
    const { branchDeploy } = facts.settings;
    if (!branchDeploy) return [];
    return whenObserved([facts.projects], (projects) =>
      branchDeploy.builds
        .filter(({ announced }) => !announced)
        .map(({ project, branch, repository }): CheckResult => {
          const existing = projects.find(({ name }) => name === project)?.existing;
          if (!existing) {
            return {
              severity: 'failure',
              target: project,
              found: 'CodeBuild has no project of this name in this account and region',
              advice: 'correct its name in the config, or let the stack create it with create',
            };
          }
          if (!isBuiltFrom(existing.source, repository)) {
            return {
              severity: 'failure',
              target: project,
              found: `it builds ${existing.source}, but the config expects ${repository}: its builds are ignored`,
              advice: 'set repository to the URL that the project has',
            };
          }
          if (!existing.filterGroups) {
            return {
              severity: 'warning',
              target: project,
              found: 'it has no webhook, so a push does not start a build',
              advice: 'add a webhook with the filter PUSH and an anchored HEAD_REF',
            };
          }
          const loose = looseIn(existing.filterGroups, branch);
          return loose === undefined
            ? { severity: 'ok', target: project, found: `only pushes to ${branch} start a build` }
            : {
                severity: 'failure',
                target: project,
                found: loose,
                advice: `use one filter group: EVENT is PUSH, and HEAD_REF matches ^refs/heads/${branch}$`,
              };
        }),
    );
  },
};

type FilterGroups = NonNullable<NonNullable<ProjectFacts['existing']>['filterGroups']>;

/** Why other refs or events can start a build; undefined when none can. Filters of other types only narrow. */
function looseIn(groups: FilterGroups, branch: string): string | undefined {
  if (groups.length === 0) return 'its webhook has no filter, so every push and pull request starts a build';
  const anchored = `^refs/heads/${branch}$`;
  for (const group of groups) {
    const heads = group.filter(
      ({ type, excludeMatchedPattern }) => type === 'HEAD_REF' && !excludeMatchedPattern,
    );
    const events = group
      .filter(({ type }) => type === 'EVENT')
      .map(({ pattern }) => pattern.replaceAll(' ', ''));
    if (events.join() !== 'PUSH')
      return `a filter group accepts the events ${events.join() || '(all)'}, not only PUSH`;
    const [head] = heads;
    if (head === undefined) return 'a filter group accepts pushes to every branch and tag';
    // The special characters of a branch name may be escaped.
    if (!heads.some(({ pattern }) => pattern === anchored || pattern.replaceAll('\\', '') === anchored)) {
      return `HEAD_REF "${head.pattern}" is not the anchored ${anchored}, so it can match other refs`;
    }
  }
  return undefined;
}
