import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { BUNDLE_LIMIT, bundle, handlerOf } from '#lib/function-bundle.ts';
import { settingsOf } from '#lib/settings.ts';
import type { Capability } from '#model/decision.ts';
import { aConfig, aDevelopment, NOW } from './environments.ts';

const settings = settingsOf(aConfig({ develop: aDevelopment() }), 'develop', NOW);
const functions = [
  ['night-schedule', settings.nightSchedule],
  ['spot-drain', settings.spotDrain],
  ['branch-deploy', settings.branchDeploy],
] as const;

describe.for(functions)('the bundle of %s', ([capability, own]) => {
  const directory = mkdtempSync(join(tmpdir(), 'nightshift-bundle-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  const { bytes, parts } = bundle(capability, directory);

  test(`has at most ${BUNDLE_LIMIT / 1000} KB`, () => {
    const written = readdirSync(directory).map((file) => readFileSync(join(directory, file)).length);
    expect(bytes).toBe(written.reduce((all, length) => all + length));
    expect(bytes).toBeLessThanOrEqual(BUNDLE_LIMIT);
  });

  test('leaves the chain of credentials and the Kubernetes client out', () => {
    const names = parts.map((part) => part.name);
    expect(names.filter((name) => /credential-provider|token-providers|nested-clients/.test(name))).toEqual(
      [],
    );
    expect(names).not.toContain('@kubernetes/client-node');
    expect(names).toContain('eks-nightshift');
  });

  test('imports no module of Node, which would read every one of its exports', () => {
    const code = readdirSync(directory).map((file) => readFileSync(join(directory, file), 'utf8'));
    expect(code.join('\n').match(/\b(?:from|import)\s*"(?:node:)?[a-z_/]+"/g) ?? []).toEqual([]);
    expect(code.join('\n')).toContain('getBuiltinModule("node:https")');
  });

  test('is all that a function needs: it loads beside nothing else, with the environment of its template', () => {
    const answer = execFileSync(
      process.execPath,
      ['--input-type=module', '-e', `console.log(typeof (await import('./index.mjs')).handler)`],
      {
        cwd: directory,
        encoding: 'utf8',
        env: {
          AWS_REGION: 'ap-northeast-1',
          AWS_ACCESS_KEY_ID: 'id',
          AWS_SECRET_ACCESS_KEY: 'key',
          NIGHTSHIFT_SETTINGS: JSON.stringify(own),
          NIGHTSHIFT_TABLE: 'nightshift-develop',
          POWERTOOLS_SERVICE_NAME: capability,
        },
      },
    );
    expect(answer.trim()).toBe('function');
  });
});

test('a handler that is not there is an error that names it', () => {
  expect(() => handlerOf('day-shift' as Capability)).toThrow(
    'the handler of day-shift is missing: functions/day-shift/handler.ts does not exist',
  );
});
