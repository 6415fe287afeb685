/** `nightshift link`: what it prints and refuses. test/slow/self-service.test.ts uses what it prints. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Cloud } from '#cli/cloud.ts';
import { type DevelopmentEnvironmentConfig, defineConfig } from '#model/config.ts';
import { nightshift } from './run-nightshift.ts';

/** 21:50 on a Wednesday in Tokyo. */
const NOW = new Date('2026-11-25T12:50:00Z');
const LINKS = [
  {
    what: 'Keep it up until 23:00 (Asia/Tokyo), or choose another time',
    id: 'k3v9x2ab',
    expires: '2026-11-25T23:00:00.000Z',
    address: 'https://abc.lambda-url.ap-northeast-1.on.aws/?l=a.b',
  },
] as const;
const WITH_LINKS = { selfService: { links: true } } as const;

/** `signed`: what the stack would sign. */
function link(
  line: readonly string[],
  given: {
    readonly environment?: Partial<DevelopmentEnvironmentConfig>;
    readonly signed?: Awaited<ReturnType<Cloud['signLinks']>>;
  },
  command = 'link',
) {
  const at = { account: '111111111111', region: 'ap-northeast-1' };
  const config = defineConfig({
    schedules: { office: { timeZone: 'Asia/Tokyo', up: ['Mon-Fri 08:00-22:00'] } },
    environments: {
      develop: { ...at, cluster: 'develop', schedule: 'office', ...given.environment },
      production: { ...at, cluster: 'production', production: true },
    },
  });
  const folder = mkdtempSync(join(tmpdir(), 'nightshift-link-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'nightshift.config.json');
  writeFileSync(file, JSON.stringify(config));
  const cloud: Pick<Cloud, 'now' | 'signLinks' | 'night' | 'announcedChanges'> = {
    now: () => NOW,
    signLinks: async () => given.signed,
    night: async () => ({ overrides: [], saved: [], corrupt: [] }),
    announcedChanges: async () => [],
  };
  return nightshift([command, ...line, '--config', file], { now: NOW, cloud: async () => cloud as Cloud });
}

describe('nightshift link', () => {
  test('prints each link with its author, until when they work and how to refuse them', async () => {
    const { code, out } = await link(['develop'], { environment: WITH_LINKS, signed: LINKS });
    expect(code).toBe(0);
    expect(out).toBe(
      [
        'develop: whoever has one of these links can use it until Thu 2026-11-26 08:00 (Asia/Tokyo); to refuse them: nightshift revoke-links develop',
        'Keep it up until 23:00 (Asia/Tokyo), or choose another time (link/k3v9x2ab)\n  https://abc.lambda-url.ap-northeast-1.on.aws/?l=a.b',
      ].join('\n\n'),
    );
  });

  test('prints one JSON document', async () => {
    const { out } = await link(['develop', '--json'], { environment: WITH_LINKS, signed: LINKS });
    expect(JSON.parse(out)).toMatchObject({
      environment: 'develop',
      links: [{ author: 'link/k3v9x2ab', expires: '2026-11-25T23:00:00.000Z' }],
    });
  });

  test('is named by the status, which prints no link: whoever reads one can use it', async () => {
    const { out } = await link(['develop'], { environment: WITH_LINKS, signed: LINKS }, 'status');
    expect(out).toContain('to hand one on: nightshift link develop');
    expect(out).not.toContain('https:');
    expect((await link(['develop'], {}, 'status')).out).not.toContain('nightshift link');
  });

  test.for([
    ['an environment without a page', ['develop'], {}, 'set selfService: { links: true } in its config'],
    ['production', ['production'], { environment: WITH_LINKS, signed: LINKS }, 'production environment'],
    [
      'a stack without a page',
      ['develop'],
      { environment: WITH_LINKS },
      'no page of self-service is deployed',
    ],
    [
      'a schedule without a stop',
      ['develop'],
      { environment: WITH_LINKS, signed: [] },
      'no stop in the next',
    ],
  ] as const)('refuses %s', async ([, line, given, problem]) => {
    const { code, out, err } = await link(line, given);
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain(problem);
  });
});
