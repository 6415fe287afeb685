/** Deployments: one ReplicaSet for each template, rolled within maxSurge and maxUnavailable. */

import type { PodTemplateSpec } from 'kubernetes-types/core/v1.d.ts';
import {
  type ConditionLike,
  controlledBy,
  controllerOf,
  type DeploymentObject,
  type KubeObject,
  type ObjectInput,
  type ReplicaSetObject,
  withCondition,
} from '../objects.ts';
import { isEqual } from '../patch.ts';
import { isStatus } from '../status.ts';
import type { Listener } from '../store.ts';
import { type ControllerContext, createQueue, keyOf, splitKey } from './controller.ts';

const KEY = 'deployments.apps';
const HASH = 'pod-template-hash';
const REVISION = 'deployment.kubernetes.io/revision';

interface Rollout {
  readonly current: ReplicaSetObject | undefined;
  readonly before: ConditionLike | undefined;
  readonly complete: boolean;
  readonly progressed: boolean;
}

export function createDeploymentController(context: ControllerContext): void {
  const { registry, recordEvent } = context;

  const queue = createQueue(context, 20, (key) => {
    const [namespace, name] = splitKey(key);
    const deployment = registry.find(KEY, namespace, name);
    if (!deployment || deployment.metadata.deletionTimestamp) return;
    const owned = replicaSetsOf(deployment);
    const current = owned.find((one) => hasTemplate(one, deployment)) ?? createReplicaSet(deployment, owned);
    if (!current) return;
    const older = owned.filter((one) => one.metadata.uid !== current.metadata.uid);
    if (!deployment.spec?.paused) roll(deployment, current, older);
    forgetOld(deployment, older);
    writeStatus(deployment.metadata.namespace, deployment.metadata.name);
  });

  const replicaSetsOf = (deployment: DeploymentObject): ReplicaSetObject[] =>
    registry.store
      .all('replicasets.apps')
      .filter((one) => controllerOf(one)?.uid === deployment.metadata.uid);

  const createReplicaSet = (
    deployment: DeploymentObject,
    owned: readonly ReplicaSetObject[],
  ): ReplicaSetObject | undefined => {
    const { namespace, name } = deployment.metadata;
    const template: Partial<PodTemplateSpec> = deployment.spec?.template ?? {};
    const hash = templateHash(template);
    const revision =
      1 + Math.max(0, ...owned.map((one) => Number(one.metadata.annotations?.[REVISION] ?? 0)));
    const rollingReplicas = owned.length === 0 ? (deployment.spec?.replicas ?? 1) : 0;
    try {
      const wanted: ObjectInput = {
        kind: 'ReplicaSet',
        apiVersion: 'apps/v1',
        metadata: {
          name: `${name}-${hash}`,
          labels: { ...template.metadata?.labels, [HASH]: hash },
          annotations: {
            'deployment.kubernetes.io/desired-replicas': String(deployment.spec?.replicas ?? 1),
            [REVISION]: String(revision),
          },
          ownerReferences: [controlledBy(deployment as KubeObject)],
        },
        spec: {
          replicas: rollingReplicas,
          selector: {
            ...deployment.spec?.selector,
            matchLabels: { ...deployment.spec?.selector.matchLabels, [HASH]: hash },
          },
          template: {
            ...template,
            metadata: { ...template.metadata, labels: { ...template.metadata?.labels, [HASH]: hash } },
          },
        },
      };
      const made = registry.create('replicasets.apps', namespace, wanted, { own: true });
      registry.amend(KEY, namespace, name, (draft) => {
        draft.metadata.annotations = { ...draft.metadata.annotations, [REVISION]: String(revision) };
      });
      if (rollingReplicas > 0) {
        recordEvent(
          'deployment-controller',
          deployment as KubeObject,
          'Normal',
          'ScalingReplicaSet',
          `Scaled up replica set ${made.metadata.name} from 0 to ${rollingReplicas}`,
        );
      }
      return made;
    } catch (error) {
      if (!isStatus(error)) throw error;
      recordEvent(
        'deployment-controller',
        deployment as KubeObject,
        'Warning',
        'ReplicaSetCreateError',
        `Failed to create new replica set "${name}-${hash}": ${error.message}`,
      );
      // The ReplicaSet of a Deployment of the same name, deleted a moment ago, is still being collected.
      if (isStatus(error, 409)) queue.add(keyOf(deployment), 1_000);
      return undefined;
    }
  };

  const roll = (
    deployment: DeploymentObject,
    current: ReplicaSetObject,
    older: readonly ReplicaSetObject[],
  ) => {
    const wanted = deployment.spec?.replicas ?? 1;
    const active = older.filter((one) => (one.spec?.replicas ?? 0) > 0);
    if (active.length === 0) {
      setReplicas(deployment, current, wanted);
      return;
    }
    if (deployment.spec?.strategy?.type === 'Recreate') {
      for (const one of active) setReplicas(deployment, one, 0);
      if (active.every((one) => (one.status?.replicas ?? 0) === 0)) setReplicas(deployment, current, wanted);
      return;
    }
    const { maxSurge, maxUnavailable } = limits(deployment, wanted);
    const total = [current, ...active].reduce((sum, one) => sum + (one.spec?.replicas ?? 0), 0);
    const room = Math.max(0, wanted + maxSurge - total);
    const currentReplicas = Math.min(wanted, (current.spec?.replicas ?? 0) + room);
    setReplicas(deployment, current, currentReplicas);

    const available = [current, ...active].reduce(
      (sum, one) => sum + (one.status?.availableReplicas ?? 0),
      0,
    );
    const newUnavailable = currentReplicas - (current.status?.availableReplicas ?? 0);
    const totalNow = total - (current.spec?.replicas ?? 0) + currentReplicas;
    let spare = totalNow - (wanted - maxUnavailable) - newUnavailable;
    // Unavailable old pods are removed first.
    for (const one of active) {
      const replicas = one.spec?.replicas ?? 0;
      const unhealthy = replicas - (one.status?.availableReplicas ?? 0);
      const taken = Math.min(unhealthy, Math.max(0, spare));
      if (taken > 0) {
        setReplicas(deployment, one, replicas - taken);
        spare -= taken;
      }
    }
    let removable = Math.min(spare, available - (wanted - maxUnavailable));
    for (const one of active) {
      const replicas = registry.find('replicasets.apps', one.metadata.namespace, one.metadata.name)?.spec
        ?.replicas;
      const taken = Math.min(replicas ?? 0, Math.max(0, removable));
      if (taken > 0) {
        setReplicas(deployment, one, (replicas ?? 0) - taken);
        removable -= taken;
      }
    }
  };

  /** Deletes old ReplicaSets beyond `revisionHistoryLimit`. */
  const forgetOld = (deployment: DeploymentObject, older: readonly ReplicaSetObject[]) => {
    if (older.length === 0) return;
    const revision = (one: ReplicaSetObject) => Number(one.metadata.annotations?.[REVISION] ?? 0);
    const empty = older
      .filter(
        ({ metadata, spec, status }) =>
          spec?.replicas === 0 && (status?.replicas ?? 0) === 0 && !metadata.deletionTimestamp,
      )
      .sort((a, b) => revision(b) - revision(a));
    for (const one of empty.slice(deployment.spec?.revisionHistoryLimit ?? 10))
      registry.delete('replicasets.apps', one.metadata.namespace, one.metadata.name);
  };

  const setReplicas = (deployment: DeploymentObject, replicaSet: ReplicaSetObject, replicas: number) => {
    const before = replicaSet.spec?.replicas ?? 0;
    if (before === replicas) return;
    registry.amend('replicasets.apps', replicaSet.metadata.namespace, replicaSet.metadata.name, (draft) => {
      if (draft.spec) draft.spec.replicas = replicas;
    });
    recordEvent(
      'deployment-controller',
      deployment as KubeObject,
      'Normal',
      'ScalingReplicaSet',
      `Scaled ${replicas > before ? 'up' : 'down'} replica set ${replicaSet.metadata.name} from ${before} to ${replicas}`,
    );
  };

  const writeStatus = (namespace: string | undefined, name: string) => {
    const deployment = registry.find(KEY, namespace, name);
    if (!deployment) return;
    const owned = replicaSetsOf(deployment);
    const current = owned.find((one) => hasTemplate(one, deployment));
    const sum = (field: 'replicas' | 'readyReplicas' | 'availableReplicas') =>
      owned.reduce((total, one) => total + (one.status?.[field] ?? 0), 0);
    const wanted = deployment.spec?.replicas ?? 1;
    const available = sum('availableReplicas');
    const ready = sum('readyReplicas');
    const updated = current?.status?.replicas ?? 0;
    const replicas = sum('replicas');
    const minimum = wanted - limits(deployment, wanted).maxUnavailable;
    const complete = updated === wanted && replicas === wanted && available >= wanted;
    const before = deployment.status?.conditions?.find((one) => one.type === 'Progressing');
    const progressed =
      updated !== (deployment.status?.updatedReplicas ?? 0) ||
      available > (deployment.status?.availableReplicas ?? 0) ||
      deployment.status?.observedGeneration !== deployment.metadata.generation;
    const progress = progressOf(deployment, { current, before, complete, progressed });
    registry.modifyStatus(KEY, namespace, name, (draft) => {
      let conditions = withCondition(
        draft.status?.conditions,
        available >= minimum
          ? {
              type: 'Available',
              status: 'True',
              reason: 'MinimumReplicasAvailable',
              message: 'Deployment has minimum availability.',
            }
          : {
              type: 'Available',
              status: 'False',
              reason: 'MinimumReplicasUnavailable',
              message: 'Deployment does not have minimum availability.',
            },
        context.clock.now(),
      );
      if (progress) conditions = withCondition(conditions, progress, context.clock.now());
      draft.status = {
        ...(draft.metadata.generation === undefined ? {} : { observedGeneration: draft.metadata.generation }),
        ...(replicas > 0 ? { replicas } : {}),
        ...(updated > 0 ? { updatedReplicas: updated } : {}),
        ...(ready > 0 ? { readyReplicas: ready } : {}),
        ...(available > 0 ? { availableReplicas: available } : {}),
        ...(wanted > available ? { unavailableReplicas: Math.max(replicas, wanted) - available } : {}),
        conditions,
      };
    });
  };

  /** When each rollout last moved, ms: a rollout that stands still for too long has failed. */
  const movedAt = new Map<string, number>();

  const progressOf = (
    deployment: DeploymentObject,
    { current, before, complete, progressed }: Rollout,
  ): ConditionLike | undefined => {
    const { uid } = deployment.metadata;
    const named = `ReplicaSet "${current?.metadata.name}"`;
    if (complete) {
      movedAt.delete(uid);
      return {
        type: 'Progressing',
        status: 'True',
        reason: 'NewReplicaSetAvailable',
        message: `${named} has successfully progressed.`,
      };
    }
    const generationIsNew = deployment.status?.observedGeneration !== deployment.metadata.generation;
    // A finished rollout that lost pods afterwards is not in progress.
    if (before?.reason === 'NewReplicaSetAvailable' && !generationIsNew) return undefined;
    const deadline = (deployment.spec?.progressDeadlineSeconds ?? 600) * 1_000;
    const now = context.clock.now();
    if (progressed || !movedAt.has(uid)) movedAt.set(uid, now);
    const late = (movedAt.get(uid) ?? now) + deadline;
    if (now >= late) {
      return {
        type: 'Progressing',
        status: 'False',
        reason: 'ProgressDeadlineExceeded',
        message: `${named} has timed out progressing.`,
      };
    }
    queue.add(keyOf(deployment), late - now);
    return {
      type: 'Progressing',
      status: 'True',
      reason: 'ReplicaSetUpdated',
      message: `${named} is progressing.`,
    };
  };

  const see: Listener = ({ resource, object, type, previous }) => {
    if (resource.key === KEY) {
      if (type === 'DELETED') movedAt.delete(object.metadata.uid);
      else if (previous?.metadata.generation !== object.metadata.generation) queue.add(keyOf(object));
    } else {
      const owner = controllerOf(object);
      if (owner?.kind === 'Deployment') queue.add(`${object.metadata.namespace}/${owner.name}`);
    }
  };
  registry.subscribe(see, [KEY, 'replicasets.apps']);
}

