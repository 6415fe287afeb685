import { describe, expect, test } from 'vitest';
import { configurationOf, pathsOf } from './servers/argo-cd-objects.ts';
import { PARTS } from './servers/parts.ts';

describe('what the part Argo CD needs', () => {
  const part = PARTS.find(({ name }) => name === 'argocd');

  test('is the folder with its programs, or a server to look at with a token', () => {
    expect(part?.missing({})).toBe('ARGOCD_ASSETS is not set');
    expect(part?.missing({ ARGOCD_SERVER: 'argocd.example.com' })).toBe('ARGOCD_ASSETS is not set');
    const given = { ARGOCD_SERVER: 'argocd.example.com', ARGOCD_AUTH_TOKEN: 'a.b.c' };
    expect(part?.missing(given)).toBeUndefined();
  });

  test('is all there, where a folder is named', () => {
    const given = {
      ARGOCD_SERVER: 'argocd.example.com',
      ARGOCD_AUTH_TOKEN: 'a.b.c',
      ARGOCD_ASSETS: '/nowhere',
    };
    expect(part?.missing(given)).toBe('ARGOCD_ASSETS has no argocd, git-verify-wrapper.sh, crds');
  });
});

describe('the objects of an installation', () => {
  const objects = configurationOf({
    namespace: 'argocd',
    certificate: { key: 'key', cert: 'cert' },
    accounts: ['deployer'],
    policies: ['p, deployer, applications, get, */*, allow'],
  });

  test('are all created below their own namespace', () => {
    for (const object of objects) expect(pathsOf(object).collection).toContain('/namespaces/argocd/');
  });

  test('are marked as its own where Argo CD looks at no others', () => {
    const marked = objects.filter(({ kind }) => kind !== 'AppProject');
    for (const { metadata } of marked)
      expect(metadata['labels']).toMatchObject({ 'app.kubernetes.io/part-of': 'argocd' });
  });

  test('of a kind that nobody knows the path of are refused by name', () => {
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'api', namespace: 'api' } };
    expect(() => pathsOf(pod)).toThrow('no path is known for a Pod');
  });
});
