/** The check of exchanges by AWS's models, on a model small enough to see through. */
import { describe, expect, test } from 'vitest';
import { judge } from './aws/models/exchange-faults.ts';
import { forbiddenInputs } from './aws/models/forbidden-inputs.ts';
import type { Models, ServiceModel } from './aws/models/service-model.ts';

const shapes: ServiceModel['shapes'] = {
  Request: {
    type: 'structure',
    required: ['Name'],
    members: { Name: { shape: 'Name' }, Size: { shape: 'Size' }, Tags: { shape: 'Tags' } },
  },
  Reply: {
    type: 'structure',
    required: ['State'],
    members: { State: { shape: 'State' }, At: { shape: 'Time' }, Tags: { shape: 'Tags' } },
  },
  Missing: {
    type: 'structure',
    members: { message: { shape: 'Text' } },
    error: { code: 'NotFound', httpStatusCode: 404 },
    exception: true,
  },
  Name: { type: 'string', min: 1, max: 8, pattern: '[a-z]+' },
  Size: { type: 'integer', min: 1, max: 9 },
  State: { type: 'string', enum: ['UP', 'DOWN'] },
  Tags: { type: 'list', member: { shape: 'Name' }, min: 1 },
  Text: { type: 'string' },
  Time: { type: 'timestamp' },
};

const modelOf = (protocol: string): ServiceModel => ({
  metadata: { protocol, apiVersion: '1' },
  operations: {
    Look: {
      name: 'Look',
      http: { method: 'POST', requestUri: '/' },
      input: { shape: 'Request' },
      output: { shape: 'Reply', ...(protocol === 'query' ? { resultWrapper: 'LookResult' } : {}) },
      errors: [{ shape: 'Missing' }],
    },
  },
  shapes,
});

const models = (protocol: string): Models => ({ version: 'a model', of: () => modelOf(protocol) });

function overJson(input: unknown, status: number, body: unknown) {
  return judge(models('json'), {
    service: 'small',
    request: {
      method: 'POST',
      path: '/',
      query: '',
      headers: { 'x-amz-target': 'Small_1.Look' },
      body: Buffer.from(JSON.stringify(input)),
    },
    reply: { status, headers: {}, body: JSON.stringify(body) },
  });
}

function overQuery(form: string, xml: string) {
  return judge(models('query'), {
    service: 'small',
    request: { method: 'POST', path: '/', query: '', headers: {}, body: Buffer.from(form) },
    reply: { status: 200, headers: {}, body: xml },
  });
}

describe('an exchange that fits its model', () => {
  test('has no fault in JSON, and what is empty in a reply is none', () => {
    expect(overJson({ Name: 'abc', Size: 3 }, 200, { State: 'UP', At: 1.5, Tags: [] })).toMatchObject({
      operation: 'small:Look',
      requestFaults: [],
      replyFaults: [],
    });
  });

  test('has no fault as a form and XML', () => {
    const verdict = overQuery(
      'Action=Look&Version=1&Name=abc&Size=3&Tags.member.1=x&Tags.member.2=y',
      '<LookResponse><LookResult><State>UP</State><At>2026-11-24T00:00:00Z</At><Tags><member>a</member></Tags></LookResult></LookResponse>',
    );
    expect(verdict).toMatchObject({
      input: { Name: 'abc', Size: 3, Tags: ['x', 'y'] },
      requestFaults: [],
      replyFaults: [],
    });
  });
});

describe('a fault', () => {
  test.each([
    [{ Size: 3 }, 'Look.Name is missing'],
    [{ Name: 'ABC' }, 'Look.Name is "ABC", which [a-z]+ does not match'],
    [{ Name: 'abcdefghi' }, 'Look.Name is 9 characters long, more than 8'],
    [{ Name: 'abc', Size: 10 }, 'Look.Size is 10, more than 9'],
    [{ Name: 'abc', Size: '3' }, 'Look.Size is "3", no integer'],
    [{ Name: 'abc', Tags: [] }, 'Look.Tags has 0 members, less than 1'],
    [{ Name: 'abc', Colour: 'red' }, 'Look.Colour is unknown'],
  ])('of the request %j is named', (input, fault) => {
    expect(overJson(input, 200, { State: 'UP' }).requestFaults).toEqual([fault]);
  });

  test.each([
    [200, { State: 'AWAY' }, ['Reply.State is "AWAY", none of UP, DOWN']],
    [200, { State: 'UP', At: 'now' }, ['Reply.At is no time']],
    [404, { __type: 'NotFound', message: 'no' }, []],
    [400, { __type: 'NotFound', message: 'no' }, ['NotFound of Look has the status 400, not 404']],
    [404, { __type: 'NotFound', why: 'x' }, ['NotFound.why is unknown']],
    [400, { __type: 'Surprise' }, ['Look is not known to answer Surprise']],
    [400, { __type: 'ThrottlingException' }, []],
  ])('of the reply %i %j is named', (status, body, faults) => {
    expect(overJson({ Name: 'abc' }, status, body).replyFaults).toEqual(faults);
  });

  test('of XML is named: an element that no member has, and a value of another type', () => {
    expect(
      overQuery(
        'Action=Look&Name=abc',
        '<LookResponse><LookResult><Stat>UP</Stat></LookResult></LookResponse>',
      ).replyFaults,
    ).toEqual(['Reply.State is missing', 'Reply.Stat is unknown']);
    expect(
      overQuery(
        'Action=Look&Name=abc&Size=three',
        '<LookResponse><LookResult><State>UP</State></LookResult></LookResponse>',
      ).requestFaults,
    ).toEqual(['Look.Size is "three", no integer']);
  });
});

test('the inputs that a model forbids have one thing wrong each', () => {
  const wrong = forbiddenInputs(modelOf('json'), 'Request', { Name: 'abc', Size: 3 });
  expect(wrong.map(({ what }) => what)).toEqual([
    'without Name',
    'Name as "\\u0007 !"',
    'Name as ""',
    'Name as "aaaaaaaaa"',
    'Size as 0',
    'Size as 10',
  ]);
  for (const { input } of wrong) expect(overJson(input, 200, { State: 'UP' }).requestFaults).not.toEqual([]);
});
