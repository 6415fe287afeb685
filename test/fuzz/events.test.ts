import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseEvent as parseBuild } from '#functions/branch-deploy/event.ts';
import { causeOf } from '#functions/night-schedule/event.ts';
import { parseEvent as parseNotice } from '#functions/spot-drain/event.ts';
import { anyPayload, corpus } from './mutations.ts';

const NOW = new Date('2026-08-27T03:00:10Z');
const AROUND = { account: '111111111111', region: 'ap-northeast-1', now: NOW };
const INSTANCE = /^i-(?:[0-9a-f]{8}|[0-9a-f]{17})$/;

describe('an event of any form', () => {
  test('is parsed by spot-drain, or ignored with a reason', () => {
    fc.assert(
      fc.property(anyPayload, (payload) => {
        const parsed = parseNotice(payload, AROUND);
        expect(parsed.trigger).not.toBe('');
        if (parsed.kind === 'ignored') expect(parsed.reason).not.toBe('');
        if (parsed.kind !== 'notices') return;
        expect(parsed.notices.length).toBeGreaterThan(0);
        for (const { instanceId, at, hook, kind } of parsed.notices) {
          expect(instanceId).toMatch(INSTANCE);
          expect(at.getTime()).toBeLessThanOrEqual(NOW.getTime());
          expect(hook !== undefined).toBe(kind === 'lifecycle');
        }
      }),
      { numRuns: 1_500 },
    );
  });

  test('is parsed by branch-deploy, or unknown with a reason', () => {
    fc.assert(
      fc.property(anyPayload, (payload) => {
        const event = parseBuild(payload);
        if (event.kind === 'unknown') expect(event.reason).not.toBe('');
        if (event.kind === 'build') expect(event.build.startsWith(`${event.project}:`)).toBe(true);
      }),
      { numRuns: 1_500 },
    );
  });

  test('is a trigger of night-schedule, and an override only if it says so', () => {
    fc.assert(
      fc.property(anyPayload, (payload) => {
        const cause = causeOf(payload);
        expect(cause.trigger).not.toBe('');
        const says = (payload as { trigger?: unknown } | null | undefined)?.trigger === 'override';
        if (cause.byPerson) expect(says).toBe(true);
      }),
      { numRuns: 800 },
    );
  });
});

describe('the events as AWS documents them', () => {
  const of = (name: string) => corpus().find(([file]) => file === name)?.[1];

  test.each([
    ['spot-interruption.json', 'notices'],
    ['rebalance.json', 'notices'],
    ['lifecycle-action.json', 'notices'],
    ['state-change.json', 'notices'],
    ['health-retirement.json', 'notices'],
    ['schedule-tick.json', 'tick'],
    ['scheduled-event.json', 'tick'],
    ['build-ended.json', 'ignored'],
    ['sqs-wrapped.json', 'ignored'],
    ['test-notification.json', 'ignored'],
  ])('are known to spot-drain: %s → %s', (name, kind) => {
    expect(parseNotice(of(name), AROUND).kind).toBe(kind);
  });

  test('are known to branch-deploy', () => {
    expect(parseBuild(of('build-ended.json'))).toMatchObject({ kind: 'build', project: 'api-develop' });
    expect(parseBuild(of('schedule-tick.json')).kind).toBe('tick');
    expect(parseBuild(of('spot-interruption.json')).kind).toBe('unknown');
  });
});
