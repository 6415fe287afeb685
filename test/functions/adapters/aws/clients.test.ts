import { createServer } from 'node:http';
import { DescribeClusterCommand, EKSClient } from '@aws-sdk/client-eks';
import { describe, expect, onTestFinished, test } from 'vitest';
import { awsClientDefaults } from '#functions/adapters/aws/clients.ts';

describe('the clients of the functions', () => {
  test('give up on an answer that does not come, so that the rest of the pass has its time', async () => {
    const server = createServer(() => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const address = server.address();
    const defaults = awsClientDefaults({
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'a',
      AWS_SECRET_ACCESS_KEY: 'b',
    });
    expect(defaults.requestHandler).toMatchObject({ requestTimeout: 10_000, throwOnRequestTimeout: true });
    const client = new EKSClient({
      ...defaults,
      maxAttempts: 1,
      requestHandler: { ...defaults.requestHandler, requestTimeout: 100 },
      endpoint: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    });
    onTestFinished(() => client.destroy());
    await expect(client.send(new DescribeClusterCommand({ name: 'develop' }))).rejects.toThrow(
      /timed? ?out/i,
    );
  });
});
