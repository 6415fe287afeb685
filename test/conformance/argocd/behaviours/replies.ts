/** The API server's replies as they are, status by status: what `reply.ts` and the lab's server are written from. */
import { createHmac } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import type { HttpReply } from '#functions/adapters/http.ts';
import { PROJECT, ROLE, type Stage, TEAMS } from '../stage.ts';

const APPLICATIONS = '/api/v1/applications';

export function replies(stage: () => Stage): void {
  describe('replies of the API server', () => {
    let token: string;
    beforeAll(async () => {
      token = await stage().projectToken(PROJECT, ROLE);
      await stage().addApplication({ name: 'r-api' });
      await stage().addApplication({ name: 'r-theirs', project: 'others' });
    });
    const get = (path: string, as: string | undefined = token) =>
      stage().ask({ path: `${APPLICATIONS}${path}`, ...(as === undefined ? {} : { token: as }) });
    const sync = (name: string, body: unknown = {}, as = token) =>
      stage().ask({ method: 'POST', path: `${APPLICATIONS}/${name}/sync`, token: as, body });

    const eventsOf = async (name: string, atLeast: number) => {
      const events = JSON.parse((await get(`/${name}/events?project=${PROJECT}`)).body) as Events;
      return (events.items ?? []).length >= atLeast ? events : undefined;
    };

    describe('tokens', () => {
      test('without one the reply is 401, code 16', async () => {
        const reply = await stage().ask({ path: `${APPLICATIONS}/r-api?project=${PROJECT}` });
        expect(refusalIn(reply)).toEqual([401, 16, 'no session information']);
        expect(JSON.parse(reply.body)).toEqual({
          error: 'no session information',
          code: 16,
          message: 'no session information',
        });
        expect(reply.headers['content-type']).toBe('application/json');
      });

      test('what is no token is as good as none', async () => {
        expect(refusalIn(await get('/r-api', 'nonsense'))).toEqual([401, 16, 'no session information']);
      });

      test('one with another signature is refused', async () => {
        const [head = '', body = ''] = token.split('.');
        const signature = createHmac('sha256', 'another key').update(`${head}.${body}`).digest('base64url');
        expect(refusalIn(await get('/r-api', `${head}.${body}.${signature}`))).toEqual([
          401,
          16,
          'invalid session: token signature is invalid: signature is invalid',
        ]);
      });

      test('one that has expired is refused', async () => {
        const short = await stage().projectToken(PROJECT, ROLE, 1);
        await stage().pause(2_100);
        expect(refusalIn(await get('/r-api', short))).toEqual([
          401,
          16,
          'invalid session: token has invalid claims: token is expired',
        ]);
      });

      test('one that was taken back is refused', async () => {
        const gone = await stage().projectToken('others', 'former');
        await stage().revoke('others', 'former', gone);
        const reply = await stage().until('the end of the token', async () => {
          const answered = await get('/r-theirs?project=others', gone);
          return answered.status === 401 && answered;
        });
        expect(refusalIn(reply)).toEqual([
          401,
          16,
          expect.stringMatching(/^invalid session: .*(does not exist in project 'others'|not found)/),
        ]);
      });

      test('a cookie is as good as a header', async () => {
        const reply = await stage().ask({
          path: `${APPLICATIONS}/r-api?project=${PROJECT}`,
          headers: { cookie: `argocd.token=${token}` },
        });
        expect(reply.status).toBe(200);
      });

      test('an account without permissions gets an error, and an empty list', async () => {
        const nobody = await stage().accountToken('nobody');
        expect(refusalIn(await get(`/r-api?project=${PROJECT}`, nobody))).toEqual([
          403,
          7,
          'permission denied',
        ]);
        expect(JSON.parse((await get('', nobody)).body)).toMatchObject({ items: null });
      });

      test('an account with a policy may sync', async () => {
        const deployer = await stage().accountToken('deployer');
        expect((await get(`/r-api?project=${PROJECT}`, deployer)).status).toBe(200);
      });
    });

    describe('what a token does not reach', () => {
      test('an application that does not exist is 404 with its project and 403 without', async () => {
        expect(refusalIn(await get(`/nobody?project=${PROJECT}`))).toEqual([
          404,
          5,
          'applications.argoproj.io "nobody" not found',
        ]);
        expect(refusalIn(await get('/nobody'))).toEqual([403, 7, 'permission denied']);
        expect(refusalIn(await sync('nobody', { project: PROJECT }))).toEqual([
          404,
          5,
          'applications.argoproj.io "nobody" not found',
        ]);
        expect(refusalIn(await sync('nobody'))).toEqual([403, 7, 'permission denied']);
      });

      test('an application of another project is 404 under ours, 403 under its own', async () => {
        expect(refusalIn(await get(`/r-theirs?project=${PROJECT}`))).toEqual([
          404,
          5,
          'applications.argoproj.io "r-theirs" not found',
        ]);
        expect(refusalIn(await get('/r-theirs?project=others'))).toEqual([403, 7, 'permission denied']);
        expect(refusalIn(await get('/r-theirs'))).toEqual([403, 7, 'permission denied']);
        expect(refusalIn(await sync('r-theirs', { project: 'others' }))).toEqual([
          403,
          7,
          'permission denied',
        ]);
      });

      test('an account that may read and not sync gets an error that names the missing permission', async () => {
        const reader = await stage().projectToken('others', 'reader');
        expect(refusalIn(await sync('r-theirs', { project: 'others' }, reader))).toEqual([
          403,
          7,
          expect.stringMatching(
            /^permission denied: applications, sync, others\/r-theirs, sub: proj:others:reader, iat: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
          ),
        ]);
      });

      test('a namespace that Argo CD does not look at is 403', async () => {
        expect(refusalIn(await get(`/r-api?project=${PROJECT}&appNamespace=elsewhere`))).toEqual([
          403,
          7,
          expect.stringMatching(/permission denied|not permitted/),
        ]);
      });

      test('more than one project for one application is 400, code 3', async () => {
        expect(refusalIn(await get(`/r-api?projects=${PROJECT}&projects=others`))).toEqual([
          400,
          3,
          'multiple projects specified - the get endpoint accepts either zero or one project',
        ]);
      });
    });

    describe('a sync', () => {
      test('is answered with the Application, its operation set and the state of the last one gone', async () => {
        await stage().addApplication({ name: 'r-sync', hook: true });
        const sha = await stage().head('r-sync');
        const reply = await sync('r-sync', {
          name: 'r-sync',
          project: PROJECT,
          prune: true,
          infos: [{ name: 'nightshift-deploy', value: 'd-1' }],
          somethingNew: true,
        });
        expect(reply.status).toBe(200);
        const body = JSON.parse(reply.body) as Record<string, Record<string, unknown>>;
        expect(body['operation']).toMatchObject({
          initiatedBy: { username: `proj:${PROJECT}:${ROLE}` },
          info: [{ name: 'nightshift-deploy', value: 'd-1' }],
          sync: { revision: sha, prune: true },
        });
        expect(body['status']).not.toHaveProperty('operationState');
        expect(body).not.toHaveProperty('kind');
      });

      test('of a busy application is 400, code 9', async () => {
        await stage().addApplication({ name: 'r-busy', hook: true });
        expect((await sync('r-busy', { project: PROJECT })).status).toBe(200);
        expect(refusalIn(await sync('r-busy', { project: PROJECT }))).toEqual([
          400,
          9,
          'another operation is already in progress',
        ]);
      });

      test('in a window that is closed is 403, code 7, for every account', async () => {
        await stage().addApplication({ name: 'r-frozen', project: 'frozen' });
        const deployer = await stage().projectToken('frozen', ROLE);
        expect(refusalIn(await sync('r-frozen', { project: 'frozen' }, deployer))).toEqual([
          403,
          7,
          'cannot sync: blocked by sync window',
        ]);
        const reader = await stage().projectToken('frozen', 'reader');
        expect(refusalIn(await sync('r-frozen', { project: 'frozen' }, reader))).toEqual([
          403,
          7,
          'cannot sync: blocked by sync window',
        ]);
      });

      test('that runs when a window is closed is held up, and goes on being busy', async () => {
        await stage().addApplication({ name: 'r-held', project: 'windows', hook: true });
        const deployer = await stage().projectToken('windows', ROLE);
        await sync('r-held', { project: 'windows' }, deployer);
        const messageOf = async () => (await stage().object('r-held')).status?.operationState?.message ?? '';
        await stage().until('the hook', async () => /hook/.test(await messageOf()));
        await stage().addSyncWindow('windows', {
          kind: 'deny',
          schedule: '* * * * *',
          duration: '1h',
          applications: ['*'],
        });
        const held = await stage().until(
          'the window',
          async () => {
            const message = await messageOf();
            return !/hook/.test(message) && message;
          },
          90,
        );
        expect(held).toBe('Sync operation blocked by sync window');
        const { status, operation } = await stage().object('r-held');
        expect(status?.operationState?.phase).toBe('Running');
        expect(operation).toBeDefined();
      });

      test('by a person in a window that lets persons through is taken', async () => {
        await stage().addApplication({ name: 'r-by-hand', project: 'frozen' });
        const deployer = await stage().projectToken('frozen', ROLE);
        expect((await sync('r-by-hand', { project: 'frozen' }, deployer)).status).toBe(200);
      });

      test('to a commit is refused on an application that syncs by itself, to its own branch it is taken', async () => {
        await stage().addApplication({ name: 'r-automatic', autoSync: {}, hook: true });
        const sha = await stage().head('r-automatic');
        expect(refusalIn(await sync('r-automatic', { project: PROJECT, revision: sha }))).toEqual([
          400,
          9,
          `Cannot sync to ${sha}: auto-sync currently set to r-automatic`,
        ]);
        const own = await sync('r-automatic', { project: PROJECT, revision: 'r-automatic' });
        // Its own sync may have been faster.
        expect([200, 400]).toContain(own.status);
        if (own.status === 400) expect(own.body).toContain('another operation is already in progress');
      });

      test('to a branch that does not exist is 400, code 9', async () => {
        expect(refusalIn(await sync('r-api', { project: PROJECT, revision: 'no-such-branch' }))).toEqual([
          400,
          9,
          "error resolving repo revision: rpc error: code = Unknown desc = unable to resolve 'no-such-branch' to a commit SHA: revision not found",
        ]);
      });

      test('of an application that is being deleted is 400, code 9', async () => {
        await stage().addApplication({ name: 'r-deleting' });
        await sync('r-deleting', { project: PROJECT });
        await stage().until('the end of the sync', async () => {
          const { status } = await stage().object('r-deleting');
          return status?.operationState?.phase === 'Succeeded';
        });
        await stage().deleteApplication('r-deleting');
        expect(refusalIn(await sync('r-deleting', { project: PROJECT }))).toEqual([
          400,
          9,
          'application is deleting',
        ]);
      });

      test('as a dry run changes nothing', async () => {
        await stage().addApplication({ name: 'r-dry' });
        expect((await sync('r-dry', { project: PROJECT, dryRun: true })).status).toBe(200);
        const { status } = await stage().until('the end of the dry run', async () => {
          const object = await stage().object('r-dry');
          return object.status?.operationState?.finishedAt !== undefined && object;
        });
        expect(status?.operationState?.phase).toBe('Succeeded');
        expect(status?.history ?? []).toEqual([]);
        const read = await get(`/r-dry?project=${PROJECT}&refresh=normal`);
        expect(JSON.parse(read.body)).toMatchObject({ status: { sync: { status: 'OutOfSync' } } });
      });

      test('with a charset behind its content type is 415', async () => {
        const reply = await stage().ask({
          method: 'POST',
          path: `${APPLICATIONS}/r-api/sync`,
          token,
          headers: { 'content-type': 'application/json; charset=utf-8' },
          body: { project: PROJECT },
        });
        expect([reply.status, reply.body]).toEqual([415, 'Invalid content type\n']);
      });

      test.each([
        ['a body that is no JSON', '{', 'unexpected EOF'],
        ['text', 'hello', "invalid character 'h' looking for beginning of value"],
        [
          'a member of another type',
          '{"prune":"yes"}',
          'json: cannot unmarshal string into Go struct field ApplicationSyncRequest.prune of type bool',
        ],
        [
          'a list',
          '[]',
          'json: cannot unmarshal array into Go value of type application.ApplicationSyncRequest',
        ],
      ])('with %s is 400, code 3', async (_what, body, message) => {
        expect(refusalIn(await sync('r-api', body))).toEqual([400, 3, message]);
      });

      test('with names in another case and a null is read all the same', async () => {
        await stage().addApplication({ name: 'r-case', hook: true });
        const reply = await sync('r-case', { Project: PROJECT, PRUNE: true, revision: null });
        expect(reply.status).toBe(200);
        expect(JSON.parse(reply.body)).toMatchObject({ operation: { sync: { prune: true } } });
      });
    });

    describe('the end of an operation', () => {
      const terminate = (name: string) =>
        stage().ask({
          method: 'DELETE',
          path: `${APPLICATIONS}/${name}/operation?project=${PROJECT}`,
          token,
          headers: { 'content-type': 'application/json' },
        });

      test('is asked for with DELETE, and 400, code 3, where none runs', async () => {
        await stage().addApplication({ name: 'r-end', hook: true });
        expect(refusalIn(await terminate('r-end'))).toEqual([
          400,
          3,
          'Unable to terminate operation. No operation is in progress',
        ]);
        await sync('r-end', { project: PROJECT });
        await stage().until('the hook', async () => {
          const { status } = await stage().object('r-end');
          return /hook/.test(status?.operationState?.message ?? '');
        });
        const reply = await terminate('r-end');
        expect([reply.status, JSON.parse(reply.body)]).toEqual([200, {}]);
      });
    });

    describe('besides', () => {
      test('the version is for everyone, and its details for who is logged in', async () => {
        const version = JSON.parse((await stage().ask({ path: '/api/version' })).body);
        expect(Object.keys(version)).toEqual(['Version']);
        const more = JSON.parse((await stage().ask({ path: '/api/version', token })).body);
        expect(Object.keys(more)).toEqual(expect.arrayContaining(['Version', 'GoVersion', 'Platform']));
      });

      test('it says that it is well', async () => {
        const reply = await stage().ask({ path: '/healthz' });
        expect([reply.status, reply.body]).toEqual([200, 'ok\n']);
      });

      test('a path with dots is sent back clean', async () => {
        const reply = await stage().ask({ path: `${APPLICATIONS}/../applications/r-api?project=x`, token });
        expect(reply.status).toBe(307);
        expect(reply.headers['location']).toBe(`${APPLICATIONS}/r-api?project=x`);
      });

      test.each([
        ['GET', '/api/v1/nothing', 404, 'Not Found\n'],
        ['GET', '/api/v1/applications/r-api/sync', 405, 'Method Not Allowed\n'],
      ] as const)('%s %s is %i', async (method, path, status, body) => {
        const reply = await stage().ask({ method, path, token });
        expect([reply.status, reply.body]).toEqual([status, body]);
      });

      test('replies say that they depend on what the client accepts, and are zipped for who asks', async () => {
        const plain = await get(`/r-api?project=${PROJECT}`);
        expect(plain.headers['vary']).toBe('Accept-Encoding');
        expect(plain.headers['content-encoding']).toBeUndefined();
        const zipped = await stage().ask({
          path: `${APPLICATIONS}?projects=${PROJECT}`,
          token,
          headers: { 'accept-encoding': 'gzip' },
        });
        expect(zipped.headers['content-encoding']).toBe('gzip');
      });

      test('a list is narrowed by project and by namespace', async () => {
        const namesOf = (reply: HttpReply) =>
          ((JSON.parse(reply.body) as { items: { metadata: { name: string } }[] | null }).items ?? []).map(
            ({ metadata }) => metadata.name,
          );
        expect(namesOf(await get(`?projects=${PROJECT}`))).toEqual(expect.arrayContaining(['r-api']));
        expect(namesOf(await get(`?projects=${PROJECT}`))).not.toContain('r-theirs');
        expect(namesOf(await get('?projects=others'))).toEqual([]);
        expect(JSON.parse((await get('?projects=others')).body)).toMatchObject({ items: null });
        expect(namesOf(await get(`?appNamespace=${TEAMS}`))).not.toContain('r-api');
        expect(namesOf(await get('?name=r-api'))).toEqual(['r-api']);
      });

      test('an Application shows the fields that are read of it', async () => {
        await stage().addApplication({ name: 'r-fields' });
        await sync('r-fields', { project: PROJECT });
        const body = await stage().until('the end of the sync', async () => {
          const reply = await get(`/r-fields?project=${PROJECT}&refresh=normal`);
          const read = JSON.parse(reply.body) as { status: { health: { status: string } } };
          return read.status.health.status === 'Healthy' && read;
        });
        expect(body).toMatchObject({
          metadata: { name: 'r-fields', namespace: 'argocd', creationTimestamp: INSTANT },
          spec: { project: PROJECT, source: { targetRevision: 'r-fields' } },
          status: {
            sync: { status: 'Synced', revision: COMMIT },
            health: { status: 'Healthy' },
            reconciledAt: INSTANT,
            history: [{ revision: COMMIT, deployedAt: INSTANT }],
            operationState: {
              phase: 'Succeeded',
              startedAt: INSTANT,
              finishedAt: INSTANT,
              syncResult: { revision: COMMIT },
            },
            resources: [{ group: 'apps', kind: 'Deployment', name: 'r-fields', status: 'Synced' }],
          },
        });
      });

      test('the health of a resource is in the reply of the API server, and not in the object', async () => {
        await stage().addApplication({ name: 'r-degraded' });
        await stage().rollout('r-degraded', 'fails');
        await sync('r-degraded', { project: PROJECT });
        const application = await stage().until('the health', async () => {
          const read = JSON.parse((await get(`/r-degraded?project=${PROJECT}`)).body) as WithResources;
          return read.status.health.status === 'Degraded' && read;
        });
        expect(application.status.health.message).toBe('Caused by apps/Deployment:app/r-degraded');
        expect(application.status.resources[0]?.health).toEqual({
          status: 'Degraded',
          message: 'Deployment "r-degraded" exceeded its progress deadline',
        });
        const object = (await stage().object('r-degraded')) as unknown as WithResources;
        expect(object.status.health.status).toBe('Degraded');
        expect(object.status.resources[0]).not.toHaveProperty('health');
      });

      test('a hook is among the resources while its Job is there, and marked as one', async () => {
        await stage().addApplication({ name: 'r-hook', hook: true });
        await sync('r-hook', { project: PROJECT });
        const application = await stage().until('the hook', async () => {
          const read = JSON.parse(
            (await get(`/r-hook?project=${PROJECT}&refresh=normal`)).body,
          ) as WithResources;
          return read.status.resources.length === 2 && read.status.operationState?.syncResult && read;
        });
        expect(application.status.resources[1]).toMatchObject({
          group: 'batch',
          kind: 'Job',
          name: 'r-hook-before',
          hook: true,
          health: { status: 'Progressing' },
        });
        expect(application.status.resources[1]).not.toHaveProperty('status');
        expect(application.status.health.status).toBe('Missing');
        expect(application.status.operationState?.syncResult?.resources).toMatchObject([
          {
            kind: 'Job',
            name: 'r-hook-before',
            status: 'Synced',
            message: 'job.batch/r-hook-before created',
            hookType: 'PreSync',
            hookPhase: 'Running',
            syncPhase: 'PreSync',
          },
        ]);
      });

      test('the events of an application tell its syncs and each change of its sync status and health', async () => {
        await stage().addApplication({ name: 'r-events' });
        const { items: first } = await stage().until('the first events', () => eventsOf('r-events', 2));
        expect(first?.map(({ message }) => message)).toEqual([
          'Updated sync status:  -> OutOfSync',
          'Updated health status:  -> Missing',
        ]);
        await sync('r-events', { project: PROJECT });
        const { items } = await stage().until('the last event', async () => {
          const events = await eventsOf('r-events', 6);
          return events?.items?.some(({ message }) => message.endsWith('Progressing -> Healthy')) && events;
        });
        const sha = await stage().head('r-events');
        expect(items?.map(({ reason, type, message }) => `${reason} ${type} ${message}`)).toEqual(
          expect.arrayContaining([
            `OperationStarted Normal proj:${PROJECT}:${ROLE} initiated sync to r-events (${sha})`,
            `OperationCompleted Normal Sync operation to ${sha} succeeded`,
            'ResourceUpdated Normal Updated sync status: OutOfSync -> Synced',
            'ResourceUpdated Normal Updated health status: Missing -> Progressing (Caused by apps/Deployment:app/r-events)',
            'ResourceUpdated Normal Updated health status: Progressing -> Healthy',
          ]),
        );
        expect(items?.[0]).toMatchObject({
          involvedObject: { kind: 'Application', name: 'r-events', namespace: 'argocd' },
          source: { component: 'argocd-application-controller' },
          firstTimestamp: INSTANT,
          lastTimestamp: INSTANT,
          count: 1,
          eventTime: null,
        });
      });
    });
  });
}

const INSTANT = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
const COMMIT = expect.stringMatching(/^[0-9a-f]{40}$/);

interface WithResources {
  readonly status: {
    readonly health: { readonly status: string; readonly message?: string };
    readonly resources: readonly { readonly health?: object }[];
    readonly operationState?: { readonly syncResult?: { readonly resources: readonly object[] } };
  };
}

interface Events {
  readonly items:
    | readonly { readonly reason: string; readonly type: string; readonly message: string }[]
    | null;
}

/** Status, code and message. */
function refusalIn(reply: HttpReply): [number, unknown, unknown] {
  const body = ((): { code?: unknown; message?: unknown } => {
    try {
      return JSON.parse(reply.body);
    } catch {
      return { message: reply.body };
    }
  })();
  return [reply.status, body.code, body.message];
}
