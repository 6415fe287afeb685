import { describe, expect, test } from 'vitest';
import { createClock } from '#lab/world/clock.ts';
import type { KubeObject } from '#lab/world/kubernetes/objects.ts';
import { resourceOf } from '#lab/world/kubernetes/resources.ts';
import { createStore } from '#lab/world/kubernetes/store.ts';

const pods = resourceOf('pods');
const aPod = (namespace: string, name: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace, name, uid: `${namespace}/${name}`, resourceVersion: '', creationTimestamp: '' },
});
const aStore = () => createStore(createClock(new Date('2026-11-23T20:00:00Z')));
const keys = (store: ReturnType<typeof aStore>) =>
  store.all('pods').map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);

describe('the store', () => {
  test('orders objects by namespace and name as etcd does, however they come and go', () => {
    const store = aStore();
    for (const [namespace, name] of [
      ['web', 'b'],
      ['web-2', 'a'],
      ['web', 'a'],
    ] as const)
      store.put(pods, aPod(namespace, name));
    // '-' comes before the '/' that ends a namespace.
    expect(keys(store)).toEqual(['web-2/a', 'web/a', 'web/b']);
    store.put(pods, aPod('app', 'z'));
    store.put(pods, aPod('web', 'a'));
    store.remove(pods, aPod('web', 'b'));
    store.put(pods, aPod('web', 'aa'));
    expect(keys(store)).toEqual(['app/z', 'web-2/a', 'web/a', 'web/aa']);
  });

  test('leaves a list as it was when it was given out', () => {
    const store = aStore();
    store.put(pods, aPod('web', 'a'));
    const before = store.all('pods');
    store.put(pods, aPod('web', 'b'));
    store.remove(pods, aPod('web', 'a'));
    expect(before.map(({ metadata }) => metadata.name)).toEqual(['a']);
  });

  test('notifies of the requested resources, in the order of the subscriptions', () => {
    const store = aStore();
    const heard: string[] = [];
    store.subscribe(({ resource }) => heard.push(`nodes: ${resource.key}`), ['nodes']);
    const stop = store.subscribe(({ resource }) => heard.push(`all: ${resource.key}`));
    store.subscribe(({ resource }) => heard.push(`pods: ${resource.key}`), ['pods']);
    store.put(pods, aPod('web', 'a'));
    stop();
    store.put(pods, aPod('web', 'a'));
    expect(heard).toEqual(['all: pods', 'pods: pods', 'pods: pods']);
  });
});
