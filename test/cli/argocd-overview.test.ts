import { afterAll, beforeAll, expect, test } from 'vitest';
import { createArgocdOverview } from '#cli/argocd-overview.ts';
import {
  type Answer,
  type ScriptedServer,
  startScriptedServer,
} from '../functions/adapters/kubernetes/scripted-server.ts';

let server: ScriptedServer;
let reply: Answer;
beforeAll(async () => {
  server = await startScriptedServer(() => reply);
});
afterAll(() => server.close());

const overview = () =>
  createArgocdOverview({
    argocd: { url: server.url, ca: server.ca },
    token: { read: async () => 'token', readAgain: async () => 'token' },
  });
const anApplication = {
  name: 'api',
  project: 'default',
  namespace: 'teams',
  sync: 'OutOfSync',
  health: 'Healthy',
  revisions: [],
} as const;
const anEvent = (message: string, lastTimestamp: string | null, eventTime: string | null = null) => ({
  message: `Updated sync status: ${message}`,
  lastTimestamp,
  eventTime,
});

test('the end of Synced is the last of its events, whatever came in between', async () => {
  reply = {
    body: {
      items: [
        anEvent('Synced -> OutOfSync', '2026-11-25T04:10:00Z'),
        anEvent('OutOfSync -> Synced', '2026-11-25T04:20:00Z'),
        anEvent('Synced -> Unknown', null, '2026-11-25T04:30:00.000000Z'),
        anEvent('Unknown -> OutOfSync', '2026-11-25T04:40:00Z'),
        { message: 'Updated health status: Healthy -> Degraded', lastTimestamp: '2026-11-25T04:50:00Z' },
      ],
    },
  };
  const argocd = overview();
  expect(await argocd.leftSynced(anApplication)).toEqual({
    ok: true,
    value: new Date('2026-11-25T04:30:00Z'),
  });
  expect(server.asked.at(-1)?.path).toBe('/api/v1/applications/api/events');
  expect(Object.fromEntries(server.asked.at(-1)?.query ?? [])).toEqual({
    project: 'default',
    appNamespace: 'teams',
  });
  argocd.close();
});

test('without an event the time is unknown; a list that Go has left empty is a list', async () => {
  reply = { body: { items: null } };
  const argocd = overview();
  expect(await argocd.leftSynced(anApplication)).toEqual({ ok: true, value: undefined });
  expect(await argocd.list()).toEqual({ ok: true, value: [] });
  argocd.close();
});

test.each([
  ['an HTML page', '<html></html>'],
  ['another document', { applications: [] }],
  ['a list of something else', { items: [{ kind: 'Pod' }] }],
])('%s is no list of applications', async (_what, body) => {
  reply = { body };
  const argocd = overview();
  expect(await argocd.list()).toMatchObject({ ok: false, error: { kind: 'transient' } });
  argocd.close();
});
