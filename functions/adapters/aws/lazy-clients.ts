/**
 * Clients that branch-deploy loads with their first call: a tick with nothing pending reads no build and no token.
 * `import()` makes a chunk of its own in every bundle that holds it, called or not: no other capability imports this file.
 */
import type { Builds } from '#functions/branch-deploy/ports.ts';
import type { Secret } from './secret.ts';

export function lazyBuilds(): Builds {
  const load = once(async () => {
    const { createBuilds, createCodeBuildClient } = await import('./codebuild.ts');
    return createBuilds(createCodeBuildClient());
  });
  return {
    read: async (ids) => (await load()).read(ids),
    recent: async (project) => (await load()).recent(project),
    projectCreatedAt: async (project) => (await load()).projectCreatedAt(project),
  };
}

export function lazySecret(id: string): Secret {
  const load = once(async () => {
    const { createSecret, createSecretsManagerClient } = await import('./secret.ts');
    return createSecret(createSecretsManagerClient(), id);
  });
  return {
    read: async () => (await load()).read(),
    readAgain: async () => (await load()).readAgain(),
  };
}

function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  return () => {
    loading ??= load();
    return loading;
  };
}
