/** Reads an operation's parameters, which arrive as strings in the query protocols and typed in the JSON ones. */
import { AwsError } from '../../world/aws/index.ts';
import type { AwsRequest } from './service.ts';

export interface Parameters {
  text(name: string): string;
  optionalText(name: string): string | undefined;
  integer(name: string): number;
  optionalInteger(name: string): number | undefined;
  flag(name: string): boolean | undefined;
  /** Distinguishes an absent list from an empty one. */
  texts(name: string): readonly string[] | undefined;
  structures(name: string): readonly Readonly<Record<string, unknown>>[] | undefined;
  structure(name: string): Parameters | undefined;
  record(name: string): Readonly<Record<string, string>> | undefined;
  /** How many a page may hold: `fallback` when not given; more than `most` is refused. */
  pageSize(name: string, fallback: number, most: number): number;
}

const CONSTRAINT = 'failed to satisfy constraint';

function outOfRange(name: string, size: number, most: number): string {
  const limit = size < 1 ? 'greater than or equal to 1' : `less than or equal to ${most}`;
  return `1 validation error detected: Value '${size}' at '${lowerFirst(name)}' ${CONSTRAINT}: Member must have value ${limit}`;
}

/** `code`: how the service names a parameter that it does not accept. */
export function parametersOf(request: Pick<AwsRequest, 'parameters'>, code = 'ValidationError'): Parameters {
  const values = request.parameters;
  const refuse = (message: string) => new AwsError(code, message);
  const missing = (name: string) =>
    refuse(
      `1 validation error detected: Value at '${lowerFirst(name)}' ${CONSTRAINT}: Member must not be null`,
    );
  const listOf = <T>(name: string, what: string, isEntry: (entry: unknown) => boolean): T[] | undefined => {
    const value = values[name];
    if (value === undefined || value === null) return undefined;
    if (value === '') return [];
    if (!Array.isArray(value) || !value.every(isEntry))
      throw refuse(`${name} must be a list of ${what}, not ${JSON.stringify(value)}`);
    return value as T[];
  };
  const all: Parameters = {
    optionalText(name) {
      const value = values[name];
      if (value === undefined || value === null) return undefined;
      if (typeof value !== 'string') throw refuse(`${name} must be a string, not ${JSON.stringify(value)}`);
      return value;
    },
    text(name) {
      const value = all.optionalText(name);
      if (value === undefined || value === '') throw missing(name);
      return value;
    },
    optionalInteger(name) {
      const value = values[name];
      if (value === undefined || value === null || value === '') return undefined;
      const number =
        typeof value === 'number' ? value : /^-?\d+$/.test(String(value)) ? Number(value) : Number.NaN;
      if (!Number.isSafeInteger(number))
        throw refuse(`${name} must be an integer, not ${JSON.stringify(value)}`);
      return number;
    },
    integer(name) {
      const value = all.optionalInteger(name);
      if (value === undefined) throw missing(name);
      return value;
    },
    flag(name) {
      const value = values[name];
      if (value === undefined || value === null || value === '') return undefined;
      if (value === true || value === 'true') return true;
      if (value === false || value === 'false') return false;
      throw refuse(`${name} must be true or false, not ${JSON.stringify(value)}`);
    },
    texts: (name) => listOf(name, 'strings', (entry) => typeof entry === 'string'),
    structures: (name) => listOf(name, 'structures', (entry) => typeof entry === 'object' && entry !== null),
    structure(name) {
      const value = values[name];
      if (value === undefined || value === null) return undefined;
      if (typeof value !== 'object' || Array.isArray(value))
        throw refuse(`${name} must be a structure, not ${JSON.stringify(value)}`);
      return parametersOf({ parameters: value as Record<string, unknown> }, code);
    },
    record(name) {
      const value = values[name];
      if (value === undefined || value === null) return undefined;
      if (typeof value !== 'object' || Object.values(value).some((entry) => typeof entry !== 'string'))
        throw refuse(`${name} must be a map of strings, not ${JSON.stringify(value)}`);
      return value as Record<string, string>;
    },
    pageSize(name, fallback, most) {
      const size = all.optionalInteger(name) ?? fallback;
      if (size < 1 || size > most) {
        throw refuse(outOfRange(name, size, most));
      }
      return size;
    },
  };
  return all;
}

function lowerFirst(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}
