import { expect, test } from 'vitest';
import { scheduleWarning } from '#demo/schedule-warning.ts';
import { defineConfig } from '#model/config.ts';

const config = defineConfig({
  schedules: { office: { timeZone: 'Asia/Tokyo', up: ['Mon-Fri 08:00-22:00'] } },
  environments: {
    develop: { account: '111111111111', region: 'ap-northeast-1', cluster: 'develop', schedule: 'office' },
    production: {
      production: true,
      account: '333333333333',
      region: 'ap-northeast-1',
      cluster: 'production',
    },
  },
});
const at = (time: string) => scheduleWarning(config, new Date(time), 'Asia/Tokyo');

test('a lab that starts on a Sunday says that its clusters stop now, and when to start it instead', () => {
  const text = at('2026-11-29T11:00:00+09:00');
  expect(text).toContain('It is Sunday 11:00 (Asia/Tokyo) in the lab');
  expect(text).toContain('  develop now: ');
  expect(text).toContain('npm run lab -- --from 2026-11-30T00:00:00.000Z');
  expect(text).not.toContain('production');
});

test('a lab that starts within an hour of the stop says when it comes', () => {
  expect(at('2026-11-30T21:30:00+09:00')).toContain('  develop at Monday 22:00: ');
});

test('a lab that starts in office hours says nothing', () => {
  expect(at('2026-11-30T10:00:00+09:00')).toBe('');
});
