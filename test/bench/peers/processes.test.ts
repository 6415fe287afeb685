import { expect, test } from 'vitest';
import { usageIn, watchProcesses } from './processes.ts';

const STAT =
  '4711 (a (wild) name) S 1 4711 4711 0 -1 4194304 900 0 0 0 123 45 0 0 20 0 11 0 100 900 300 18446744073709551615';

test('user and system time are found behind a name that holds anything', () => {
  expect(usageIn(STAT, 'Name:\ta\nVmHWM:\t   81920 kB\nVmRSS:\t 4 kB\n')).toEqual({
    cpuMs: 1_680,
    peakMb: 80,
  });
});

test('what a process took before is not counted', () => {
  const watch = watchProcesses(() => [process.pid]);
  const { cpuMs, peakMb } = watch.stop();
  expect(cpuMs).toBeLessThan(1_000);
  expect(peakMb).toBeGreaterThan(10);
});

test('a process that is gone counts nothing', () => {
  expect(watchProcesses(() => [2 ** 30]).stop()).toEqual({ cpuMs: 0, peakMb: 0 });
});
