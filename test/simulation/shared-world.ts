/** The clock, AWS and table that several worlds share. */
import { type AwsWorld, createAws } from '@nightshift/lab/world/aws/index.ts';
import { createContext } from '@nightshift/lab/world/context.ts';
import type { WorldContext } from '@nightshift/lab/world/interfaces.ts';
import type { ImageRegistry } from '@nightshift/lab/world/registry/registry.ts';
import { createSimulatedClock, type SimulatedClock } from './clock.ts';
import { createMemoryTable, type MemoryTable } from './table.ts';

export interface SharedWorld {
  readonly clock: SimulatedClock;
  readonly context: WorldContext;
  readonly aws: AwsWorld;
  readonly table: MemoryTable;
  /** What the kubelets pull from. Absent: every image exists. */
  readonly images?: ImageRegistry;
}

export function createSharedWorld(options: {
  readonly start: Date;
  readonly seed: number;
  readonly settle: () => Promise<void>;
}): SharedWorld {
  const clock = createSimulatedClock(options.start, options.settle);
  const context = { ...createContext(options), clock: clock.world };
  return { clock, context, aws: createAws(context), table: createMemoryTable() };
}
