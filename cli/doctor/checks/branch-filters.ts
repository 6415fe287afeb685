/** Does the webhook of each CodeBuild project build the branch of its binding, and nothing else? */
import { type Check, needing, type Verdict } from '../finding.ts';
import type { ProjectFacts } from '../site.ts';

export const branchFilters: Check = {
  name: 'branch-filters',
  why: 'CodeBuild looks for a pattern anywhere in the name of the ref: "develop" lets develop-old and tags through, and what they build would be taken for the branch',
  judge(site) {
    const { branchDeploy } = site.settings;
    if (!branchDeploy) return [];
    return needing([site.projects], (projects) =>
      branchDeploy.builds.map(({ project, branch, repository }): Verdict => {
        const facts = projects.find(({ name }) => name === project)?.found;
        if (!facts) {
          return {
            severity: 'failure',
            target: project,
            found: 'CodeBuild has no such project in this account and region',
            advice: 'correct its name in the config, or let the stack make it with create',
          };
        }
        if (!sameRepository(facts.source, repository)) {
          return {
            severity: 'failure',
            target: project,
            found: `it builds ${facts.source}, and the config binds it to ${repository}: its builds are ignored`,
            advice: 'write the repository as the project has it',
          };
        }
        if (!facts.filterGroups) {
          return {
            severity: 'warning',
            target: project,
            found: 'it has no webhook, so no push starts a build',
            advice: 'add a webhook with the filter PUSH and an anchored HEAD_REF',
          };
        }
        const loose = looseIn(facts.filterGroups, branch);
        return loose === undefined
          ? { severity: 'ok', target: project, found: `only pushes to ${branch} build` }
          : {
              severity: 'failure',
              target: project,
              found: loose,
              advice: `one filter group: EVENT is PUSH, and HEAD_REF matches ^refs/heads/${branch}$`,
            };
      }),
    );
  },
};

type Groups = NonNullable<NonNullable<ProjectFacts['found']>['filterGroups']>;

/** What lets anything else through; undefined where nothing does. Filters of other types only narrow. */
function looseIn(groups: Groups, branch: string): string | undefined {
  if (groups.length === 0) return 'its webhook has no filter, so every push and pull request builds';
  const wanted = `^refs/heads/${branch}$`;
  for (const group of groups) {
    const heads = group.filter(
      ({ type, excludeMatchedPattern }) => type === 'HEAD_REF' && !excludeMatchedPattern,
    );
    const events = group
      .filter(({ type }) => type === 'EVENT')
      .map(({ pattern }) => pattern.replaceAll(' ', ''));
    if (events.join() !== 'PUSH')
      return `a filter group takes the events ${events.join() || '(all)'}, not pushes alone`;
    const [head] = heads;
    if (head === undefined) return 'a filter group takes pushes to every branch and tag';
    // A name may be written with its special characters escaped.
    if (!heads.some(({ pattern }) => pattern === wanted || pattern.replaceAll('\\', '') === wanted)) {
      return `HEAD_REF "${head.pattern}" is not the anchored ${wanted}, so other refs may pass`;
    }
  }
  return undefined;
}

function sameRepository(one: string, other: string): boolean {
  const bare = (url: string) => url.replace(/\/$/, '').replace(/\.git$/, '');
  return bare(one) === bare(other);
}
