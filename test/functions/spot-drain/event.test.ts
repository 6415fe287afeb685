import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Parsed, parseEvent } from '#functions/spot-drain/event.ts';
import { INSTANCE } from './a-cluster.ts';
import {
  aHealthEvent,
  aLifecycleAction,
  anInterruption,
  aRebalance,
  aStateChange,
  SETTINGS,
  TICK,
} from './a-world.ts';

const NOW = new Date('2026-08-27T03:00:02Z');
const AROUND = { account: SETTINGS.account, region: SETTINGS.region, now: NOW };
const OTHER = 'i-0fedcba9876543210';

describe('an event that speaks of an instance', () => {
  test.each([
    ['a spot termination', anInterruption('terminate'), 'spot-terminate'],
    ['a spot stop', anInterruption('stop'), 'spot-stop'],
    ['a spot hibernation', anInterruption('hibernate'), 'spot-hibernate'],
    ['a rebalance recommendation', aRebalance(), 'rebalance'],
    ['a lifecycle action', aLifecycleAction(), 'lifecycle'],
    ['an announced change', aHealthEvent(), 'health'],
    ['an announced change that is near', aHealthEvent({ statusCode: 'upcoming' }), 'health'],
    ['an announced change that is over', aHealthEvent({ statusCode: 'closed' }), 'health-closed'],
    ['an instance that stops', aStateChange('stopping'), 'state-stopping'],
    ['an instance that terminates', aStateChange('shutting-down'), 'state-shutting-down'],
  ])('is understood: %s', (_name, event, kind) => {
    expect(parse(event)).toMatchObject({
      kind: 'notices',
      notices: [{ kind, instanceId: INSTANCE, trigger: 'event-1', at: new Date('2026-08-27T03:00:00Z') }],
    });
  });

  test('carries what a lifecycle action is completed with', () => {
    expect(parse(aLifecycleAction())).toMatchObject({
      notices: [{ hook: { group: 'workers', name: 'drain', token: '87654321-4321-4321-4321-210987654321' } }],
    });
  });

  test('counts from now when it is dated a little ahead of our clock', () => {
    expect(parse(anInterruption('terminate', { time: '2026-08-27T03:01:00Z' }))).toMatchObject({
      notices: [{ at: NOW }],
    });
  });

  test('is found in its detail, whatever its resources look like', () => {
    for (const resources of [
      [],
      ['arn:aws:ec2:us-east-1b:instance/i-x'],
      ['arn:aws-cn:ec2:x'],
      undefined,
      7,
    ]) {
      expect(parse(anInterruption('terminate', { resources }))).toMatchObject({ kind: 'notices' });
    }
  });
});

describe('a Health event', () => {
  const arn = (id: string) => `arn:aws:ec2:ap-northeast-1:111111111111:instance/${id}`;

  test.each<[string, unknown, readonly string[]]>([
    ['a bare instance', [{ entityValue: INSTANCE }], [INSTANCE]],
    ['an ARN', [{ entityValue: arn(INSTANCE), status: 'PENDING' }], [INSTANCE]],
    [
      'several, bare and as ARNs',
      [{ entityValue: INSTANCE }, { entityValue: arn(OTHER) }],
      [INSTANCE, OTHER],
    ],
    ['one instance twice', [{ entityValue: INSTANCE }, { entityValue: arn(INSTANCE) }], [INSTANCE]],
    [
      'a volume beside an instance',
      [{ entityValue: 'vol-0123456789abcdef0' }, { entityValue: INSTANCE }],
      [INSTANCE],
    ],
  ])('names %s', (_name, affectedEntities, instances) => {
    const parsed = parse(aHealthEvent({ affectedEntities }));
    expect(parsed.kind === 'notices' && parsed.notices.map((notice) => notice.instanceId)).toEqual(instances);
  });

  test.each<[string, unknown]>([
    ['no entity', []],
    ['nothing at all', undefined],
    ['something that is no list', 'i-0123456789abcdef0'],
    ['an entity without a value', [{}]],
    ['only others', [{ entityValue: 'vol-0123456789abcdef0' }]],
  ])('that names %s is ignored', (_name, affectedEntities) => {
    expect(ignored(aHealthEvent({ affectedEntities }))).toMatch(/names no instance/);
  });

  test('of several pages is worked on page by page', () => {
    expect(parse(aHealthEvent({ page: '2', totalPages: '3' }))).toMatchObject({ kind: 'notices' });
  });

  test('about another region, as the backup region hears of it, is ignored', () => {
    expect(ignored(aHealthEvent({ eventRegion: 'us-east-1', backupEvent: 'true' }))).toMatch(
      /region "us-east-1"/,
    );
  });

  test('about our region is heeded also when it comes as a backup', () => {
    expect(parse(aHealthEvent({ backupEvent: 'true' }))).toMatchObject({ kind: 'notices' });
  });

  test('that is no scheduled change of EC2 is routine', () => {
    expect(parse(aHealthEvent({ eventTypeCategory: 'issue' }))).toMatchObject({ action: 'none' });
    expect(parse(aHealthEvent({ service: 'RDS' }))).toMatchObject({ action: 'none' });
  });
});

