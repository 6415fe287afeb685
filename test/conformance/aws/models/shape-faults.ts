/** What is wrong with a value by its shape in a service model. */
import type { ServiceModel, Shape } from './service-model.ts';

/**
 * In words, one per difference: unknown and missing members, types, enums, patterns, bounds. What is empty in a reply
 * is none: AWS answers `"tags": {}` and `"buildsNotFound": []`, as the examples of its command line show, where its
 * models ask for one member at least.
 */
export function faultsOf(
  model: ServiceModel,
  shapeName: string,
  value: unknown,
  at: string,
  side: 'request' | 'reply' = 'request',
): string[] {
  const shape = model.shapes[shapeName];
  if (!shape) throw new Error(`the model has no shape ${shapeName}`);
  if (shape.document) return [];
  switch (shape.type) {
    case 'structure':
      return structureFaults(model, shape, value, at, side);
    case 'list': {
      if (!Array.isArray(value)) return [`${at} is no list`];
      return [
        ...(value.length === 0 && side === 'reply'
          ? []
          : boundFaults(shape, value.length, `${at} has`, 'members')),
        ...value.flatMap((entry, index) =>
          faultsOf(model, shape.member?.shape ?? '', entry, `${at}[${index}]`, side),
        ),
      ];
    }
    case 'map': {
      if (!isRecord(value)) return [`${at} is no map`];
      const entries = Object.entries(value);
      return [
        ...(entries.length === 0 && side === 'reply'
          ? []
          : boundFaults(shape, entries.length, `${at} has`, 'entries')),
        ...entries.flatMap(([key, entry]) => [
          ...faultsOf(model, shape.key?.shape ?? '', key, `the key ${key} of ${at}`, side),
          ...faultsOf(model, shape.value?.shape ?? '', entry, `${at}.${key}`, side),
        ]),
      ];
    }
    case 'string':
      return stringFaults(shape, value, at);
    case 'boolean':
      return typeof value === 'boolean' ? [] : [`${at} is ${JSON.stringify(value)}, no boolean`];
    case 'integer':
    case 'long':
      return Number.isInteger(value)
        ? boundFaults(shape, value as number, `${at} is`, '')
        : [`${at} is ${JSON.stringify(value)}, no integer`];
    case 'float':
    case 'double':
      return typeof value === 'number' ? [] : [`${at} is ${JSON.stringify(value)}, no number`];
    case 'timestamp':
      return value instanceof Date && !Number.isNaN(value.getTime()) ? [] : [`${at} is no time`];
    case 'blob':
      return typeof value === 'string' || Buffer.isBuffer(value) ? [] : [`${at} is no blob`];
  }
}

function structureFaults(
  model: ServiceModel,
  shape: Shape,
  value: unknown,
  at: string,
  side: 'request' | 'reply',
): string[] {
  if (!isRecord(value)) return [`${at} is no structure`];
  const members = shape.members ?? {};
  return [
    ...(shape.required ?? [])
      .filter((name) => value[name] === undefined || value[name] === null)
      .map((name) => `${at}.${name} is missing`),
    ...Object.entries(value).flatMap(([name, entry]) => {
      const member = members[name];
      if (!member) return [`${at}.${name} is unknown`];
      if (entry === undefined || entry === null) return [];
      return faultsOf(model, member.shape, entry, `${at}.${name}`, side);
    }),
  ];
}

function stringFaults(shape: Shape, value: unknown, at: string): string[] {
  if (typeof value !== 'string') return [`${at} is ${JSON.stringify(value)}, no string`];
  const shown = JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  return [
    ...(shape.enum && !shape.enum.includes(value)
      ? [`${at} is ${shown}, none of ${listed(shape.enum)}`]
      : []),
    ...(shape.pattern && !matches(shape.pattern, value)
      ? [`${at} is ${shown}, which ${shape.pattern} does not match`]
      : []),
    ...boundFaults(shape, [...value].length, `${at} is`, 'characters long'),
  ];
}

function listed(values: readonly string[]): string {
  return values.length > 12 ? `${values.slice(0, 12).join(', ')}, …` : values.join(', ');
}

function boundFaults({ min, max }: Shape, size: number, what: string, unit: string): string[] {
  const said = `${what} ${size}${unit && ` ${unit}`}`;
  if (min !== undefined && size < min) return [`${said}, less than ${min}`];
  if (max !== undefined && size > max) return [`${said}, more than ${max}`];
  return [];
}

/** The whole value must match, as a constraint of Java does. */
function matches(pattern: string, value: string): boolean {
  try {
    return new RegExp(`^(?:${pattern})$`, 's').test(value);
  } catch {
    // An expression of Java that JavaScript does not know says nothing here.
    return true;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
