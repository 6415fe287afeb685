/** What the functions write into the table can be read again; anything else is refused, and never taken for a state. */
import { describe, expect, test } from 'vitest';
import { type ClusterState, clusterStateSchema } from '#model/cluster-state.ts';
import { type Decision, decisionSchema } from '#model/decision.ts';

const aState = (given: Partial<Record<keyof ClusterState, unknown>> = {}) => ({
  phase: 'asleep',
  desired: 'asleep',
  reason: 'outside office hours',
  since: '2026-11-24T13:00:00.000Z',
  groups: ['workers'],
  ...given,
});
const aDecision = (given: Partial<Record<keyof Decision, unknown>> = {}) => ({
  time: '2026-11-24T13:00:00Z',
  environment: 'develop',
  capability: 'night-schedule',
  target: 'workers',
  action: 'stop',
  reason: 'outside office hours',
  trigger: 'office',
  ...given,
});

describe('the state of a cluster', () => {
  test.each([
    ['with an end', aState({ until: '2026-11-24T23:00:00Z' })],
    ['without one', aState()],
    ['without groups', aState({ groups: [] })],
  ])('is read: %s', (_what, value) => {
    expect(clusterStateSchema.safeParse(value)).toEqual({ success: true, data: value });
  });

  test.each([
    ['nothing', undefined],
    ['a list', [aState()]],
    ['no phase', aState({ phase: undefined })],
    ['another phase', aState({ phase: 'resting' })],
    ['another desired state', aState({ desired: 'stopping' })],
    ['no reason', aState({ reason: '' })],
    ['no since', aState({ since: undefined })],
    ['a since that is not an instant', aState({ since: '2026-11-24' })],
    ['an instant that does not exist', aState({ since: '2026-11-31T00:00:00Z' })],
    ['an until that is not an instant', aState({ until: 'tomorrow' })],
    ['an empty until', aState({ until: null })],
    ['no groups', aState({ groups: undefined })],
    ['groups that are not names', aState({ groups: [7] })],
  ])('is refused: %s', (_what, value) => {
    expect(clusterStateSchema.safeParse(value).success).toBe(false);
  });
});

describe('a decision', () => {
  test.each([
    ['of the seven fields alone', aDecision()],
    ['with further facts', aDecision({ blocked: 2, night: true, branch: 'develop', until: null })],
    ['of an action that is new', aDecision({ action: 'unverified', capability: 'branch-deploy' })],
  ])('is read: %s', (_what, value) => {
    expect(decisionSchema.parse(value)).toEqual(value);
  });

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ...Object.keys(aDecision()).map((key): [string, unknown] => [
      `no ${key}`,
      aDecision({ [key]: undefined }),
    ]),
    ['no reason in it', aDecision({ reason: '' })],
    ['another capability', aDecision({ capability: 'console' })],
    ['an unknown action', aDecision({ action: 'hibernate' })],
    ['a time that is not an instant', aDecision({ time: '2026-11-24 13:00' })],
    ['a fact that is not flat', aDecision({ pods: ['a'] })],
    ['a fact that is not a number', aDecision({ blocked: Number.NaN })],
  ])('is refused: %s', (_what, value) => {
    expect(decisionSchema.safeParse(value).success).toBe(false);
  });
});
