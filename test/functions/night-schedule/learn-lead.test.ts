import { describe, expect, test } from 'vitest';
import { type LeadQuestion, learnLead } from '#functions/night-schedule/learn-lead.ts';
import type { Morning } from '#functions/night-schedule/records.ts';
import { DAY_MS } from '#model/duration.ts';

const MONDAY = Date.parse('2026-11-01T22:50:00Z'); // Monday 07:50 in Tokyo
const onDay = (day: number) => new Date(MONDAY + day * DAY_MS);

function mornings(...seconds: readonly number[]): Morning[] {
  return seconds.map((nodes, day) => ({ asked: onDay(day).toISOString(), seconds: { nodes } }));
}

const lead = (given: readonly Morning[], question: Partial<LeadQuestion> = {}) =>
  learnLead(given, { phase: 'nodes', timeZone: 'Asia/Tokyo', ...question });

describe('the lead of a start', () => {
  test('is assumed until a start was observed, and counts a minute for the tick', () => {
    expect(lead([])).toEqual({
      seconds: 360,
      reason: 'no start was observed until all nodes were Ready: 5 min are assumed',
    });
  });

  test('is the slowest of a few starts, and the second slowest of more', () => {
    expect(lead(mornings(120, 240, 180)).seconds).toBe(300);
    expect(lead(mornings(120, 240, 180, 200, 210))).toEqual({
      seconds: 270,
      reason: 'second slowest of the last 5 starts until all nodes were Ready: 4 min',
    });
  });

  test('is not moved by one bad morning', () => {
    const usual = [300, 310, 320, 330, 340, 350];
    expect(lead(mornings(...usual, 2400)).seconds).toBe(410);
    expect(lead(mornings(2400, ...usual)).seconds).toBe(410);
  });

  test('is never more than an hour', () => {
    expect(lead(mornings(9_000)).seconds).toBe(3600);
  });

  test('follows a change after which every start is slower, or faster', () => {
    const usual = [300, 310, 290, 305, 295, 300, 310, 290];
    expect(lead(mornings(...usual, 600, 590, 610)).seconds).toBe(670);
    expect(lead(mornings(...usual, 100, 110, 100, 110, 100, 110, 100, 110, 100, 110)).seconds).toBe(170);
  });

  test('waits for more than two slow starts before it calls them a change', () => {
    expect(lead(mornings(300, 310, 290, 305, 295, 600, 590)).seconds).toBe(650);
  });

  test('is that of the weekday where one weekday is slower', () => {
    const weeks = Array.from({ length: 5 }, () => [900, 300, 310, 320, 305, 315, 300]).flat();
    expect(lead(mornings(...weeks), { at: onDay(35) }).seconds).toBe(960);
    expect(lead(mornings(...weeks), { at: onDay(36) }).seconds).toBe(380);
    expect(lead(mornings(...weeks), { at: onDay(35) }).reason).toContain('on this weekday');
  });

  test('is learned to the phase that people wait for, and guessed from the nodes until that was observed', () => {
    const both = mornings(300).map((one) => ({ ...one, seconds: { nodes: 300, applications: 700 } }));
    expect(lead(both, { phase: 'applications' }).seconds).toBe(760);
    expect(lead(mornings(400), { phase: 'applications' })).toEqual({
      seconds: 760,
      reason: 'no start was observed until all applications were Healthy: 12 min are assumed',
    });
  });
});
