import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { nightshift } from './run-nightshift.ts';

const directory = mkdtempSync(join(tmpdir(), 'nightshift-ingress-'));
afterAll(() => rmSync(directory, { recursive: true }));
const path = join(directory, 'nightshift.config.json');
const place = { account: '111111111111', region: 'ap-northeast-1', schedule: 'office' };
writeFileSync(
  path,
  JSON.stringify({
    schedules: { office: { timeZone: 'Asia/Tokyo', up: ['Mon-Fri 08:00-22:00'] } },
    environments: {
      develop: {
        ...place,
        cluster: 'develop',
        selfService: { links: true },
        doorbell: {
          applications: ['https://shop.develop.example.com/'],
          ingress: { host: 'wake.develop.example.com', group: 'shared' },
        },
      },
      staging: { ...place, cluster: 'staging' },
      production: { ...place, schedule: undefined, cluster: 'production', production: true },
    },
  }),
);
const run = (...args: string[]) =>
  nightshift(['-c', path, 'doorbell-ingress', ...args], { now: new Date('2026-11-24T12:00:00Z') });
const arnIn = (region: string, account = '111111111111') =>
  `arn:aws:elasticloadbalancing:${region}:${account}:targetgroup/nightshift-develop/0123456789abcdef`;

test('the Ingress forwards its own host to the target group, as the last of the group', async () => {
  const { code, out } = await run(
    'develop',
    '--target-group',
    arnIn('ap-northeast-1'),
    '--namespace',
    'edge',
  );
  expect(code).toBe(0);
  const { metadata, spec } = JSON.parse(out);
  expect(metadata.namespace).toBe('edge');
  expect(metadata.annotations['alb.ingress.kubernetes.io/group.name']).toBe('shared');
  expect(metadata.annotations['alb.ingress.kubernetes.io/group.order']).toBe('1000');
  expect(JSON.parse(metadata.annotations['alb.ingress.kubernetes.io/actions.nightshift-doorbell'])).toEqual({
    type: 'forward',
    forwardConfig: { targetGroups: [{ targetGroupARN: arnIn('ap-northeast-1') }] },
  });
  expect(spec.rules).toEqual([
    {
      host: 'wake.develop.example.com',
      http: {
        paths: [
          {
            path: '/',
            pathType: 'Prefix',
            backend: { service: { name: 'nightshift-doorbell', port: { name: 'use-annotation' } } },
          },
        ],
      },
    },
  ]);
});

test('the Ingress has another class where the class names the group, as with EKS Auto Mode', async () => {
  const classOf = async (...more: string[]) =>
    JSON.parse((await run('develop', '--target-group', arnIn('ap-northeast-1'), ...more)).out).spec
      .ingressClassName;
  expect(await classOf()).toBe('alb');
  expect(await classOf('--ingress-class', 'shared-alb')).toBe('shared-alb');
});

test.each([
  ['develop', arnIn('us-east-1'), 'the target group is of 111111111111 in us-east-1'],
  ['develop', arnIn('ap-northeast-1', '222222222222'), 'the target group is of 222222222222'],
  ['develop', 'nightshift-develop', 'is no ARN of a target group'],
  ['staging', arnIn('ap-northeast-1'), 'has no doorbell.ingress in its config'],
  ['production', arnIn('ap-northeast-1'), 'has no doorbell.ingress in its config'],
])('for %s with %s it is refused with what to do', async (name, arn, message) => {
  const { code, err } = await run(name, '--target-group', arn);
  expect(code).toBe(1);
  expect(err).toContain(message);
});
