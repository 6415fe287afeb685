/** `npm start -- --platform --exit`, as a newcomer runs it: the sample day on the clusters of examples/platform. */
import { spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, test } from 'vitest';

const MINUTE = 60_000;

describe('the sample day on the platform', () => {
  let run: { status: number | null; stdout: string; stderr: string };

  beforeAll(() => {
    run = spawnSync(process.execPath, ['bin/start.ts', '--platform', '--exit'], {
      encoding: 'utf8',
      // A machine with nothing else installed: no kustomize, no kubectl, no helm.
      env: { PATH: '', HOME: process.env['HOME'] ?? '' },
      maxBuffer: 32 * 1024 * 1024,
    });
  }, 15 * MINUTE);

  test('ends with 0: the final state matches the config, and no promise is broken', () => {
    expect(run.stderr).toBe('');
    expect(run.stdout).toContain('The final state matches the config.');
    expect(run.stdout).not.toMatch(/: broken /);
    expect(run.status).toBe(0);
  });

  test('plays the groups and sizes of the templates, by the hours of each environment', () => {
    expect(run.stdout).toMatch(/22:00:00 {2}develop +stop +spot — .*; sizes 3\/3\/12 are saved/);
    expect(run.stdout).toMatch(/19:00:00 {2}sandbox +stop +spot — .*; sizes 1\/2\/6 are saved/);
    expect(run.stdout).not.toMatch(/stop +on-demand/);
    expect(run.stdout).toMatch(/develop +pause +cluster-autoscaler/);
    // The addresses of the subnets in the template.
    expect(run.stdout).toMatch(/production +cordon +ip-10-3-/);
  });

  test('deploys the sample service where its manifests put it, with its image', () => {
    for (const environment of ['develop', 'staging', 'sandbox'])
      expect(run.stdout).toMatch(new RegExp(`${environment} +deployed +api — .*Synced and Healthy`));
  });

  test('lists what the lab does not play, with a reason for each kind', () => {
    const [, list = ''] = /Of the platform the lab does not play:\n((?: {2}.*\n)+)/.exec(run.stdout) ?? [];
    for (const kind of ['AWS::EC2::NatGateway × 4', 'Ingress × 4', 'HorizontalPodAutoscaler × 4', 'Chart × '])
      expect(list).toContain(kind);
    expect(list).not.toContain('unknown to the lab');
  });
});
