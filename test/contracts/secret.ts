/** What branch-deploy relies on of Secrets Manager, whatever implements it. */
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { expect, test } from 'vitest';
import { createSecret } from '#functions/adapters/aws/secret.ts';

export interface SecretSubject {
  readonly client: SecretsManagerClient;
  /** Creates the secret, or gives it a new version. */
  put(name: string, value: string): Promise<void>;
}

export function secretContract(create: () => Promise<SecretSubject>): void {
  test('is read by its name', async () => {
    const { client, put } = await create();
    await put('nightshift/read', 'a.b.c\n');
    expect(await createSecret(client, 'nightshift/read').read()).toBe('a.b.c');
  });

  test('is its newest version after a rotation, when it is read again', async () => {
    const { client, put } = await create();
    await put('nightshift/rotated', 'old');
    const secret = createSecret(client, 'nightshift/rotated');
    expect(await secret.read()).toBe('old');
    await put('nightshift/rotated', 'new');
    expect(await secret.read()).toBe('old');
    expect(await secret.readAgain()).toBe('new');
  });

  test('that does not exist is an error that says so by name', async () => {
    const { client } = await create();
    await expect(createSecret(client, 'nightshift/none').read()).rejects.toThrow(
      'there is no secret nightshift/none in this account and region: create it',
    );
  });
}
