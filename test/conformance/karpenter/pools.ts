/** NodePools with a Deployment each, whose pods have a node of their own. */
import { onTestFinished } from 'vitest';
import {
  addBudget,
  addDeployment,
  type BudgetSeed,
  budgetPath,
  deploymentPath,
  isReady,
  type Json,
  must,
  type PodSeed,
  readyPods,
} from '../kubernetes/objects.ts';
import type { KarpenterBed } from './bed.ts';
import {
  conditionOf,
  NODE_CLAIMS,
  NODE_POOLS,
  type NodePoolSeed,
  nodePool,
  POOL_LABEL,
} from './node-pool.ts';

/** When the node of a claim is to be gone: RFC 3339. */
export const TERMINATION_TIME = 'karpenter.sh/nodeclaim-termination-timestamp';

export interface PoolSeed extends NodePoolSeed {
  /** Pods, each on a node of its own. Default 1. */
  readonly pods?: number;
  readonly pod?: Partial<Pick<PodSeed, 'annotations' | 'graceSeconds'>>;
  readonly budget?: Pick<BudgetSeed, 'minAvailable' | 'maxUnavailable'>;
}

export interface Pool {
  readonly name: string;
  readonly namespace: string;
  spec(): Promise<Json>;
  patch(spec: Json): Promise<void>;
  claims(): Promise<readonly Json[]>;
  pods(): Promise<readonly Json[]>;
  nodeOf(claim: Json): Promise<Json | undefined>;
  /** Waits for this many claims. */
  untilClaims(count: number): Promise<readonly Json[]>;
  untilReadyPods(count: number): Promise<void>;
}

let pools = 0;

/** With its pods Ready. When the test is over, nothing of it is left. */
export async function aPool(bed: KarpenterBed, seed: PoolSeed = {}): Promise<Pool> {
  const name = `pool-${++pools}`;
  const namespace = await bed.addNamespace();
  const { pods = 1, pod = {}, budget } = seed;
  await must(bed, 'POST', NODE_POOLS, nodePool(bed, name, seed));
  const pool = poolAt(bed, name, namespace);
  onTestFinished(() => removePool(bed, pool));
  await addDeployment(bed, {
    ...pod,
    namespace,
    name,
    replicas: pods,
    cpu: bed.podCpu,
    nodeSelector: { [POOL_LABEL]: name },
  });
  await readyPods(bed, namespace, `app=${name}`, pods);
  await pool.untilClaims(Math.max(pods, seed.spec?.replicas ?? 0));
  await bed.until(`every claim of ${name} is Ready`, async () =>
    (await pool.claims()).every((claim) => conditionOf(claim, 'Ready')?.status === 'True'),
  );
  if (budget) await addBudget(bed, { namespace, name, ...budget });
  return pool;
}

export const claimPath = (claim: Json) => `${NODE_CLAIMS}/${claim.metadata.name}`;

export function deleteClaim(bed: KarpenterBed, claim: Json) {
  return bed.ask('admin', { method: 'DELETE', path: claimPath(claim) });
}

/** As an annotation of a claim has it: whole seconds. */
export function atSecond(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** `text` null removes it. */
export async function setTerminationTime(bed: KarpenterBed, claim: Json, text: string | null): Promise<void> {
  await must(bed, 'PATCH', claimPath(claim), { metadata: { annotations: { [TERMINATION_TIME]: text } } });
}

export async function eventsOf(bed: KarpenterBed, name: string): Promise<readonly Json[]> {
  const query = `fieldSelector=${encodeURIComponent(`involvedObject.name=${name}`)}`;
  return (await must(bed, 'GET', `/api/v1/events?${query}`)).items;
}

function poolAt(bed: KarpenterBed, name: string, namespace: string): Pool {
  const path = `${NODE_POOLS}/${name}`;
  const selected = `labelSelector=${encodeURIComponent(`${POOL_LABEL}=${name}`)}`;
  const claims = async () => (await must(bed, 'GET', `${NODE_CLAIMS}?${selected}`)).items;
  const pods = async () => (await must(bed, 'GET', `/api/v1/namespaces/${namespace}/pods`)).items;
  return {
    name,
    namespace,
    claims,
    pods,
    spec: async () => (await must(bed, 'GET', path)).spec,
    patch: (spec) => must(bed, 'PATCH', path, { spec }),
    async nodeOf(claim) {
      const node = `/api/v1/nodes/${claim.status.nodeName}`;
      const { status, body } = await bed.ask('admin', { method: 'GET', path: node });
      return status === 404 ? undefined : body;
    },
    untilClaims: (count) =>
      bed.until(`${name} has ${count} claims`, async () => {
        const found = await claims();
        return found.length === count && found;
      }),
    async untilReadyPods(count) {
      await bed.until(`${name} has ${count} Ready pods`, async () => {
        const ready = (await pods()).filter(
          (pod: Json) => isReady(pod) && pod.metadata.deletionTimestamp === undefined,
        );
        return ready.length === count;
      });
    },
  };
}

/** A claim that is held would be in the way of the next test. */
async function removePool(bed: KarpenterBed, pool: Pool): Promise<void> {
  const { name, namespace } = pool;
  for (const path of [budgetPath(namespace, name), deploymentPath(namespace, name), `${NODE_POOLS}/${name}`])
    await bed.ask('admin', { method: 'DELETE', path });
  await bed.until(`nothing is left of ${name}`, async () => {
    const claims = await pool.claims();
    for (const claim of claims) {
      if (claim.metadata.annotations?.[TERMINATION_TIME]) await setTerminationTime(bed, claim, null);
      if (claim.metadata.deletionTimestamp === undefined) await deleteClaim(bed, claim);
    }
    return claims.length === 0;
  });
}
