/** The exported handler over the wire: AWS, DynamoDB and Kubernetes of the lab, at the real time. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createAuthenticator } from '@nightshift/lab/http/authenticator.ts';
import { type AwsEndpoint, serveAws } from '@nightshift/lab/http/aws/server.ts';
import { type KubernetesEndpoint, serveKubernetes } from '@nightshift/lab/http/kubernetes/server.ts';
import { createCertificateAuthority } from '@nightshift/lab/http/tls.ts';
import { type AwsWorld, createAws, type EksCluster } from '@nightshift/lab/world/aws/index.ts';
import { createContext } from '@nightshift/lab/world/context.ts';
import type { AwsEvent, WorldContext } from '@nightshift/lab/world/interfaces.ts';
import { createKubernetes, type Kubernetes } from '@nightshift/lab/world/kubernetes/index.ts';
import type { Context } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createTable, type Table } from '#functions/adapters/dynamodb/table.ts';
import { DECISION } from '#functions/adapters/dynamodb/table-keys.ts';
import type { Decision } from '#model/decision.ts';
import { manifestsOf } from '../adapters/kubernetes/a-lab-cluster.ts';
import { SETTINGS } from './a-world.ts';

const { account, region } = SETTINGS;
const ROLE = `arn:aws:iam::${account}:role/nightshift-develop-spot-drain`;
const WARM_UP_MS = 320_000;

let context: WorldContext;
let aws: AwsWorld;
let cluster: EksCluster;
let kubernetes: Kubernetes;
let api: KubernetesEndpoint;
let front: AwsEndpoint;
let stop: () => void;
const events: AwsEvent[] = [];
let table: Table;
let seen = 0;
let handler: (event: unknown, context: Context) => Promise<void>;

beforeAll(async () => {
  context = createContext({ start: new Date(Date.now() - WARM_UP_MS), seed: 5 });
  context.signals.on('event', (event) => events.push(event));
  aws = createAws(context);
  cluster = aws.addCluster({ account, region, name: 'develop' });
  kubernetes = createKubernetes(context, { cluster: 'develop', account, region });
  aws.attachNodes(cluster, kubernetes);
  kubernetes.applyObjects(await manifestsOf('spot-drain'));
  const ca = await createCertificateAuthority();
  api = await serveKubernetes({ kubernetes, context, ca, authenticate: createAuthenticator(aws, cluster) });
  aws.setClusterEndpoint(cluster, { endpoint: api.url, ca: ca.pem });
  aws.addAutoScalingGroup(cluster, {
    name: 'workers',
    min: 3,
    desired: 3,
    max: 3,
    instanceTypes: ['m6i.large'],
    spotPercent: 100,
    lifecycleHooks: [{ name: 'drain', transition: 'terminating', heartbeatTimeoutSeconds: 300 }],
  });
  front = await serveAws({ aws });
  await front.createTable({ account, region, name: 'nightshift' });
  const role = aws.addPrincipal({ arn: ROLE, account, sessionName: 'drain' });
  aws.addAccessEntry(cluster, { principalArn: ROLE, kubernetesGroups: ['nightshift:spot-drain'] });
  await context.clock.runUntil(context.clock.now() + 200_000);
  const podAnnotations = { 'lab.nightshift/exit-seconds': '0' };
  kubernetes.addDeployment({ name: 'web', replicas: 9, podAnnotations });
  kubernetes.addDaemonSet({ name: 'agent', namespace: 'kube-system', podAnnotations });
  await context.clock.runUntil(context.clock.now() + 100_000);

  aws.resizeAsPerson(group(), { min: 2, desired: 2 });
  await context.clock.runUntil(context.clock.now() + 20_000);

  // From here on the world's time is the real one.
  stop = context.clock.enter('test');
  void context.clock.runUntil(context.clock.now() + 24 * 3_600_000);
  for (const [name, value] of Object.entries({
    NIGHTSHIFT_SETTINGS: JSON.stringify({ ...SETTINGS, replaceEarly: true }),
    NIGHTSHIFT_TABLE: 'nightshift',
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: role.accessKeyId,
    AWS_SECRET_ACCESS_KEY: role.secretAccessKey,
    AWS_SESSION_TOKEN: role.sessionToken ?? '',
    AWS_ENDPOINT_URL: front.url,
    POWERTOOLS_LOG_LEVEL: 'SILENT',
  })) {
    vi.stubEnv(name, value);
  }
  const operator = aws.addPrincipal({ arn: `arn:aws:iam::${account}:user/operator`, account, anyTime: true });
  table = createTable(
    new DynamoDBClient({ endpoint: front.url, region, credentials: operator }),
    'nightshift',
  );
  ({ handler } = await import('#functions/spot-drain/handler.ts'));
});

afterAll(async () => {
  stop?.();
  vi.unstubAllEnvs();
  await front?.close();
  await api?.close();
});

describe('the handler', () => {
  test('lets an Auto Scaling group go on with a termination when the node is empty', async () => {
    const event = eventFor('EC2 Instance-terminate Lifecycle Action');
    const id = String(event.detail['EC2InstanceId']);
    await handler(event, lambdaContext('c'));
    expect(movable(id)).toEqual([]);
    expect((await decisions()).at(-1)).toMatchObject({
      action: 'complete',
      outcome: 'completed',
      group: 'workers',
    });
  });

  test('drains the node of an interrupted instance, with few calls', async () => {
    const instance = anInstance();
    await handler({ source: 'nightshift', trigger: 'tick', schedule: 'tick' }, lambdaContext('tick'));
    const [before, asked] = [front.calls.length, api.calls.length];
    aws.interruptSpot(instance.id);
    await handler(eventOf('EC2 Spot Instance Interruption Warning', instance.id), lambdaContext('a'));
    expect(movable(instance.id)).toEqual([]);
    const decided = await decisions();
    expect(decided.map((decision) => decision.action).toSorted()).toEqual(['cordon', 'drain', 'replace']);
    expect(decided.find(({ action }) => action === 'replace')).toMatchObject({ target: 'workers' });
    expect(instance.lifecycleState).toMatch(/^Detach/);
    expect(group().desired).toBe(2);
    expect(decided.at(-1)).toMatchObject({ environment: 'develop', forced: 0, blocked: 0, skipped: 1 });
    expect(calls(before)).toEqual({
      'autoscaling:DescribeAutoScalingInstances': 1,
      'autoscaling:DetachInstances': 1,
      'dynamodb:GetItem': 3,
      'dynamodb:PutItem': 6,
      'dynamodb:Query': 2,
    });
    const { name } = kubernetes.api.get('nodes', undefined, kubernetes.nodeOf(instance.id) ?? '').metadata;
    expect(api.calls.slice(asked, asked + 2).map((call) => `${call.verb} ${call.name}`)).toEqual([
      `get ${name}`,
      `patch ${name}`,
    ]);
  });

  test('ends at the same event once more', async () => {
    const instance = anInstance();
    await handler(eventOf('EC2 Spot Instance Interruption Warning', instance.id), lambdaContext('b'));
    expect(await decisions()).toMatchObject([
      { action: 'ignore', reason: expect.stringContaining('already handled by') },
    ]);
  });

  test('does nothing on a tick without anything pending', async () => {
    await handler({ source: 'nightshift', trigger: 'tick', schedule: 'tick' }, lambdaContext('d'));
    expect(await decisions()).toEqual([]);
  });

  test('ends quietly for an instance of somebody else', async () => {
    const event = eventFor('EC2 Spot Instance Interruption Warning');
    const detail = { ...event.detail, 'instance-id': 'i-0fffffffffffffff0' };
    await handler({ ...event, detail }, lambdaContext('e'));
    expect(await decisions()).toEqual([]);
  });
});

/** One that stays until it is interrupted. */
function anInstance() {
  const leaving = eventFor('EC2 Instance-terminate Lifecycle Action').detail['EC2InstanceId'];
  const instance = aws.instances(cluster).find((one) => one.id !== leaving);
  if (!instance) throw new Error('the group did not start');
  return instance;
}

