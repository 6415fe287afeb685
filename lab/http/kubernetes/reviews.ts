/** Access reviews: `kubectl auth can-i`, `kubectl auth whoami`. */
import type { Kubernetes, User } from '#lab/world/kubernetes/index.ts';
import type { ObjectInput } from '#lab/world/kubernetes/objects.ts';
import type { ReviewRequest } from './request.ts';

export function review(
  kubernetes: Kubernetes,
  user: User,
  request: ReviewRequest,
  body: ObjectInput,
): Record<string, unknown> {
  const answer = (kind: string, version: string, status: unknown) => ({
    kind,
    apiVersion: version,
    metadata: { creationTimestamp: null },
    ...(body['spec'] ? { spec: body['spec'] } : {}),
    status,
  });
  const spec = body['spec'] ?? {};
  switch (request.review) {
    case 'selfsubjectreviews':
      return answer('SelfSubjectReview', 'authentication.k8s.io/v1', {
        userInfo: { username: user.username, groups: user.groups, ...(user.uid ? { uid: user.uid } : {}) },
      });
    case 'selfsubjectrulesreviews': {
      const rules = kubernetes.authorize.rulesFor(user, spec.namespace ?? '');
      return answer('SelfSubjectRulesReview', 'authorization.k8s.io/v1', {
        resourceRules: rules.filter((rule) => rule.resources),
        nonResourceRules: rules.filter((rule) => rule.nonResourceURLs),
        incomplete: false,
      });
    }
    case 'selfsubjectaccessreviews':
      return answer('SelfSubjectAccessReview', 'authorization.k8s.io/v1', {
        allowed: mayDo(kubernetes, user, spec),
      });
    case 'subjectaccessreviews': {
      const other = { username: spec.user ?? '', groups: spec.groups ?? [] };
      return answer('SubjectAccessReview', 'authorization.k8s.io/v1', {
        allowed: mayDo(kubernetes, other, spec),
      });
    }
  }
}

function mayDo(
  kubernetes: Kubernetes,
  user: User,
  spec: {
    resourceAttributes?: Record<string, string>;
    nonResourceAttributes?: { path?: string; verb?: string };
  },
): boolean {
  const { resourceAttributes: requested, nonResourceAttributes: path } = spec;
  if (path) return kubernetes.authorize(user, { path: path.path ?? '', verb: path.verb ?? '' });
  return kubernetes.authorize(user, {
    verb: requested?.['verb'] ?? '',
    group: requested?.['group'] ?? '',
    resource: requested?.['resource'] ?? '',
    ...(requested?.['subresource'] ? { subresource: requested['subresource'] } : {}),
    ...(requested?.['namespace'] ? { namespace: requested['namespace'] } : {}),
    ...(requested?.['name'] ? { name: requested['name'] } : {}),
  });
}
