import https from 'node:https';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readAssembly } from '#lab/assembly/assembly.ts';
import { runAssembly } from '#lab/assembly/run.ts';
import { serveSignInListener } from '#lab/http/sign-in-listener.ts';
import { createCertificateAuthority } from '#lab/http/tls.ts';
import { createContext } from '#lab/world/context.ts';
import { ACCOUNT, anAssembly, REGION } from '../assembly/an-assembly.ts';

const ECHO = `export const handler = async (event) => {
  const reply = { statusCode: 200, statusDescription: '200 OK', isBase64Encoded: false, headers: {}, body: JSON.stringify(event) };
  if (event.path === '/no-status') delete reply.statusCode;
  return reply;
};`;
const target = { 'Fn::GetAtt': ['Echo', 'Arn'] };
const HOST = 'nightshift.example.com';

async function aTargetGroup(permission: Readonly<Record<string, unknown>>) {
  const made = await anAssembly({
    functions: { Echo: ECHO },
    resources: {
      Permission: {
        Type: 'AWS::Lambda::Permission',
        Properties: {
          Action: 'lambda:InvokeFunction',
          FunctionName: target,
          Principal: 'elasticloadbalancing.amazonaws.com',
          ...permission,
        },
      },
      Group: {
        Type: 'AWS::ElasticLoadBalancingV2::TargetGroup',
        Properties: { Name: 'ns-develop', TargetType: 'lambda', Targets: [{ Id: target }] },
      },
    },
  });
  onTestFinished(made.remove);
  const context = createContext({ start: new Date('2026-11-24T12:00:00Z'), seed: 1 });
  const assembly = await readAssembly(made.directory);
  const run = await runAssembly({ assembly, context, environmentOf: () => ({}) });
  onTestFinished(() => run.close());
  return { run, context };
}

async function aListener(permission: Readonly<Record<string, unknown>> = {}) {
  const { run, context } = await aTargetGroup(permission);
  const targetGroup = run.deployments[0]?.targetGroups[0];
  if (!targetGroup) throw new Error('the stack has no target group');
  const ca = await createCertificateAuthority();
  const balancer = await serveSignInListener({
    ...{ run, context, ca, targetGroup, account: ACCOUNT, region: REGION, host: HOST },
    arn: 'arn:aws:elasticloadbalancing:ap-northeast-1:111111111111:loadbalancer/app/apps/0123456789abcdef',
    issuer: 'https://id.example.com',
    clientId: 'nightshift',
  });
  onTestFinished(() => balancer.close());
  const send = (path: string, headers: Readonly<Record<string, string>> = {}, body = '') =>
    new Promise<{ status: number; location: string; body: string }>((resolve, reject) => {
      const request = https.request({
        ...{ host: '127.0.0.1', port: balancer.port, ca: ca.pem, servername: HOST, path },
        method: body ? 'POST' : 'GET',
        headers: { host: HOST, ...headers },
      });
      request.on('error', reject);
      request.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            location: response.headers.location ?? '',
            body: text,
          }),
        );
      });
      request.end(body);
    });
  return { balancer, send };
}

describe('a load balancer with a sign-in', () => {
  test('sends whoever has no session to the identity provider, and answers for its own host alone', async () => {
    const { send } = await aListener();
    const { status, location } = await send('/');
    expect([status, location]).toEqual([
      302,
      expect.stringMatching(/^https:\/\/id\.example\.com\/authorize\?/),
    ]);
    expect((await send('/', { cookie: 'AWSELBAuthSessionCookie-0=guessed' })).status).toBe(302);
    expect((await send('/', { host: 'evil.example' })).status).toBe(404);
  });

  test('sends the function the event of a Lambda target, a form in base64, and its own token', async () => {
    const { balancer, send } = await aListener();
    const cookie = balancer.signIn({ sub: '1', email: 'ana@example.com' });
    const headers = {
      cookie,
      'content-type': 'application/x-www-form-urlencoded',
      'x-amzn-oidc-data': 'forged',
    };
    const { status, body } = await send('/x?l=a%20b', headers, 'name=Ana');
    const event = JSON.parse(body);
    expect(status).toBe(200);
    expect(event).toMatchObject({
      httpMethod: 'POST',
      path: '/x',
      queryStringParameters: { l: 'a%20b' },
      body: Buffer.from('name=Ana').toString('base64'),
      isBase64Encoded: true,
    });
    expect(event.headers['x-amzn-oidc-data'].split('.')).toHaveLength(3);
  });

  test('answers 502 for a reply without a status', async () => {
    const { balancer, send } = await aListener();
    const cookie = balancer.signIn({ email: 'ana@example.com' });
    expect((await send('/no-status', { cookie })).status).toBe(502);
  });

  test('takes no function that it may not invoke', async () => {
    const arn = 'arn:aws:elasticloadbalancing:ap-northeast-1:111111111111:targetgroup';
    await expect(aListener({ SourceArn: `${arn}/another/*` })).rejects.toThrow('may not invoke');
    await aListener({ SourceArn: `${arn}/ns-develop/*` });
  });
});
