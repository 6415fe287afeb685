import { describe, expect, test } from 'vitest';
import { type ApplicationObject, viewOf } from '#functions/adapters/argocd/application.ts';

type Status = NonNullable<ApplicationObject['status']>;

function messageOf(status: Status): string {
  return viewOf({ metadata: { name: 'api' }, status }).healthMessage;
}

describe('why an application is not healthy', () => {
  const sick = (message?: string) => ({
    kind: 'Deployment',
    name: 'api',
    health: { status: 'Degraded', ...(message === undefined ? {} : { message }) },
  });
  // Seen on Argo CD 3.6.1: the application only points at what is sick, and the resource says why.
  const health = { status: 'Degraded', message: 'Caused by apps/Deployment:app/api' };

  test('the degraded resource explains it, and not the application that only names it', () => {
    const message = 'Deployment "api" exceeded its progress deadline';
    expect(messageOf({ health, resources: [sick(message)] })).toBe(`Deployment api: ${message}`);
  });

  test('through the Kubernetes API no resource has a health, and the application is all there is', () => {
    expect(messageOf({ health, resources: [{ kind: 'Deployment', name: 'api' }] })).toBe(health.message);
  });

  test('a resource without a message adds nothing to what the application says', () => {
    expect(messageOf({ health, resources: [sick()] })).toBe(health.message);
    expect(messageOf({ health: { status: 'Degraded' }, resources: [sick()] })).toBe('Deployment api');
  });

  test('a hook that failed is not why: Argo CD does not count it', () => {
    const hook = { ...sick('Job has reached the specified backoff limit'), kind: 'Job', hook: true };
    expect(messageOf({ health, resources: [hook] })).toBe(health.message);
  });

  test('of several sick ones the first that says why is quoted', () => {
    expect(messageOf({ health, resources: [sick(), sick('crash loop')] })).toBe('Deployment api: crash loop');
  });
});
