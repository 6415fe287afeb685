import { describe, expect, it } from 'vitest';
import type { EnvironmentConfig } from '#model/config.ts';
import { refuseEnvironment, refuseOverride } from '#model/override.ts';
import { anOverride } from './builders.ts';

const now = new Date('2026-11-24T12:00:00Z');
const place = { account: '111111111111', region: 'ap-northeast-1' };
const environments: Record<string, EnvironmentConfig> = {
  develop: { ...place, cluster: 'develop', schedule: 'office' },
  tools: { ...place, cluster: 'tools' },
  production: { ...place, cluster: 'production', production: true },
};

describe('an override', () => {
  it('is accepted for up to a week', () => {
    expect(refuseOverride(anOverride({ until: '2026-12-01T12:00:00Z' }), now)).toBeUndefined();
    expect(refuseOverride(anOverride({ until: '2026-12-01T12:00:01Z' }), now)).toContain(
      'is more than 7 days ahead: write for example --for 2h',
    );
  });

  it('into the past is refused', () => {
    expect(refuseOverride(anOverride({ until: '2026-11-24T12:00:00Z' }), now)).toBe(
      '2026-11-24T12:00:00Z is in the past: write for example --for 2h, or --until 23:00',
    );
  });

  it('with a time that cannot be read is refused', () => {
    expect(refuseOverride(anOverride({ until: 'soon' }), now)).toContain('"soon" is no time');
  });

  it('needs an author and a reason in plain words', () => {
    expect(refuseOverride(anOverride({ author: ' ' }), now)).toContain('the author is empty');
    expect(refuseOverride(anOverride({ reason: 'x'.repeat(201) }), now)).toContain('201 characters');
    expect(refuseOverride(anOverride({ reason: '\u001b[31mred' }), now)).toContain('control characters');
  });

  it('never reaches a production environment', () => {
    expect(refuseEnvironment('production', environments)).toBe(
      '"production" is a production environment, which no override can reach: name another, for example: nightshift keep-up develop --for 2h',
    );
  });

  it('is refused where there is nothing to override', () => {
    expect(refuseEnvironment('tools', environments)).toContain('has no schedule, it is never stopped');
    expect(refuseEnvironment('develp', environments)).toBe(
      'there is no environment "develp": did you mean "develop"?',
    );
    expect(refuseEnvironment('constructor', environments)).toContain('there is no environment');
    expect(refuseEnvironment('develop', environments)).toBeUndefined();
  });
});
