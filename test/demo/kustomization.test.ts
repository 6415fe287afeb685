/** What the reader knows is held against kustomize itself in test/conformance/kustomize. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { buildKustomization } from '#demo/platform/kustomization.ts';

const root = mkdtempSync(join(tmpdir(), 'nightshift-kustomization-'));
afterAll(() => rmSync(root, { recursive: true }));

let count = 0;
function folder(files: Readonly<Record<string, string>>): string {
  const path = join(root, String(count++));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), text);
  }
  return path;
}
const CONFIG_MAP = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\ndata: { key: value }\n';

describe('a kustomization with something that is not known is refused', () => {
  test.each([
    ['a field', 'helmCharts: []\n', "the field 'helmCharts', which the lab does not build"],
    [
      'a strategic merge patch',
      'resources: [a.yaml]\npatches:\n  - target: { kind: ConfigMap }\n    patch: "data: { key: other }"\n',
      'strategic merge patches are not known here',
    ],
    [
      'a selector of sets',
      'resources: [a.yaml]\npatches:\n  - target: { labelSelector: "a in (b)" }\n    patch: "[]"\n',
      "the label selector 'a in (b)' is not known here",
    ],
    [
      'a patch of a field that is not there',
      'resources: [a.yaml]\npatches:\n  - target: { kind: ConfigMap }\n    patch: "[{ op: replace, path: /data/other, value: x }]"\n',
      'replace of /data/other: ConfigMap a has no such field',
    ],
    ['a generated name', 'configMapGenerator:\n  - name: b\n    files: [a.yaml]\n', 'the ConfigMap b in'],
    ['a file that is missing', 'resources: [missing.yaml]\n', 'missing.yaml: ENOENT'],
  ])('%s', (_, kustomization, message) => {
    const path = folder({ 'kustomization.yaml': kustomization, 'a.yaml': CONFIG_MAP });
    expect(() => buildKustomization(path)).toThrow(message);
  });
});

test('a component changes what the folder has read, and an object for values only is left out', () => {
  const path = folder({
    'overlay/kustomization.yaml': 'resources: [a.yaml, values.yaml]\ncomponents: [../component]\n',
    'overlay/a.yaml': CONFIG_MAP,
    'overlay/values.yaml':
      'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: values, annotations: { config.kubernetes.io/local-config: "true" } }\ndata: { name: develop }\n',
    'component/kustomization.yaml': 'kind: Component\nreplacements: [{ path: name.yaml }]\n',
    'component/name.yaml':
      'source: { kind: ConfigMap, name: values, fieldPath: data.name }\ntargets: [{ select: { name: a }, fieldPaths: [data.key] }]\n',
  });
  expect(buildKustomization(join(path, 'overlay'))).toEqual([
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { key: 'develop' } },
  ]);
});

test('every budget of the sample service selects the pods of its Deployment', () => {
  for (const environment of ['develop', 'staging', 'production', 'sandbox']) {
    const objects = buildKustomization(`examples/platform/gitops/overlays/${environment}/api`);
    const spec = (kind: string) => objects.find((object) => object.kind === kind)?.['spec'] as Spec;
    // A budget without a selector selects no pod.
    const { matchLabels } = spec('PodDisruptionBudget').selector ?? {};
    expect(matchLabels, environment).toBeDefined();
    expect(spec('Deployment').template?.metadata.labels).toMatchObject(matchLabels ?? {});
  }
});

interface Spec {
  readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
  readonly template?: { readonly metadata: { readonly labels: Readonly<Record<string, string>> } };
}