function limits(deployment: DeploymentObject, wanted: number): { maxSurge: number; maxUnavailable: number } {
  const strategy = deployment.spec?.strategy;
  if (strategy?.type === 'Recreate') return { maxSurge: 0, maxUnavailable: wanted };
  const maxSurge = share(strategy?.rollingUpdate?.maxSurge ?? '25%', wanted, 'up');
  const maxUnavailable = share(strategy?.rollingUpdate?.maxUnavailable ?? '25%', wanted, 'down');
  // Both zero would never roll: the server lets one pod be missing then.
  return maxSurge === 0 && maxUnavailable === 0
    ? { maxSurge, maxUnavailable: 1 }
    : { maxSurge, maxUnavailable: Math.min(maxUnavailable, wanted) };
}

/** A count or a percentage of `total`. */
export function share(value: number | string, total: number, round: 'up' | 'down'): number {
  if (typeof value === 'number') return value;
  const percent = /^(\d+)%$/.exec(value);
  if (!percent) throw new Error(`invalid value for IntOrString: invalid type: string is not a percentage`);
  const exact = (Number(percent[1]) * total) / 100;
  return round === 'up' ? Math.ceil(exact) : Math.floor(exact);
}

/** A ReplicaSet has its Deployment's template, and one label more. */
function hasTemplate(replicaSet: ReplicaSetObject, deployment: DeploymentObject): boolean {
  const template = replicaSet.spec?.template;
  const { [HASH]: _, ...labels } = template?.metadata?.labels ?? {};
  return isEqual({ ...template, metadata: { ...template?.metadata, labels } }, deployment.spec?.template);
}

/** FNV-1a over the template, in the alphabet of generated names. */
function templateHash(template: unknown): string {
  let hash = 0x811c9dc5;
  const text = JSON.stringify(template);
  for (let index = 0; index < text.length; index++) {
    const point = text.codePointAt(index) ?? 0;
    // A character outside the basic plane takes two places.
    if (point > 0xffff) index++;
    hash = Math.imul(hash ^ point, 0x01000193) >>> 0;
  }
  const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
  return String(hash).replace(/\d/g, (digit) => alphabet[Number(digit)] ?? 'b');
}
