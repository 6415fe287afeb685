/** What the custom resource needs: the reply to CloudFormation, and the next invocation. Loaded lazily. */
import { setTimeout as wait } from 'node:timers/promises';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { createHttpHost } from '#functions/adapters/http.ts';
import type { CustomResourceDeps } from '#functions/night-schedule/custom-resource.ts';
import { NightshiftError } from '#functions/shared/errors.ts';
import { awsClientDefaults } from './clients.ts';

/** CloudFormation takes a reply of at most 4,096 bytes. */
const LONGEST_REASON = 1_000;
const TIMEOUT_MS = 10_000;

export function createCloudFormationPorts(
  functionName: string,
): Pick<CustomResourceDeps, 'reply' | 'continueLater' | 'sleep'> {
  return {
    sleep: (ms) => wait(ms),

    async reply({ responseUrl, id, stackId, logicalId }, { status, physicalId, reason }) {
      const url = new URL(responseUrl);
      const host = createHttpHost({ url: url.origin });
      try {
        // A content type is not part of the signature.
        const { status: code } = await host.request({
          method: 'PUT',
          path: url.pathname + url.search,
          body: JSON.stringify({
            Status: status,
            Reason: reason.slice(0, LONGEST_REASON),
            PhysicalResourceId: physicalId,
            StackId: stackId,
            RequestId: id,
            LogicalResourceId: logicalId,
          }),
          timeoutMs: TIMEOUT_MS,
        });
        if (code !== 200)
          throw new NightshiftError(`CloudFormation's bucket answered ${code} to the reply ${status}`, {
            facts: { request: id, logicalId },
          });
      } finally {
        host.close();
      }
    },

    async continueLater({ payload }) {
      const client = new LambdaClient(awsClientDefaults());
      await client.send(
        new InvokeCommand({
          FunctionName: functionName,
          InvocationType: 'Event',
          Payload: new TextEncoder().encode(JSON.stringify(payload)),
        }),
      );
      client.destroy();
    },
  };
}
