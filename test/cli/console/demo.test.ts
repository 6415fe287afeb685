import { describe, expect, test } from 'vitest';
import { createDemo } from '#cli/console/demo/demo.ts';
import { setOverride } from '#cli/override.ts';

const MINUTE_MS = 60_000;
/** Of the recorded day: 60 times the speed. */
const playing = () => {
  let elapsedMs = 0;
  const demo = createDemo('ana', () => elapsedMs);
  const pass = (minutes: number) => {
    elapsedMs += minutes * (MINUTE_MS / 60);
  };
  return { demo, pass };
};
const phaseOf = async ({ io, loaded }: ReturnType<typeof createDemo>, name: string) =>
  (await (await io.cloud(name, loaded.config.environments[name]!)).night()).state?.phase;

describe('the recorded day', () => {
  test('begins before the evening, and its clusters stop as the functions stopped them', async () => {
    const { demo, pass } = playing();
    expect(await phaseOf(demo, 'develop')).toBe('awake');
    pass(60);
    expect(await phaseOf(demo, 'develop')).toBe('asleep');
  });

  test('goes on by the schedule when it is over', async () => {
    const { demo, pass } = playing();
    // Thursday is a holiday: the next working day is Friday.
    pass(38 * 60);
    await phaseOf(demo, 'develop');
    pass(10);
    expect(await phaseOf(demo, 'develop')).toBe('awake');
  });

  test('keeps a cluster up by an override, and the others do not notice', async () => {
    const { demo, pass } = playing();
    const output: string[] = [];
    const io = { ...demo.io, color: false, out: (text: string) => output.push(text), err: () => undefined };
    const request = { command: 'keep-up', environment: 'develop', for: '3h', reason: 'release' } as const;
    await setOverride(demo.loaded, request, {}, io);
    pass(90);
    expect(await phaseOf(demo, 'develop')).toBe('awake');
    expect(await phaseOf(demo, 'staging')).toBe('asleep');
    pass(120);
    expect(await phaseOf(demo, 'develop')).toBe('stopping');
    pass(20);
    expect(await phaseOf(demo, 'develop')).toBe('asleep');
  });
});
