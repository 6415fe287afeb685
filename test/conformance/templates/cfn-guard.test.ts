/** cfn-guard with the rules of AWS Control Tower, as the CDK's validator brings them, on every template. */
import { readFile } from 'node:fs/promises';
import { CfnGuardValidator } from '@cdklabs/cdk-validator-cfnguard';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkedOn, note } from '../checked-on.ts';
import { synthesizeTemplates } from './templates.ts';

/** Rules that a template of ours does not follow, and why. */
const ACCEPTED: Readonly<Record<string, string>> = {
  cloudwatch_log_group_retention_period_check:
    'CT.CLOUDWATCH.PR.2 (logs kept for a year): decisions are kept in the table for 90 days and logs for as long as they help to explain one; a year of them would cost more and say nothing else',
  cloudwatch_log_group_encrypted_check:
    'CT.CLOUDWATCH.PR.3 (logs under a key of KMS): CloudWatch encrypts them with a key of its own; nothing secret is logged, and a customer key costs a dollar a month for each environment',
  codebuild_project_environment_privileged_check:
    'CT.CODEBUILD.PR.4 (no privileged builds): the option `docker` of a build asks for it, and is off by default',
  dynamodb_table_encrypted_kms_check:
    'CT.DYNAMODB.PR.2 (the table under a key of KMS): DynamoDB encrypts it with a key of its own; it holds sizes, names and times, and a request to KMS for each write would be one more thing that can refuse at night',
  lambda_inside_vpc_check:
    'CT.LAMBDA.PR.3 (functions in a VPC): the option `network` puts them there; without it they reach the public endpoints of AWS and of the cluster without a NAT gateway, which costs more than everything else',
  kms_create_grant_aws_service_check:
    'CT.KMS.PR.3 (grants for services of AWS only): the key of the links signs texts, its policy lets the account decide, and no statement of ours allows kms:CreateGrant',
  lambda_function_public_access_prohibited_check:
    'CT.LAMBDA.PR.2 (no public function): the page of self-service is for people without AWS credentials; the function checks the signature of the link, and selfService.signIn puts it behind a load balancer',
  lambda_function_url_auth_check:
    'CT.LAMBDA.PR.5 (function URLs with IAM): for the same reason, a browser has no AWS credentials',
  step_functions_state_machine_logging_enabled_check:
    'CT.STEPFUNCTIONS.PR.1 (a log of each state machine): the function that it invokes logs what it did, and a log group for each would cost more than the watchdog',
  step_functions_state_machine_tracing_enabled_check:
    'CT.STEPFUNCTIONS.PR.2 (X-Ray for each state machine): two steps have nothing to trace, and X-Ray would need permissions on all resources',
  sqs_dlq_check: 'CT.SQS.PR.1 (a dead-letter queue for each queue): the queues are dead-letter queues',
};

const guard = new CfnGuardValidator();
let templates: Awaited<ReturnType<typeof synthesizeTemplates>>;
let version = 'cfn-guard';

beforeAll(async () => {
  templates = await synthesizeTemplates();
  const beside = new URL('../guard-version.json', import.meta.resolve('@cdklabs/cdk-validator-cfnguard'));
  version = `cfn-guard ${JSON.parse(await readFile(beside, 'utf8')).version}, ${guard.ruleIds?.length} rules`;
});
afterAll(() => templates?.remove());
checkedOn(() => version);

describe('the template of', () => {
  test.for(['develop', 'staging', 'production', 'everything', 'beijing', 'virginia'])(
    '%s follows the rules of AWS Control Tower',
    (name, context) => {
      const template = templates.files.find((file) => file.name === name);
      const { violations } = guard.validate({ templatePaths: [template?.file ?? ''] } as never);
      for (const { ruleName } of violations) if (ACCEPTED[ruleName]) note(context, ACCEPTED[ruleName]);
      expect(
        violations
          .filter(({ ruleName }) => !(ruleName in ACCEPTED))
          .map(
            ({ ruleName, violatingResources }) =>
              `${ruleName}: ${violatingResources.map((one) => one.resourceLogicalId).join(', ')}`,
          ),
      ).toEqual([]);
    },
  );
});
