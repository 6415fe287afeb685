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
async function problemsOf(path: string): Promise<string> {
  const error = await loadConfig(path).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConfigError);
  return (error as ConfigError).message.replaceAll(`${folder}/`, '');
}

describe('the config file', () => {
  test('is the sample when nothing else is set', async () => {
    const { config, path } = await loadConfig();
    expect(Object.keys(config.environments)).toEqual(['develop', 'staging', 'production']);
    expect(path).toMatch(/nightshift\.config\.ts$/);
  });

  test('is the one in NIGHTSHIFT_CONFIG', async () => {
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
      '  line 3: "develop": duplicate name in one object (first on line 2): rename or remove one',
    ],
    [
      'a.json',
      '{ "environments": { "develop": {},\n "develop": {} } }',
      '  line 2: "develop": duplicate name in one object (first on line 1): rename or remove one',
    ],
    [
      'a.ts',
      `export default {\n  environments: { develop ${develop} },\n};`,
      `  line 2: environments: { develop ${develop} },: invalid TypeScript: expected "}" but found "{"`,
    ],
    [
      'a.json',
      '{ "environments": ',
      '  line 1: { "environments":: invalid JSON: unexpected end of file in JSON',
    ],
    [
      'a.ts',
      'export const config = 3;',
      '  it has no default export: add export default defineConfig({ … })',
    ],
    ['a.yaml', 'environments: {}', '  unsupported file type: use one of .ts, .mts, .js, .mjs, .json'],
    [
      'a.ts',
      'export default { environments: (undefined as unknown as { x: object }).x };',
      "  line 1: loading it failed (cannot read properties of undefined (reading 'x')): correct the expression",
    ],
    ['a.ts', 'export default 3;', '  3: write export default defineConfig({ environments: { … } })'],
  ])('%s with a problem is reported with its line: %#', async (name, source, message) => {
    expect((await problemsOf(await written(name, source))).split('\n')).toContain(message);
  });

  test('that does not exist is one clear message', async () => {
    expect(await problemsOf(join(folder, 'none.ts'))).toBe(
      'none.ts is invalid:\n  the file does not exist: create it, or set NIGHTSHIFT_CONFIG=path',
    );
    expect(await problemsOf(folder)).toContain('this is a directory: use the path of a file');
  });

  test('with an import that does not exist is refused, with a way without imports', async () => {
    const path = await written(
      'a.mjs',
      `import { defineConfig } from './nowhere/config.ts';\nexport default defineConfig({});`,
    );
    expect(await problemsOf(path)).toMatch(/an import does not exist|loading it failed/);
  });

  test('keeps its problems as data', async () => {
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

  test('returns an environment by name, and suggests existing names', async () => {
    const loaded = await loadConfig();
    expect(environmentOf(loaded, 'develop').cluster).toBe('develop');
    expect(() => environmentOf(loaded, 'stagin')).toThrow(
      'there is no environment "stagin" in nightshift.config.ts: did you mean "staging"?',
    );
    expect(() => environmentOf(loaded, 'toString')).toThrow('there is no environment');
  });
});
