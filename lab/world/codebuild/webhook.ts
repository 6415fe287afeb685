import type { Webhook, WebhookEvent, WebhookFilter } from './types.ts';

const EVENTS_OF_A_HOOK_WITHOUT_FILTERS: readonly string[] = [
  'PUSH',
  'PULL_REQUEST_CREATED',
  'PULL_REQUEST_UPDATED',
  'PULL_REQUEST_REOPENED',
];

/** Whether a delivery starts a build: one group has to pass, and of a group every filter. */
export function startsBuild(webhook: Webhook, event: WebhookEvent): boolean {
  if (!webhook.filterGroups?.length) return EVENTS_OF_A_HOOK_WITHOUT_FILTERS.includes(event.event);
  return webhook.filterGroups.some((group) => group.every((filter) => passes(filter, event)));
}

/** CodeBuild's message for invalid filters; undefined if they are valid. */
export function problemOf(webhook: Webhook): string | undefined {
  for (const group of webhook.filterGroups ?? []) {
    if (!group.some((filter) => filter.type === 'EVENT')) {
      return 'A filter group must have at least one filter of type EVENT';
    }
    for (const filter of group) {
      if (filter.type === 'EVENT') continue;
      try {
        new RegExp(filter.pattern);
      } catch {
        return `Invalid regular expression in filter pattern: ${filter.pattern}`;
      }
    }
  }
  return undefined;
}

function passes(filter: WebhookFilter, event: WebhookEvent): boolean {
  return matches(filter, event) !== (filter.excludeMatchedPattern ?? false);
}

/** Patterns are found anywhere in the value: `develop` also matches `refs/heads/develop-x`. */
function matches(filter: WebhookFilter, event: WebhookEvent): boolean {
  if (filter.type === 'EVENT') {
    return filter.pattern
      .split(',')
      .map((name) => name.trim())
      .includes(event.event);
  }
  const pattern = new RegExp(filter.pattern);
  switch (filter.type) {
    case 'HEAD_REF':
      return pattern.test(event.headRef);
    case 'BASE_REF':
      return event.baseRef !== undefined && pattern.test(event.baseRef);
    case 'ACTOR_ACCOUNT_ID':
      return pattern.test(event.actor);
    case 'COMMIT_MESSAGE':
      return pattern.test(event.message);
    case 'FILE_PATH':
      return event.files.some((file) => pattern.test(file));
    default:
      // Of releases, workflows and organizations, which the lab's host does not have.
      return false;
  }
}
