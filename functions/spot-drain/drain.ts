/**
 * Gets the pods off one node: evicts in parallel, obeys the budgets as long as time allows, watches with one list a
 * second, and says at the end what became of each pod.
 */
import { backoffMs } from '#functions/shared/retry.ts';
import { ClusterTroubleError } from './errors.ts';
import { daemonSetOf, treat } from './pods.ts';
import type { Alarm, Clock, Cluster, Pod, PodOwner, Reply } from './ports.ts';
import { judge, nextEvictionMs, type Verdict } from './reply.ts';

export interface DrainOrder {
  readonly node: string;
  /** When the notice came: a pod's grace counts for at most half of the time from then to the deadline. */
  readonly from: Date;
  /** When the instance goes, less a margin. Absent where nobody knows: then nothing is forced. */
  readonly deadline?: Date;
  /** The drain stops then, empty or not. */
  readonly until: Date;
  /** Delete what a budget still holds when the deadline is near. */
  readonly force: boolean;
  /** After so long, pods that only a budget holds are waited for no more. Absent: they are, to the end. */
  readonly heldPatienceMs?: number;
  /** Asked every few seconds. False: somebody else goes on with this node. */
  readonly stillOurs: () => Promise<boolean>;
}

export type Outcome =
  /** It was asked to go, and is gone. */
  | 'evicted'
  /** It had finished already, and was cleared away. */
  | 'finished'
  /** It was going anyway, and is gone. */
  | 'waited'
  /** Its budget had no time left: it was deleted, with what was left as its grace. */
  | 'forced'
  | 'left-by-policy'
  /** A budget held it to the end. */
  | 'blocked'
  /** It was asked to go and has not ended yet. */
  | 'terminating'
  /** RBAC, or trouble to the end. */
  | 'failed';

export interface PodReport {
  readonly pod: Pod;
  readonly outcome: Outcome;
  /** Who held it, or why it was left. */
  readonly reason?: string;
  readonly budget?: string;
  readonly forced: boolean;
}

export interface DrainReport {
  /** `empty`: nothing is left that a drain moves. `time`: it ran out. `taken`: another invocation goes on. */
  readonly end: 'empty' | 'time' | 'taken';
  readonly pods: readonly PodReport[];
  /** RBAC refused something: the node can not be drained like this. */
  readonly refused?: string;
}

/** How often the node's pods are listed. */
const LOOK_MS = 1_000;
const BEAT_MS = 5_000;
/** Critical pods go when all others have had a first answer, or after so long. */
const CRITICAL_AFTER_MS = 1_500;
/** A deletion needs this long to reach the kubelet. */
const FORCE_MARGIN_MS = 2_000;

/** One pod on its way. */
interface Course {
  pod: Pod;
  /** The last list that it was on. */
  listed: number;
  readonly wave: 'ordinary' | 'critical';
  state: 'waiting' | 'asked' | 'stuck' | 'refused' | 'left' | 'gone';
  /** How it began, which is how it is reported when it is gone. */
  readonly kind: 'evicted' | 'finished' | 'waited';
  /** Evictions under way, sent and answered. */
  evicting: boolean;
  attempts: number;
  answers: number;
  /** No eviction before. */
  dueAt: number;
  forced: boolean;
  /** No deletion before: the last one did not get through. */
  forceAgainAt: number;
  reason?: string;
  budget?: string;
}

