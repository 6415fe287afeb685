import { describe, expect, test } from 'vitest';
import { isEqual, jsonPatch, mergePatch, strategicMergePatch } from '#lab/world/kubernetes/patch.ts';

describe('a strategic merge patch', () => {
  const node = {
    spec: {
      taints: [
        { key: 'team', value: 'a', effect: 'NoSchedule' },
        { key: 'gpu', effect: 'NoExecute' },
      ],
    },
    status: {
      conditions: [
        { type: 'Ready', status: 'True' },
        { type: 'DiskPressure', status: 'False' },
      ],
    },
  };

  test("replaces a node's taints, as a list without a merge key", () => {
    const taints = [{ key: 'nightshift', effect: 'NoSchedule' }];
    const patched = strategicMergePatch(node, { spec: { unschedulable: true, taints } });
    expect(patched.spec).toEqual({ unschedulable: true, taints });
  });

  test('leaves the elements that it does not name, and merges those that it does', () => {
    const patched = strategicMergePatch(node, {
      status: {
        conditions: [
          { type: 'Ready', reason: 'KubeletReady' },
          { type: 'PIDPressure', status: 'False' },
        ],
      },
    });
    expect(patched.status.conditions).toEqual([
      { type: 'Ready', status: 'True', reason: 'KubeletReady' },
      { type: 'DiskPressure', status: 'False' },
      { type: 'PIDPressure', status: 'False' },
    ]);
  });

  test('removes an element by $patch: delete', () => {
    const patched = strategicMergePatch(node, {
      status: { conditions: [{ type: 'DiskPressure', $patch: 'delete' }] },
    });
    expect(patched.status.conditions).toEqual([{ type: 'Ready', status: 'True' }]);
  });

  test('replaces a list by $patch: replace', () => {
    const patched = strategicMergePatch(node, {
      status: { conditions: [{ $patch: 'replace' }, { type: 'Only', status: 'True' }] },
    });
    expect(patched.status.conditions).toEqual([{ type: 'Only', status: 'True' }]);
  });

  test('merges conditions by type and containers by name', () => {
    const patched = strategicMergePatch(
      { conditions: [{ type: 'A', status: 'True' }], containers: [{ name: 'x', image: '1', args: ['a'] }] },
      { conditions: [{ type: 'A', status: 'False' }], containers: [{ name: 'x', image: '2', args: ['b'] }] },
    );
    expect(patched).toEqual({
      conditions: [{ type: 'A', status: 'False' }],
      containers: [{ name: 'x', image: '2', args: ['b'] }],
    });
  });

  test('refuses an element without its merge key', () => {
    expect(() => strategicMergePatch(node, { status: { conditions: [{ status: 'True' }] } })).toThrow(
      'does not contain declared merge key: type',
    );
  });

  test('removes by null and leaves the target as it was', () => {
    const target = { metadata: { labels: { a: '1', b: '2' } } };
    expect(strategicMergePatch(target, { metadata: { labels: { a: null } } })).toEqual({
      metadata: { labels: { b: '2' } },
    });
    expect(target.metadata.labels.a).toBe('1');
  });

  test('merges finalizers as a set, and removes some with $deleteFromPrimitiveList', () => {
    expect(strategicMergePatch({ finalizers: ['a'] }, { finalizers: ['b', 'a'] })).toEqual({
      finalizers: ['a', 'b'],
    });
    expect(
      strategicMergePatch({ finalizers: ['a', 'b'] }, { '$deleteFromPrimitiveList/finalizers': ['a'] }),
    ).toEqual({ finalizers: ['b'] });
  });
});

describe('a merge patch', () => {
  test('replaces lists whole', () => {
    expect(mergePatch({ taints: [{ key: 'a' }] }, { taints: [{ key: 'b' }] })).toEqual({
      taints: [{ key: 'b' }],
    });
  });
});

describe('a JSON patch', () => {
  test('adds, replaces, removes, copies, moves and tests', () => {
    const patched = jsonPatch({ a: { 'x/y': 1 }, list: [1, 3] }, [
      { op: 'test', path: '/a/x~1y', value: 1 },
      { op: 'add', path: '/list/1', value: 2 },
      { op: 'add', path: '/list/-', value: 4 },
      { op: 'replace', path: '/a/x~1y', value: 5 },
      { op: 'copy', from: '/a', path: '/b' },
      { op: 'move', from: '/list/0', path: '/first' },
      { op: 'remove', path: '/a' },
    ]);
    expect(patched).toEqual({ list: [2, 3, 4], b: { 'x/y': 5 }, first: 1 });
  });

  test.each([
    [{ op: 'test', path: '/a', value: 2 }],
    [{ op: 'remove', path: '/missing' }],
    [{ op: 'replace', path: '/missing/deep', value: 1 }],
    [{ op: 'dance', path: '/a' }],
  ])('refuses %j with 422 and does not say why', (operation) => {
    expect(() => jsonPatch({ a: 1 }, [operation])).toThrow(
      expect.objectContaining({
        code: 422,
        message: 'the server rejected our request due to an error in our request',
      }),
    );
  });
});

test('equality does not care about absent and undefined, or the order of keys', () => {
  expect(isEqual({ a: 1, b: undefined, c: [{ x: 1, y: 2 }] }, { c: [{ y: 2, x: 1 }], a: 1 })).toBe(true);
  expect(isEqual({ a: [1, 2] }, { a: [2, 1] })).toBe(false);
});
