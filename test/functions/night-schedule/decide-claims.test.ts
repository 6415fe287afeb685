import { expect, test } from 'vitest';
import { isLeftAlone, isTerminatedBy, terminationTime } from '#functions/night-schedule/decide-claims.ts';
import type { AutoscalerView } from '#functions/night-schedule/ports.ts';
import { claims } from './builders.ts';

const at = (time: string) => new Date(`2026-11-24T${time}Z`);

test.each([
  ['in the first half of the stop', '13:02:00', '2026-11-24T13:10:00Z'],
  ['a minute before half of it is over', '13:09:00', '2026-11-24T13:10:00Z'],
  ['later than that, after a minute for its pods', '13:15:00.400', '2026-11-24T13:16:01Z'],
])('NodeClaims that are found %s end in whole seconds', (_, now, expected) => {
  expect(terminationTime(at('13:00:00'), 20 * 60_000, at(now))).toBe(expected);
});

test('NodeClaims of a NodePool that cannot be read are left alone', () => {
  const [claim] = claims(1);
  const view = { kind: 'karpenter', pools: {}, claims: [], malformed: ['general'] } as AutoscalerView;
  const scaler = { kind: 'cluster-autoscaler', deployment: 'a/b', replicas: 1 } as AutoscalerView;
  if (!claim) throw new Error('there is no claim');
  expect(isLeftAlone(view, claim)).toBe(true);
  expect(isLeftAlone({ ...view, malformed: ['other'] } as AutoscalerView, claim)).toBe(false);
  expect(isLeftAlone({ kind: 'karpenter', pools: {}, claims: [] } as AutoscalerView, claim)).toBe(false);
  expect(isLeftAlone({ ...scaler, malformed: ['general'] } as AutoscalerView, claim)).toBe(false);
});

test.each<[string | undefined, boolean]>([
  ['2026-11-24T13:10:00Z', true],
  ['2026-11-24T13:09:59Z', true],
  ['2026-11-24T13:10:01Z', false],
  ['2026-02-30T13:00:00Z', false],
  ['soon', false],
  [undefined, false],
])('a NodeClaim that is to end at %s ends by 13:10: %s', (terminateAt, isDone) => {
  const [claim] = claims(1, terminateAt === undefined ? {} : { terminateAt });
  expect(claim && isTerminatedBy(claim, '2026-11-24T13:10:00Z')).toBe(isDone);
});