export async function drain(
  order: DrainOrder,
  ports: { readonly cluster: Cluster; readonly clock: Clock },
): Promise<DrainReport> {
  const { cluster, clock } = ports;
  const now = () => clock.now().getTime();
  const end = order.until.getTime();
  const courses: Course[] = [];
  /** By the pod's uid. */
  const known = new Map<string, Course>();
  const daemonSets = new Map<string, boolean>();
  const began = now();
  const heldPatience = order.heldPatienceMs ?? Number.POSITIVE_INFINITY;
  let lists = 0;
  let taken = false;
  let failure: { error: unknown } | undefined;
  let trouble: { error: unknown; times: number } | undefined;
  let alarm: Alarm | undefined;
  let nextLook = began;
  let nextBeat = began + BEAT_MS;

  for (let time = began; ; ) {
    if (time >= nextLook) {
      nextLook = Number.POSITIVE_INFINITY;
      void look(time);
    }
    if (time >= nextBeat) {
      nextBeat = Number.POSITIVE_INFINITY;
      void beat();
    }
    const nextDue = issue(time);
    await pause(Math.min(nextLook, nextBeat, nextDue, end) - time);
    time = now();
    const seen = lists > 0;
    if (failure) throw failure.error;
    if (taken) return report('taken');
    if (seen && courses.every(isOver)) return report('empty');
    if (seen && time >= began + heldPatience && courses.every(isHeld)) return report('time');
    if (time >= end) {
      if (seen) return report('time');
      throw (
        trouble?.error ?? new ClusterTroubleError(`the pods of ${order.node} could not be listed in time`)
      );
    }
  }

  /** Lists the pods and updates every course. One list at a time. */
  async function look(started: number): Promise<void> {
    try {
      const pods = await cluster.podsOn(order.node);
      const strange = pods.filter(isOfStrangeDaemonSet);
      if (strange.length > 0) await learnDaemonSets(strange);
      see(pods);
      trouble = undefined;
      nextLook = started + LOOK_MS;
    } catch (error) {
      if (!(error instanceof ClusterTroubleError)) failure ??= { error };
      trouble = { error, times: (trouble?.times ?? 0) + 1 };
      nextLook = now() + backoffMs(trouble.times, clock.random());
    } finally {
      wake();
    }
  }

  function see(pods: readonly Pod[]): void {
    lists++;
    for (const pod of pods) {
      const course = known.get(pod.uid);
      if (!course) {
        const fresh = courseOf(pod);
        courses.push(fresh);
        known.set(pod.uid, fresh);
        continue;
      }
      course.pod = pod;
      course.listed = lists;
      if (pod.terminating && course.state !== 'left' && course.state !== 'gone') course.state = 'asked';
    }
    for (const course of courses) {
      if (course.listed !== lists && course.state !== 'left') course.state = 'gone';
    }
  }

  /** Of a DaemonSet that was not asked for yet. */
  function isOfStrangeDaemonSet(pod: Pod): boolean {
    const owner = daemonSetOf(pod);
    return owner !== undefined && !daemonSets.has(owner.uid);
  }

  async function learnDaemonSets(pods: readonly Pod[]): Promise<void> {
    const unknown = new Map<string, { owner: PodOwner; namespace: string }>();
    for (const pod of pods) {
      const owner = daemonSetOf(pod);
      if (owner) unknown.set(owner.uid, { owner, namespace: pod.namespace });
    }
    await Promise.all(
      [...unknown.values()].map(async ({ owner, namespace }) => {
        daemonSets.set(owner.uid, await cluster.daemonSetLives(namespace, owner.name, owner.uid));
      }),
    );
  }

  function courseOf(pod: Pod): Course {
    const treatment = treat(pod, (owner) => daemonSets.get(owner.uid) ?? true);
    const course = {
      pod,
      listed: lists,
      evicting: false,
      attempts: 0,
      answers: 0,
      dueAt: now(),
      forced: false,
      forceAgainAt: 0,
    };
    switch (treatment.do) {
      case 'leave':
        return { ...course, wave: 'ordinary', state: 'left', kind: 'evicted', reason: treatment.reason };
      case 'wait':
        return { ...course, wave: 'ordinary', state: 'asked', kind: 'waited' };
      case 'evict':
        return {
          ...course,
          wave: treatment.wave,
          state: 'waiting',
          kind: treatment.finished ? 'finished' : 'evicted',
        };
    }
  }

  /** Sends every eviction and deletion that is due. None is waited for. Returns when the next one is. */
  function issue(time: number): number {
    const isFirstWaveAnswered = courses.every(isAnswered);
    let next = Number.POSITIVE_INFINITY;
    for (const course of courses) {
      if (course.state !== 'waiting' && course.state !== 'stuck') continue;
      if (time >= forceDue(course)) void force(course);
      else if (time < end && time >= evictionDue(course, isFirstWaveAnswered)) void evict(course);
      next = Math.min(next, evictionDue(course, isFirstWaveAnswered), forceDue(course));
    }
    return next;
  }

  function evict(course: Course): Promise<void> {
    course.evicting = true;
    course.attempts++;
    return call(cluster.evict(course.pod, shortenedGrace(course)), (reply) => {
      course.evicting = false;
      course.answers++;
      const verdict = judge(reply);
      const again = apply(course, verdict);
      if (again !== undefined) course.dueAt = now() + again;
    });
  }

  function force(course: Course): Promise<void> {
    course.forced = true;
    return call(cluster.remove(course.pod, forcedGrace(course)), (reply) => {
      const again = apply(course, judge(reply));
      if (again === undefined) return;
      course.forced = false;
      course.forceAgainAt = now() + again;
    });
  }

  async function call(sent: Promise<Reply>, answered: (reply: Reply) => void): Promise<void> {
    try {
      answered(await sent);
    } catch (error) {
      failure ??= { error };
    } finally {
      wake();
    }
  }

  /** What a reply changes. Returns after how many milliseconds to ask again, if at all. */
  function apply(course: Course, verdict: Verdict): number | undefined {
    if (course.state === 'gone' || course.state === 'asked') return undefined;
    const backoff = () => nextEvictionMs(verdict.is, course.attempts, clock.random());
    switch (verdict.is) {
      case 'accepted':
        course.state = 'asked';
        return undefined;
      case 'gone':
        course.state = 'gone';
        return undefined;
      case 'held':
        course.budget = verdict.budget;
        course.reason = `the budget ${verdict.budget} holds it`;
        return backoff();
      case 'stuck':
        course.state = 'stuck';
        course.budget = 'several';
        course.reason = verdict.reason;
        return undefined;
      case 'later':
        course.reason = 'the API server is busy';
        return verdict.ms;
      case 'namespace-going':
        course.reason = 'its namespace is being deleted';
        return backoff();
      case 'refused':
        course.state = 'refused';
        course.reason = verdict.reason;
        return undefined;
      case 'trouble':
        course.reason = verdict.reason;
        return backoff();
    }
  }

  /** From when on the pod's next eviction may be sent. */
  function evictionDue(course: Course, isFirstWaveAnswered: boolean): number {
    if (course.state !== 'waiting' || course.evicting || course.forced) return Number.POSITIVE_INFINITY;
    const waitsForOthers = course.wave === 'critical' && !isFirstWaveAnswered;
    return waitsForOthers ? Math.max(course.dueAt, began + CRITICAL_AFTER_MS) : course.dueAt;
  }

  /** From when on the pod is deleted past its budget. It is always asked to go first. */
  function forceDue(course: Course): number {
    if (!order.force || !order.deadline || course.forced) return Number.POSITIVE_INFINITY;
    if (course.attempts === 0) return Number.POSITIVE_INFINITY;
    const deadline = order.deadline.getTime();
    const half = Math.max(0, (deadline - order.from.getTime()) / 2);
    const threshold = deadline - Math.min(course.pod.graceSeconds * 1_000, half) - FORCE_MARGIN_MS;
    const patience = course.answers > 0 ? 0 : began + FORCE_MARGIN_MS;
    return Math.max(threshold, patience, course.forceAgainAt);
  }

  function secondsUntilDeadline(): number {
    return order.deadline ? Math.floor((order.deadline.getTime() - now()) / 1_000) : Number.POSITIVE_INFINITY;
  }

  /** Never 0: that would take the pod out of the API while it still runs. */
  function forcedGrace(course: Course): number {
    return Math.max(1, Math.min(course.pod.graceSeconds, secondsUntilDeadline()));
  }

  /** A pod whose own grace outlasts the instance is told how long it really has. */
  function shortenedGrace(course: Course): number | undefined {
    const left = secondsUntilDeadline();
    return course.pod.graceSeconds > left ? Math.max(1, left) : undefined;
  }

  /** For so long, or until something has happened. */
  function pause(ms: number): Promise<void> {
    alarm = clock.alarm(Math.max(0, Math.ceil(ms)));
    return alarm.rang;
  }

  function wake(): void {
    alarm?.ring();
    alarm = undefined;
  }

  async function beat(): Promise<void> {
    try {
      if (!(await order.stillOurs())) taken = true;
      nextBeat = now() + BEAT_MS;
    } catch (error) {
      failure ??= { error };
    } finally {
      wake();
    }
  }

  function report(how: DrainReport['end']): DrainReport {
    const refused = courses.find((course) => course.state === 'refused')?.reason;
    return { end: how, pods: courses.map(reportOf), ...(refused === undefined ? {} : { refused }) };
  }
}

