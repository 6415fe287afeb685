/**
 * EventBridge's event patterns. `compilePattern` refuses a form that it does not know, so that an unknown form can
 * never look like a match or a miss. Rules: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
 */
import { AssemblyError } from './errors.ts';
import { isObject, type Json } from './intrinsics.ts';

export type Matcher = (event: unknown) => boolean;

/** Tests the values found under one key: none where the key is absent. */
type ValueTest = (values: readonly unknown[]) => boolean;

export function compilePattern(pattern: Json): Matcher {
  return compileObject(pattern, '');
}

function compileObject(pattern: Json, path: string): Matcher {
  if (!isObject(pattern) || Object.keys(pattern).length === 0) {
    throw new AssemblyError(
      `${path || 'the top'} of an event pattern must be an object with keys, not ${JSON.stringify(pattern)}`,
    );
  }
  const tests = Object.entries(pattern).map(([key, value]): Matcher => {
    const here = path ? `${path}.${key}` : key;
    if (key === '$or') return compileOr(value, path);
    if (Array.isArray(value)) {
      const test = compileValues(value, here);
      return (event) => test(valuesOf(event, key));
    }
    if (isObject(value)) {
      const nested = compileObject(value, here);
      return (event) => nestedObjects(event, key).some(nested);
    }
    throw new AssemblyError(
      `the event pattern contains ${JSON.stringify(value)} at ${here}: a value must be a list or an object`,
    );
  });
  return (event) => tests.every((test) => test(event));
}

function compileOr(alternatives: Json, path: string): Matcher {
  if (!Array.isArray(alternatives) || alternatives.length < 2 || !alternatives.every(isObject)) {
    throw new AssemblyError(
      `$or at ${path || 'the top'} of an event pattern needs a list of two or more objects`,
    );
  }
  const tests = alternatives.map((alternative) => compileObject(alternative, path));
  return (event) => tests.some((test) => test(event));
}

function compileValues(allowed: readonly Json[], path: string): ValueTest {
  if (allowed.length === 0) throw new AssemblyError(`the event pattern contains an empty list at ${path}`);
  const tests = allowed.map((item): ValueTest => {
    if (!isObject(item)) {
      if (Array.isArray(item))
        throw new AssemblyError(`the event pattern contains a list in a list at ${path}`);
      return any((value) => value === item);
    }
    const [operator = '', ...others] = Object.keys(item);
    if (others.length > 0)
      throw new AssemblyError(`the event pattern contains two operators at once at ${path}`);
    return compileOperator(operator, item[operator] ?? null, path);
  });
  return (values) => tests.some((test) => test(values));
}

function compileOperator(operator: string, operand: Json, path: string): ValueTest {
  switch (operator) {
    case 'exists':
      if (typeof operand !== 'boolean') break;
      return (values) => values.length > 0 === operand;
    case 'prefix':
    case 'suffix':
    case 'equals-ignore-case':
    case 'wildcard': {
      const test = textTest(operator, operand);
      if (!test) break;
      return any((value) => typeof value === 'string' && test(value));
    }
    case 'numeric': {
      const test = numericTest(operand);
      if (!test) break;
      return any((value) => typeof value === 'number' && test(value));
    }
    case 'anything-but': {
      const excluded = exclusion(operand);
      if (!excluded) break;
      return any((value) => !excluded(value));
    }
  }
  throw new AssemblyError(
    `the event pattern contains ${JSON.stringify({ [operator]: operand })} at ${path}, which the lab does not support`,
  );
}

function exclusion(operand: Json): ((value: unknown) => boolean) | undefined {
  if (isObject(operand)) {
    const [operator = '', ...others] = Object.keys(operand);
    if (others.length > 0) return undefined;
    const operands = Array.isArray(operand[operator]) ? operand[operator] : [operand[operator] ?? null];
    const tests = operands.map((one) => textTest(operator, one));
    if (tests.length === 0 || tests.some((test) => test === undefined)) return undefined;
    return (value) => typeof value === 'string' && tests.some((test) => test?.(value));
  }
  const list: readonly unknown[] = Array.isArray(operand) ? operand : [operand];
  const ofType = (type: 'string' | 'number') => list.every((one) => typeof one === type);
  return list.length > 0 && (ofType('string') || ofType('number'))
    ? (value) => list.includes(value)
    : undefined;
}

function textTest(operator: string, operand: Json): ((value: string) => boolean) | undefined {
  if ((operator === 'prefix' || operator === 'suffix') && isObject(operand)) {
    const wanted = operand['equals-ignore-case'];
    if (Object.keys(operand).length !== 1 || typeof wanted !== 'string') return undefined;
    const lower = wanted.toLowerCase();
    return operator === 'prefix'
      ? (value) => value.toLowerCase().startsWith(lower)
      : (value) => value.toLowerCase().endsWith(lower);
  }
  if (typeof operand !== 'string') return undefined;
  switch (operator) {
    case 'prefix':
      return (value) => value.startsWith(operand);
    case 'suffix':
      return (value) => value.endsWith(operand);
    case 'equals-ignore-case':
      return (value) => value.toLowerCase() === operand.toLowerCase();
    case 'wildcard': {
      const expression = wildcard(operand);
      return (value) => expression.test(value);
    }
    default:
      return undefined;
  }
}

function wildcard(operand: string): RegExp {
  if (operand.includes('**')) {
    throw new AssemblyError(
      `the wildcard '${operand}' in an event pattern contains '**', which EventBridge refuses`,
    );
  }
  const parts = operand.match(/\\[\\*]|\*|[^\\*]+|\\/g) ?? [];
  const source = parts.map((part) => {
    if (part === '*') return '[^]*';
    const literal = part.length === 2 && part.startsWith('\\') ? part.slice(1) : part;
    return literal.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
  });
  return new RegExp(`^${source.join('')}$`);
}

function numericTest(operand: Json): ((value: number) => boolean) | undefined {
  if (!Array.isArray(operand) || operand.length === 0 || operand.length % 2 !== 0) return undefined;
  const tests: ((value: number) => boolean)[] = [];
  for (let index = 0; index < operand.length; index += 2) {
    const bound = operand[index + 1];
    if (typeof bound !== 'number') return undefined;
    const compare = {
      '=': (value: number) => value === bound,
      '<': (value: number) => value < bound,
      '<=': (value: number) => value <= bound,
      '>': (value: number) => value > bound,
      '>=': (value: number) => value >= bound,
    }[String(operand[index])];
    if (!compare) return undefined;
    tests.push(compare);
  }
  return (value) => tests.every((test) => test(value));
}

function any(test: (value: unknown) => boolean): ValueTest {
  return (values) => values.some(test);
}

/** The values under a key: an array counts as each of its elements. */
function valuesOf(event: unknown, key: string): readonly unknown[] {
  if (!isObject(event) || !Object.hasOwn(event, key)) return [];
  const value = event[key];
  if (Array.isArray(value)) return value;
  return isObject(value) ? [] : [value];
}

/**
 * The objects that a nested pattern is tried on. An absent key is tried as an empty object, because
 * `{"exists": false}` may be asked of what would be below it.
 */
function nestedObjects(event: unknown, key: string): readonly unknown[] {
  const value = isObject(event) ? event[key] : undefined;
  if (Array.isArray(value)) return value.filter(isObject);
  return isObject(value) ? [value] : [{}];
}
