import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { aDevelopment, aProduction, statementsOf, templateOf } from './environments.ts';

describe('docs/permissions.md', () => {
  const deploy = aDevelopment().deploy!;
  const connection =
    'arn:aws:codeconnections:ap-northeast-1:111111111111:connection/0a1b2c3d-1111-2222-3333-444455556666';
  const kmsKey = 'arn:aws:kms:ap-northeast-1:111111111111:key/01234567-89ab-cdef-0123-456789abcdef';
  const network = { subnets: ['subnet-0a1b2c3d'], securityGroups: ['sg-0a1b2c3d'] };
  const everything = [
    aDevelopment({
      network,
      drain: { replaceEarly: true },
      encryptionKey: 'create',
      notify: { info: [], warning: [], failure: [] },
      deploy: {
        ...deploy,
        argocd: { ...deploy.argocd, kmsKey },
        status: { github: { tokenSecret: 'nightshift/github', kmsKey } },
        builds: deploy.builds.map((build) => ({ ...build, create: { connection } })),
      },
    }),
    aProduction(),
  ];

  test('lists every statement that a stack can have, and no other', () => {
    const ids = new Set(
      everything
        .flatMap((environment) => statementsOf(templateOf(environment)))
        .flatMap(({ Sid }) => Sid ?? []),
    );
    const named = readFileSync('docs/permissions.md', 'utf8').matchAll(/`([A-Z][a-z]+(?:[A-Z][a-z]+)+)`/g);
    const described = new Set([...named].map(([, id]) => id));
    expect([...described].sort()).toEqual([...ids].sort());
  });
});

describe('the resources of a stack', () => {
  test('have no circular dependencies', () => {
    for (const environment of [aDevelopment({ notify: { failure: [] } }), aProduction()]) {
      const resources: Record<string, unknown> = templateOf(environment).toJSON()['Resources'];
      const needs = new Map(Object.entries(resources).map(([id, one]) => [id, referencesIn(one, resources)]));
      const created = new Set<string>();
      for (;;) {
        const next = [...needs].filter(
          ([id, needed]) => !created.has(id) && needed.every((one) => created.has(one)),
        );
        if (next.length === 0) break;
        for (const [id] of next) created.add(id);
      }
      expect([...needs.keys()].filter((id) => !created.has(id))).toEqual([]);
    }
  });
});

/** What CloudFormation creates before it: Ref, Fn::GetAtt, Fn::Sub and DependsOn. */
function referencesIn(value: unknown, resources: Record<string, unknown>): string[] {
  if (Array.isArray(value)) return value.flatMap((one) => referencesIn(one, resources));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const text = JSON.stringify(inner) ?? '';
    if (key === 'Ref' || key === 'DependsOn' || key === 'Fn::GetAtt')
      return [inner].flat().filter((name): name is string => typeof name === 'string' && name in resources);
    if (key === 'Fn::Sub')
      return [...text.matchAll(/\$\{(\w+)/g)].flatMap(([, name = '']) => (name in resources ? [name] : []));
    return referencesIn(inner, resources);
  });
}
