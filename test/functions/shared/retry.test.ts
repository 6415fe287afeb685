import { describe, expect, test } from 'vitest';
import { backoffMs, change, retry } from '#functions/shared/retry.ts';
import type { Expected, Versioned } from '#functions/shared/versioned.ts';

class BusyError extends Error {
  readonly retryAfterMs: number | undefined;
  constructor(retryAfterMs?: number) {
    super('busy');
    this.retryAfterMs = retryAfterMs;
  }
}

/** Fails so often, and then gives `done`; returns when each attempt began. */
async function attempts(failing: number, options: { forMs: number; error?: Error }) {
  let now = 0;
  const began: number[] = [];
  const result = await retry(
    async () => {
      began.push(now);
      if (began.length <= failing) throw options.error ?? new BusyError();
      return 'done';
    },
    {
      until: new Date(options.forMs),
      clock: {
        now: () => new Date(now),
        sleep: async (ms) => {
          now += ms;
        },
        random: () => 1,
      },
      isTransient: (error) => error instanceof BusyError,
      retryAfterMs: (error) => (error as BusyError).retryAfterMs,
    },
  ).catch((error: Error) => error.message);
  return { result, began };
}

describe('what fails for now', () => {
  test('is tried again after growing pauses', async () => {
    expect(await attempts(5, { forMs: 60_000 })).toEqual({
      result: 'done',
      began: [0, 500, 1_500, 3_500, 7_500, 11_500],
    });
  });

  test('is given up when its time is over, with the last error, and the last attempt is made then', async () => {
    expect(await attempts(99, { forMs: 3_000 })).toEqual({ result: 'busy', began: [0, 500, 1_500, 3_000] });
  });

  test('is left alone as long as the service asks for', async () => {
    const error = new BusyError(2_000);
    expect(await attempts(2, { forMs: 60_000, error })).toEqual({ result: 'done', began: [0, 2_000, 4_000] });
  });

  test('is given up at once where the service asks for more time than there is', async () => {
    const error = new BusyError(5_000);
    expect(await attempts(1, { forMs: 3_000, error })).toEqual({ result: 'busy', began: [0] });
  });
});

test('what fails for good is not tried again', async () => {
  expect(await attempts(1, { forMs: 60_000, error: new Error('no') })).toEqual({ result: 'no', began: [0] });
});

test('a quarter of a pause is chance, and none is shorter than the first', () => {
  const pauses = (random: number) => [1, 2, 3, 4, 5, 9].map((attempts) => backoffMs(attempts, random));
  expect(pauses(1)).toEqual([500, 1_000, 2_000, 4_000, 4_000, 4_000]);
  expect(pauses(0)).toEqual([500, 750, 1_500, 3_000, 3_000, 3_000]);
});

describe('a change over what others may write', () => {
  const store = (value: number | undefined, races: number) => {
    let there: Versioned<number> | undefined = value === undefined ? undefined : { value, version: 1 };
    return {
      read: async () => there,
      async saveIf(next: number, expected: Expected) {
        if (races-- > 0) there = { value: (there?.value ?? 0) + 10, version: (there?.version ?? 0) + 1 };
        if ((there?.version ?? 'absent') !== expected) return undefined;
        there = { value: next, version: (there?.version ?? 0) + 1 };
        return there;
      },
      initial: 0,
      what: 'the number',
    };
  };

  test('is made to what is there when it is written', async () => {
    const edit = (current: number) => current + 1;
    expect(await change({ ...store(1, 2), edit })).toEqual({ before: 21, after: 22 });
    expect(await change({ ...store(undefined, 0), edit })).toEqual({ before: 0, after: 1 });
  });

  test('is not made where there is nothing to change', async () => {
    expect(await change({ ...store(1, 0), edit: () => undefined })).toBeUndefined();
    const kept = store(1, 0);
    expect(await change({ ...kept, edit: (current) => current })).toEqual({ before: 1, after: 1 });
    expect(await kept.read()).toEqual({ value: 1, version: 1 });
  });

  test('is given up after 100 writes of others', async () => {
    await expect(change({ ...store(1, 999), edit: (current) => current + 1 })).rejects.toThrow(
      'the number was changed by other invocations 100 times in a row',
    );
  });
});
