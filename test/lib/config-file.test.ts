import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { CONFIG_VARIABLE, ConfigError, environmentOf, loadConfig } from '#lib/config-file.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightshift-'));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

async function written(name: string, source: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, source);
  return path;
}

const develop = `{ account: '111111111111', region: 'ap-northeast-1', cluster: 'develop' }`;

/** The message without the path of the folder. */
async function complaint(path: string): Promise<string> {
  const error = await loadConfig(path).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConfigError);
  return (error as ConfigError).message.replaceAll(`${folder}/`, '');
}

describe('the config file', () => {
  test('is the sample where nothing else is named', async () => {
    const { config, path } = await loadConfig();
    expect(Object.keys(config.environments)).toEqual(['develop', 'staging', 'production']);
    expect(path).toMatch(/nightshift\.config\.ts$/);
  });

  test('is the one that NIGHTSHIFT_CONFIG names', async () => {
    const path = await written('other.config.ts', `export default { environments: { develop: ${develop} } }`);
    vi.stubEnv(CONFIG_VARIABLE, path);
    const loaded = await loadConfig();
    expect(loaded.path).toBe(path);
    expect(Object.keys(loaded.config.environments)).toEqual(['develop']);
  });

  test('may be TypeScript, JavaScript or JSON', async () => {
    const json = JSON.stringify({
      environments: {
        develop: { account: '111111111111', region: 'ap-northeast-1', cluster: 'develop' },
      },
    });
    for (const [name, source] of [
      ['a.ts', `const name: string = 'develop';\nexport default { environments: { [name]: ${develop} } };`],
      ['a.mjs', `export default { environments: { develop: ${develop} } };`],
      ['a.json', json],
    ] as const) {
      const { config } = await loadConfig(await written(name, source));
      expect(Object.keys(config.environments), name).toEqual(['develop']);
    }
  });

  test.each([
    [
      'a.ts',
      `export default { environments: {\n  develop: ${develop},\n  develop: ${develop},\n} };`,
      '  line 3: "develop": the name stands twice in one object (first on line 2): rename or remove one',
    ],
    [
      'a.json',
      '{ "environments": { "develop": {},\n "develop": {} } }',
      '  line 2: "develop": the name stands twice in one object (first on line 1): rename or remove one',
    ],
    [
      'a.ts',
      `export default {\n  environments: { develop ${develop} },\n};`,
      `  line 2: environments: { develop ${develop} },: it cannot be read as TypeScript: expected "}" but found "{"`,
    ],
    [
      'a.json',
      '{ "environments": ',
      '  line 1: { "environments":: it cannot be read as JSON: unexpected end of file in JSON',
    ],
    [
      'a.ts',
      'export const config = 3;',
      '  it has no default export: write export default defineConfig({ … })',
    ],
    ['a.yaml', 'environments: {}', '  write the config as a .ts, .mts, .js, .mjs, .json file'],
    [
      'a.ts',
      'export default { environments: (undefined as unknown as { x: object }).x };',
      "  it fails while it is loaded (cannot read properties of undefined (reading 'x')): correct the expression",
    ],
    ['a.ts', 'export default 3;', '  3: write export default defineConfig({ environments: { … } })'],
  ])('%s with a mistake is answered with its place: %#', async (name, source, message) => {
    expect((await complaint(await written(name, source))).split('\n')).toContain(message);
  });

  test('that is not there is one clear message', async () => {
    expect(await complaint(join(folder, 'none.ts'))).toBe(
      'none.ts cannot be used:\n  there is no such file: write one, or name another with NIGHTSHIFT_CONFIG=path',
    );
    expect(await complaint(folder)).toContain('this is a directory: name the file in it');
  });

  test('that imports what is not there is told that it can do without', async () => {
    const path = await written(
      'a.mjs',
      `import { defineConfig } from './nowhere/config.ts';\nexport default defineConfig({});`,
    );
    expect(await complaint(path)).toMatch(/it imports what is not there|it fails while it is loaded/);
  });

  test('keeps the problems as data', async () => {
    const path = await written(
      'a.ts',
      `export default { environments: { develop: { ...${develop}, region: 'tokyo' } } };`,
    );
    await expect(loadConfig(path)).rejects.toMatchObject({
      problems: [
        {
          path: 'environments.develop.region',
          value: '"tokyo"',
          message: 'write an AWS region like "ap-northeast-1"',
        },
      ],
    });
  });

  test('gives an environment by name, and knows those there are', async () => {
    const loaded = await loadConfig();
    expect(environmentOf(loaded, 'develop').cluster).toBe('develop');
    expect(() => environmentOf(loaded, 'stagin')).toThrow(
      'environments: "stagin": there is no such environment: did you mean "staging"?',
    );
    expect(() => environmentOf(loaded, 'toString')).toThrow('there is no such environment');
  });
});
