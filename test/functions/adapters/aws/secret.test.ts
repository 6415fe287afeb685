import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { createSecret } from '#functions/adapters/aws/secret.ts';

const client = mockClient(SecretsManagerClient);
afterAll(() => client.restore());
const create = () => createSecret(client as never, 'nightshift/argocd');
beforeEach(() => client.reset());

describe('a secret', () => {
  test('is read when it is first needed, and then kept', async () => {
    client.on(GetSecretValueCommand).resolves({ SecretString: ' a.b.c\n' });
    const secret = create();
    expect(client.calls()).toHaveLength(0);
    expect(await Promise.all([secret.read(), secret.read()])).toEqual(['a.b.c', 'a.b.c']);
    expect(client.calls()).toHaveLength(1);
  });

  test('is read again when the kept one was refused', async () => {
    client.on(GetSecretValueCommand).resolvesOnce({ SecretString: 'old' }).resolves({ SecretString: 'new' });
    const secret = create();
    expect(await secret.read()).toBe('old');
    expect(await secret.readAgain()).toBe('new');
    expect(await secret.read()).toBe('new');
  });

  test('that could not be read is asked for again', async () => {
    client.on(GetSecretValueCommand).rejectsOnce(new Error('throttled')).resolves({ SecretString: 'a' });
    const secret = create();
    await expect(secret.read()).rejects.toThrow('throttled');
    expect(await secret.read()).toBe('a');
  });

  test('that does not exist is an error that says so by name', async () => {
    const missing = Object.assign(new Error("Secrets Manager can't find the specified secret."), {
      name: 'ResourceNotFoundException',
    });
    client.on(GetSecretValueCommand).rejects(missing);
    await expect(create().read()).rejects.toThrow(
      'there is no secret nightshift/argocd in this account and region: create it',
    );
  });

  test.each([undefined, '', ' \n'])(
    'that holds %j is an error that says where to put the token',
    async (value) => {
      client.on(GetSecretValueCommand).resolves(value === undefined ? {} : { SecretString: value });
      await expect(create().read()).rejects.toThrow('the secret nightshift/argocd holds no string');
    },
  );

  test.each(['top secret', '{"token":"top-secret"}', 'top-secret\r\nx: y'])(
    'that cannot be a token is refused, and not shown: %j',
    async (value) => {
      client.on(GetSecretValueCommand).resolves({ SecretString: value });
      const error = await create()
        .read()
        .catch((reason: Error) => reason);
      expect(String(error)).toMatch(/put the bare token there/);
      expect(String(error)).not.toMatch(/top.secret/);
    },
  );
});