describe('bad input is ignored with its reason', () => {
  test.each<[string, unknown, RegExp]>([
    ['nothing', undefined, /payload is missing/],
    ['null', null, /payload is null/],
    ['a string', 'x', /payload is "x"/],
    ['a list', [anInterruption()], /not an event/],
    ['an empty object', {}, /no source/],
    ['an unknown source', anInterruption('terminate', { source: 'aws.s3' }), /aws\.s3/],
    ['an unknown detail type', anInterruption('terminate', { 'detail-type': 'EC2 Something' }), /no event/],
    ['a detail type of Object itself', { source: '__proto__', 'detail-type': 'x' }, /no event/],
    ['another account', anInterruption('terminate', { account: '999999999999' }), /account "999999999999"/],
    ['no account', anInterruption('terminate', { account: undefined }), /account missing/],
    ['another region', anInterruption('terminate', { region: 'eu-west-1' }), /region "eu-west-1"/],
    ['no time', anInterruption('terminate', { time: undefined }), /time is missing/],
    ['no instant', anInterruption('terminate', { time: 'yesterday' }), /"yesterday"/],
    ['a number for a time', anInterruption('terminate', { time: 1_756_263_600 }), /not an instant/],
    ['a time in 1970', anInterruption('terminate', { time: '1970-01-01T00:00:00Z' }), /more than a day ago/],
    ['a time in the future', anInterruption('terminate', { time: '2026-08-27T03:10:00Z' }), /in the future/],
    ['no detail', anInterruption('terminate', { detail: undefined }), /detail is missing/],
    ['a detail that is a list', anInterruption('terminate', { detail: [] }), /not an object/],
    ['an unknown action', anInterruption('explode'), /"explode": it must be terminate, stop or hibernate/],
    ['an action in upper case', anInterruption('TERMINATE'), /"TERMINATE"/],
    ['an unknown state', aStateChange('melting'), /"melting"/],
    ['a state in upper case', aStateChange('STOPPING'), /"STOPPING"/],
    ['no instance', aRebalance({ detail: {} }), /instance id is missing/],
    [
      'an instance id in upper case',
      aRebalance({ detail: { 'instance-id': 'I-0123456789ABCDEF0' } }),
      /"I-0123/,
    ],
    [
      'an instance id that is too long',
      aRebalance({ detail: { 'instance-id': `${INSTANCE}0` } }),
      /hexadecimal/,
    ],
    [
      'an instance id with a path',
      aRebalance({ detail: { 'instance-id': 'i-0123456/../../pods' } }),
      /hexadecimal/,
    ],
    [
      'an instance id that is a list',
      aRebalance({ detail: { 'instance-id': [INSTANCE] } }),
      /instance id is \[/,
    ],
    ['a lifecycle action without a token', aLifecycleAction({ LifecycleActionToken: undefined }), /token/],
    [
      'a lifecycle action of a launch',
      aLifecycleAction({ LifecycleTransition: 'autoscaling:EC2_INSTANCE_LAUNCHING' }),
      /LAUNCHING/,
    ],
    [
      'a test notification',
      aLifecycleAction({ Event: 'autoscaling:TEST_NOTIFICATION' }),
      /test notification/,
    ],
    [
      'an event in a message of SNS',
      { Records: [{ EventSource: 'aws:sns', Sns: { Message: '{}' } }] },
      /SNS/,
    ],
    ['a notification of SNS', { Type: 'Notification', TopicArn: 'arn', Message: '{}' }, /SNS/],
    ['an unknown status of Health', aHealthEvent({ statusCode: 'OPEN' }), /"OPEN"/],
  ])('%s', (_name, event, reason) => {
    expect(ignored(event)).toMatch(reason);
  });

  test.each(['pending', 'running', 'stopped', 'terminated'])('an instance that is %s is routine', (state) => {
    expect(parse(aStateChange(state))).toMatchObject({ kind: 'ignored', action: 'none', target: INSTANCE });
  });

  test('never with an exception', () => {
    const events = [anInterruption(), aLifecycleAction(), aHealthEvent()];
    fc.assert(
      fc.property(fc.anything(), fc.anything(), fc.nat(2), (value, detail, n) => {
        parse(value);
        parse({ ...events[n], detail });
        parse({ ...events[n], time: value });
        parse({ ...events[n], detail: { ...(events[n]?.detail as object), affectedEntities: value } });
      }),
    );
  });
});

describe('a tick', () => {
  test('is ours, or that of a rule with a rate', () => {
    expect(parse(TICK)).toEqual({ kind: 'tick', trigger: 'spot-drain-tick' });
    expect(parse({ ...TICK, id: 'execution-1' })).toEqual({ kind: 'tick', trigger: 'execution-1' });
    expect(parse({ source: 'aws.events', 'detail-type': 'Scheduled Event', id: 'e' })).toEqual({
      kind: 'tick',
      trigger: 'e',
    });
  });

  test('is nothing else of ours', () => {
    expect(parse({ ...TICK, trigger: 'edge' })).toMatchObject({ kind: 'ignored' });
  });
});

function parse(event: unknown): Parsed {
  return parseEvent(event, AROUND);
}

function ignored(event: unknown): string {
  const parsed = parse(event);
  if (parsed.kind !== 'ignored') throw new Error(`it was taken for ${parsed.kind}`);
  expect(parsed.action).toBe('ignore');
  return parsed.reason;
}
