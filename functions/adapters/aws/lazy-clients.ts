/**
 * Clients that branch-deploy loads with their first call: a tick with nothing pending reads no build and no token.
 * `import()` makes a chunk of its own in every bundle that holds it, called or not: no other capability imports this file.
 */
import type { Builds, Registry } from '#functions/branch-deploy/ports.ts';
import { ecrRepository } from '#model/image-repository.ts';
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

/** ECR of one account in one Region. */
export function lazyRegistry(place: { readonly account: string; readonly region: string }): Registry {
  const load = once(async () => {
    const { createEcrClient, imageDigests } = await import('./ecr.ts');
    const client = createEcrClient();
    return (repositoryName: string, version: string) =>
      imageDigests(client, { registryId: place.account, repositoryName, version });
  });
  return createRegistry(place, async (name, version) => (await load())(name, version));
}

/** An image is asked for by its digest once: a digest stays what it is. */
export function createRegistry(
  { account, region }: { readonly account: string; readonly region: string },
  read: (repositoryName: string, version: string) => Promise<readonly string[] | undefined>,
): Registry {
  const known = new Map<string, readonly string[]>();
  const nameOf = (repository: string) => {
    const found = ecrRepository(repository);
    return found?.account === account && found.region === region ? found.name : undefined;
  };
  return {
    has: (repository) => nameOf(repository) !== undefined,
    async digests({ repository, version }) {
      const key = `${repository}@${version}`;
      const digests = known.get(key) ?? (await read(nameOf(repository) ?? '', version));
      if (digests && version.startsWith('sha256:')) known.set(key, digests);
      return digests;
    },
  };
}

function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  return () => {
    loading ??= load();
    return loading;
  };
}
