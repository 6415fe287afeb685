import { describe, expect, test } from 'vitest';
import { stepsOf } from '#cli/plan/steps.ts';
import { settingsOf } from '#lib/settings/settings.ts';
import type { AutoscalerConfig } from '#model/config.ts';
import { aDevelopment, LISTENER } from '../infra/environments.ts';

const now = new Date('2026-11-24T12:00:00Z');

function orderOf(autoscaler: AutoscalerConfig | undefined, rest: Parameters<typeof aDevelopment>[0] = {}) {
  const { deploy: _none, ...environment } = aDevelopment({
    nodegroups: ['app', 'system'],
    ...(autoscaler ? { autoscaler } : {}),
    warmPools: 'keep',
    ...rest,
  });
  const schedules = { office: { timeZone: 'UTC', up: ['Mon-Fri 08:00-22:00'] } };
  const config = { schedules, environments: { develop: { ...environment, schedule: 'office' } } };
  const settings = settingsOf(config as Parameters<typeof settingsOf>[0], 'develop', now).nightSchedule;
  return stepsOf(settings!).map(({ transition, target, what }) => `${transition} ${target}: ${what}`);
}

const first = (steps: readonly string[], start: string) => steps.findIndex((step) => step.startsWith(start));

describe('the steps of a night', () => {
  test('pause the autoscaler first, stop its host group last, and undo that in the other order', () => {
    const steps = orderOf({
      kind: 'cluster-autoscaler',
      namespace: 'kube-system',
      deployment: 'cluster-autoscaler',
      hostGroup: 'system',
    });
    expect(steps).toEqual([
      'stop cluster-autoscaler: its replicas are saved, then it is scaled to zero',
      'stop app: its sizes are saved, then it is set to zero',
      'stop app: confirmed: no instance is left',
      'stop system: its sizes are saved, then it is set to zero',
      'stop system: confirmed: no instance is left',
      'start system: its sizes are restored',
      'start app: its sizes are restored',
      'start system: confirmed: its nodes are Ready',
      'start app: confirmed: its nodes are Ready',
      'start cluster-autoscaler: resumed as it was saved',
    ]);
  });

  test('switch a warm pool off before its group is set to zero, and restore it after the nodes are Ready', () => {
    const steps = orderOf(undefined, { warmPools: 'stop' });
    expect(first(steps, 'stop app: a warm pool')).toBeGreaterThanOrEqual(0);
    expect(first(steps, 'stop app: its sizes')).toBeGreaterThan(first(steps, 'stop app: a warm pool'));
    expect(first(steps, 'start app: the warm pool')).toBeGreaterThan(first(steps, 'start app: its sizes'));
  });

  test('lead requests to the waiting page after the stop, and back after the start', () => {
    const steps = orderOf(undefined, {
      selfService: { links: true },
      doorbell: {
        applications: ['https://shop.develop.example.com/'],
        rules: { listener: LISTENER, priorities: '1-5' },
      },
    });
    expect(steps).toEqual([
      expect.stringMatching(/^stop app: its sizes/),
      expect.stringMatching(/^stop system: its sizes/),
      'stop app: confirmed: no instance is left',
      'stop system: confirmed: no instance is left',
      'stop doorbell: rules of priority 1-5 lead shop.develop.example.com to the waiting page',
      expect.stringMatching(/^start app: its sizes/),
      expect.stringMatching(/^start system: its sizes/),
      'start app: confirmed: its nodes are Ready',
      'start system: confirmed: its nodes are Ready',
      'start doorbell: its rules are removed when the application has healthy targets, ten minutes later at the latest',
    ]);
  });

  test('end for Karpenter without a host group, and for the built-in NodePools of Auto Mode', () => {
    const autoscalers: readonly AutoscalerConfig[] = [
      { kind: 'karpenter', namespace: 'karpenter', deployment: 'karpenter', nodePools: ['default', 'gpu'] },
      { kind: 'auto-mode', builtIn: true },
    ];
    for (const autoscaler of autoscalers) {
      const steps = orderOf(autoscaler);
      expect(first(steps, 'stop karpenter')).toBe(0);
      expect(first(steps, 'start karpenter: resumed as it was saved')).toBeGreaterThan(
        first(steps, 'start app: its sizes are restored'),
      );
    }
  });
});
