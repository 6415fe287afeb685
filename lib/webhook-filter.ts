/**
 * Which pushes start a build. CodeBuild looks for the pattern anywhere in the name of a ref, so `refs/heads/develop`
 * would let `develop-x` in, and `develop` a tag of that name: only an anchored pattern is one branch.
 */

/** One filter of a group, as in the template; a webhook fires for a push that passes all filters of some group. */
export interface WebhookFilter {
  readonly type: string;
  readonly pattern: string;
  readonly excludeMatchedPattern?: boolean;
}

export function onlyPushesTo(branch: string): readonly (readonly WebhookFilter[])[] {
  return [
    [
      { type: 'EVENT', pattern: 'PUSH' },
      { type: 'HEAD_REF', pattern: `^refs/heads/${escaped(branch)}$` },
    ],
  ];
}

/** What lets anything but a push to the branch through; undefined where nothing does. Groups as they stand in the template. */
export function looseFilter(branch: string, groups: unknown): string | undefined {
  if (!Array.isArray(groups) || groups.length === 0)
    return 'it has no filter, so every push and pull request builds';
  const wanted = JSON.stringify(onlyPushesTo(branch)[0]);
  const loose = groups.find((group) => JSON.stringify(normal(group)) !== wanted);
  return loose === undefined
    ? undefined
    : `the filter group ${JSON.stringify(loose)} is not the one for pushes to ${branch}: ${wanted}`;
}

/** CodeBuild knows Java's regular expressions: a name may hold what has a meaning in them. */
function escaped(branch: string): string {
  return branch.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
}

function normal(group: unknown): unknown {
  if (!Array.isArray(group)) return group;
  return group
    .map(({ type, pattern, excludeMatchedPattern }: WebhookFilter) => ({
      type,
      pattern,
      ...(excludeMatchedPattern ? { excludeMatchedPattern } : {}),
    }))
    .sort((a, b) => a.type.localeCompare(b.type));
}
