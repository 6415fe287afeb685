import { builtInToStop } from '#functions/night-schedule/decide-autoscaler.ts';
import { isLeftAlone, isTerminatedBy } from '#functions/night-schedule/decide-claims.ts';
import type {
  Autoscaler,
  AutoscalerView,
  BuiltInPools,
  BuiltInView,
  NodeClaimView,
  ObjectFailure,
  SavedObjects,
} from '#functions/night-schedule/ports.ts';
import type { NodePoolSetting, SavedAutoscaler } from '#functions/night-schedule/records.ts';
import { NightshiftError } from '#functions/shared/errors.ts';
import type { AutoscalerConfig } from '#model/config.ts';
import { BUILT_IN_POOLS } from '#model/names.ts';
import { count, isRecord, isValid } from '#model/record-schema.ts';
import type { KubernetesClient } from './client.ts';
import { isDenied, isNotFound, isOfAnotherObject, MalformedReplyError } from './errors.ts';
import {
  claimView,
  fieldOf,
  hasLaunched,
  nameOf,
  poolSetting,
  TERMINATION_TIME,
  unlaunchedView,
  usersOfDefaultClass,
} from './karpenter-objects.ts';

type Client = Pick<KubernetesClient, 'request' | 'list'>;
type Of<K extends AutoscalerConfig['kind']> = Extract<AutoscalerConfig, { kind: K }>;

/** Without a config it can only resume what was paused before. */
export function createAutoscaler(
  client: Client,
  config: AutoscalerConfig | undefined,
  builtIn: BuiltInPools = NONE,
): Autoscaler {
  const common = { resume: createResume(client, builtIn), deleteClaims: createDeleteClaims(client) };
  if (config === undefined) return { ...common, observe: refuseUnconfigured, pause: refuseUnconfigured };
  return config.kind === 'cluster-autoscaler'
    ? { ...common, ...clusterAutoscaler(client, config) }
    : { ...common, ...karpenter(client, config, builtIn) };
}

/** The autoscalers that the records are about, whatever the config names: each observes and resumes its own objects. */
export function autoscalersOf(
  client: Client,
  saved: readonly SavedAutoscaler[],
  builtIn: BuiltInPools = NONE,
): readonly SavedObjects[] {
  const common = { resume: createResume(client, builtIn), deleteClaims: createDeleteClaims(client) };
  const deployments = saved.flatMap((one): SavedObjects[] => {
    if (one.kind !== 'cluster-autoscaler') return [];
    const [namespace = '', deployment = ''] = one.deployment.split('/');
    return [
      { autoscaler: { ...common, ...clusterAutoscaler(client, { namespace, deployment }) }, saved: [one] },
    ];
  });
  const pools = saved.filter((one) => one.kind === 'karpenter');
  const ofEks = saved.filter((one) => one.kind === 'built-in-pools');
  if (pools.length + ofEks.length === 0) return deployments;
  const nodePools = pools.map(({ nodePool }) => nodePool);
  const config =
    ofEks.length > 0
      ? ({ kind: 'auto-mode', nodePools, builtIn: true } as const)
      : ({ kind: 'karpenter', nodePools } as const);
  const autoscaler = { ...common, ...karpenter(client, config, builtIn) };
  return [...deployments, { autoscaler, saved: [...pools, ...ofEks] }];
}

/** For a cluster of which nobody stops the built-in NodePools. */
const NONE: BuiltInPools = { read: refuseBuiltIn, set: refuseBuiltIn };

async function refuseBuiltIn(): Promise<never> {
  throw new NightshiftError('the built-in NodePools of EKS Auto Mode cannot be reached from here');
}

async function refuseUnconfigured(): Promise<never> {
  throw new NightshiftError('the config names no autoscaler: only what was paused before can be resumed');
}

/** The scale subresource: read and written without touching the rest of the Deployment. */
function scaleDeployment(client: Client, deployment: string, replicas: number) {
  return client.request({
    method: 'PATCH',
    path: `${deploymentPath(deployment)}/scale`,
    body: { spec: { replicas } },
  });
}

/** `deployment`: `<namespace>/<name>`. */
function deploymentPath(deployment: string): string {
  const [namespace = '', name = ''] = deployment.split('/');
  return `/apis/apps/v1/namespaces/${encodeURIComponent(namespace)}/deployments/${encodeURIComponent(name)}`;
}

