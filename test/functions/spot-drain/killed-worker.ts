/**
 * One notice whose worker is killed at a random call. What comes after the kill is what AWS and the product bring: the
 * watchdogs, Lambda's retry of the request a minute later, and the tick.
 */
import { run } from '#functions/spot-drain/run.ts';
import type { Random } from '#test/simulation/random.ts';
import { START } from './a-clock.ts';
import { aPod } from './a-cluster.ts';
import { killable } from './a-kill.ts';
import { aLifecycleAction, anInterruption, aWorld, TICK, type World } from './a-world.ts';

export interface KilledWorker {
  /** The call at which it died, by name and number. */
  readonly call: string;
  readonly index: number;
  readonly notice: string;
  /** From the kill until the last pod was asked to go; negative where that was before it. */
  readonly askedAfterMs: number;
  readonly podsLeft: number;
}

const RETRY_MS = 60_000;
const TICK_MS = 300_000;
const TIMEOUT_MS = 180_000;

export async function killAWorker(random: Random): Promise<KilledWorker> {
  const names = Array.from({ length: random.between(1, 12) }, (_, index) => `pod-${index}`);
  const latencyMs = random.between(5, 500);
  const takesEffect = random.chance(0.5);
  const [notice, event] = random.chance(0.7)
    ? (['spot-terminate', anInterruption()] as const)
    : (['lifecycle', aLifecycleAction()] as const);
  const worldOf = () => {
    const world = aWorld(names.map((name) => aPod({ name })));
    world.cluster.latencyMs = latencyMs;
    return world;
  };
  const calls = await countCalls(worldOf(), event);
  const index = random.between(0, calls - 1);
  const world = worldOf();
  world.deliver(event);
  const call = await kill(world, event, { index, takesEffect });
  const killedAtMs = elapsed(world);
  await world.relay(killedAtMs + RETRY_MS);
  await world.run(event, { id: 'killed' }).catch(() => undefined);
  await world.relay(Math.max(elapsed(world), TICK_MS));
  await world.run(TICK);
  return {
    call,
    index,
    notice,
    askedAfterMs: lastFirstAsk(world, names) - killedAtMs,
    podsLeft: world.cluster.podNames().length,
  };
}

async function countCalls(world: World, event: unknown): Promise<number> {
  let calls = 0;
  const count = (_name: string, index: number) => {
    calls = index + 1;
    return false;
  };
  const counted = killable(world.ports, count, false);
  await world.clock.run(run(counted.ports, invocationOf(world), event));
  return calls;
}

async function kill(
  world: World,
  event: unknown,
  at: { readonly index: number; readonly takesEffect: boolean },
): Promise<string> {
  let last = 'none';
  const isLast = (name: string, index: number) => {
    if (index === at.index) last = name;
    return index === at.index;
  };
  const { ports, killed } = killable(world.ports, isLast, at.takesEffect);
  await world.clock.run(Promise.race([run(ports, invocationOf(world), event), killed]));
  return last;
}

function invocationOf(world: World) {
  return { id: 'killed', endsAt: new Date(world.clock.now().getTime() + TIMEOUT_MS) };
}

/** When the last of the pods was asked to go for the first time: milliseconds since the start. */
function lastFirstAsk(world: World, names: readonly string[]): number {
  const first = new Map<string, number>();
  for (const { pod, at, verb } of world.cluster.calls)
    if (verb === 'evict' && !first.has(pod)) first.set(pod, at);
  return names.every((pod) => first.has(pod)) ? Math.max(...first.values()) : Number.POSITIVE_INFINITY;
}

function elapsed(world: World): number {
  return world.clock.now().getTime() - START.getTime();
}
