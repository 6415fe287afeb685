import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nthGiven, nthVariables, podFiles, startInPod } from './nth.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'nightshift-nth-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('it is measured only where its program was given', () => {
  expect(nthGiven({})).toBeUndefined();
  expect(nthGiven({ NTH: '/opt/nth', NTH_FLAGS: '--workers=50  --log-level=debug' })).toEqual({
    program: '/opt/nth',
    flags: ['--workers=50', '--log-level=debug'],
  });
});

test('it is pointed to the cluster, the queue and the AWS of the bench', () => {
  const queue = 'http://127.0.0.1:5000/123456789012/peers-1';
  expect(
    nthVariables({
      kubernetes: 'https://127.0.0.1:6443',
      aws: 'http://127.0.0.1:5000',
      region: 'ap-northeast-1',
      queue,
    }),
  ).toMatchObject({
    KUBERNETES_SERVICE_HOST: '127.0.0.1',
    KUBERNETES_SERVICE_PORT: '6443',
    QUEUE_URL: queue,
    AWS_ENDPOINT: 'http://127.0.0.1:5000',
    ENABLE_SQS_TERMINATION_DRAINING: 'true',
  });
});

test('it finds the files of a pod, and nothing is left of them here', async (context) => {
  const program = path.join(folder, 'nth');
  const seen = path.join(folder, 'seen');
  const secrets = '/var/run/secrets/kubernetes.io/serviceaccount';
  const script = `#!/bin/sh\ncat ${secrets}/token ${secrets}/ca.crt >"$1"\necho " $QUEUE_URL" >>"$1"\n`;
  await writeFile(program, script, { mode: 0o755 });
  const files = await podFiles(folder, { token: 'a-token ', ca: 'a-ca' });
  const child = startInPod({ program, flags: [seen] }, { variables: { QUEUE_URL: 'a-queue' }, files });
  let words = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    words += text;
  });
  child.on('error', () => undefined);
  await once(child, 'close').catch(() => undefined);
  if (/unshare|not permitted|ENOENT/.test(words) || child.pid === undefined)
    return context.skip('this machine allows no namespaces');
  expect(await readFile(seen, 'utf8')).toBe('a-token a-ca a-queue\n');
});
