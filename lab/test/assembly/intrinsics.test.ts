// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how Fn::Sub writes a variable
import { describe, expect, it } from 'vitest';
import { evaluateCondition, type Json, resolve, type Scope } from '#lab/assembly/intrinsics.ts';

const scope: Scope = {
  ref: (id) => ({ 'AWS::Region': 'ap-northeast-1', Fn: 'my-function' })[id] ?? `ref-${id}`,
  attribute: (id, name) => `${id}/${name}`,
  condition: (name) => name === 'Yes',
  mapping: (map, top, second) => `${map}.${top}.${second}`,
};

describe('an intrinsic function', () => {
  it.each<[string, Json, Json]>([
    ['Ref', { Ref: 'Fn' }, 'my-function'],
    ['Fn::GetAtt as a list', { 'Fn::GetAtt': ['Fn', 'Arn'] }, 'Fn/Arn'],
    ['Fn::GetAtt as a text', { 'Fn::GetAtt': 'Fn.Inner.Arn' }, 'Fn/Inner.Arn'],
    ['Fn::Join', { 'Fn::Join': ['-', ['a', { Ref: 'Fn' }, 1]] }, 'a-my-function-1'],
    ['Fn::Select', { 'Fn::Select': [1, { 'Fn::Split': ['/', { 'Fn::GetAtt': ['Fn', 'Arn'] }] }] }, 'Arn'],
    [
      'Fn::Sub',
      { 'Fn::Sub': 'x-${AWS::Region}-${Fn.Arn}-${!Literal}' },
      'x-ap-northeast-1-Fn/Arn-${Literal}',
    ],
    [
      'Fn::Sub with variables',
      { 'Fn::Sub': ['${a}-${Fn}', { a: { Ref: 'Fn' } }] },
      'my-function-my-function',
    ],
    ['Fn::If', { 'Fn::If': ['No', 1, { Ref: 'Fn' }] }, 'my-function'],
    ['Fn::FindInMap', { 'Fn::FindInMap': ['M', { Ref: 'Fn' }, 'b'] }, 'M.my-function.b'],
    ['AWS::NoValue', { a: { Ref: 'AWS::NoValue' }, b: [1, { Ref: 'AWS::NoValue' }] }, { b: [1] }],
    ['nothing of the kind', { a: [{ b: null }, true, 2] }, { a: [{ b: null }, true, 2] }],
  ])('%s is resolved', (_, value, expected) => {
    expect(resolve(value, scope)).toEqual(expected);
  });

  it('that is not known is an error', () => {
    expect(() => resolve({ a: [{ 'Fn::ImportValue': 'x' }] }, scope)).toThrow('Fn::ImportValue is not known');
  });

  it('that gets the wrong kind of argument is an error', () => {
    expect(() => resolve({ 'Fn::Join': ['-', 'a'] }, scope)).toThrow('Fn::Join needs a list');
    expect(() => resolve({ 'Fn::Select': [7, ['a']] }, scope)).toThrow('no element');
    expect(() => resolve({ Ref: { a: 1 } }, scope)).toThrow('Ref needs a string');
  });
});

describe('a condition', () => {
  it.each<[Json, boolean]>([
    [{ Condition: 'Yes' }, true],
    [{ 'Fn::Equals': [{ Ref: 'AWS::Region' }, 'ap-northeast-1'] }, true],
    [{ 'Fn::Not': [{ Condition: 'Yes' }] }, false],
    [{ 'Fn::And': [{ Condition: 'Yes' }, { Condition: 'No' }] }, false],
    [{ 'Fn::Or': [{ Condition: 'Yes' }, { Condition: 'No' }] }, true],
  ])('%j is %s', (value, expected) => {
    expect(evaluateCondition(value, scope)).toBe(expected);
  });

  it('that is not known is an error', () => {
    expect(() => evaluateCondition({ 'Fn::Contains': [] }, scope)).toThrow('not known');
  });
});
