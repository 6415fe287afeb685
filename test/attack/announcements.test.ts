import { describe, expect, test } from 'vitest';
import { readAnnouncement } from '#functions/branch-deploy/announced-build.ts';
import { parseEvent } from '#functions/branch-deploy/event.ts';
import type { BranchDeploySettings } from '#model/settings.ts';

// Whoever may put events on the bus of the account can announce a build: IAM says for which binding, and what the event
// says of the build is text of others.

const LONG = 'x'.repeat(200_000);
const now = new Date('2026-11-24T12:00:00Z');
const settings = {
  environment: 'develop',
  account: '111111111111',
  region: 'ap-northeast-1',
  builds: [
    {
      project: 'api',
      announced: true,
      repository: 'https://github.com/example/api',
      branch: 'develop',
      applications: [],
    },
    {
      project: 'web',
      repository: 'https://github.com/example/web',
      branch: 'develop',
      applications: [],
    },
  ],
} as unknown as BranchDeploySettings;

const DETAIL = { run: '17-1', status: 'SUCCEEDED', number: 17, commit: '0'.repeat(40) };

function announce(detail: object, event: object = {}) {
  const parsed = parseEvent({
    id: 'event',
    source: 'nightshift.build',
    'detail-type': 'api',
    account: '111111111111',
    region: 'ap-northeast-1',
    time: '2026-11-24T11:59:00Z',
    detail: { ...DETAIL, ...detail },
    ...event,
  });
  if (parsed.kind !== 'announcement') throw new Error(`it is ${parsed.kind}`);
  return readAnnouncement(parsed, settings, now);
}

describe('an announced build', () => {
  test('that is well-formed is read', () => {
    expect(announce({})).toMatchObject({ ok: true, build: { id: 'api:17-1', number: 17 } });
  });

  test.for([
    ['a run of any length', { run: LONG }],
    ['a run with a path', { run: '../web:1' }],
    ['a run that is another key of the table', { run: '1#night' }],
    ['a run of several lines', { run: '1\n2' }],
    ['a status of its own', { status: 'SUCCEEDED ' }],
    ['a number that is no number', { number: '17' }],
    ['a number below all others', { number: -1 }],
    ['a number that no other can be above', { number: 1e300 }],
    ['a commit that is a branch', { commit: 'develop' }],
    ['a commit of any length', { commit: '0'.repeat(200_000) }],
    ['a branch of any length', { branch: LONG }],
    ['a branch that is no text', { branch: { toString: 'develop' } }],
    ['a repository of any length', { repository: LONG }],
    ['variables that are a list', { exported: ['a'] }],
    [
      'variables without end',
      { exported: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`${i}`, 'a'])) },
    ],
    ['a variable of any length', { exported: { IMAGE_TAG: LONG } }],
    ['a name of a variable of any length', { exported: { [LONG]: 'a' } }],
    ['a variable that is no text', { exported: { IMAGE_TAG: { a: 1 } } }],
  ] as const)('with %s is refused, in a line', ([, detail]) => {
    const read = announce(detail);
    expect(read).toMatchObject({ ok: false, action: 'refuse' });
    expect(JSON.stringify(read).length).toBeLessThan(1_000);
  });

  test.for([
    ['for a build that CodeBuild has to know', { 'detail-type': 'web' }],
    ['for a name that every object has', { 'detail-type': 'constructor' }],
    ['for a project of any length', { 'detail-type': LONG }],
    ['from another account', { account: '222222222222' }],
    ['from an account of any length', { account: LONG }],
    ['from a region of any length', { region: LONG }],
  ] as const)('%s is ignored, in a line', ([, event]) => {
    const read = announce({}, event);
    expect(read).toMatchObject({ ok: false, action: 'ignore' });
    expect(JSON.stringify(read).length).toBeLessThan(1_000);
  });

  test('is of the repository of its binding, and never newer than now', () => {
    const read = announce({}, { time: '2036-11-24T12:00:00Z' });
    expect(read).toMatchObject({
      ok: true,
      build: { location: 'https://github.com/example/api', startedAt: now, endedAt: now },
    });
  });
});
