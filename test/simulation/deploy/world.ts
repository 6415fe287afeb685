/** The lab's git host, CodeBuild and Argo CD in simulated time, branch-deploy's ports in front of them, and checks of each request. */
import { createProcess, type MutateClient } from './process.ts';
import { REPOSITORY, secondsOf } from './scenario.ts';
import { createScene, type SceneOptions } from './scene.ts';

export type { Effects, MutateClient } from './process.ts';
export type DeployWorld = ReturnType<typeof createDeployWorld>;

export function createDeployWorld(
  options: SceneOptions & { readonly mutateClient?: MutateClient | undefined },
) {
  const scene = createScene(options);
  const { codebuild, commits, deliverer, outage, scenario } = scene;
  const { account, region } = scenario.settings;
  return {
    ...scene,
    newProcess: () => createProcess(scene, options.mutateClient),
    state: scene.night.state,
    setDown(down: boolean) {
      outage.isDown = down;
    },
    /** Returns the commit, and the builds that it started. */
    push(branch: string) {
      const pushed = codebuild.push({ repository: REPOSITORY, ref: `refs/heads/${branch}` });
      if (branch === 'develop') commits.push(pushed.sha);
      if (branch === 'develop')
        for (const build of pushed.builds)
          if (!scenario.failing[build.number - 1])
            deliverer?.follow(build, secondsOf(scenario, build.number));
      return pushed;
    },
    builds: () => codebuild.builds(account, region, 'api-develop'),
  };
}
