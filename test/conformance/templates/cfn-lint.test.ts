/** cfn-lint: CloudFormation's resource schemas and AWS's limits, on every template. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkedOn, note } from '../checked-on.ts';
import { synthesizeTemplates, type TemplateFile } from './templates.ts';

/** Rules that a template of ours does not follow, and why. */
const ACCEPTED: Readonly<Record<string, string>> = {
  I1022:
    'cfn-lint I1022 (Fn::Sub rather than Fn::Join): this is how the CDK writes a text with a reference in it',
  W3005:
    'cfn-lint W3005 (a dependency that a reference implies already): the CDK makes a function and a schedule wait for the role together with its policy, and of the two only the role is referred to',
};

const run = promisify(execFile);
let templates: Awaited<ReturnType<typeof synthesizeTemplates>>;
let version = 'cfn-lint';

beforeAll(async () => {
  templates = await synthesizeTemplates();
  version = (await run('cfn-lint', ['--version'])).stdout.trim();
});
afterAll(() => templates?.remove());
checkedOn(() => version);

interface Finding {
  readonly Rule: { readonly Id: string };
  readonly Message: string;
  readonly Location: { readonly Path: readonly (string | number)[] };
}

/** Informational rules too: they tell of what works today and is bound to hurt. */
async function lint({ file, region }: TemplateFile): Promise<readonly Finding[]> {
  const { stdout } = await run(
    'cfn-lint',
    ['--template', file, '--regions', region, '--include-checks', 'I', '--format', 'json'],
    { maxBuffer: 64 * 1024 * 1024 },
  ).catch((error: { stdout?: string; code?: unknown }) => {
    // It exits with the kinds of what it found.
    if (typeof error.code === 'number' && error.stdout?.startsWith('[')) return { stdout: error.stdout };
    throw error;
  });
  return JSON.parse(stdout || '[]');
}

describe('the template of', () => {
  test.for(['develop', 'staging', 'production', 'everything', 'beijing', 'virginia'])(
    '%s is one that CloudFormation takes in its region',
    async (name, context) => {
      const template = templates.files.find((file) => file.name === name);
      const findings = template ? await lint(template) : undefined;
      expect(findings).toBeDefined();
      const unexplained = findings
        ?.filter(({ Rule }) => !(Rule.Id in ACCEPTED))
        .map(({ Rule, Message, Location }) => `${Rule.Id} at ${Location.Path.join('/')}: ${Message}`);
      for (const id of new Set(findings?.map(({ Rule }) => Rule.Id)))
        if (ACCEPTED[id]) note(context, ACCEPTED[id]);
      expect(unexplained).toEqual([]);
    },
  );
});
