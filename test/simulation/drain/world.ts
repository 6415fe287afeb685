/** The lab's AWS and Kubernetes in simulated time, spot-drain's ports in front of them, and checks of each request. */
import { DRAIN, instanceKey, NIGHT, STATE_KEY } from '#functions/adapters/dynamodb/table-keys.ts';
import type { Claim } from '#functions/spot-drain/records.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import { createProcess } from './process.ts';
import { createScene, type DrainWorldOptions } from './scene.ts';

export type { Effects } from './checks.ts';
export type { Process } from './process.ts';
export type DrainWorld = ReturnType<typeof createDrainWorld>;

export function createDrainWorld(options: DrainWorldOptions) {
  const scene = createScene(options);
  const { aws, clock, scope, table, when } = scene;
  return {
    ...scene,
    newProcess: () => createProcess(scene),
    nightSince: () => scene.nightSince.at,
    /** The part of the nightly stop that a drain can observe. */
    stopForTheNight() {
      scene.nightSince.at = clock.now();
      const state: ClusterState = {
        phase: 'stopping',
        desired: 'asleep',
        reason: 'simulated',
        since: when(),
        groups: ['workers'],
      };
      void table.through().save(NIGHT, STATE_KEY, state);
      aws.autoScaling.updateGroup(scope, 'workers', { min: 0, desired: 0 });
    },
    claims: () => table.all<Claim>(DRAIN, instanceKey('')).filter((one) => 'hooks' in one),
  };
}
