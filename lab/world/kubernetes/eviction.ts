/**
 * The eviction subresource of a pod, with the steps of the API server's registry: budget check, update of the budget,
 * and retries if two evictions change one budget at the same time.
 */
import type { DeleteOptions } from 'kubernetes-types/meta/v1.d.ts';
import type { Clock } from '../clock.ts';
import {
  type BudgetObject,
  condition,
  isPodFinished,
  isPodReady,
  isPodTerminating,
  type ObjectInput,
  type PodObject,
  timestamp,
  withCondition,
} from './objects.ts';
import type { Registry } from './registry.ts';
import { resourceOf } from './resources.ts';
import { matchesSelector } from './selectors.ts';
import {
  badRequest,
  conflict,
  failure,
  forbidden,
  isStatus,
  type StatusBody,
  type StatusError,
  success,
  tooManyRequests,
} from './status.ts';

export interface EvictionInput {
  readonly metadata?: ObjectInput['metadata'];
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly deleteOptions?: DeleteOptions;
}

/** `gap`: other requests may run here, as between a read and a write of etcd. `wait`: milliseconds. */
export type EvictionStep = { readonly gap: true } | { readonly wait: number };

const gap: EvictionStep = { gap: true };

/** The server's retries after a conflict on the budget or the pod. */
const RETRIES = { steps: 20, ms: 500, jitter: 0.1 };
/** A budget with more unconfirmed evictions than this takes no more. */
const MAX_DISRUPTED_PODS = 2_000;

export interface EvictionRequest {
  readonly namespace: string;
  readonly name: string;
  readonly body: EvictionInput;
  readonly dryRun: boolean;
}

export function* evict(
  registry: Registry,
  context: { readonly clock: Clock; readonly random: () => number },
  request: EvictionRequest,
): Generator<EvictionStep, StatusBody, void> {
  const { namespace, name, body } = request;
  checkRequest(registry, request);
  const store = { registry, clock: context.clock };
  const options: DeleteOptions = { ...body.deleteOptions };
  if (request.dryRun) options.dryRun = ['All'];
  const dryRun = (options.dryRun ?? []).length > 0;

  let pod = registry.get('pods', namespace, name);
  const anyVersion = options.preconditions?.resourceVersion === undefined;
  for (let step = 1; passesBudgets(pod); step++) {
    yield gap;
    const enforceVersion = !isPodFinished(pod) && !isPodTerminating(pod) && anyVersion;
    try {
      remove(store, pod, enforceVersion ? atVersion(options, pod) : options, dryRun);
      return created();
    } catch (error) {
      if (!anyVersion || !mayRepeat(error, step)) throw error;
    }
    yield waitAfterConflict(context);
    pod = registry.get('pods', namespace, name);
  }

  const budgets = budgetsOf(registry, pod);
  if (budgets.length > 1) {
    throw failure(
      500,
      undefined,
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    );
  }
  const [budget] = budgets;
  if (!budget) {
    remove(store, pod, options, dryRun);
    return created();
  }

  if (!isPodReady(pod) && passesUnready(budget)) {
    yield gap;
    try {
      remove(store, pod, atVersion(options, pod), dryRun);
    } catch (error) {
      if (isStatus(error, 409) && anyVersion) throw budgetIsBusy(budget.metadata.name);
      throw error;
    }
    return created();
  }

  let current = budget;
  for (let step = 1; ; step++) {
    const next = takeOne(current, name, context.clock.now());
    yield gap;
    try {
      if (!dryRun) {
        registry.update('poddisruptionbudgets.policy', namespace, budget.metadata.name, next as ObjectInput, {
          status: true,
          own: true,
        });
      }
      break;
    } catch (error) {
      if (!mayRepeat(error, step)) throw error;
    }
    yield waitAfterConflict(context);
    current = registry.get('poddisruptionbudgets.policy', namespace, budget.metadata.name);
  }
  remove(store, pod, options, dryRun);
  return created();
}

