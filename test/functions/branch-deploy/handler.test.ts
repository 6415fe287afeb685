import {
  BatchGetBuildsCommand,
  CodeBuildClient,
  ListBuildsForProjectCommand,
} from '@aws-sdk/client-codebuild';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { serveArgocd } from '@nightshift/lab/http/argocd/server.ts';
import { createCertificateAuthority } from '@nightshift/lab/http/tls.ts';
import { createArgocd } from '@nightshift/lab/world/argocd/index.ts';
import { createContext } from '@nightshift/lab/world/context.ts';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { DECISION } from '#functions/adapters/dynamodb/table-keys.ts';
import type { Decision } from '#model/decision.ts';
import { aTable } from '../adapters/dynamodb/a-table.ts';
import { type ScriptedServer, startScriptedServer } from '../adapters/kubernetes/scripted-server.ts';
import { ACCOUNT, anApplication, REGION, theSettings } from './a-world.ts';

const SHA = '0123456789abcdef0123456789abcdef01234567';
const UUID = '11111111-2222-4333-8444-555555555555';
const context = {
  getRemainingTimeInMillis: () => 60_000,
  functionName: 'nightshift-develop-branch-deploy',
} as never;
const codebuild = mockClient(CodeBuildClient);
const secrets = mockClient(SecretsManagerClient);

function anEvent(status = 'SUCCEEDED') {
  return {
    id: 'event-1',
    source: 'aws.codebuild',
    'detail-type': 'CodeBuild Build State Change',
    detail: {
      'build-status': status,
      'project-name': 'api-develop',
      'build-id': `arn:aws:codebuild:${REGION}:${ACCOUNT}:build/api-develop:${UUID}`,
      'additional-information': { 'build-number': 7.0, initiator: 'GitHub-Hookshot/0a1b2c3' },
    },
  };
}

