import type { Builds } from '#functions/branch-deploy/ports.ts';

/** The CodeBuild client is loaded with the first build that is read: a tick with nothing pending reads none. */
export function lazyBuilds(): Builds {
  let loading: Promise<Builds> | undefined;
  const load = async () => {
    const { createBuilds, createCodeBuildClient } = await import('./codebuild.ts');
    return createBuilds(createCodeBuildClient());
  };
  const builds = () => {
    loading ??= load();
    return loading;
  };
  return {
    read: async (ids) => (await builds()).read(ids),
    recent: async (project) => (await builds()).recent(project),
    projectCreatedAt: async (project) => (await builds()).projectCreatedAt(project),
  };
}
