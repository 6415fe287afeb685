import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PARTS } from './servers/parts.ts';
import { type Finding, sectionsOf, withSections } from './servers/report.ts';

const aFinding = (overrides: Partial<Finding> = {}): Finding => ({
  part: 'aws',
  behaviour: 'a group is set to zero',
  checkedOn: 'moto 5.2.5',
  result: 'as expected',
  notes: [],
  ...overrides,
});
const aws = (...findings: Finding[]) => sectionsOf([{ name: 'aws', title: 'AWS', findings }], '2026-11-23');
const awsNotRun = sectionsOf(
  [{ name: 'aws', title: 'AWS', missing: 'AWS_ENDPOINT_URL is not set', findings: [] }],
  '2026-11-24',
);

describe('the table of a conformance run', () => {
  test('tells behaviour, software, result and date, and counts them', () => {
    const section = aws(aFinding(), aFinding({ behaviour: 'a | b', result: 'differs' })).get('aws');
    expect(section).toContain('1 as expected, 1 different, 0 not there.');
    expect(section).toContain('| a group is set to zero | moto 5.2.5 | as expected | 2026-11-23 |');
    expect(section).toContain('| a \\| b | moto 5.2.5 | differs | 2026-11-23 |');
  });

  test('numbers a note once, however many rows it stands for', () => {
    const notes = ['moto has no such call'];
    const section = aws(
      aFinding({ result: 'not there', notes }),
      aFinding({ result: 'not there', notes }),
    ).get('aws');
    expect(section?.match(/not there \[1\]/g)).toHaveLength(2);
    expect(section?.match(/moto has no such call/g)).toHaveLength(1);
  });

  test('says why a part did not run', () => {
    expect(awsNotRun.get('aws')).toBe('## AWS\n\nNot run: AWS_ENDPOINT_URL is not set.');
  });
});

describe('the document', () => {
  test('keeps what was written by hand', () => {
    expect(withSections('# Conformance\n\nBy hand.\n', aws(aFinding()))).toMatch(
      /^# Conformance\n\nBy hand\.\n\n<!-- From/,
    );
  });

  test('replaces the table of a part that ran again', () => {
    const first = withSections('# C\n', aws(aFinding({ behaviour: 'old' })));
    const second = withSections(first, aws(aFinding({ behaviour: 'new' })));
    expect(second).toContain('| new |');
    expect(second).not.toContain('| old |');
    expect(withSections(second, aws(aFinding({ behaviour: 'new' })))).toBe(second);
  });

  test('keeps the last table of a part that could not run this time', () => {
    const first = withSections('# C\n', aws(aFinding()));
    expect(withSections(first, awsNotRun)).toBe(first);
  });
});

describe('a part', () => {
  test.each(PARTS)('$name says what is missing on a machine that has nothing', (part) => {
    expect(part.missing({ PATH: '' })).toMatch(/is not set|not on the PATH/);
  });

  test('names the programs that a folder lacks', () => {
    const kubernetes = PARTS.find(({ name }) => name === 'kubernetes');
    expect(kubernetes?.missing({ KUBEBUILDER_ASSETS: '/nowhere' })).toBe(
      'KUBEBUILDER_ASSETS has no etcd, kube-apiserver, kube-controller-manager, kube-scheduler',
    );
  });

  test.each([
    ['1.57.9', 'cfn-lint 1.57.9 is too old, 1.58.0 or newer is needed'],
    ['1.58.0', undefined],
    ['1.100.0', undefined],
  ])('that needs a version of a program takes %s for what it is', (version, missing) => {
    const folder = mkdtempSync(join(tmpdir(), 'nightshift-path-'));
    writeFileSync(join(folder, 'cfn-lint'), `#!/bin/sh\necho cfn-lint ${version}\n`, { mode: 0o755 });
    const templates = PARTS.find(({ name }) => name === 'templates');
    expect(templates?.missing({ PATH: `${folder}:${process.env['PATH']}` })).toBe(missing);
  });
});
