import { describe, expect, test } from 'vitest';
import { followStart, isSoonReady } from '#functions/night-schedule/follow-start.ts';
import type { Morning } from '#functions/night-schedule/records.ts';

const ASKED = Date.parse('2026-11-24T22:50:00Z');
const later = (seconds: number) => new Date(ASKED + seconds * 1000);
const running: Morning = { asked: new Date(ASKED).toISOString(), seconds: {}, isOpen: true };
const earlier = (...nodes: readonly number[]): Morning[] =>
  nodes.map((took) => ({ asked: '2026-11-23T22:50:00.000Z', seconds: { nodes: took } }));

describe('a start', () => {
  test('is followed from its beginning where none was observed before', () => {
    expect(isSoonReady([running], later(0))).toBe(true);
  });

  test('is followed from a minute before the time at which its nodes may be Ready', () => {
    const mornings = [...earlier(400, 300), running];
    expect(isSoonReady(mornings, later(149))).toBe(false);
    expect(isSoonReady(mornings, later(150))).toBe(true);
  });

  test('is not followed when its nodes are Ready, when it is over, or when it takes too long', () => {
    expect(isSoonReady([{ ...running, seconds: { nodes: 200 } }], later(210))).toBe(false);
    const { isOpen: _, ...over } = running;
    expect(isSoonReady([over], later(210))).toBe(false);
    expect(isSoonReady([running], later(20 * 60 + 1))).toBe(false);
    expect(isSoonReady([], later(0))).toBe(false);
  });
});

describe('one invocation', () => {
  async function followed(isOver: (passes: number) => boolean, passMs = 1_000) {
    let now = ASKED;
    const at: number[] = [];
    await followStart(
      async () => {
        at.push((now - ASKED) / 1000);
        now += passMs;
        return !isOver(at.length);
      },
      {
        now: () => new Date(now),
        wait: async (ms) => {
          now += ms;
        },
      },
    );
    return at;
  }

  test('observes every few seconds, and leaves the last seconds of the minute to the next tick', async () => {
    const at = await followed(() => false);
    expect(at.slice(0, 3)).toEqual([5, 11, 17]);
    expect(at.at(-1)).toBeGreaterThanOrEqual(50);
    expect(at.at(-1)).toBeLessThanOrEqual(55);
  });

  test('ends with the pass that confirms the start', async () => {
    expect(await followed((passes) => passes === 2)).toEqual([5, 11]);
  });

  test('never leaves more than ten seconds between two passes', async () => {
    const at = await followed(() => false, 2_000);
    const gaps = [...at, 60].map((time, index) => time - (at[index - 1] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(10);
  });
});