function group() {
  const [workers] = aws.groups(cluster);
  if (!workers) throw new Error('there is no group');
  return workers;
}

function eventFor(detailType: string): AwsEvent {
  const event = events.find((one) => one['detail-type'] === detailType);
  if (!event) throw new Error(`no event ${detailType} was sent`);
  return event;
}

function eventOf(detailType: string, instanceId: string): AwsEvent {
  const event = events.find(
    (one) => one['detail-type'] === detailType && one.detail['instance-id'] === instanceId,
  );
  if (!event) throw new Error(`no event ${detailType} was sent for ${instanceId}`);
  return event;
}

/** Pods that a drain moves and that are still on the instance's node. */
function movable(instanceId: string): string[] {
  const node = kubernetes.nodeOf(instanceId);
  return (node ? kubernetes.podsOn(node) : [])
    .filter((pod) => pod.metadata.namespace === 'default')
    .map((pod) => pod.metadata.name);
}

/** What was decided since the last look. */
async function decisions(): Promise<readonly Decision[]> {
  const all = (await table.list(DECISION)).map((item) => item.value as Decision);
  const fresh = all.slice(seen);
  seen = all.length;
  return fresh;
}

/** The function's calls to AWS, from the one of that number on. */
function calls(from: number): Readonly<Record<string, number>> {
  const later = new Set(front.calls.slice(from));
  return front.counts((call) => later.has(call) && (call.principal?.includes('spot-drain') ?? false));
}

function lambdaContext(awsRequestId: string): Context {
  return {
    awsRequestId,
    functionName: 'nightshift-develop-spot-drain',
    getRemainingTimeInMillis: () => 60_000,
  } as Context;
}