/** No pod that goes before the critical ones waits for its first answer. */
function isAnswered(course: Course): boolean {
  return course.wave === 'critical' || course.state !== 'waiting' || course.answers > 0;
}

/** Nothing of it is left to do. */
function isOver({ state }: Course): boolean {
  return state === 'gone' || state === 'left' || state === 'refused';
}

/** It is not on its way any more: if it is left, a budget holds it. */
function isHeld(course: Course): boolean {
  return (
    isOver(course) || course.state === 'stuck' || (course.state === 'waiting' && course.budget !== undefined)
  );
}

function reportOf(course: Course): PodReport {
  return {
    pod: course.pod,
    outcome: outcomeOf(course),
    forced: course.forced,
    ...(course.reason === undefined ? {} : { reason: course.reason }),
    ...(course.budget === undefined ? {} : { budget: course.budget }),
  };
}

function outcomeOf(course: Course): Outcome {
  switch (course.state) {
    case 'left':
      return 'left-by-policy';
    case 'gone':
      return course.forced ? 'forced' : course.kind;
    case 'asked':
      return course.forced ? 'forced' : 'terminating';
    case 'refused':
      return 'failed';
    case 'stuck':
      return 'blocked';
    case 'waiting':
      return course.budget ? 'blocked' : 'failed';
  }
}
