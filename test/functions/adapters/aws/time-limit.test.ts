import { createServer, type ServerResponse } from 'node:http';
import { DescribeClusterCommand, EKSClient } from '@aws-sdk/client-eks';
import { describe, expect, onTestFinished, test } from 'vitest';
import { awsClientDefaults } from '#functions/adapters/aws/clients.ts';
import { isTransientAwsError } from '#functions/adapters/aws/errors.ts';
import { withTimeLimit } from '#functions/adapters/aws/time-limit.ts';

const REPLY = JSON.stringify({ cluster: { name: 'develop' } });
const LIMITS = { attemptMs: 200, callMs: 700 };

describe('a call to AWS', () => {
  test.each<[string, (response: ServerResponse) => void]>([
    ['does not come', () => undefined],
    ['stalls after its headers', (response) => void response.writeHead(200, HEADERS).flushHeaders()],
    ['stalls in its body', (response) => void response.writeHead(200, HEADERS).write(REPLY.slice(0, 9))],
    ['drips', drip],
  ])('whose reply %s ends in time with an error that may pass', async (_how, answer) => {
    const client = await aClient(answer);
    const began = Date.now();
    const error = await client.send(new DescribeClusterCommand({ name: 'develop' })).catch((one) => one);
    expect(isTransientAwsError(error)).toBe(true);
    expect(Date.now() - began).toBeLessThan(1_500);
  });

  test('is tried again after a reply that stalls, and the next one counts', async () => {
    let calls = 0;
    const client = await aClient((response) => {
      response.writeHead(200, HEADERS);
      if (calls++ === 0) response.write(REPLY.slice(0, 9));
      else response.end(REPLY);
    });
    const reply = await client.send(new DescribeClusterCommand({ name: 'develop' }));
    expect(reply.cluster?.name).toBe('develop');
    expect(calls).toBe(2);
  });
});

const HEADERS = { 'content-type': 'application/json' };

function drip(response: ServerResponse): void {
  response.writeHead(200, HEADERS);
  const timer = setInterval(() => response.write(' '), 20);
  response.on('close', () => clearInterval(timer));
}

async function aClient(answer: (response: ServerResponse) => void): Promise<EKSClient> {
  const server = createServer((_request, response) => answer(response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const client = withTimeLimit(
    new EKSClient({
      ...awsClientDefaults({ AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' }),
      endpoint: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    }),
    LIMITS,
  );
  onTestFinished(() => {
    client.destroy();
    server.closeAllConnections();
    server.close();
  });
  return client;
}
