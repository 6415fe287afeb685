import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { createClusterEndpoint } from '#functions/adapters/aws/cluster-endpoint.ts';
import { isTransientAwsError } from '#functions/adapters/aws/errors.ts';

interface Reply {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

const FOUND: Reply = {
  status: 200,
  body: { cluster: { endpoint: 'https://abc.example.com', certificateAuthority: { data: 'YWJj' } } },
};

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** An EKS that gives these replies one after the other, and the last one for ever. */
async function eks(...replies: readonly Reply[]) {
  const seen: { readonly url: string; readonly authorization: string }[] = [];
  const started = createServer((request, response) => {
    const reply = replies[Math.min(seen.length, replies.length - 1)] ?? FOUND;
    seen.push({ url: request.url ?? '', authorization: request.headers.authorization ?? '' });
    const text = typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body);
    response.writeHead(reply.status, reply.headers).end(text);
  });
  server = started;
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  const endpoint = createClusterEndpoint({
    cluster: 'develop',
    region: 'ap-northeast-1',
    credentials: async () => ({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' }),
    now: () => new Date('2026-11-24T01:00:00Z'),
    endpoint: `http://127.0.0.1:${(started.address() as AddressInfo).port}`,
  });
  return { endpoint, seen };
}

describe('where a cluster answers, asked by a function', () => {
  test('is asked of EKS in a request that is signed for the region', async () => {
    const { endpoint, seen } = await eks(FOUND);
    expect(await endpoint()).toEqual({ endpoint: 'https://abc.example.com', ca: 'abc' });
    expect(seen).toEqual([
      {
        url: '/clusters/develop',
        authorization: expect.stringContaining(
          'Credential=AKIDEXAMPLE/20261124/ap-northeast-1/eks/aws4_request',
        ),
      },
    ]);
  });

  test.each<[string, Reply]>([
    [
      'a server error',
      { status: 500, body: { message: 'oops' }, headers: { 'x-amzn-errortype': 'ServerException' } },
    ],
    [
      'a throttled request',
      {
        status: 400,
        body: { message: 'Rate exceeded' },
        headers: { 'x-amzn-errortype': 'ThrottlingException:http://internal' },
      },
    ],
    ['a page of a proxy', { status: 200, body: '<html>please sign in</html>' }],
    ['a cluster in another form', { status: 200, body: { cluster: 'develop' } }],
  ])('is asked again after %s', async (_what, reply) => {
    const { endpoint, seen } = await eks(reply, FOUND);
    expect(await endpoint()).toEqual({ endpoint: 'https://abc.example.com', ca: 'abc' });
    expect(seen).toHaveLength(2);
  });

  test('is asked once where the role has no right to know', async () => {
    const denied = {
      status: 403,
      body: {
        message:
          'User: arn:aws:sts::111111111111:assumed-role/a/b is not authorized to perform: eks:DescribeCluster',
      },
      headers: { 'x-amzn-errortype': 'AccessDeniedException' },
    };
    const { endpoint, seen } = await eks(denied);
    const error = await endpoint().catch((one: unknown) => one);
    expect(error).toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringContaining('eks answered 403 to DescribeCluster of develop: User: arn'),
    });
    expect(isTransientAwsError(error)).toBe(false);
    expect(seen).toHaveLength(1);
  });

  test('is an error that callers know as transient where EKS stays unavailable', async () => {
    const { endpoint, seen } = await eks({ status: 503, body: '' });
    const error = await endpoint().catch((one: unknown) => one);
    expect(isTransientAwsError(error)).toBe(true);
    expect(seen).toHaveLength(4);
  });

  test('is an error that says what to change where the cluster knows no access entries', async () => {
    const cluster = {
      ...(FOUND.body as { cluster: object }).cluster,
      accessConfig: { authenticationMode: 'CONFIG_MAP' },
    };
    const { endpoint } = await eks({ status: 200, body: { cluster } });
    await expect(endpoint()).rejects.toThrow(/change the mode to API_AND_CONFIG_MAP/);
  });
});
