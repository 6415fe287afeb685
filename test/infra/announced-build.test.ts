import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compilePattern } from '@nightshift/lab/assembly/pattern.ts';
import { refusal } from '@nightshift/lab/assembly/permissions.ts';
import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { readAnnouncement } from '#functions/branch-deploy/announced-build.ts';
import { parseEvent } from '#functions/branch-deploy/event.ts';
import { settingsOf } from '#lib/settings/settings.ts';
import { aConfig, aDevelopment, NOW, statementsOf, templateOf } from './environments.ts';

const deploy = aDevelopment().deploy;
if (!deploy) throw new Error('the environment has no deploy');
const announced = deploy.builds.map((build) => ({ ...build, announced: true }));
const develop = aDevelopment({ deploy: { ...deploy, builds: announced } });
const settings = settingsOf(aConfig({ develop }), 'develop', NOW).branchDeploy;
if (!settings) throw new Error('the environment has no branch-deploy');

const EVENT = {
  version: '0',
  id: 'event-1',
  source: 'nightshift.build',
  'detail-type': 'api-develop',
  account: '111111111111',
  region: 'ap-northeast-1',
  time: '2026-11-22T00:00:00Z',
  resources: [],
  detail: {},
};

describe('builds that announce themselves', () => {
  const template = templateOf(develop);

  test('have a rule for their names, and senders of the same account', () => {
    const rules = Object.values(template.findResources('AWS::Events::Rule')).map(
      ({ Properties }) => Properties.EventPattern,
    );
    const pattern = rules.find((one) => one?.source?.includes('nightshift.build'));
    const matches = compilePattern(pattern);
    expect(matches(EVENT)).toBe(true);
    for (const other of [
      { 'detail-type': 'web-develop' },
      { 'detail-type': 'api-develop-2' },
      { source: 'nightshift.build.other' },
      { account: '222222222222' },
    ])
      expect(matches({ ...EVENT, ...other })).toBe(false);
  });

  test('without a project of CodeBuild there is no rule and no right for CodeBuild', () => {
    expect(JSON.stringify(statementsOf(template))).not.toContain('codebuild:');
    const rules = template.findResources('AWS::Events::Rule', {
      Properties: { EventPattern: Match.objectLike({ source: ['aws.codebuild'] }) },
    });
    expect(Object.keys(rules)).toEqual([]);
  });

  test('and those of CodeBuild have a rule each', () => {
    const [build] = deploy.builds;
    if (!build) throw new Error('there is no build');
    const both = [
      build,
      {
        ...build,
        project: 'web',
        repository: 'https://github.com/example/web',
        applications: ['web'],
        announced: true,
      },
    ];
    const sources = Object.values(
      templateOf(aDevelopment({ deploy: { ...deploy, builds: both } })).findResources('AWS::Events::Rule'),
    ).flatMap(({ Properties }) => Properties.EventPattern?.source ?? []);
    expect(sources).toEqual(expect.arrayContaining(['aws.codebuild', 'nightshift.build']));
  });
});

describe('the sample in docs/announce-build', () => {
  /** What the script would send, and how it ends where the bus answers with so many failures. */
  const announce = (variables: Record<string, string>, failures = 0) => {
    const folder = mkdtempSync(join(tmpdir(), 'nightshift-announce-'));
    const sent = join(folder, 'sent');
    const program = `#!/bin/sh\nprintf '%s\\n' "$@" > ${sent}\necho ${failures}\n`;
    writeFileSync(join(folder, 'aws'), program, { mode: 0o755 });
    try {
      execFileSync('sh', ['docs/announce-build/announce.sh'], {
        env: { PATH: `${folder}:/usr/bin:/bin`, ...variables },
        stdio: 'pipe',
      });
      const entry = readFileSync(sent, 'utf8')
        .split('\n')
        .find((line) => line.startsWith('Source='));
      const [, source, name, detail] = /^Source=(.*),DetailType=(.*),Detail='(.*)'$/.exec(entry ?? '') ?? [];
      return { ...EVENT, source, 'detail-type': name, detail: JSON.parse(detail ?? '') };
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
  const variables = {
    NIGHTSHIFT_BUILD: 'api-develop',
    BUILD_STATUS: 'SUCCEEDED',
    BUILD_RUN: '9876543210-1',
    BUILD_NUMBER: '42',
    BUILD_COMMIT: '0123456789abcdef0123456789abcdef01234567',
    BUILD_REF: 'refs/heads/develop',
  };
  const read = (payload: unknown) => {
    const event = parseEvent(payload);
    if (event.kind !== 'announcement') throw new Error(`it is read as ${event.kind}`);
    return readAnnouncement(event, settings, NOW);
  };

  test('sends what is accepted, with and without an image', () => {
    expect(read(announce(variables))).toMatchObject({
      ok: true,
      build: { id: 'api-develop:9876543210-1', number: 42, exported: {} },
    });
    expect(read(announce({ ...variables, IMAGE_TAG: 'develop-0123456' }))).toMatchObject({
      ok: true,
      build: { exported: { IMAGE_TAG: 'develop-0123456' } },
    });
  });

  test('fails where the event was not accepted, or a variable is missing', () => {
    const { BUILD_COMMIT: _, ...without } = variables;
    expect(() => announce(variables, 1)).toThrow();
    expect(() => announce(without)).toThrow();
  });

  test.each(['github-actions.yml', 'gitlab-ci.yml'])(
    '%s sets each variable that the script needs',
    (file) => {
      const workflow = readFileSync(`docs/announce-build/${file}`, 'utf8');
      for (const name of Object.keys(variables)) expect(workflow).toMatch(new RegExp(`^ +${name}: \\S`, 'm'));
    },
  );

  test('has a policy for one event, on one bus, under one name', () => {
    const { Statement } = JSON.parse(readFileSync('docs/announce-build/policy.json', 'utf8'));
    const role = {
      name: 'announce',
      arn: 'arn:aws:iam::111111111111:role/announce',
      account: '111111111111',
      trusted: [],
      managedPolicies: [],
      statements: Statement.map((one: Record<string, unknown>) => ({
        effect: one['Effect'],
        actions: [one['Action']],
        resources: [one['Resource']],
        conditions: one['Condition'],
      })),
    };
    const bus = 'arn:aws:events:ap-northeast-1:111111111111:event-bus/default';
    const put = (source: string, name: string, resource = bus) =>
      refusal(role, 'events:PutEvents', {
        resources: [resource],
        context: { 'events:source': [source], 'events:detail-type': [name] },
      });
    expect(put('nightshift.build', 'api-develop')).toBeUndefined();
    expect(put('nightshift.build', 'web-develop')).toBeDefined();
    expect(put('nightshift', 'api-develop')).toBeDefined();
    expect(put('nightshift.build', 'api-develop', bus.replace('111111111111', '222222222222'))).toBeDefined();
    expect(refusal(role, 'events:PutRule', { resources: [bus] })).toBeDefined();
  });
});
