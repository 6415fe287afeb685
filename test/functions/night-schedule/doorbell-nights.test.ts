/**
 * Nights of the doorbell's rules, with kills and other people's rules drawn from a seed. Each promise has deliberate mistakes
 * that the same checks must find.
 */
import { describe, expect, test } from 'vitest';
import type { ListenerRule } from '#functions/night-schedule/ports.ts';
import { createRandom, type Random } from '#test/simulation/random.ts';
import { aSite, HEALTHY, HOST, MINUTE, NOT_YET, type SiteOptions, scope } from './a-site.ts';
import { MORNING, NIGHT } from './builders.ts';
import { CrashError } from './memory-ports.ts';

const API = 'api.develop.example.com';
const RANGE = [1, 5] as const;
/** Passes, one a minute. */
const EVENING = 12;
const DAY = 32;
/** No pass is killed after so many. */
const KILLS_UNTIL = 12;
const PATIENCE = 10;

type DoorbellPromise =
  | 'no rule is left behind'
  | 'the rules of others stay'
  | 'the page stays until the application answers'
  | 'each host has its page at night';
type Mutate = NonNullable<SiteOptions['mutate']>;
type Site = Awaited<ReturnType<typeof aSite>>;

/** The promises that one night breaks. */
async function brokenIn(seed: number, mutate?: Mutate): Promise<ReadonlySet<DoorbellPromise>> {
  const random = createRandom(seed);
  const hosts = random.chance(0.6) ? [HOST, API] : [HOST];
  const site = await aSite({ hosts, range: RANGE, ...(mutate ? { mutate } : {}) });
  const foreign = foreignRules(site, random);
  const broken = new Set<DoorbellPromise>();
  const hasPage = (host: string) => site.route(host) === site.doorbell.arn;
  const checkForeign = () => {
    const left = site.aws.loadBalancers.rules(scope, site.listener).map((rule) => JSON.stringify(rule));
    if (!foreign.every((rule) => left.includes(rule))) broken.add('the rules of others stay');
  };

  site.targets([]);
  let quiet = 0;
  for (let minute = 0; minute < EVENING; minute++) {
    const isKilled = await passOrKill(site, new Date(NIGHT.getTime() + minute * MINUTE), random);
    quiet = isKilled ? 0 : quiet + 1;
    checkForeign();
    // The morning may be the next that is seen of the night.
    if (isKilled && random.chance(0.5)) break;
  }
  if (quiet >= 6 && !hosts.every(hasPage)) broken.add('each host has its page at night');

  const waiting = hosts.filter(hasPage);
  const answersAt = random.chance(0.2) ? Number.POSITIVE_INFINITY : random.between(2, 9);
  for (let minute = 0; minute < DAY; minute++) {
    site.targets(minute >= answersAt ? HEALTHY : NOT_YET);
    const now = new Date(MORNING.getTime() + minute * MINUTE);
    if (minute < KILLS_UNTIL) await passOrKill(site, now, random);
    else await site.pass(now);
    checkForeign();
    if (minute < Math.min(answersAt, PATIENCE) && !waiting.every(hasPage))
      broken.add('the page stays until the application answers');
  }
  if (site.ours().length > 0) broken.add('no rule is left behind');
  await site.close();
  return broken;
}

function foreignRules(site: Site, random: Random): readonly string[] {
  return [1, 3].flatMap((priority) =>
    random.chance(0.5)
      ? [
          JSON.stringify(
            site.aws.loadBalancers.createRule(scope, site.listener, {
              priority,
              conditions: [{ field: 'path-pattern', values: ['/health'] }],
              targetGroups: [site.application.arn],
            }),
          ),
        ]
      : [],
  );
}

/** Whether the pass was killed, before or after one of its calls about the rules. */
async function passOrKill(site: Site, now: Date, random: Random): Promise<boolean> {
  let left = random.chance(0.4) ? random.between(1, 5) : Number.POSITIVE_INFINITY;
  const isBefore = random.chance(0.5);
  let isDead = false;
  site.world.hook = (call, before) => {
    // Nothing that the killed process does takes effect any more.
    if (isDead) throw new CrashError(call);
    if (!/^rules\.|note.*doorbell/i.test(call) || before !== isBefore || --left > 0) return;
    isDead = true;
    throw new CrashError(call);
  };
  await site.pass(now);
  site.world.hook = () => undefined;
  return isDead;
}

