import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { matches } from '#cli/doctor/label-selector.ts';
import { createBuilds } from '#functions/adapters/aws/codebuild.ts';
import { parseEvent as parseBuildEvent } from '#functions/branch-deploy/event.ts';
import { builtImages } from '#functions/branch-deploy/images.ts';
import { emptyRecord } from '#functions/branch-deploy/record.ts';
import { request, settle } from '#functions/branch-deploy/record-changes.ts';
import { parseEvent as parseNotice } from '#functions/spot-drain/event.ts';
import { admitReturned } from '#functions/spot-drain/returning-pods.ts';
import { environmentOf, type LoadedConfig } from '#lib/config-file.ts';
import { scheduleOf } from '#lib/settings/schedule.ts';
import { settingsOf } from '#lib/settings/settings.ts';
import { checkConfig } from '#model/config/check.ts';
import { instanceNetwork } from '#model/instance-network.ts';
import { refuseEnvironment } from '#model/override.ts';
import { ownValue } from '#model/own-value.ts';
import { aConfig, aDevelopment, NOW } from '#test/infra/environments.ts';

/** What every object has without anybody having put it there. */
const INHERITED = Object.getOwnPropertyNames(Object.prototype);

test('a lookup by a name from outside finds what was put there, and nothing that is inherited', () => {
  const name = fc.oneof(fc.constantFrom(...INHERITED), fc.string());
  fc.assert(
    fc.property(fc.array(fc.tuple(name, fc.integer())), name, (entries, asked) => {
      expect(ownValue(Object.fromEntries(entries), asked)).toBe(new Map(entries).get(asked));
    }),
  );
});

describe.for(INHERITED)('%s', (name) => {
  const config = aConfig({ develop: aDevelopment() });

  test('is no environment, no schedule and no setting of the config', () => {
    expect(() => environmentOf({ config, path: 'nightshift.config.ts' } as LoadedConfig, name)).toThrow(
      'no environment',
    );
    expect(() => settingsOf(config, name, NOW)).toThrow(name);
    expect(() => scheduleOf(config, name, NOW)).toThrow();
    expect(refuseEnvironment(name, config.environments)).toContain('there is no environment');
    const { problems } = checkConfig({ ...config, ...Object.fromEntries([[name, 1]]) }, {
      has: () => true,
      candidates: () => [],
    } as never);
    for (const { message } of problems) expect(typeof message).toBe('string');
  });

  test('is the name of a CodeBuild project like any other', () => {
    const build = (number: number) => ({
      project: name,
      build: `${name}:${number}`,
      number,
      repository: 'https://github.com/example/api',
      branch: 'develop',
      recordedAt: '2026-11-24T12:00:00Z',
      trigger: 'event',
    });
    const empty = emptyRecord({ project: name, name });
    const first = request(empty, build(1));
    expect(first).toMatchObject({ kind: 'requested', record: { requested: [build(1)] } });
    if (first.kind !== 'requested') return;
    expect(request(first.record, build(1))).toEqual({ kind: 'duplicate' });
    const ended = settle(first.record, { outcome: 'deployed', reason: 'x' }, NOW);
    expect(ownValue(ended.newest, name)).toMatchObject({ build: `${name}:1`, outcome: 'deployed' });
    expect(request(ended, build(2))).toMatchObject({ kind: 'requested' });
  });

  test('is the name of an exported variable, and no image of its own', async () => {
    const images = [{ repository: 'example/api', tag: { exported: name } }];
    const source = { number: 1, branch: 'develop' };
    expect(builtImages(images, source, {})).toHaveProperty('refused');
    expect(builtImages([{ repository: 'example/api', tag: `{${name}}` }], source, {})).toHaveProperty(
      'refused',
    );
    const exportedEnvironmentVariables = [{ name, value: 'v1' }];
    const send = async () => ({ builds: [{ id: 'api:1', exportedEnvironmentVariables }] });
    const [build] = await createBuilds({ send } as never).read(['api:1']);
    expect(builtImages(images, source, build!.exported)).toMatchObject({ images: [{ version: 'v1' }] });
  });

  test('is no label, no instance type, no owner of pods and no kind of event', () => {
    expect(matches({ matchExpressions: [{ key: name, operator: 'Exists' }] }, {})).toBe(false);
    expect(instanceNetwork(name)).toBeUndefined();
    expect(instanceNetwork(`m5.${name}`)).toBeUndefined();
    const pod = { namespace: 'a', name: 'b', uid: 'c', controller: { uid: name } };
    const state = { phase: 'waiting', pod } as never;
    expect(admitReturned(state, {}, true)).toMatchObject({ state, returned: { [name]: ['c'] } });
    expect(parseBuildEvent({ source: name, 'detail-type': name })).toMatchObject({ kind: 'unknown' });
    const around = { account: '111111111111', region: 'ap-northeast-1', now: NOW };
    expect(parseNotice({ source: name, 'detail-type': name }, around)).toMatchObject({ kind: 'ignored' });
  });
});
