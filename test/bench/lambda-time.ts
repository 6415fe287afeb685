/** What Lambda would take and ask for what was measured here. */
import { PRICES } from './prices.ts';
import { CALL_MS } from './site.ts';

/** A whole processor: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html */
export const ONE_PROCESSOR_MB = 1769;
export const MONTH_MINUTES = 730 * 60;

/** Processor time, at the share of a processor that comes with that memory. */
export function processorMs(cpuMs: number, memoryMb: number): number {
  return cpuMs * Math.max(1, ONE_PROCESSOR_MB / memoryMb);
}

/** Dollars a month for the duration of so many ticks, each with so many calls of AWS, one after the other. */
export function ticksDollars(
  tick: { readonly cpuMs: number; readonly awsCalls: number },
  { memoryMb, ticks }: { readonly memoryMb: number; readonly ticks: number },
): number {
  const seconds = (processorMs(tick.cpuMs, memoryMb) + tick.awsCalls * CALL_MS) / 1_000;
  return ticks * seconds * (memoryMb / 1_024) * PRICES.lambdaGbSecond;
}
