import { describe, expect, test } from 'vitest';
import type { Build } from '#functions/branch-deploy/ports.ts';
import { OF_BUILDS } from '#functions/branch-deploy/reasons.ts';
import { admit } from '#functions/branch-deploy/request.ts';
import { anApplication, REPOSITORY, theSettings } from './a-world.ts';

const facts = { now: new Date('2026-11-25T05:00:00Z'), trigger: 'event-1' };
const SHA = '0123456789abcdef0123456789abcdef01234567';

function aBuild(overrides: Partial<Build> = {}): Build {
  return {
    id: 'api-develop:1',
    project: 'api-develop',
    number: 7,
    status: 'SUCCEEDED',
    initiator: 'GitHub-Hookshot/0a1b2c3',
    location: REPOSITORY,
    sourceVersion: `refs/heads/develop^{${SHA}}`,
    exported: {},
    startedAt: new Date('2026-11-25T04:59:00Z'),
    ...overrides,
  };
}

const binding = {
  project: 'api-develop',
  repository: REPOSITORY,
  branch: 'develop',
  applications: [anApplication()],
};

describe('a build is admitted', () => {
  test('with all that is known of it, for the applications of its binding', () => {
    expect(admit(theSettings(), aBuild(), facts)).toEqual({
      admitted: true,
      deploys: [
        {
          applications: [anApplication()],
          build: {
            project: 'api-develop',
            build: 'api-develop:1',
            number: 7,
            repository: REPOSITORY,
            branch: 'develop',
            sha: SHA,
            startedAt: '2026-11-25T04:59:00.000Z',
            recordedAt: '2026-11-25T05:00:00.000Z',
            trigger: 'event-1',
          },
        },
      ],
    });
  });

  test('by the one of several bindings whose branch it is of', () => {
    const other = { ...binding, branch: 'staging', applications: [anApplication({ name: 'other' })] };
    const admission = admit(theSettings({ builds: [other, binding] }), aBuild(), facts);
    expect(admission).toMatchObject({ admitted: true, deploys: [{ build: { branch: 'develop' } }] });
    expect(admission.admitted && admission.deploys).toHaveLength(1);
  });
});

describe('a build is not admitted', () => {
  test.each<[string, Partial<Build>, string, string | RegExp]>([
    ['of a project that is not bound', { project: 'web' }, 'ignore', OF_BUILDS.notBound('develop', 'web')],
    ['that has not ended', { status: 'IN_PROGRESS' }, 'none', OF_BUILDS.notEnded],
    ['that failed', { status: 'FAILED' }, 'ignore', OF_BUILDS.endedAs('FAILED')],
    ['of a status that nobody knows', { status: 'MELTED' }, 'ignore', OF_BUILDS.endedAs('MELTED')],
    ['without a number', { number: 0 }, 'refuse', OF_BUILDS.withoutNumber],
    ['that a person started', { initiator: 'alice' }, 'ignore', /"alice"/],
    ['of another branch', { sourceVersion: 'refs/heads/main' }, 'refuse', /"main"/],
  ])('%s', (_what, overrides, action, reason) => {
    expect(admit(theSettings(), aBuild(overrides), facts)).toEqual({
      admitted: false,
      action,
      reason: expect.stringMatching(reason),
    });
  });

  test.each(['api/../other', '..', 'Api', 'a b', '', `${'x'.repeat(300)}`])(
    'for an application that is called %j',
    (name) => {
      const builds = [{ ...binding, applications: [anApplication(), anApplication({ name })] }];
      expect(admit(theSettings({ builds }), aBuild(), facts)).toMatchObject({
        admitted: false,
        action: 'refuse',
      });
    },
  );
});

describe('a build that has not come to its end', () => {
  test('D6: as a part of a batch waits for the batch', () => {
    const build = aBuild({ status: 'IN_PROGRESS', batch: 'api-develop:b1' });
    expect(admit(theSettings(), build, facts)).toEqual({
      admitted: false,
      action: 'none',
      reason: OF_BUILDS.batchNotEnded('api-develop:b1'),
    });
  });

  test('as a failure that CodeBuild repeats is not final', () => {
    const build = aBuild({ status: 'FAILED', retriedAs: 'api-develop:2' });
    expect(admit(theSettings(), build, facts)).toEqual({
      admitted: false,
      action: 'none',
      reason: OF_BUILDS.retriedByCodeBuild('FAILED'),
    });
  });
});
