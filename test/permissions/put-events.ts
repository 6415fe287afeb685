/** `events:PutEvents` as the job of another CI sends it: no SDK package for it is installed here. */
import { Sha256 } from '@aws-crypto/sha256-js';
import type { Principal } from '@nightshift/lab/world/interfaces.ts';
import { SignatureV4 } from '@smithy/signature-v4';

export async function putEvents(
  entries: readonly { readonly Source: string; readonly DetailType: string; readonly Detail: string }[],
  by: {
    readonly endpoint: string;
    readonly region: string;
    readonly principal: Principal;
    readonly now: Date;
  },
): Promise<{ readonly FailedEntryCount: number }> {
  const { endpoint, region, principal, now } = by;
  const { host } = new URL(endpoint);
  const signer = new SignatureV4({ service: 'events', region, credentials: principal, sha256: Sha256 });
  const body = JSON.stringify({ Entries: entries });
  const signed = await signer.sign(
    {
      method: 'POST',
      protocol: 'http:',
      hostname: host,
      path: '/',
      query: {},
      headers: {
        host,
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': 'AWSEvents.PutEvents',
      },
      body,
    },
    { signingDate: now },
  );
  const { host: _, ...headers } = signed.headers;
  const reply = await fetch(endpoint, { method: 'POST', headers, body });
  if (!reply.ok) throw new Error(`PutEvents: ${reply.status} ${await reply.text()}`);
  return (await reply.json()) as { FailedEntryCount: number };
}