type Paused = Pick<Autoscaler, 'observe' | 'pause'>;

function clusterAutoscaler(
  client: Client,
  config: Pick<Of<'cluster-autoscaler'>, 'namespace' | 'deployment'>,
): Paused {
  const deployment = `${config.namespace}/${config.deployment}`;
  const path = deploymentPath(deployment);
  return {
    async observe() {
      const scale = `${path}/scale`;
      const { body } = await client.request<unknown>({ method: 'GET', path: scale });
      // Go leaves out 0.
      const replicas = fieldOf(body, 'spec', 'replicas') ?? 0;
      if (!isRecord(fieldOf(body, 'spec')) || !isValid(count, replicas))
        throw new MalformedReplyError(`kubernetes answered GET ${scale} with something that is no Scale`);
      const ready = replicas > 0 ? await readyReplicas(client, path) : undefined;
      const view: AutoscalerView = { kind: 'cluster-autoscaler', deployment, replicas };
      return ready === undefined ? view : { ...view, readyReplicas: ready };
    },
    async pause() {
      await scaleDeployment(client, deployment, 0);
      return [];
    },
  };
}

/** Undefined with the manifests of an earlier release, which do not allow to read the Deployment. */
async function readyReplicas(client: Client, path: string): Promise<number | undefined> {
  try {
    const { body } = await client.request<{ status?: { readyReplicas?: number } }>({ method: 'GET', path });
    return body.status?.readyReplicas ?? 0;
  } catch (error) {
    if (isDenied(error)) return undefined;
    throw error;
  }
}

function createResume(client: Client, builtIn: BuiltInPools): Autoscaler['resume'] {
  return async (saved) => {
    if (saved.kind === 'built-in-pools') {
      const outcome = await builtIn.set(saved.nodePools, saved.nodeRoleArn);
      return outcome === 'accepted' ? 'resumed' : outcome;
    }
    try {
      if (saved.kind === 'cluster-autoscaler')
        await scaleDeployment(client, saved.deployment, saved.replicas);
      else await patchPool(client, saved.nodePool, saved.setting, resumedSpec(saved.setting));
      return 'resumed';
    } catch (error) {
      if (isGone(error)) return 'gone';
      throw error;
    }
  };
}

/** Another object of its name is not the one that was meant. */
function isGone(error: unknown): boolean {
  return isNotFound(error) || isOfAnotherObject(error);
}

const NODEPOOLS = '/apis/karpenter.sh/v1/nodepools';
const NODECLAIMS = '/apis/karpenter.sh/v1/nodeclaims';

/** The API server refuses it where the NodePool was created again since its setting was read. */
function patchPool(client: Client, pool: string, { uid }: NodePoolSetting, spec: unknown) {
  return client.request({
    method: 'PATCH',
    path: `${NODEPOOLS}/${encodeURIComponent(pool)}`,
    body: { metadata: { uid }, spec },
  });
}

const closedSpec = ({ replicas }: NodePoolSetting): object =>
  replicas === null ? { limits: { cpu: '0' } } : { replicas: 0 };

/** In a merge patch null removes the key: a pool without limits has none again. */
function resumedSpec({ limits, replicas }: NodePoolSetting): object {
  if (replicas !== null) return { replicas };
  return { limits: limits === null ? null : { cpu: null, ...limits } };
}

/**
 * Zeroed limits remove nothing (karpenter-provider-aws#3539), so the NodeClaims are deleted as well, while Karpenter
 * still runs to terminate their instances.
 */
