import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { aDevelopment, aProduction, LISTENER, statementsOf, templateOf } from './environments.ts';

describe('docs/permissions.md', () => {
  const deploy = aDevelopment().deploy!;
  const connection =
    'arn:aws:codeconnections:ap-northeast-1:111111111111:connection/0a1b2c3d-1111-2222-3333-444455556666';
  const kmsKey = 'arn:aws:kms:ap-northeast-1:111111111111:key/01234567-89ab-cdef-0123-456789abcdef';
  const repository = '111111111111.dkr.ecr.ap-northeast-1.amazonaws.com/api';
  const network = { subnets: ['subnet-0a1b2c3d'], securityGroups: ['sg-0a1b2c3d'] };
  const everything = [
    aDevelopment({
      network,
      autoscaler: { kind: 'auto-mode', builtIn: true },
      drain: { replaceEarly: true },
      encryptionKey: 'create',
      notify: { info: [], warning: [], failure: [] },
      selfService: { links: true },
      doorbell: {
        applications: ['https://shop.develop.example.com/'],
        rules: { listener: LISTENER, priorities: '1-20' },
        chat: { slack: [{ workspace: 'T0', channel: 'C01' }] },
      },
      deploy: {
        ...deploy,
        argocd: { ...deploy.argocd, kmsKey },
        status: {
          github: { tokenSecret: 'nightshift/github', kmsKey },
          gitlab: { tokenSecret: 'nightshift/gitlab', kmsKey },
          bitbucket: { tokenSecret: 'nightshift/bitbucket', kmsKey },
        },
        builds: ['github.com', 'gitlab.com', 'bitbucket.org'].flatMap((host) =>
          deploy.builds.map((build) => ({
            ...build,
            project: host.replaceAll('.', '-'),
            repository: `https://${host}/example/api`,
            applications: [{ name: host.replaceAll('.', '-'), images: [{ repository, tag: '{sha7}' }] }],
            create: { connection, imageRepository: host },
          })),
        ),
      },
    }),
    aProduction(),
    aDevelopment({
      deploy: {
        ...deploy,
        argocd: { capability: 'argocd', through: 'server', tokenSecret: 'nightshift/argocd' },
      },
    }),
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

describe('docs/how-it-is-built.md', () => {
  /** A file without a folder is in the one that its section names: "The files below are in `functions/…/`". */
  const sections = readFileSync('docs/how-it-is-built.md', 'utf8').split(/^## /m);
  const named = sections.flatMap((section) => {
    const folder = /are in\s+`([\w/-]+\/)`/.exec(section)?.[1] ?? '';
    const names = codeSpans(section).filter((name) => /^[\w./-]+(\.m?ts|\/)$/.test(name));
    return names.map((name) => (name.includes('/') ? name : join(folder, name)));
  });

  test('names only files and folders that exist', () => {
    expect(named.length).toBeGreaterThan(50);
    expect(named.filter((name) => !existsSync(name) && !isEveryHandler(name))).toEqual([]);
  });

  test('names the files from a spot notice to the eviction, in order', () => {
    const walk = named.filter((name) => name.startsWith('functions/spot-drain/')).slice(1);
    expect(walk.map((name) => name.slice('functions/spot-drain/'.length)).slice(0, 9)).toEqual([
      'handler.ts',
      'run.ts',
      'event.ts',
      'respond.ts',
      'locate.ts',
      'decide.ts',
      'claim-instance.ts',
      'claim.ts',
      'cordon.ts',
    ]);
  });

  test('names every kind of key of the table, and no other', () => {
    const header = readFileSync('functions/adapters/dynamodb/table-keys.ts', 'utf8').split('*/')[0] ?? '';
    const partitions = (text: string) =>
      new Set(
        [...text.matchAll(/^[ *]*\| `(\w+)` +\| `([\w-]+#?|<)/gm)].map(([, pk, sk]) => `${pk} | ${sk}`),
      );
    const documented = partitions(sections.find((section) => section.startsWith('Where state')) ?? '');
    expect([...documented].sort()).toEqual([...partitions(header)].sort());
  });
});

/** The superseded decisions and the changelog name files of their time. */
describe('README.md and the pages in docs', () => {
  const pages = [
    'README.md',
    'README.ja.md',
    'lab/README.md',
    ...globSync('docs/*.md'),
    ...globSync('docs/decisions/*.md'),
  ];

  test('link only to files and headings that exist', () => {
    const broken = pages.flatMap((page) =>
      [...readFileSync(page, 'utf8').matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g)]
        .map(([, path = '', heading]) => ({ path: path ? join(dirname(page), path) : page, heading }))
        .filter(({ path, heading }) => !existsSync(path) || (heading && !headingsOf(path).has(heading)))
        .map(({ path, heading }) => `${page}: ${path}#${heading ?? ''}`),
    );
    expect(broken).toEqual([]);
  });

  test('name only files of the repository that exist', () => {
    const current = pages.filter((page) => !page.startsWith('docs/decisions/') && !page.startsWith('lab/'));
    const missing = current.flatMap((page) =>
      codeSpans(readFileSync(page, 'utf8'))
        .filter((name) =>
          /^(bin|cli|demo|docs|functions|lab|lib|manifests|model|test)\/[\w./*-]*$/.test(name),
        )
        .filter((name) => globSync(name.replace(/\/$/, '')).length === 0)
        .map((name) => `${page}: ${name}`),
    );
    expect(missing).toEqual([]);
  });
});

/** What stands in backticks, outside of code blocks. */
function codeSpans(markdown: string): string[] {
  const text = markdown.replace(/^```[\s\S]*?^```/gm, '');
  return [...text.matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span);
}

/** The anchors that GitHub gives the headings of a page. */
function headingsOf(page: string): Set<string> {
  const headings = readFileSync(page, 'utf8').matchAll(/^#+ (.*)$/gm);
  return new Set(
    [...headings].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\w\s-]/g, '')
        .replace(/\s/g, '-'),
    ),
  );
}

/** In the map a file without a folder is one of each capability. */
function isEveryHandler(name: string): boolean {
  return ['night-schedule', 'spot-drain', 'branch-deploy'].every((capability) =>
    existsSync(join('functions', capability, name)),
  );
}

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
