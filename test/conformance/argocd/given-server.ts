/** The read-only checks for an Argo CD that the caller names. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createArgocdOverview, type ListedApplication } from '#cli/argocd-overview.ts';
import { createArgocdServer } from '#functions/adapters/argocd/server.ts';
import { createHttpHost, type HttpReply } from '#functions/adapters/http.ts';
import { checkedOn } from '../checked-on.ts';
import { askOn } from './ask.ts';
import { settingsOf } from './stage.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** As Argo CD's own command line reads them. The CA of a private certificate is given to Node, NODE_EXTRA_CA_CERTS. */
export function isGiven(env: Environment): boolean {
  return Boolean(env['ARGOCD_SERVER'] && env['ARGOCD_AUTH_TOKEN']);
}

export function givenServer(env: Environment): void {
  const given = env['ARGOCD_SERVER'] ?? '';
  const url = given.includes('://') ? given : `https://${given}`;
  const secret = env['ARGOCD_AUTH_TOKEN'] ?? '';
  const token = { read: async () => secret, readAgain: async () => secret };
  const host = createHttpHost({ url });
  const overview = createArgocdOverview({ argocd: { url }, token });
  const server = createArgocdServer({ argocd: { url }, token });
  let version = '';
  let applications: readonly ListedApplication[] = [];

  describe('a given server, looked at only', () => {
    checkedOn(() => `Argo CD ${version || 'of ARGOCD_SERVER'}`);
    beforeAll(async () => {
      const reply = await askOn(host, { path: '/api/version' });
      version = (JSON.parse(reply.body) as { Version: string }).Version;
      const listed = await overview.list();
      if (!listed.ok) throw new Error(`${url}: ${listed.error.detail}`);
      applications = listed.value;
    });
    afterAll(() => {
      for (const one of [host, overview, server]) one.close();
    });

    test('its applications are listed, each with its project and its states', () => {
      for (const { name, project, namespace } of applications) {
        expect([name, project, namespace].every((text) => text !== '')).toBe(true);
      }
    });

    test('an application of the list is read, with a source and a state', async (context) => {
      const [one] = applications;
      if (!one) return context.skip('the token sees no application');
      const reply = await server.read(settingsOf({ name: one.name, project: one.project }));
      expect(reply).toMatchObject({ ok: true, value: { deleting: expect.any(Boolean) } });
      if (reply.ok) expect(reply.value.sources.length).toBeGreaterThan(0);
    });

    test('an application that does not exist is missing with its project, and forbidden without', async (context) => {
      const [one] = applications;
      if (!one) return context.skip('the token sees no application');
      const name = 'nightshift-conformance-no-such-application';
      expect(await server.read(settingsOf({ name, project: one.project }))).toMatchObject({
        ok: false,
        error: { kind: 'missing' },
      });
      const reply = await askOn(host, { path: `/api/v1/applications/${name}`, token: secret });
      expect(codeOf(reply)).toEqual([403, 7]);
    });

    test('requests without a token, or with an invalid one, are refused', async () => {
      expect(codeOf(await askOn(host, { path: '/api/v1/applications' }))).toEqual([401, 16]);
      expect(codeOf(await askOn(host, { path: '/api/v1/applications', token: 'nonsense' }))).toEqual([
        401, 16,
      ]);
    });

    test('a body with a charset behind its content type is 415', async () => {
      const reply = await askOn(host, {
        method: 'POST',
        path: '/api/v1/applications/nightshift-conformance-no-such-application/sync',
        headers: { 'content-type': 'application/json; charset=utf-8' },
        body: {},
      });
      expect(reply.status).toBe(415);
    });
  });
}

function codeOf(reply: HttpReply): [number, unknown] {
  return [reply.status, (JSON.parse(reply.body) as { code?: unknown }).code];
}
