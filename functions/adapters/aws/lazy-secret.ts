import type { Secret } from './secret.ts';

/** The Secrets Manager client is loaded with the first read: a tick with nothing pending reads no token. */
export function lazySecret(id: string): Secret {
  let loading: Promise<Secret> | undefined;
  const load = async () => {
    const { createSecret, createSecretsManagerClient } = await import('./secret.ts');
    return createSecret(createSecretsManagerClient(), id);
  };
  const secret = () => {
    loading ??= load();
    return loading;
  };
  return {
    read: async () => (await secret()).read(),
    readAgain: async () => (await secret()).readAgain(),
  };
}
