/**
 * Resolves CloudFormation's intrinsic functions in a template. A function that is not known here is an error: a value
 * that was silently left unresolved would make the lab run something that AWS would not.
 */
import { AssemblyError } from './errors.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

export interface Scope {
  /** `Ref` of a parameter, a resource or a pseudo parameter. */
  ref(logicalId: string): Json;
  /** `Fn::GetAtt`. */
  attribute(logicalId: string, name: string): Json;
  condition(name: string): boolean;
  mapping(map: string, top: string, second: string): Json;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What `Ref: AWS::NoValue` resolves to: the property that holds it is left out. */
const NO_VALUE = Symbol('AWS::NoValue');

export function resolve(value: Json, scope: Scope): Json {
  const result = resolveAny(value, scope);
  return result === NO_VALUE ? null : result;
}

function resolveAny(value: Json, scope: Scope): Json | typeof NO_VALUE {
  if (Array.isArray(value)) {
    return value.map((item) => resolveAny(item, scope)).filter((item): item is Json => item !== NO_VALUE);
  }
  if (!isObject(value)) return value;
  const [name, ...others] = Object.keys(value);
  if (name !== undefined && others.length === 0 && (name === 'Ref' || name.startsWith('Fn::'))) {
    return call(name, value[name] ?? null, scope);
  }
  const entries = Object.entries(value)
    .map(([key, item]) => [key, resolveAny(item, scope)] as const)
    .filter((entry): entry is readonly [string, Json] => entry[1] !== NO_VALUE);
  return Object.fromEntries(entries);
}

function call(name: string, argument: Json, scope: Scope): Json | typeof NO_VALUE {
  switch (name) {
    case 'Ref':
      return argument === 'AWS::NoValue' ? NO_VALUE : scope.ref(text(name, argument));
    case 'Fn::GetAtt': {
      const [id, ...path] = typeof argument === 'string' ? argument.split('.') : list(name, argument);
      return scope.attribute(text(name, id), path.map((part) => text(name, part)).join('.'));
    }
    case 'Fn::Join': {
      const [separator, items] = list(name, argument);
      return list(name, resolve(items ?? null, scope))
        .map((item) => text(name, item))
        .join(text(name, separator));
    }
    case 'Fn::Select': {
      const [index, items] = list(name, argument);
      const chosen = list(name, resolve(items ?? null, scope))[Number(resolve(index ?? null, scope))];
      if (chosen === undefined) throw new AssemblyError(`Fn::Select has no element ${JSON.stringify(index)}`);
      return chosen;
    }
    case 'Fn::Split': {
      const [separator, source] = list(name, argument);
      return text(name, resolve(source ?? null, scope)).split(text(name, separator));
    }
    case 'Fn::Sub':
      return substitute(argument, scope);
    case 'Fn::If': {
      const [condition, then, otherwise] = list(name, argument);
      return resolveAny((scope.condition(text(name, condition)) ? then : otherwise) ?? null, scope);
    }
    case 'Fn::FindInMap': {
      const [map, top, second] = list(name, resolve(argument, scope)).map((part) => text(name, part));
      return scope.mapping(map ?? '', top ?? '', second ?? '');
    }
    default:
      throw new AssemblyError(
        `the intrinsic function ${name} is not known to the lab: add it to lab/assembly`,
      );
  }
}

function substitute(argument: Json, scope: Scope): string {
  const [template, variables] = Array.isArray(argument) ? argument : [argument, {}];
  const own = isObject(variables) ? variables : {};
  return text('Fn::Sub', template).replace(/\$\{([^}]+)\}/g, (_, name: string) => {
    if (name.startsWith('!')) return `\${${name.slice(1)}}`;
    if (own[name] !== undefined) return text('Fn::Sub', resolve(own[name] ?? null, scope));
    const [id = '', ...path] = name.split('.');
    return text('Fn::Sub', path.length > 0 ? scope.attribute(id, path.join('.')) : scope.ref(id));
  });
}

/** Evaluates one entry of the template's `Conditions`. */
export function evaluateCondition(value: Json, scope: Scope): boolean {
  if (isObject(value)) {
    const [name = ''] = Object.keys(value);
    const parts = () => list(name, value[name] ?? null);
    switch (name) {
      case 'Condition':
        return scope.condition(text(name, value[name]));
      case 'Fn::Equals':
        return (
          JSON.stringify(resolve(parts()[0] ?? null, scope)) ===
          JSON.stringify(resolve(parts()[1] ?? null, scope))
        );
      case 'Fn::Not':
        return !evaluateCondition(parts()[0] ?? null, scope);
      case 'Fn::And':
        return parts().every((part) => evaluateCondition(part, scope));
      case 'Fn::Or':
        return parts().some((part) => evaluateCondition(part, scope));
    }
  }
  throw new AssemblyError(`the condition ${JSON.stringify(value)} is not known to the lab`);
}

function text(where: string, value: Json | undefined): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new AssemblyError(`${where} needs a string and got ${JSON.stringify(value)}`);
}

function list(where: string, value: Json): readonly Json[] {
  if (Array.isArray(value)) return value;
  throw new AssemblyError(`${where} needs a list and got ${JSON.stringify(value)}`);
}
