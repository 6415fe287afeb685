import type { Deployment, RoleSpec } from '@nightshift/lab/assembly/deployment.ts';
import { createAws } from '@nightshift/lab/world/aws/index.ts';
import { createContext } from '@nightshift/lab/world/context.ts';
import { expect, test } from 'vitest';
import { keepLedger, unusedOf } from './used.ts';

const at = { account: '111111111111', region: 'ap-northeast-1' };
const table = `arn:aws:dynamodb:${at.region}:${at.account}:table/nightshift`;

test('a ledger names the action, resource and partition that no call needed, and each denied call', () => {
  const aws = createAws(createContext({ start: new Date('2026-11-24T00:00:00Z'), seed: 1 }));
  const principal = aws.addPrincipal({ arn: `arn:aws:iam::${at.account}:role/a`, account: at.account });
  const role: RoleSpec = {
    name: 'a',
    arn: principal.arn,
    account: at.account,
    trusted: [],
    managedPolicies: [],
    statements: [
      {
        effect: 'Allow',
        actions: ['dynamodb:PutItem'],
        resources: [table],
        conditions: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['night', 'ledger'] } },
      },
      {
        effect: 'Allow',
        actions: ['eks:DescribeCluster', 'logs:PutLogEvents'],
        resources: ['*'],
        conditions: {},
      },
    ],
  };
  const functions = [{ name: 'night-schedule', roleArn: role.arn }];
  const ledger = keepLedger([{ functions, roles: [role] } as unknown as Deployment]);
  const parameters = { TableName: 'nightshift', Item: { pk: { S: 'night' } } };
  const call = { principal, action: 'dynamodb:PutItem', resource: table, region: at.region, parameters };
  ledger.note(call, undefined, aws);
  ledger.note({ ...call, action: 'eks:DeleteCluster' }, 'no policy allows it', aws);

  const [kept] = ledger.ledgers();
  expect(kept && unusedOf(kept)).toEqual([`dynamodb:PutItem ${table} ledger`, 'eks:DescribeCluster *']);
  expect(kept?.refused).toEqual(['eks:DeleteCluster: no policy allows it']);
});
