import https from 'node:https';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readAssembly } from '#lab/assembly/assembly.ts';
import { runAssembly } from '#lab/assembly/run.ts';
import { serveFunctionUrls } from '#lab/http/function-urls.ts';
import { createCertificateAuthority } from '#lab/http/tls.ts';
import { createContext } from '#lab/world/context.ts';
import { anAssembly } from '../assembly/an-assembly.ts';

const ECHO = `export const handler = async (event) => {
  if (event.rawPath === '/plain') return { hello: 'there' };
  if (event.rawPath === '/broken') throw new Error('broken');
  if (event.rawPath === '/no-reply') return { statusCode: 'two hundred' };
  return { statusCode: 201, headers: { 'content-type': 'application/json' }, body: JSON.stringify(event) };
};`;
const target = { 'Fn::GetAtt': ['Echo', 'Arn'] };
const URL_PERMISSION = {
  Type: 'AWS::Lambda::Permission',
  Properties: {
    Action: 'lambda:InvokeFunctionUrl',
    FunctionName: target,
    Principal: '*',
    FunctionUrlAuthType: 'NONE',
  },
};
const INVOKE_PERMISSION = {
  Type: 'AWS::Lambda::Permission',
  Properties: {
    Action: 'lambda:InvokeFunction',
    FunctionName: target,
    Principal: '*',
    InvokedViaFunctionUrl: true,
  },
};

async function anAddress(permissions: Readonly<Record<string, unknown>>) {
  const made = await anAssembly({
    functions: { Echo: ECHO },
    resources: {
      Url: { Type: 'AWS::Lambda::Url', Properties: { AuthType: 'NONE', TargetFunctionArn: target } },
      ...permissions,
    },
  });
  onTestFinished(made.remove);
  const context = createContext({ start: new Date('2026-11-24T12:00:00Z'), seed: 1 });
  const run = await runAssembly({
    assembly: await readAssembly(made.directory),
    context,
    environmentOf: () => ({}),
  });
  onTestFinished(() => run.close());
  const ca = await createCertificateAuthority();
  const served = await serveFunctionUrls({ run, context, ca });
  onTestFinished(() => served.close());
  const { hostname } = new URL([...served.urls.values()][0] ?? '');
  return (options: https.RequestOptions = {}, body = '') =>
    new Promise<{ status: number; body: string }>((resolve, reject) => {
      https
        .request(
          {
            host: '127.0.0.1',
            port: served.port,
            ca: ca.pem,
            servername: hostname,
            ...options,
            headers: { host: hostname, ...options.headers },
          },
          (response) => {
            let text = '';
            response.setEncoding('utf8');
            response.on('data', (chunk: string) => {
              text += chunk;
            });
            response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
          },
        )
        .on('error', reject)
        .end(body);
    });
}

describe('a function URL', () => {
  test('is refused with one of the two permissions alone', async () => {
    for (const permissions of [{ One: URL_PERMISSION }, { Two: INVOKE_PERMISSION }, {}]) {
      const send = await anAddress(permissions);
      expect((await send()).status).toBe(403);
    }
  });

  test('sends an event of payload format 2.0, a form in base64, and returns what the function replied', async () => {
    const send = await anAddress({ One: URL_PERMISSION, Two: INVOKE_PERMISSION });
    const headers = { 'content-type': 'application/x-www-form-urlencoded', cookie: 'a=1; b=2' };
    const { status, body } = await send({ method: 'POST', path: '/x?l=1&l=2', headers }, 'name=Ana');
    expect(status).toBe(201);
    expect(JSON.parse(body)).toMatchObject({
      version: '2.0',
      rawPath: '/x',
      rawQueryString: 'l=1&l=2',
      queryStringParameters: { l: '1,2' },
      cookies: ['a=1', 'b=2'],
      requestContext: { http: { method: 'POST', path: '/x' } },
      body: Buffer.from('name=Ana').toString('base64'),
      isBase64Encoded: true,
    });
    expect(JSON.parse(body).headers.cookie).toBeUndefined();
  });

  test('takes a payload without a status code for the body, and a failure for 502', async () => {
    const send = await anAddress({ One: URL_PERMISSION, Two: INVOKE_PERMISSION });
    expect(await send({ path: '/plain' })).toEqual({ status: 200, body: '{"hello":"there"}' });
    expect((await send({ path: '/broken' })).status).toBe(502);
    expect((await send({ path: '/no-reply' })).status).toBe(502);
  });

  test('answers to its own host name only', async () => {
    const send = await anAddress({ One: URL_PERMISSION, Two: INVOKE_PERMISSION });
    expect((await send({ headers: { host: 'evil.example' } })).status).toBe(403);
  });
});
