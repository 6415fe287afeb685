/** cfn-lint on the templates of the example platform. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { platformStackOf } from '#test/platform/a-platform.ts';
import { checkedOn, note } from '../checked-on.ts';
import { cfnLintVersion, lint, unexplained } from './lint.ts';

const ACCEPTED: Readonly<Record<string, string>> = {
  I1022:
    'cfn-lint I1022 (Fn::Sub rather than Fn::Join): this is how the CDK writes a text with a reference in it',
  I3042: 'cfn-lint I3042 (a partition in an ARN): the example is for the partition aws',
  W3005:
    'cfn-lint W3005 (a dependency that a reference implies already): the CDK makes a cluster wait for its subnets together with their routes, and of the two only the subnets are referred to',
  W3010:
    'cfn-lint W3010 (names of zones): the config names three zones, so that synth works offline and a zone never changes by itself',
};

let folder: string;
let version = 'cfn-lint';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'platform-templates-'));
  version = await cfnLintVersion();
});
afterAll(() => rm(folder, { recursive: true, force: true }));
checkedOn(() => version);

describe('the template of the platform of', () => {
  test.for(['develop', 'staging', 'production', 'sandbox'] as const)(
    '%s is one that CloudFormation takes in its region',
    async (name, context) => {
      const file = path.join(folder, `${name}.template.json`);
      await writeFile(file, JSON.stringify(platformStackOf(name).template.toJSON()));
      const findings = await lint({ name, region: 'ap-northeast-1', file });
      for (const id of new Set(findings.map(({ Rule }) => Rule.Id)))
        if (ACCEPTED[id]) note(context, ACCEPTED[id]);
      expect(unexplained(findings, ACCEPTED)).toEqual([]);
    },
  );
});
