import { describe, expect, test } from 'vitest';
import type { AuditEntry } from '#test/conformance/servers/control-plane.ts';
import { type Emptying, figuresOf } from './audit-figures.ts';

const FROM = Date.parse('2026-11-29T12:00:00Z');
const TWO_NODES: Emptying = {
  from: FROM,
  nodes: ['one', 'two'],
  namespace: 'load',
  pods: 2,
  isBy: (user) => user === 'drainer',
};

/** `at`: ms after the beginning; answered a tenth of a second later. */
function anEntry(at: number, entry: Partial<AuditEntry>): AuditEntry {
  return {
    user: 'drainer',
    verb: 'get',
    group: '',
    resource: 'nodes',
    status: 200,
    receivedAt: FROM + at,
    answeredAt: FROM + at + 100,
    ...entry,
  };
}

const cordon = (at: number, name: string, entry: Partial<AuditEntry> = {}) =>
  anEntry(at, { verb: 'patch', name, body: { spec: { unschedulable: true } }, ...entry });
const eviction = (at: number, name: string, entry: Partial<AuditEntry> = {}) =>
  anEntry(at, {
    verb: 'create',
    resource: 'pods',
    subresource: 'eviction',
    namespace: 'load',
    name,
    status: 201,
    ...entry,
  });
const end = (at: number, name: string, entry: Partial<AuditEntry> = {}) =>
  anEntry(at, { user: 'kubelet', verb: 'delete', resource: 'pods', namespace: 'load', name, ...entry });

describe('the cordons in an audit log', () => {
  test('count when they were answered, and five seconds are in time', () => {
    const figures = figuresOf([cordon(900, 'one'), cordon(5_000, 'two')], TWO_NODES);
    expect(figures).toMatchObject({ cordonedInTime: 1, cordoned: 2, lastCordonMs: 5_100 });
  });

  test('are the first of each node', () => {
    expect(
      figuresOf([cordon(300, 'one'), cordon(200, 'two'), cordon(9_000, 'one')], TWO_NODES),
    ).toMatchObject({
      lastCordonMs: 400,
    });
  });

  test.each([
    ['a label', { body: { metadata: { labels: {} } } }],
    ['an uncordon', { body: { spec: { unschedulable: null } } }],
    ['a status', { subresource: 'status' }],
    ['a conflict', { status: 409 }],
    ['that of somebody else', { user: 'admin' }],
    ['that of another node', { name: 'three' }],
    ['one before the notice', { receivedAt: FROM - 1 }],
  ])('are not %s', (_what, entry) => {
    const figures = figuresOf([cordon(0, 'one', entry), cordon(0, 'two')], TWO_NODES);
    expect(figures.cordoned).toBe(1);
    expect(figures).not.toHaveProperty('lastCordonMs');
  });
});

describe('the pods in an audit log', () => {
  test('are asked when their eviction is received, also where a budget refuses it', () => {
    const figures = figuresOf(
      [eviction(100, 'a'), eviction(700, 'b', { status: 429 }), eviction(5_700, 'b')],
      TWO_NODES,
    );
    expect(figures).toMatchObject({ asked: 2, allAskedMs: 700 });
  });

  test('are asked by a deletion too', () => {
    const deletion = eviction(800, 'b', { verb: 'delete', subresource: undefined } as never);
    expect(figuresOf([eviction(100, 'a'), deletion], TWO_NODES)).toMatchObject({ allAskedMs: 800 });
  });

  test('are gone when their node says so', () => {
    expect(figuresOf([end(2_000, 'a'), end(2_500, 'b')], TWO_NODES)).toMatchObject({
      gone: 2,
      allGoneMs: 2_600,
    });
  });

  test('have no latest time where one is left', () => {
    const figures = figuresOf([eviction(100, 'a'), end(2_000, 'a')], TWO_NODES);
    expect(figures).toMatchObject({ asked: 1, gone: 1 });
    expect(figures).not.toHaveProperty('allAskedMs');
    expect(figures).not.toHaveProperty('allGoneMs');
  });

  test('of other namespaces do not count', () => {
    expect(figuresOf([eviction(1, 'a', { namespace: 'other' })], TWO_NODES).asked).toBe(0);
  });
});

test('the requests are those of whoever empties the nodes', () => {
  const entries = [anEntry(1, {}), eviction(2, 'a'), end(3, 'a'), anEntry(4, { user: 'admin' })];
  expect(figuresOf(entries, TWO_NODES).requests).toBe(2);
});
