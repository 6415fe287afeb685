/** cfn-lint: CloudFormation's resource schemas and AWS's limits, on every template. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkedOn, note } from '../checked-on.ts';
import { cfnLintVersion, lint, unexplained } from './lint.ts';
import { synthesizeTemplates } from './templates.ts';

/** Rules that a template of ours does not follow, and why. */
const ACCEPTED: Readonly<Record<string, string>> = {
  I1022:
    'cfn-lint I1022 (Fn::Sub rather than Fn::Join): this is how the CDK writes a text with a reference in it',
  W3005:
    'cfn-lint W3005 (a dependency that a reference implies already): the CDK makes a function and a schedule wait for the role together with its policy, and of the two only the role is referred to',
};

let templates: Awaited<ReturnType<typeof synthesizeTemplates>>;
let version = 'cfn-lint';

beforeAll(async () => {
  templates = await synthesizeTemplates();
  version = await cfnLintVersion();
});
afterAll(() => templates?.remove());
checkedOn(() => version);

describe('the template of', () => {
  test.for(['develop', 'staging', 'production', 'everything', 'every option', 'beijing', 'virginia'])(
    '%s is one that CloudFormation takes in its region',
    async (name, context) => {
      const template = templates.files.find((file) => file.name === name);
      const findings = template ? await lint(template) : undefined;
      expect(findings).toBeDefined();
      for (const id of new Set(findings?.map(({ Rule }) => Rule.Id)))
        if (ACCEPTED[id]) note(context, ACCEPTED[id]);
      expect(unexplained(findings ?? [], ACCEPTED)).toEqual([]);
    },
  );
});
