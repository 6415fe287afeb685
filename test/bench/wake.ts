/**
 * A morning, as the lab's clock has it: from the last node's Ready until the start is confirmed, and from there until the
 * first deploy that waited for the morning is synced. The stack's own schedules and rules fire.
 */
import { condition } from '@nightshift/lab/world/kubernetes/objects.ts';
import type { Decision } from '#model/decision.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '#model/duration.ts';
import { type Bench, median } from './bench.ts';
import { raiseSite, type Site } from './site.ts';

const MORNINGS = 5;
/** 21:50 in Tokyo on a Sunday: the nights before the working days. */
const FIRST_EVENING = Date.parse('2026-11-22T12:50:00Z');
const READY_TO_CONFIRM_SECONDS = 10;
const CONFIRM_TO_SYNC_SECONDS = 5;

interface Woken {
  readonly readyToConfirm: number;
  readonly confirmToSync: number;
  /** From the request that restores the first group to that of the last: what another order of the groups could gain. */
  readonly firstToLastGroup: number;
}

export const wake: Bench = async ({ log }) => {
  const decisions: Decision[] = [];
  const site = await raiseSite('develop', {
    armed: true,
    start: new Date(FIRST_EVENING),
    onDecision: (decision) => decisions.push(decision),
  });
  try {
    const mornings: Woken[] = [];
    for (let day = 0; mornings.length < MORNINGS; day++) {
      log(`wake: morning ${mornings.length + 1}`);
      mornings.push(await oneMorning(site, decisions, FIRST_EVENING + day * DAY_MS));
    }
    return {
      bench: 'wake',
      method: `${MORNINGS} mornings on the lab, in its own time: the deployed functions, called by the stack’s schedules and rules; one build a night waits for the morning`,
      figures: [
        ...figures(
          'last node Ready → confirm-start',
          mornings.map(({ readyToConfirm }) => readyToConfirm),
          READY_TO_CONFIRM_SECONDS,
        ),
        ...figures(
          'confirm-start → first sync request',
          mornings.map(({ confirmToSync }) => confirmToSync),
          CONFIRM_TO_SYNC_SECONDS,
        ),
        {
          what: 'first group requested → last group requested, slowest',
          value: Math.max(...mornings.map(({ firstToLastGroup }) => firstToLastGroup)),
          unit: 's',
        },
      ],
    };
  } finally {
    await site.close();
  }
};

function figures(what: string, seconds: readonly number[], limit: number) {
  const slowest = Math.max(...seconds);
  return [
    { what: `${what}, p50`, value: median(seconds), unit: 's' },
    {
      what: `${what}, slowest`,
      value: slowest,
      unit: 's',
      target: { what: `≤ ${limit} s`, met: slowest <= limit },
    },
  ];
}

async function oneMorning(site: Site, decisions: Decision[], evening: number): Promise<Woken> {
  const { clock } = site.context;
  // Past the stop, then a merge whose deploy is kept, then past the start.
  await clock.runUntil(evening + HOUR_MS);
  site.lab.codebuild.push({ repository: 'https://github.com/example/api', ref: 'refs/heads/develop' });
  await clock.runUntil(evening + 10 * HOUR_MS);
  decisions.length = 0;
  const before = site.front.calls.length;
  await clock.runUntil(evening + 10 * HOUR_MS + 30 * MINUTE_MS);
  const confirmed = lastOf(decisions, 'confirm-start');
  const synced = decisions.find(({ action, time }) => action === 'sync' && time >= confirmed.time);
  if (!synced) throw new Error('nothing was synced after the start');
  const ready = lastReady(site, confirmed.time);
  return {
    readyToConfirm: (Date.parse(confirmed.time) - ready) / SECOND_MS,
    confirmToSync: (Date.parse(synced.time) - Date.parse(confirmed.time)) / SECOND_MS,
    firstToLastGroup: requestedWithin(site, before) / SECOND_MS,
  };
}

/** Milliseconds from the first request that resizes a group to the last. */
function requestedWithin(site: Site, before: number): number {
  const times = site.front.calls
    .slice(before)
    .filter(({ operation }) => ['UpdateNodegroupConfig', 'UpdateAutoScalingGroup'].includes(operation))
    .map(({ time }) => time);
  if (times.length < 2) throw new Error('a start restored fewer than two groups');
  return Math.max(...times) - Math.min(...times);
}

function lastOf(decisions: readonly Decision[], action: Decision['action']): Decision {
  const found = decisions.findLast((one) => one.action === action);
  if (!found) throw new Error(`no ${action} was recorded in the morning`);
  return found;
}

/** Of the nodes that are Ready: when the last of them became so before the start was confirmed. */
function lastReady(site: Site, confirmedAt: string): number {
  const times = site.environment.kubernetes.api.store.all('nodes').flatMap((node) => {
    const ready = condition(node, 'Ready');
    return ready?.status === 'True' && ready.lastTransitionTime ? Date.parse(ready.lastTransitionTime) : [];
  });
  return Math.max(...times.filter((at) => at <= Date.parse(confirmedAt)));
}
