/** Our tokens, and what could be wrong with one, before the verifier of aws-iam-authenticator and the lab's own. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { createAuthenticator } from '@nightshift/lab/http/authenticator.ts';
import { verifyPresigned } from '@nightshift/lab/http/aws/presigned.ts';
import { startProxy } from '@nightshift/lab/http/proxy.ts';
import { createCertificateAuthority } from '@nightshift/lab/http/tls.ts';
import { type AwsWorld, createAws, type EksCluster } from '@nightshift/lab/world/aws/index.ts';
import { createContext } from '@nightshift/lab/world/context.ts';
import type { Principal } from '@nightshift/lab/world/interfaces.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTokenSource } from '#functions/adapters/kubernetes/token.ts';
import { checkedOn } from '../checked-on.ts';

const PROGRAM = path.join(process.env['KUBEBUILDER_ASSETS'] ?? '', 'eks-token-verifier');
const MODULE = new URL('../servers/authenticator/go.mod', import.meta.url);
const [ACCOUNT, REGION, CLUSTER] = ['111111111111', 'ap-northeast-1', 'develop'] as const;
const STS = `sts.${REGION}.amazonaws.com`;
const ROLE = `arn:aws:iam::${ACCOUNT}:role/nightshift-develop-spot-drain`;
const PREFIX = 'k8s-aws-v1.';
const MINUTE_MS = 60_000;

let aws: AwsWorld;
let cluster: EksCluster;
let principal: Principal;
let folder: string;
let proxy: Awaited<ReturnType<typeof startProxy>>;
let sts: https.Server;

beforeAll(async () => {
  aws = createAws(createContext({ start: new Date(), seed: 3 }));
  cluster = aws.addCluster({ account: ACCOUNT, region: REGION, name: CLUSTER });
  principal = aws.addPrincipal({ arn: ROLE, account: ACCOUNT, sessionName: 'drain' });
  aws.addAccessEntry(cluster, { principalArn: ROLE, kubernetesGroups: ['nightshift:spot-drain'] });
  const ca = await createCertificateAuthority();
  folder = await mkdtemp(path.join(tmpdir(), 'nightshift-token-'));
  await writeFile(path.join(folder, 'ca.pem'), ca.pem);
  sts = https.createServer(await ca.issue([STS]), answerAsSts);
  await new Promise<void>((resolve) => sts.listen(0, '127.0.0.1', resolve));
  proxy = await startProxy();
  proxy.route(`${STS}:443`, (sts.address() as AddressInfo).port);
});

afterAll(async () => {
  await proxy?.close();
  sts?.close();
  await rm(folder, { recursive: true });
});

checkedOn(() => {
  const version = /aws-iam-authenticator (v\S+)/.exec(readFileSync(MODULE, 'utf8'))?.[1];
  return `aws-iam-authenticator ${version}`;
});

describe('a token for EKS', () => {
  test('is taken, and tells whose it is', async (context) => {
    if (!existsSync(PROGRAM)) return context.skip('KUBEBUILDER_ASSETS has no eks-token-verifier');
    const verdict = await verdictOn(await mint());
    expect(JSON.parse(verdict)).toMatchObject({
      CanonicalARN: ROLE,
      AccountID: ACCOUNT,
      SessionName: 'drain',
    });
    expect(labTakes(await mint())).toBe(true);
  });

  test('is taken for almost a quarter of an hour', async (context) => {
    if (!existsSync(PROGRAM)) return context.skip('KUBEBUILDER_ASSETS has no eks-token-verifier');
    const token = await mint({ ageMs: 14 * MINUTE_MS });
    expect(JSON.parse(await verdictOn(token))).toMatchObject({ CanonicalARN: ROLE });
    expect(labTakes(token)).toBe(true);
  });

  test.each([
    ['older than a quarter of an hour', () => mint({ ageMs: 16 * MINUTE_MS }), /is expired/],
    ['made for another cluster', () => mint({ cluster: 'staging' }), /expected 200, got 403/],
    [
      'with a query parameter that is not expected',
      () => changed((url) => `${url}&x-id=a`),
      /non-whitelisted query/,
    ],
    ['with a query parameter twice', () => changed((url) => `${url}&X-Amz-Expires=60`), /parameter/],
    [
      'that does not sign the name of the cluster',
      () => changed((url) => url.replace('host%3Bx-k8s-aws-id', 'host')),
      /did not sign the x-k8s-aws-id/,
    ],
    [
      'whose URL is not encrypted',
      () => changed((url) => url.replace('https:', 'http:')),
      /unexpected scheme/,
    ],
    ['of another host', () => changed((url) => url.replace(STS, 'sts.example.com')), /unexpected hostname/],
    ['without a path', () => changed((url) => url.replace('/?', '?')), /unexpected path/],
    [
      'for another action',
      () => changed((url) => url.replace('GetCallerIdentity', 'GetSessionToken')),
      /unexpected action/,
    ],
    [
      'that wants to live too long',
      () => changed((url) => url.replace('X-Amz-Expires=60', 'X-Amz-Expires=901')),
      /invalid X-Amz-Expires/,
    ],
    ['with padding', async () => `${await mint()}=`, /illegal base64/],
    ['with another prefix', async () => (await mint()).replace('v1', 'v2'), /missing expected/],
    ['of more than four kilobytes', async () => (await mint()).padEnd(4_097, 'A'), /too large/],
  ])('%s is refused', async (_what, make, why) => {
    const token = await make();
    if (existsSync(PROGRAM)) await expect(verdictOn(token)).rejects.toThrow(why);
    expect(labTakes(token)).toBe(false);
  });
});

function mint({ ageMs = 0, cluster: name = CLUSTER as string } = {}): Promise<string> {
  const { accessKeyId, secretAccessKey, sessionToken } = principal;
  return createTokenSource({
    cluster: name,
    region: REGION,
    credentials: async () => ({ accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) }),
    now: () => new Date(Date.now() - ageMs),
  })();
}

async function changed(change: (url: string) => string): Promise<string> {
  const url = Buffer.from((await mint()).slice(PREFIX.length), 'base64url').toString('utf8');
  const other = change(url);
  if (other === url) throw new Error(`nothing was changed in ${url}`);
  return PREFIX + Buffer.from(other).toString('base64url');
}

function labTakes(token: string): boolean {
  return createAuthenticator(aws, cluster)(token) !== undefined;
}

/** What the verifier says: an identity as JSON. Rejects with its words where it refuses the token. */
async function verdictOn(token: string): Promise<string> {
  const { stdout } = await promisify(execFile)(PROGRAM, [CLUSTER, REGION, token], {
    env: { HTTPS_PROXY: proxy.url, SSL_CERT_FILE: path.join(folder, 'ca.pem') },
  });
  return stdout;
}

/** GetCallerIdentity as AWS answers it in JSON, with the signature checked. */
function answerAsSts(incoming: IncomingMessage, reply: ServerResponse): void {
  try {
    const headers = { 'x-k8s-aws-id': String(incoming.headers['x-k8s-aws-id']) };
    const found = verifyPresigned(aws, `https://${incoming.headers.host}${incoming.url}`, headers);
    const session = found.sessionName === undefined ? '' : `:${found.sessionName}`;
    const GetCallerIdentityResult = {
      Account: found.account,
      Arn: found.callerArn,
      UserId: found.userId.includes(':') ? found.userId : `${found.userId}${session}`,
    };
    reply.writeHead(200, { 'content-type': 'application/json' });
    reply.end(JSON.stringify({ GetCallerIdentityResponse: { GetCallerIdentityResult } }));
  } catch (error) {
    reply.writeHead(403).end((error as Error).message);
  }
}