/** Throws 400 or 403. */
function checkRequest(registry: Registry, { namespace, name, body }: EvictionRequest): void {
  const home = registry.get('namespaces', undefined, namespace);
  if (body.metadata?.namespace && body.metadata.namespace !== namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  if (home.metadata.deletionTimestamp) {
    throw forbidden(
      resourceOf('pods'),
      name,
      `unable to create new content in namespace ${namespace} because it is being terminated`,
      [
        {
          reason: 'NamespaceTerminating',
          message: `namespace ${namespace} is being terminated`,
          field: 'metadata.namespace',
        },
      ],
    );
  }
  if (body.metadata?.name !== name) throw badRequest('name in URL does not match name in Eviction object');
}

/** Runs all steps synchronously, so there are no conflicts. */
export function runAtOnce<T>(steps: Generator<EvictionStep, T, void>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

export function budgetsOf(registry: Registry, pod: PodObject): BudgetObject[] {
  const budgets: BudgetObject[] = [];
  for (const budget of registry.store.all('poddisruptionbudgets.policy'))
    if (
      budget.metadata.namespace === pod.metadata.namespace &&
      matchesSelector(budget.spec?.selector, pod.metadata.labels)
    )
      budgets.push(budget);
  return budgets;
}

/** The status of a budget, with the condition that goes with its numbers. */
export function withDisruptionAllowed(status: BudgetStatus, now: number): BudgetStatus {
  const allowed = status.disruptionsAllowed > 0;
  return {
    ...status,
    conditions: withCondition(
      status.conditions,
      {
        type: 'DisruptionAllowed',
        status: allowed ? 'True' : 'False',
        reason: allowed ? 'SufficientPods' : 'InsufficientPods',
        message: '',
        ...(status.observedGeneration === undefined ? {} : { observedGeneration: status.observedGeneration }),
      },
      now,
    ),
  };
}

type BudgetStatus = NonNullable<BudgetObject['status']>;

function passesBudgets(pod: PodObject): boolean {
  return isPodFinished(pod) || pod.status?.phase === 'Pending' || isPodTerminating(pod);
}

function passesUnready({ spec, status }: BudgetObject): boolean {
  if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  return !!status && status.currentHealthy >= status.desiredHealthy && status.desiredHealthy > 0;
}

/** Throws 429 or 403, or returns the budget with one disruption less. */
function takeOne(budget: BudgetObject, podName: string, now: number): BudgetObject {
  const { name, generation = 0 } = budget.metadata;
  const status = budget.status ?? {
    currentHealthy: 0,
    desiredHealthy: 0,
    disruptionsAllowed: 0,
    expectedPods: 0,
  };
  const named = { group: 'policy', plural: 'poddisruptionbudget' };
  if ((status.observedGeneration ?? 0) < generation) throw budgetIsBusy(name);
  if (status.disruptionsAllowed < 0) throw forbidden(named, name, 'pdb disruptions allowed is negative');
  if (Object.keys(status.disruptedPods ?? {}).length > MAX_DISRUPTED_PODS) {
    throw forbidden(
      named,
      name,
      'DisruptedPods map too big - too many evictions not confirmed by PDB controller',
    );
  }
  if (status.disruptionsAllowed === 0) throw budgetIsSpent(budget);
  const updated = {
    ...status,
    disruptionsAllowed: status.disruptionsAllowed - 1,
    disruptedPods: { ...status.disruptedPods, [podName]: timestamp(now) },
  };
  return { ...budget, status: withDisruptionAllowed(updated, now) };
}

const REFUSAL = "Cannot evict pod as it would violate the pod's disruption budget.";

/** The disruption controller has not processed the budget yet: the only refusal with a Retry-After. */
function budgetIsBusy(name: string): StatusError {
  return tooManyRequests(REFUSAL, 10, [
    {
      reason: 'DisruptionBudget',
      message: `The disruption budget ${name} is still being processed by the server.`,
    },
  ]);
}

function budgetIsSpent(budget: BudgetObject): StatusError {
  const { name } = budget.metadata;
  const { desiredHealthy = 0, currentHealthy = 0 } = budget.status ?? {};
  const denied = condition(budget, 'DisruptionAllowed');
  const why = denied?.status === 'False' && denied.message ? denied : undefined;
  const message =
    why?.reason === 'SyncFailed'
      ? `The disruption budget ${name} does not allow evicting pods currently because it failed sync: ${why.message}`
      : currentHealthy <= desiredHealthy
        ? `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`
        : why
          ? `The disruption budget ${name} does not allow evicting pods currently (${why.reason}): ${why.message}`
          : `The disruption budget ${name} does not allow evicting pods currently`;
  return tooManyRequests(REFUSAL, 0, [{ reason: 'DisruptionBudget', message }]);
}

/** Marks the pod as disrupted, then deletes it. */
function remove(
  { registry, clock }: { readonly registry: Registry; readonly clock: Clock },
  pod: PodObject,
  options: DeleteOptions,
  dryRun: boolean,
): void {
  const { namespace, name } = pod.metadata;
  let deletion = options;
  if (!dryRun) {
    const latest = registry.get('pods', namespace, name);
    const { uid, resourceVersion } = options.preconditions ?? {};
    const changed = (what: string, wanted: string, found: string, verdict: string) =>
      conflict(
        { group: '', plural: 'Pod' },
        name,
        `the ${what} in the precondition (${wanted}) does not match the ${what} in record (${found}). The object might have been ${verdict}`,
      );
    if (uid && uid !== latest.metadata.uid)
      throw changed('UID', uid, latest.metadata.uid, 'deleted and then recreated');
    if (resourceVersion && resourceVersion !== latest.metadata.resourceVersion)
      throw changed('ResourceVersion', resourceVersion, latest.metadata.resourceVersion, 'modified');
    const marked = registry.modifyStatus('pods', namespace, name, (draft) => {
      draft.status = {
        ...draft.status,
        conditions: withCondition(
          draft.status?.conditions,
          {
            type: 'DisruptionTarget',
            status: 'True',
            reason: 'EvictionByEvictionAPI',
            message: 'Eviction API: evicting',
          },
          clock.now(),
        ),
      };
    });
    if (resourceVersion) {
      deletion = {
        ...options,
        preconditions: { ...options.preconditions, resourceVersion: marked.metadata.resourceVersion },
      };
    }
  }
  registry.delete('pods', namespace, name, deletion);
}

function atVersion(options: DeleteOptions, pod: PodObject): DeleteOptions {
  const { resourceVersion } = pod.metadata;
  return { ...options, preconditions: { ...options.preconditions, resourceVersion } };
}

/** After the last retry the 409 is returned. */
function mayRepeat(error: unknown, step: number): boolean {
  return step < RETRIES.steps && isStatus(error, 409);
}

function waitAfterConflict(context: { readonly random: () => number }): EvictionStep {
  return { wait: RETRIES.ms * (1 + RETRIES.jitter * context.random()) };
}

function created(): StatusBody {
  return { ...success(), code: 201 };
}
