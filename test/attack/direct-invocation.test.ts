import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseEvent as parseBuildEvent } from '#functions/branch-deploy/event.ts';
import { causeOf } from '#functions/night-schedule/event.ts';
import { parseEvent as parseNotice } from '#functions/spot-drain/event.ts';

// Whoever has lambda:InvokeFunction can send any payload of up to 6 MB.

const LONG = 'x'.repeat(1_000_000);
const around = { account: '111111111111', region: 'ap-northeast-1', now: new Date('2026-11-24T12:00:00Z') };
const anEvent = (source: string, detailType: string, detail: object) => ({
  id: LONG,
  source,
  'detail-type': detailType,
  account: around.account,
  region: around.region,
  time: '2026-11-24T12:00:00Z',
  detail,
});
const aLifecycleAction = (given: object) =>
  anEvent('aws.autoscaling', 'EC2 Instance-terminate Lifecycle Action', {
    EC2InstanceId: 'i-0123456789abcdef0',
    LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
    AutoScalingGroupName: 'workers',
    LifecycleHookName: 'drain',
    LifecycleActionToken: 'token',
    ...given,
  });
const aBuildEvent = (given: object) => ({
  id: 'event',
  source: 'aws.codebuild',
  'detail-type': 'CodeBuild Build State Change',
  detail: {
    'build-id':
      'arn:aws:codebuild:ap-northeast-1:111111111111:build/api:0a1b2c3d-0000-0000-0000-000000000000',
    'build-status': 'SUCCEEDED',
    ...given,
  },
});

describe('a payload of whoever may invoke a function', () => {
  test('gives no trigger, owner or reason that is longer than a line', () => {
    const notices = [
      aLifecycleAction({}),
      { id: LONG, source: 'nightshift', trigger: 'tick', schedule: LONG },
      anEvent(LONG, LONG, {}),
      { id: LONG, source: 'nightshift', trigger: 'watchdog', check: { owner: LONG } },
    ].map((event) => parseNotice(event, around));
    for (const parsed of notices) {
      expect(parsed.trigger.length).toBeLessThanOrEqual(200);
      if (parsed.kind === 'watchdog') expect(parsed.owner.length).toBeLessThanOrEqual(200);
    }
    expect(parseBuildEvent({ ...aBuildEvent({}), id: LONG }).id.length).toBeLessThanOrEqual(200);
    expect(
      parseBuildEvent({ id: LONG, source: 'nightshift', trigger: 'tick' }).id.length,
    ).toBeLessThanOrEqual(200);
    expect(causeOf({ source: 'nightshift', id: LONG, schedule: LONG }).trigger.length).toBeLessThanOrEqual(
      401,
    );
  });

  test.for(['AutoScalingGroupName', 'LifecycleHookName', 'LifecycleActionToken'])(
    'completes no lifecycle action with a %s that Auto Scaling cannot have',
    (name) => {
      expect(parseNotice(aLifecycleAction({ [name]: LONG }), around)).toMatchObject({ kind: 'ignored' });
    },
  );

  test('drains no more instances than an event of AWS can name', () => {
    const affectedEntities = Array.from({ length: 5_001 }, (_, index) => ({
      entityValue: `i-${index.toString(16).padStart(17, '0')}`,
    }));
    const event = anEvent('aws.health', 'AWS Health Event', {
      service: 'EC2',
      eventTypeCategory: 'scheduledChange',
      statusCode: 'open',
      affectedEntities,
    });
    expect(parseNotice(event, around)).toMatchObject({ kind: 'ignored' });
  });

  test.for([
    [
      'a project of any length',
      { 'build-id': `arn:aws:codebuild:ap-northeast-1:111111111111:build/${LONG}:0a1b2c3d` },
    ],
    [
      'a project with a path',
      { 'build-id': 'arn:aws:codebuild:ap-northeast-1:111111111111:build/a/../b:0a1b2c3d' },
    ],
    [
      'an id of any length',
      { 'build-id': `arn:aws:codebuild:ap-northeast-1:111111111111:build/api:${'a'.repeat(9_999)}` },
    ],
    ['a status of any length', { 'build-status': LONG }],
    ['a status of another form', { 'build-status': 'SUCCEEDED\nSUCCEEDED' }],
  ] as const)('reads no build from %s', ([, detail]) => {
    const parsed = parseBuildEvent(aBuildEvent(detail));
    expect(parsed).toMatchObject({ kind: 'unknown' });
    expect(JSON.stringify(parsed).length).toBeLessThan(1_000);
  });

  test('is never an exception, whatever it is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (payload) => {
        parseNotice(payload, around);
        parseBuildEvent(payload);
        causeOf(payload);
      }),
    );
  });
});
