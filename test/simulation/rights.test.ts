import { StatusError } from '@nightshift/lab/world/kubernetes/index.ts';
import { describe, expect, test } from 'vitest';
import { checkRights } from './deploy/rights.ts';

const APPLICATIONS = '/apis/argoproj.io/v1alpha1/namespaces/argocd/applications';

describe('the permissions of branch-deploy in a story', () => {
  test.each(['GET', 'PATCH'])('allow %s of an application', (method) => {
    expect(() => checkRights(method, `${APPLICATIONS}/api`)).not.toThrow();
  });

  test.each([
    ['a list of them', 'GET', APPLICATIONS, 'list resource "applications"'],
    ['a whole object', 'PUT', `${APPLICATIONS}/api`, 'update resource "applications"'],
    ['a deletion', 'DELETE', `${APPLICATIONS}/api`, 'delete resource "applications"'],
    ['another namespace', 'PATCH', `${APPLICATIONS.replace('argocd', 'teams')}/api`, 'the namespace "teams"'],
    [
      'another resource',
      'GET',
      `${APPLICATIONS.replace('applications', 'appprojects')}/api`,
      '"appprojects"',
    ],
    ['a secret', 'GET', '/api/v1/namespaces/argocd/secrets/argocd-secret', 'get resource "secrets"'],
  ])('refuse %s as the API server does', (_what, method, path, says) => {
    expect(() => checkRights(method, path)).toThrow(StatusError);
    expect(() => checkRights(method, path)).toThrow(says);
    expect(() => checkRights(method, path)).toThrow('User "branch-deploy" cannot');
  });
});
