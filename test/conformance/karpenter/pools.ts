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

export const NODE_POOLS = '/apis/karpenter.sh/v1/nodepools';
export const NODE_CLAIMS = '/apis/karpenter.sh/v1/nodeclaims';
export const POOL_LABEL = 'karpenter.sh/nodepool';
/** When the node of a claim is to be gone: RFC 3339. */
export const TERMINATION_TIME = 'karpenter.sh/nodeclaim-termination-timestamp';

export interface PoolSeed {
  /** Pods, each on a node of its own. Default 1. */
  readonly pods?: number;
  /** Of the pool: `limits`, `replicas`, `template.spec.terminationGracePeriod`. */
  readonly spec?: Json;
  readonly claimSpec?: Json;
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

export function nodePool(bed: KarpenterBed, name: string, { spec = {}, claimSpec = {} }: PoolSeed): Json {
  const requirements = [
    { key: 'node.kubernetes.io/instance-type', operator: 'In', values: [bed.instanceType] },
    { key: 'karpenter.sh/capacity-type', operator: 'In', values: ['on-demand'] },
  ];
  return {
    apiVersion: 'karpenter.sh/v1',
    kind: 'NodePool',
    metadata: { name },
    spec: {
      // Nothing is consolidated; a node that is deleted asks no such budget.
      disruption: { consolidationPolicy: 'WhenEmpty', consolidateAfter: 'Never', budgets: [{ nodes: '0' }] },
      template: { spec: { nodeClassRef: bed.nodeClassRef, requirements, ...claimSpec } },
      ...spec,
    },
  };
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

export function conditionOf(object: Json, type: string): Json | undefined {
  return object.status?.conditions?.find((one: Json) => one.type === type);
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