interface Mistake {
  readonly name: string;
  readonly promise: DoorbellPromise;
  readonly mutate: Mutate;
  /** A seed that is known to show it. */
  readonly shownBy?: number;
}

const MISTAKES: readonly Mistake[] = [
  {
    name: 'the intent is written after the change',
    promise: 'no rule is left behind',
    mutate: ({ rules, store }) => {
      const delayed: (() => Promise<unknown>)[] = [];
      return {
        store: {
          ...store,
          async writeNote(...given) {
            if (given[0] !== 'doorbell' || phaseOf(given[1]) !== 'placing') return store.writeNote(...given);
            delayed.push(() => store.writeNote(...given));
            return true;
          },
        },
        rules: {
          ...rules,
          async create(...given) {
            const outcome = await rules.create(...given);
            await delayed.shift()?.();
            return outcome;
          },
        },
      };
    },
  },
  {
    name: 'rules count as removed before that was observed',
    promise: 'no rule is left behind',
    mutate: ({ rules, store }) => ({ rules, store: replacingPhase(store, 'removing', 'removed') }),
  },
  {
    name: 'rules count as placed before that was observed',
    promise: 'each host has its page at night',
    mutate: ({ rules, store }) => ({ rules, store: replacingPhase(store, 'placing', 'placed') }),
  },
  {
    name: 'one rule counts for every host',
    shownBy: 112,
    promise: 'each host has its page at night',
    mutate: ({ rules, store }) => ({
      store,
      rules: {
        ...rules,
        list: async (listener) => {
          const found = await rules.list(listener);
          return found === 'gone'
            ? found
            : found.map((rule) => (rule.hosts.includes(HOST) ? { ...rule, hosts: [HOST, API] } : rule));
        },
      },
    }),
  },
  {
    name: 'every rule of the range counts as ours',
    promise: 'the rules of others stay',
    mutate: ({ rules, store }) => {
      let targetGroup: string | undefined;
      const claimed = (rule: ListenerRule): ListenerRule =>
        targetGroup !== undefined && (rule.priority ?? 0) <= RANGE[1]
          ? { ...rule, targetGroups: [targetGroup] }
          : rule;
      return {
        store,
        rules: {
          ...rules,
          list: async (listener) => {
            const found = await rules.list(listener);
            return found === 'gone' ? found : found.map(claimed);
          },
          create: (listener, rule) => {
            targetGroup = rule.targetGroup;
            return rules.create(listener, rule);
          },
        },
      };
    },
  },
  {
    name: 'a priority that is used is taken over',
    promise: 'the rules of others stay',
    mutate: ({ rules, store }) => ({
      store,
      rules: {
        ...rules,
        create: async (listener, rule) => {
          const found = await rules.list(listener);
          const [lowest] = found === 'gone' ? [] : found.filter(({ priority }) => priority === RANGE[0]);
          if (lowest && !lowest.targetGroups.includes(rule.targetGroup)) await rules.remove(lowest.arn);
          return rules.create(listener, rule);
        },
      },
    }),
  },
  {
    name: 'rules go with the first node',
    promise: 'the page stays until the application answers',
    mutate: ({ rules, store }) => ({ store, rules: { ...rules, areHealthy: async () => true } }),
  },
];

function phaseOf(note: unknown): unknown {
  return (note as { readonly phase?: unknown }).phase;
}

function replacingPhase(store: Parameters<Mutate>[0]['store'], phase: string, by: string): typeof store {
  return {
    ...store,
    writeNote: (name, note, over) =>
      store.writeNote(
        name,
        name === 'doorbell' && phaseOf(note) === phase ? { ...note, phase: by } : note,
        over,
      ),
  };
}

describe('nights with kills', () => {
  test('break no promise', async () => {
    for (let seed = 1; seed <= 50; seed++) expect([seed, ...(await brokenIn(seed))]).toEqual([seed]);
  });

  test.for(MISTAKES)('show that $name', async ({ promise, mutate, shownBy = 1 }) => {
    for (let seed = shownBy; seed < shownBy + 200; seed++)
      if ((await brokenIn(seed, mutate)).has(promise)) return;
    expect.unreachable(`not found in 200 nights: ${promise}`);
  });
});