describe('the handler, against DynamoDB’s protocol and an Argo CD over HTTPS', () => {
  let handler: (event: unknown, context: never) => Promise<void>;
  let database: Awaited<ReturnType<typeof aTable>>;
  let endpoint: Awaited<ReturnType<typeof serveArgocd>>;
  let github: ScriptedServer;
  let repository: string;
  let stop: () => void;
  let token = '';
  const environment = { ...process.env };

  beforeAll(async () => {
    const world = createContext({ start: new Date(), seed: 1 });
    github = await startScriptedServer(() => ({ status: 201 }));
    repository = `${github.url}/example/api`;
    const applied = new Set<string>();
    const argocd = createArgocd(world, {
      workloads: {
        apply: ({ name }) => void applied.add(name),
        health: (_namespace, name) => (applied.has(name) ? 'Healthy' : 'Missing'),
        available: () => true,
      },
      revisionOf: () => SHA,
    });
    argocd.addApplication({
      name: 'api',
      repoURL: repository,
      targetRevision: 'develop',
      deployed: false,
      syncSeconds: 0,
      deployments: [{ namespace: 'app', name: 'api', image: 'api:{revision}', replicas: 1 }],
    });
    token = argocd.addToken({ project: 'default', role: 'nightshift' });
    const leave = world.clock.enter('the test');
    const abort = new AbortController();
    const running = world.clock.runUntil(world.clock.now() + 60_000, abort.signal);
    stop = () => {
      abort.abort();
      leave();
      void running;
    };
    const ca = await createCertificateAuthority();
    endpoint = await serveArgocd({ argocd, ca, host: 'argocd.develop.example.com' });
    database = await aTable();
    const at = await database.client.config.endpoint?.();

    process.env = {
      ...environment,
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: 'a',
      AWS_SECRET_ACCESS_KEY: 'b',
      AWS_ENDPOINT_URL_DYNAMODB: `http://${at?.hostname}:${at?.port}`,
      NIGHTSHIFT_TABLE: 'nightshift',
      NIGHTSHIFT_SETTINGS: JSON.stringify(
        theSettings({
          events: false,
          argocd: { url: endpoint.url, tokenSecret: 'token', ca: ca.pem, through: 'server' },
          builds: [
            { project: 'api-develop', repository, branch: 'develop', applications: [anApplication()] },
          ],
          status: { github: { host: new URL(github.url).host, tokenSecret: 'github', ca: github.ca } },
        }),
      ),
    };
    ({ handler } = (await import('#functions/branch-deploy/handler.ts')) as never);
  });
  afterAll(async () => {
    stop();
    process.env = environment;
    await endpoint.close();
    await github.close();
    await database.close();
  });
  beforeEach(() => {
    codebuild.reset();
    secrets.reset();
    secrets.on(GetSecretValueCommand).resolves({ SecretString: `${token}\n` });
    secrets.on(GetSecretValueCommand, { SecretId: 'github' }).resolves({ SecretString: 'ghs_secret' });
    codebuild.on(ListBuildsForProjectCommand).resolves({ ids: [] });
    codebuild.on(BatchGetBuildsCommand).resolves({
      builds: [
        {
          id: `api-develop:${UUID}`,
          projectName: 'api-develop',
          buildNumber: 7,
          buildStatus: 'SUCCEEDED',
          initiator: 'GitHub-Hookshot/0a1b2c3',
          source: { type: 'GITHUB', location: `${repository}.git` },
          sourceVersion: `refs/heads/develop^{${SHA}}`,
          resolvedSourceVersion: SHA,
        },
      ],
    });
  });

  const decisions = async () =>
    (await database.table.list(DECISION)).map(({ value }) => {
      const { target, action } = value as Decision;
      return `${target}: ${action}`;
    });

  test('an event becomes a sync and its end, in the decision log and on the commit; the tokens are in no line', async () => {
    const lines: string[] = [];
    const catching = vi
      .spyOn(process.stdout, 'write')
      .mockImplementation((line) => lines.push(String(line)) > 0);
    await handler(anEvent(), context);
    catching.mockRestore();
    expect(await decisions()).toEqual(['api: sync', 'api: deployed']);
    expect(lines.filter((line) => line.includes('"decision"')).length).toBeGreaterThan(0);
    expect(lines.join('\n')).not.toContain(token);
    expect(lines.join('\n')).not.toContain('ghs_secret');
    const shown = github.asked.map(({ body }) => JSON.parse(body) as { state: string; context: string });
    expect(shown.at(-1)).toMatchObject({ state: 'success', context: 'nightshift/develop/api' });
    expect(github.asked[0]?.headers['authorization']).toBe('Bearer ghs_secret');
    expect(endpoint.requests.filter(({ method }) => method === 'POST')).toHaveLength(1);
  });

  test('a quiet tick reads the table once and calls nobody', async () => {
    const before = endpoint.requests.length;
    await handler(
      { source: 'nightshift', trigger: 'tick', schedule: 'tick', time: '2026-11-25T05:01:00Z' },
      context,
    );
    expect(endpoint.requests).toHaveLength(before);
    expect(codebuild.calls()).toHaveLength(0);
    expect(secrets.calls()).toHaveLength(0);
  });

  test('an error of AWS escapes, so that Lambda tries again', async () => {
    codebuild.on(BatchGetBuildsCommand).rejects(new Error('InternalFailure'));
    const event = anEvent();
    const other = {
      ...event,
      detail: { ...event.detail, 'build-id': event.detail['build-id'].replace(/5$/, '6') },
    };
    await expect(handler(other, context)).rejects.toThrow('InternalFailure');
  });
});

describe('production', () => {
  test('a function with the settings of a production environment does not start', async () => {
    vi.resetModules();
    const before = { ...process.env };
    process.env['NIGHTSHIFT_TABLE'] = 'nightshift';
    process.env['AWS_REGION'] = REGION;
    for (const production of [true, undefined, 'false']) {
      process.env['NIGHTSHIFT_SETTINGS'] = JSON.stringify({
        ...theSettings(),
        environment: 'production',
        production,
      });
      await expect(import('#functions/branch-deploy/handler.ts')).rejects.toThrow(/rolled out by hand/);
      vi.resetModules();
    }
    process.env = before;
  });
});
