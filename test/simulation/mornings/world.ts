/** Mornings of one cluster: night-schedule itself, over a world whose phases take as long as chance says. */
import type { Readiness } from '#functions/night-schedule/ports.ts';
import { type NightScheduleDeps, run } from '#functions/night-schedule/run.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '#model/duration.ts';
import { aGroup, officeHours, someSettings } from '#test/functions/night-schedule/builders.ts';
import { aWorld, type World } from '#test/functions/night-schedule/memory-ports.ts';
import { createRandom, type Random } from '../random.ts';

/** Monday 00:00 in Tokyo, which has no clock change. */
const FIRST_DAY = Date.parse('2026-01-04T15:00:00Z');
/** Passes before it are left out: a start that is earlier begins at the first one, and counts as half an hour early. */
const FIRST_PASS_MS = 7.5 * HOUR_MS;
const PROMISED_MS = 8 * HOUR_MS;
const EVENING_MS = 22 * HOUR_MS;
const LATEST_MS = 3 * HOUR_MS;
const APPLICATION = 'argocd/web';
const NODES = 3;

/** What really happened on one morning. */
export interface PlayedMorning {
  readonly promised: Date;
  /** When the last application was Healthy. */
  readonly ready: Date;
  /** When people were first warned that this morning would be late. */
  readonly warned?: Date | undefined;
}

export interface MorningsOptions {
  readonly seed: number;
  readonly mornings: number;
  /** The program with a deliberate mistake. */
  readonly mutate?: ((deps: NightScheduleDeps) => NightScheduleDeps) | undefined;
}

/** Seconds of each phase: instances in service, nodes Ready, Argo CD answers, applications Healthy. */
type Phases = readonly number[];

/** Each phase 1 to 4 minutes, ten minutes in all. */
function typicalPhases(random: Random): Phases {
  for (;;) {
    const first = [random, random, random].map((one) => 60 + one.next() * 180);
    const last = 600 - first.reduce((sum, one) => sum + one, 0);
    if (last >= 60 && last <= 240) return [...first, last];
  }
}

/** Each phase up to half as long or half as much again: alone, or the whole morning alike. */
function varied(phases: Phases, random: Random, isAlike: boolean): Phases {
  const factor = () => 0.5 + random.next();
  const all = factor();
  return phases.map((seconds) => seconds * (isAlike ? all : factor()));
}

export async function playMornings({ seed, mornings, mutate }: MorningsOptions): Promise<PlayedMorning[]> {
  const random = createRandom(seed);
  const typical = typicalPhases(random);
  const isAlike = seed % 2 === 0;
  const cluster = aCluster(random, mutate);
  const played: PlayedMorning[] = [];
  for (let day = 0; played.length < mornings; day++) {
    if (day % 7 > 4) continue;
    const at = FIRST_DAY + day * DAY_MS;
    await cluster.sleep(at - DAY_MS + EVENING_MS);
    played.push(await cluster.wake(at, varied(typical, random, isAlike)));
  }
  return played;
}

function aCluster(random: Random, mutate: MorningsOptions['mutate']) {
  const world = aWorld([aGroup()]);
  /** When each phase of this morning ends; empty while nobody asked for a start. */
  let ends: readonly number[] = [];
  let warned: Date | undefined;
  const reached = (phase: number, now: number) => (ends[phase] ?? Number.POSITIVE_INFINITY) <= now;
  const second = random.between(0, 59) * SECOND_MS;
  /** branch-deploy observes once a minute, at its own second, and an application not before Argo CD answers. */
  const observedAt = (phase: number) =>
    Math.ceil((Math.max(ends[2] ?? 0, ends[phase] ?? 0) - second) / MINUTE_MS) * MINUTE_MS + second;
  let now = FIRST_DAY;
  const readiness: Readiness = {
    async healthy() {
      const observed = (at: number) =>
        ends.length > 0 && at <= now ? new Date(at).toISOString() : undefined;
      const web = observed(observedAt(3));
      return { applications: new Map(web ? [[APPLICATION, web]] : []), argocd: observed(observedAt(2)) };
    },
    answers: async () => reached(3, now),
  };
  const given: NightScheduleDeps = {
    ...world.ports,
    nodes: {
      ...world.ports.nodes,
      ready: async () => new Set(reached(1, now) ? instancesOf(world).map(({ id }) => id) : []),
    },
    trail: {
      record: async (decisions) => {
        const late = decisions.find(({ action, reason }) => action === 'warn' && /missed by/.test(reason));
        if (late) warned ??= new Date(now);
      },
    },
    readiness,
    settings: someSettings({
      schedule: officeHours,
      readyBy: 'applications',
      applications: [APPLICATION],
    }),
    now: () => new Date(now),
    remaining: () => 60_000,
  };
  const deps = mutate?.(given) ?? given;
  const pass = async (at: number) => {
    now = at;
    if (ends.length > 0) setInService(world, reached(0, now));
    world.calls.length = 0;
    await run(deps, { trigger: 'tick', byPerson: false });
  };
  return {
    async sleep(at: number) {
      ends = [];
      await pass(at);
      world.settle();
      await pass(at + MINUTE_MS);
      await pass(at + 2 * MINUTE_MS);
    },
    async wake(day: number, phases: Phases): Promise<PlayedMorning> {
      warned = undefined;
      const promised = day + PROMISED_MS;
      for (let tick = day + FIRST_PASS_MS; tick < promised + LATEST_MS; tick += MINUTE_MS) {
        // EventBridge Scheduler calls within the minute, and now and then a tick is lost.
        const late = random.next() * 3 * SECOND_MS;
        if (random.chance(0.005)) continue;
        await pass(tick + late);
        if (ends.length === 0 && world.size('workers').desired > 0) ends = endsOf(phases, now);
        if (ends.length > 0 && observedAt(3) <= now) break;
      }
      const ready = new Date(ends[3] ?? Number.POSITIVE_INFINITY);
      await pass(Math.max(now + MINUTE_MS, promised + MINUTE_MS));
      return { promised: new Date(promised), ready, warned };
    },
  };
}

function endsOf(phases: Phases, from: number): readonly number[] {
  let end = from;
  return phases.map((seconds) => {
    end += seconds * SECOND_MS;
    return end;
  });
}

const instancesOf = (world: World) => [...world.groups.values()].flatMap(({ instances }) => instances);

function setInService(world: World, inService: boolean): void {
  const group = world.groups.get('workers');
  if (!group) throw new Error('the world has lost its group');
  const instances = Array.from({ length: NODES }, (_, index) => ({ id: `i-${index}`, inService }));
  world.groups.set('workers', { ...group, instances });
}
