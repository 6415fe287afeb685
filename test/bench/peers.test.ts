import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { whatIsMissing } from './peers.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'nightshift-peers-'));
});
afterAll(() => rm(folder, { recursive: true }));

const programs = async (...names: readonly string[]) => {
  for (const name of names) await writeFile(path.join(folder, name), '');
};

describe('what the comparison with the peers needs', () => {
  test('is named with the way to build it', () => {
    expect(whatIsMissing({})).toBe(
      'KUBEBUILDER_ASSETS is not set: build the servers with test/conformance/servers/build.sh <folder>, and set KUBEBUILDER_ASSETS to that folder',
    );
  });

  test('is named where one program is missing', async () => {
    await programs('etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler');
    expect(whatIsMissing({ KUBEBUILDER_ASSETS: folder })).toMatch(
      /^KUBEBUILDER_ASSETS has no kubectl: build /,
    );
  });

  test('is moto_server too', async () => {
    await programs('kubectl');
    expect(whatIsMissing({ KUBEBUILDER_ASSETS: folder, PATH: '' })).toMatch(
      /^moto_server: not on the PATH: /,
    );
    await programs('moto_server');
    expect(whatIsMissing({ KUBEBUILDER_ASSETS: folder, PATH: folder })).toBeUndefined();
  });
});
