/**
 * Which pushes start a build. CodeBuild matches a pattern anywhere in the ref name, so `refs/heads/develop` also matches
 * `develop-x`, and `develop` a tag of that name: only an anchored pattern matches one branch.
 */

/** One filter of a filter group, as in the template. A push starts a build when it passes all filters of one group. */
export interface WebhookFilter {
  readonly type: string;
  readonly pattern: string;
  readonly excludeMatchedPattern?: boolean;
}

/** The filter groups for pushes to this branch and nothing else. */
export function onlyPushesTo(branch: string): readonly (readonly WebhookFilter[])[] {
  return [
    [
      { type: 'EVENT', pattern: 'PUSH' },
      { type: 'HEAD_REF', pattern: `^refs/heads/${escaped(branch)}$` },
    ],
  ];
}

/** Why the groups accept anything but a push to the branch; undefined when they do not. `groups` is from the template. */
export function looseFilter(branch: string, groups: unknown): string | undefined {
  if (!Array.isArray(groups) || groups.length === 0)
    return 'it has no filter, so every push and pull request starts a build';
  const expected = JSON.stringify(onlyPushesTo(branch)[0]);
  const loose = groups.find((group) => JSON.stringify(normal(group)) !== expected);
  return loose === undefined
    ? undefined
    : `the filter group ${JSON.stringify(loose)} is not the one for pushes to ${branch}: ${expected}`;
}

/** CodeBuild uses Java's regular expressions: their special characters in a branch name are escaped. */
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