function karpenter(
  client: Client,
  config:
    | Pick<Of<'karpenter'>, 'kind' | 'nodePools'>
    | Pick<Of<'auto-mode'>, 'kind' | 'nodePools' | 'builtIn'>,
  builtIn: BuiltInPools,
): Paused {
  const isBuiltIn = (name: string) => config.kind === 'auto-mode' && BUILT_IN_POOLS.includes(name);
  const stopsBuiltIn = config.kind === 'auto-mode' && config.builtIn === true;
  const isOurs = (name: string) =>
    name !== '' && (config.nodePools === undefined || config.nodePools.includes(name)) && !isBuiltIn(name);
  const isStopped = ({ nodePool }: NodeClaimView) =>
    isOurs(nodePool) || (stopsBuiltIn && isBuiltIn(nodePool));
  const listClaims = () => client.list<unknown>(NODECLAIMS);

  return {
    async observe() {
      const [listed, all, ofEks] = await Promise.all([
        client.list<unknown>(NODEPOOLS),
        listClaims(),
        stopsBuiltIn ? readBuiltIn(builtIn) : undefined,
      ]);
      const claims = all.map(claimView).filter(isStopped);
      const pools: Record<string, NodePoolSetting> = {};
      const malformed: string[] = [];
      for (const pool of listed) {
        const name = nameOf(pool);
        if (!isOurs(name)) continue;
        const setting = poolSetting(pool);
        if (setting) pools[name] = setting;
        else malformed.push(name);
      }
      const unlaunched = all
        .filter((claim) => !hasLaunched(claim))
        .map((claim) =>
          unlaunchedView(claim, (seen) => isStopped(seen) && !malformed.includes(seen.nodePool)),
        );
      const custom = listed.filter((pool) => !isBuiltIn(nameOf(pool)));
      return {
        kind: 'karpenter',
        pools,
        claims,
        ...(unlaunched.length > 0 ? { unlaunched } : {}),
        ...(ofEks ? { builtIn: { ...ofEks, neededBy: usersOfDefaultClass(custom) } } : {}),
        ...(malformed.length > 0 ? { malformed } : {}),
      };
    },
    async pause(view, terminateAt) {
      if (view.kind !== 'karpenter')
        throw new NightshiftError(`${view.kind} is to be paused, and the config names ${config.kind}`);
      const switchedOff = await attemptEach(
        builtInToStop(view) ? ['the built-in NodePools'] : [],
        (name) => name,
        () => builtIn.set([], ''),
      );
      const closed = await attemptEach(
        Object.entries(view.pools),
        ([name]) => name,
        ([name, pool]) => unlessGone(patchPool(client, name, pool, closedSpec(pool))),
      );
      // A claim of a built-in pool that is still on would be replaced: EKS deletes those with their pool.
      const isOn = ({ nodePool }: NodeClaimView) => view.builtIn?.nodePools.includes(nodePool) ?? false;
      const ended = await attemptEach(
        (await listClaims())
          .map(claimView)
          .filter((claim) => isStopped(claim) && !isOn(claim) && !isLeftAlone(view, claim)),
        ({ name, nodePool }) => name || nodePool,
        (claim) => endClaim(client, claim, terminateAt),
      );
      return [...switchedOff, ...closed, ...ended];
    },
  };
}

/** In the morning EKS wants the role again: without it the pools could never be switched on. */
async function readBuiltIn(pools: BuiltInPools): Promise<BuiltInView> {
  const view = await pools.read();
  if (view.nodePools.length > 0 && view.nodeRoleArn === undefined)
    throw new NightshiftError('eks answered DescribeCluster without the nodeRoleArn of its computeConfig');
  return view;
}

function createDeleteClaims(client: Client): Autoscaler['deleteClaims'] {
  const nameOfClaim = ({ name }: NodeClaimView) => name;
  return (claims) => attemptEach(claims, nameOfClaim, (claim) => endClaim(client, claim, undefined));
}

async function endClaim(
  client: Client,
  claim: NodeClaimView,
  terminateAt: string | undefined,
): Promise<void> {
  if (claim.name === '')
    throw new NightshiftError(`a NodeClaim of ${claim.nodePool} has no name: it cannot be deleted`);
  const path = `${NODECLAIMS}/${encodeURIComponent(claim.name)}`;
  if (terminateAt !== undefined && !isTerminatedBy(claim, terminateAt))
    await unlessGone(
      client.request({
        method: 'PATCH',
        path,
        body: { metadata: { annotations: { [TERMINATION_TIME]: terminateAt } } },
      }),
    );
  if (!claim.isDeleting) await unlessGone(client.request({ method: 'DELETE', path }));
}

/** What has ended since it was listed needs no change any more. */
async function unlessGone(request: Promise<unknown>): Promise<void> {
  try {
    await request;
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

/** One that fails does not stop the others. */
async function attemptEach<T>(
  targets: readonly T[],
  nameOf: (target: T) => string,
  work: (target: T) => Promise<unknown>,
): Promise<readonly ObjectFailure[]> {
  const failures: ObjectFailure[] = [];
  await Promise.all(
    targets.map(async (target) => {
      try {
        await work(target);
      } catch (error) {
        failures.push({ target: nameOf(target), error });
      }
    }),
  );
  return failures;
}
