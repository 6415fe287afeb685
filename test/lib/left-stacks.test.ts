/** What synth warns of: stacks that the synthesis before had in the same folder. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { leftStackWarnings, sleepingStacksIn } from '#lib/left-stacks.ts';
import { runApp } from '#lib/run-app.ts';

const place = { account: '111111111111', region: 'ap-northeast-1' };

describe('a stack that is left', () => {
  const dev = { name: 'Nightshift-dev', ...place };

  test.for([
    [
      'renamed',
      [{ name: 'Nightshift-develop', ...place }],
      /Nightshift-dev of account 111111111111, ap-northeast-1 is not in the config any more/,
    ],
    [
      'moved to another account',
      [{ ...dev, account: '222222222222' }],
      /is in account 222222222222, ap-northeast-1 now, and was in account 111111111111/,
    ],
    [
      'moved to another region',
      [{ ...dev, region: 'eu-west-1' }],
      /is in account 111111111111, eu-west-1 now/,
    ],
  ] as const)(
    'because its environment was %s is a warning with the command that deletes it',
    ([, now, text]) => {
      const [warning, ...others] = leftStackWarnings([dev], now);
      expect(warning).toMatch(text);
      expect(warning).toContain(
        'aws cloudformation delete-stack --stack-name Nightshift-dev --region ap-northeast-1',
      );
      expect(others).toEqual([]);
    },
  );

  test('is none where every stack is still there', () => {
    expect(leftStackWarnings([dev], [dev, { ...dev, name: 'Nightshift-other' }])).toEqual([]);
  });
});

describe('a synthesis', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'nightshift-left-'));
    vi.stubEnv('CDK_VALIDATION', 'false');
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
    rmSync(folder, { recursive: true });
  });

  async function synth(environments: object): Promise<string> {
    const configPath = join(folder, 'nightshift.config.json');
    const schedules = { office: { timeZone: 'Asia/Tokyo', up: ['Mon-Fri 08:00-22:00'] } };
    writeFileSync(configPath, JSON.stringify({ schedules, environments }));
    const lines: string[] = [];
    const write = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      lines.push(String(text));
      return true;
    });
    await runApp({ configPath, outdir: join(folder, 'out') });
    write.mockRestore();
    return lines.filter((line) => !line.startsWith('Bundling')).join('');
  }

  test('names what sleeps and was renamed, and no production, which never sleeps', async () => {
    const sleeps = { ...place, cluster: 'develop', schedule: 'office' };
    const production = { ...place, cluster: 'production', production: true };
    expect(await synth({ dev: sleeps, live: production })).toBe('');
    expect(sleepingStacksIn(join(folder, 'out'))).toEqual([{ name: 'Nightshift-dev', ...place }]);
    expect(await synth({ develop: sleeps, production })).toMatch(
      /^warning: Nightshift-dev of account 111111111111, ap-northeast-1 is not in the config any more.*\n$/,
    );
    expect(await synth({ develop: sleeps, production })).toBe('');
  });

  test('over a folder that holds something else is none that warns', async () => {
    writeFileSync(join(folder, 'manifest.json'), '{"artifacts":{"a":{"type":"aws:cloudformation:stack"}');
    expect(sleepingStacksIn(folder)).toEqual([]);
    expect(sleepingStacksIn(join(folder, 'absent'))).toEqual([]);
  });
});
