import { beforeAll, describe, expect, test } from 'vitest';
import type { Asked, Bed } from '../bed.ts';
import type { Json } from '../objects.ts';
import { grants } from '../setup.ts';

/** The smallest thing that a role could do without. */
interface Grant {
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly verb: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly user: string;
}

/** To be looked at last: it counts what the other behaviours asked for. */
export function describePermissions(bed: () => Bed): void {
  describe('the RBAC of manifests/', () => {
    let granted: readonly Grant[];
    let asked: readonly Asked[];
    beforeAll(async () => {
      granted = grantsOf(await grants());
      asked = await bed().asked();
    });

    test('grants nothing that no adapter needs', () => {
      const unused = granted.filter((grant) => !asked.some((one) => one.status < 300 && covers(grant, one)));
      expect(unused.map(textOf)).toEqual([]);
    });

    test('lets the adapters do all that they do', () => {
      // The role of a hub names its applications: it is printed by nightshift manifests, not part of manifests/.
      const wanted = asked.filter((one) => one.status < 300 && one.user !== 'hub-branch-deploy');
      const uncovered = wanted.filter((one) => !granted.some((grant) => covers(grant, one)));
      expect(wanted.length).toBeGreaterThan(0);
      expect([...new Set(uncovered.map(textOf))]).toEqual([]);
    });

    test('grants nothing to anybody else', async () => {
      for (const { group, resource, subresource, verb, namespace, name } of granted) {
        const { body } = await bed().ask('nobody', {
          method: 'POST',
          path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
          body: {
            apiVersion: 'authorization.k8s.io/v1',
            kind: 'SelfSubjectAccessReview',
            spec: { resourceAttributes: { group, resource, subresource, verb, namespace, name } },
          },
        });
        expect(body.status.allowed).toBe(false);
      }
    });
  });
}

function grantsOf(objects: readonly Json[]): Grant[] {
  return objects
    .filter(({ kind }) => kind === 'ClusterRoleBinding' || kind === 'RoleBinding')
    .flatMap(({ roleRef, subjects, metadata }) => {
      const role = objects.find(
        (one) =>
          one.kind === roleRef.kind &&
          one.metadata.name === roleRef.name &&
          one.metadata.namespace === metadata.namespace,
      );
      const users: string[] = subjects.map(({ name }: Json) => name.replace(/^nightshift:/, ''));
      return users.flatMap((user) => rulesOf(role).map((rule) => ({ ...rule, ...within(metadata), user })));
    });
}

function rulesOf(role: Json): Omit<Grant, 'user'>[] {
  return role.rules.flatMap(({ apiGroups, resources, verbs, resourceNames = [undefined] }: Json) =>
    apiGroups.flatMap((group: string) =>
      resources.flatMap((asked: string) =>
        verbs.flatMap((verb: string) =>
          resourceNames.map((name: string | undefined) => {
            const [resource, subresource] = asked.split('/');
            return {
              group,
              resource,
              verb,
              ...(subresource ? { subresource } : {}),
              ...(name ? { name } : {}),
            };
          }),
        ),
      ),
    ),
  );
}

const within = ({ namespace }: Json) => (namespace ? { namespace } : {});

function covers(grant: Grant, one: Asked): boolean {
  return (
    grant.user === one.user &&
    grant.group === one.group &&
    grant.resource === one.resource &&
    grant.subresource === one.subresource &&
    grant.verb === one.verb &&
    (grant.namespace === undefined || grant.namespace === one.namespace) &&
    (grant.name === undefined || grant.name === one.name)
  );
}

function textOf({ user, verb, group, resource, subresource }: Omit<Grant, 'namespace' | 'name'>): string {
  const what = subresource ? `${resource}/${subresource}` : resource;
  return `${user}: ${verb} ${group ? `${what}.${group}` : what}`;
}
