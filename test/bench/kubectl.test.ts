import { afterEach, expect, test, vi } from 'vitest';
import { findKubectl } from './kubectl.ts';

afterEach(() => vi.unstubAllEnvs());

test('where kubectl is not installed there is nothing to compare with, and that is no error', async () => {
  vi.stubEnv('KUBECTL', 'no-such-kubectl');
  expect(await findKubectl()).toBeUndefined();
});

test('a kubectl that does not print its version is an error', async () => {
  vi.stubEnv('KUBECTL', 'false');
  await expect(findKubectl()).rejects.toThrow('Command failed');
});
